"""The account of an audit as JSON and as aligned text: what the same work would have cost, worst session first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import PurePath

from headroom.audit.bill import Bill
from headroom.audit.passage import Mode
from headroom.audit.replay import Outcome
from headroom.audit.tally import Row, Rows, Tally, total
from headroom.audit.way import Way
from headroom.conversation import Json

ROWS = 15
"""Rows of a table of outputs; the rest is summed up in one."""

NAME = 34
"""Columns of a session's name."""

LOSSLESS: Mode = "lossless"

WHY = ("Past rewritten: fit, it would have outgrown its model's window; tier, it would have come to a dearer tier; cold, the provider had nothing of it cached; priced, it pays. "
       "What that saved: beside the same with the past left as it was, as if windows had no end.")


def whole(bills: Sequence[Bill]) -> Bill:
    return sum(bills, Bill())


def saved(direct: Bill, way: Bill) -> float:
    """Share of the dollars, or of the input tokens where there is no price."""
    before, after = (direct.usd, way.usd) if direct.usd else (direct.input, way.input)
    return 1 - after / before if before else 0.0


def worst_first(outcomes: Sequence[Outcome], mode: str) -> list[Outcome]:
    return sorted(outcomes, key=lambda outcome: (saved(outcome.direct, outcome.ways[mode].bill), -outcome.direct.usd, outcome.name))


def as_json(outcomes: Sequence[Outcome], modes: Sequence[str]) -> Json:
    return {
        "estimated": True,
        "reported": _bill(whole([o.reported for o in outcomes])),
        "direct": _bill(whole([o.direct for o in outcomes])),
        "modes": {mode: {**_bill(whole([o.ways[mode].bill for o in outcomes])), **_details(outcomes, mode)} for mode in modes},
        "unpriced_models": sorted(_unpriced(outcomes)),
        "sessions": [_session(outcome, modes) for outcome in worst_first(outcomes, modes[0])],
    }


def _bill(bill: Bill) -> dict[str, Json]:
    return {**asdict(bill), "input": bill.input, "usd": bill.usd}


def _details(outcomes: Sequence[Outcome], mode: str) -> dict[str, Json]:
    tally = total([outcome.ways[mode].tally for outcome in outcomes])
    ways = [outcome.ways[mode] for outcome in outcomes]
    return {
        "prefix_kept_bytes": sum(way.kept for way in ways), "prefix_bytes": sum(way.owed for way in ways),
        "by_tool": _rows(tally.tools), "by_kind": _rows(tally.kinds), "left_alone": _rows(tally.left), "failed": tally.failed,
        "views": sum(way.views for way in ways), "fetching_all": _bill(whole([way.fetching for way in ways])),
        "rewrites": dict(reasons(ways)), "rewritten_bytes": sum(way.rewritten for way in ways), "rewrites_saved_usd": brought(ways),
        "outgrown": sum(way.outgrown for way in ways),
        "sent_tokens": tally.sent, "not_tool_output_tokens": tally.not_outputs,
    }


def _rows(rows: Rows) -> Json:
    return {name: asdict(row) for name, row in rows.items()}


def _session(outcome: Outcome, modes: Sequence[str]) -> Json:
    return {
        "name": outcome.name, "client": outcome.client, "broken_lines": outcome.broken, "models": dict(outcome.models),
        "tokens_per_estimated": outcome.scale.factor, "hidden_tokens": outcome.scale.hidden, "measured": outcome.scale.measured,
        "reported": _bill(outcome.reported), "direct": _bill(outcome.direct), "outgrown": outcome.outgrown,
        **{mode: _way(outcome, outcome.ways[mode]) for mode in modes},
    }


def _way(outcome: Outcome, way: Way) -> Json:
    return {**_bill(way.bill), "saved": saved(outcome.direct, way.bill), "rewrites": dict(way.rewrites), "rewrites_saved_usd": brought([way])}


def reasons(ways: Sequence[Way]) -> Counter[str]:
    """Why the past was rewritten → how often."""
    return sum((Counter(way.rewrites) for way in ways), Counter())


def brought(ways: Sequence[Way]) -> float:
    """Dollars that rewriting the past has saved; below 0 where it cost more."""
    return sum(way.unrewritten.usd - way.bill.usd for way in ways if way.unrewritten is not None)


def text(outcomes: Sequence[Outcome], modes: Sequence[str], sessions: int, warning: str | None = None) -> str:
    """`sessions`: how many of them to list; `warning`: of the price table."""
    lines = [*_totals(outcomes, modes), "", *_sessions(outcomes, modes, sessions)]
    tables: dict[tuple[str, ...], list[str]] = {}
    for mode in modes:
        tables.setdefault((*_tables(total([outcome.ways[mode].tally for outcome in outcomes])),), []).append(mode)
    for table, alike in tables.items():
        lines += ["", f"each output once, {' and '.join(alike)}, estimated tokens:", *table]
    return "\n".join([*lines, "", *_notes(outcomes, modes), *([f"Note: {warning}."] if warning else []), ""])


def _totals(outcomes: Sequence[Outcome], modes: Sequence[str]) -> Iterator[str]:
    direct = whole([outcome.direct for outcome in outcomes])
    yield f"{counted(len(outcomes), 'session')}, {counted(direct.requests, 'request')}; replayed here, nothing was sent anywhere."
    yield ""
    yield f"{'':<24} {'input tokens':>14} {'read':>14} {'written':>12} {'uncached':>12} {'input $':>10} {'output $':>10} {'all $':>10} {'saved':>8}"
    reported = whole([outcome.reported for outcome in outcomes])
    if reported.requests:
        yield _total("billed, as reported", reported, "")
    yield _total("direct, estimated", direct, "")
    for mode in modes:
        bill = whole([outcome.ways[mode].bill for outcome in outcomes])
        yield _total(f"{mode}, estimated", bill, percent(saved(direct, bill)))
    for mode in modes:
        kept, owed = (sum(getattr(outcome.ways[mode], name) for outcome in outcomes) for name in ("kept", "owed"))
        yield f"prefix kept, {mode}: {percent(kept / owed) if owed else '-'} of {owed:,} bytes that the provider had seen before"
    for mode in modes:
        yield from _rewrites(mode, [outcome.ways[mode] for outcome in outcomes])
    outgrown = sum(outcome.outgrown for outcome in outcomes)
    if outgrown:
        left = ", ".join(f"{sum(outcome.ways[mode].outgrown for outcome in outcomes)} {mode}" for mode in modes)
        yield f"more than the model's window holds: {outgrown} requests direct, which a provider refuses ({left}); they are priced as if it did not"


def _rewrites(mode: str, ways: Sequence[Way]) -> Iterator[str]:
    why = reasons(ways)
    if why:
        told = ", ".join(f"{count} {reason}" for reason, count in sorted(why.items()))
        gain = brought(ways)
        yield (f"past rewritten, {mode}: {sum(why.values())} times ({told}), {sum(way.rewritten for way in ways):,} bytes sent anew; "
               f"that {'saved' if gain >= 0 else 'cost'} ${abs(gain):.4f}")


def _total(name: str, bill: Bill, share: str) -> str:
    return (f"{name:<24} {bill.input:>14,} {bill.read:>14,} {bill.written:>12,} {bill.fresh:>12,} "
            f"{bill.input_usd:>10.4f} {bill.output_usd:>10.4f} {bill.usd:>10.4f} {share:>8}").rstrip()


def _sessions(outcomes: Sequence[Outcome], modes: Sequence[str], count: int) -> Iterator[str]:
    heads = "".join(f" {mode + ' $':>12} {'saved':>8}" for mode in modes)
    yield f"{'session, worst first':<{NAME}} {'client':<12} {'requests':>8} {'input tokens':>13} {'direct $':>10}{heads}"
    rows = worst_first(outcomes, modes[0])
    for outcome in rows[:count]:
        cells = "".join(f" {o.usd:>12.4f} {percent(saved(outcome.direct, o)):>8}" for o in (outcome.ways[mode].bill for mode in modes))
        direct = outcome.direct
        yield f"{_name(outcome.name):<{NAME}} {outcome.client:<12} {direct.requests:>8} {direct.input:>13,} {direct.usd:>10.4f}{cells}"
    if len(rows) > count:
        yield f"… and {len(rows) - count} that save more"


def _name(name: str) -> str:
    path = PurePath(name)
    return f"{path.parent.name[-(NAME // 2 - 1):]}/{path.stem}"[:NAME]


def _tables(tally: Tally) -> Iterator[str]:
    for title, rows in (("output of", tally.tools), ("shortened by", tally.kinds)):
        if not rows:
            continue
        yield f"  {title:<32} {'count':>7} {'tokens':>12} {'with Headroom':>14} {'saved':>8} {'$ saved':>10}"
        listed = sorted(rows.items(), key=lambda item: (-item[1].usd, item[1].after - item[1].before, item[0]))
        rest = Row()
        for _, row in listed[ROWS:]:
            rest.add(row.before, row.after, row.parts, row.usd)
        for name, row in (*listed[:ROWS], *([(f"{len(listed) - ROWS} more", rest)] if listed[ROWS:] else [])):
            yield (f"  {name[:32]:<32} {row.parts:>7} {row.before:>12,} {row.after:>14,} "
                   f"{percent(1 - row.after / row.before if row.before else 0):>8} {row.usd:>10.4f}")
        yield ""
    if tally.left:
        yield f"  {'left alone':<32} {'count':>7} {'tokens':>12}"
    for name, row in sorted(tally.left.items(), key=lambda item: (-item[1].before, item[0])):
        yield f"  {name:<32} {row.parts:>7} {row.before:>12,}"
    yield from (f"  failed: {name} {count}" for name, count in tally.failed.items())
    if tally.sent:
        yield f"  {percent(tally.not_outputs / tally.sent)} of what the files show of all requests is no tool output and is never touched"


def _notes(outcomes: Sequence[Outcome], modes: Sequence[str]) -> Iterator[str]:
    unpriced = _unpriced(outcomes)
    if unpriced:
        lost = whole([outcome.direct for outcome in outcomes]).unpriced
        yield f"No price is known of {', '.join(sorted(unpriced))}: {counted(lost, 'request')} counted in tokens, not in dollars."
    dates = sorted({date for outcome in outcomes for date in outcome.models.values() if date})
    yield f"Prices hold since {dates[0] if dates else '-'}{f' to {dates[-1]}, by model' if dates[1:] else ''}. Output is counted as reported, the same for all."
    hidden = [outcome for outcome in outcomes if outcome.scale.hidden]
    if hidden:
        yield (f"Estimated from the first request's usage: what {counted(len(hidden), 'transcript')} left out (tool definitions, system prompt), "
               f"{min(o.scale.hidden for o in hidden):,} to {max(o.scale.hidden for o in hidden):,} tokens; it is never shortened here.")
    yield "The cache is simulated: prefixes by blocks; 5 min or 1 h (Anthropic), 30 min (OpenAI), 5 min assumed (Gemini); the files' time stamps."
    if set(modes) - {LOSSLESS}:
        yield _fetching(outcomes, modes)
    if reasons([outcome.ways[mode] for outcome in outcomes for mode in modes]):
        yield WHY
    broken = sum(outcome.broken for outcome in outcomes)
    if broken:
        yield f"Could not be read: {counted(broken, 'line or file', 'lines or files')}."


def _fetching(outcomes: Sequence[Outcome], modes: Sequence[str]) -> str:
    mode = next(mode for mode in modes if mode != LOSSLESS)
    views = sum(outcome.ways[mode].views for outcome in outcomes)
    told = f"With the definition of headroom_retrieve in every request, as if the model asked for none of the {views} originals again"
    share = break_even(outcomes, mode)
    if share is None:
        return f"{told}."
    cost = whole([outcome.ways[mode].fetching for outcome in outcomes]).usd
    other = LOSSLESS if LOSSLESS in modes else "direct"
    return f"{told}; all of them, once each, would cost ${cost:.4f} more. Cheaper than {other} up to {percent(share)} of them."


def break_even(outcomes: Sequence[Outcome], mode: str) -> float | None:
    """The share of originals asked for again from which a mode costs more than lossless, or than direct where lossless was not
    reckoned; at most 1."""
    other, lossy, fetching = (
        whole(bills).usd for bills in (
            [o.ways[LOSSLESS].bill if LOSSLESS in o.ways else o.direct for o in outcomes],
            [o.ways[mode].bill for o in outcomes], [o.ways[mode].fetching for o in outcomes],
        )
    )
    return min(1.0, max(0.0, (other - lossy) / fetching)) if fetching else None


def _unpriced(outcomes: Sequence[Outcome]) -> set[str]:
    return {model or "(unnamed)" for outcome in outcomes for model, date in outcome.models.items() if date is None}


def counted(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"
