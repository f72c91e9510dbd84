"""The demonstration's figures as aligned text, and as JSON."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from headroom.conversation import Json
from headroom.demo.show import Shown
from headroom.demo.weigh import Outcome

WIDTH = 100
"""Columns; a common terminal's."""

KINDS = 18
"""Rows of the table by kind of output; the rest is summed up in one."""

Row = tuple[str, int, int, int]
"""Name, number of outputs, tokens before, tokens after."""


def kinds(outcomes: Sequence[Outcome]) -> list[Row]:
    """Outputs summed by kind, those that saved most first."""
    sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for output in (output for outcome in outcomes for output in outcome.outputs):
        held = sums[output.kind]
        held[0] += 1
        held[1] += output.before
        held[2] += output.after
    rows = [(name, number, before, after) for name, (number, before, after) in sums.items()]
    return sorted(rows, key=lambda row: (row[3] - row[2], -row[2], row[0]))


def text(shown: Shown, seconds: float) -> str:
    return "\n".join([
        *_sessions(shown), "", *_kinds(shown), "", *_compressors(shown), *_checks(shown, seconds), "",
        "Next, for your own agent:", "  headroom proxy",
        "  ANTHROPIC_BASE_URL=http://127.0.0.1:8787 claude", "",
    ])


def _sessions(shown: Shown) -> Iterator[str]:
    yield f"{'session':<22} {'turns':>5} {'tokens sent':>12} {'with Headroom':>14} {'saved':>8} {'prefix kept':>12} {'added p50':>11}"
    for outcome, added in zip(shown.outcomes, shown.added, strict=True):
        turns = len(outcome.session.turns)
        kept = f"{outcome.kept}/{outcome.turns}"
        yield (f"{outcome.session.client[:22]:<22} {turns:>5} {outcome.before:>12,} {outcome.after:>14,} "
               f"{share(outcome.before, outcome.after):>8} {kept:>12} {added:>8.2f} ms")
    before, after = (sum(values) for values in zip(*((o.before, o.after) for o in shown.outcomes), strict=True))
    yield f"{'all requests':<22} {sum(len(o.session.turns) for o in shown.outcomes):>5} {before:>12,} {after:>14,} {share(before, after):>8}"


def _kinds(shown: Shown) -> Iterator[str]:
    yield f"{'output of tools':<22} {'count':>5} {'tokens':>12} {'with Headroom':>14} {'saved':>8}"
    rows = kinds(shown.outcomes)
    for name, number, before, after in [*rows[:KINDS], *_rest(rows[KINDS:])]:
        yield f"{name[:22]:<22} {number:>5} {before:>12,} {after:>14,} {share(before, after):>8}"
    yield from (f"{name:<22} {number:>5} {before:>12,} {after:>14,} {share(before, after):>8}"
                for name, number, before, after in [_sum("each output once", rows)])


def _rest(rows: Sequence[Row]) -> Iterator[Row]:
    if rows:
        yield _sum(f"{len(rows)} other kinds", rows)


def _sum(name: str, rows: Sequence[Row]) -> Row:
    return name, sum(row[1] for row in rows), sum(row[2] for row in rows), sum(row[3] for row in rows)


def _compressors(shown: Shown) -> Iterator[str]:
    if not shown.compressors:
        return
    yield f"{'shortened by':<22} {'count':>5} {'tokens':>12} {'with Headroom':>14} {'saved':>8}"
    for name, row in sorted(shown.compressors.items(), key=lambda item: item[1]["after"] - item[1]["before"]):
        yield (f"{name[:22]:<22} {row['parts']:>5} {row['before']:>12,} {row['after']:>14,} "
               f"{share(row['before'], row['after']):>8}")
    yield ""


def _checks(shown: Shown, seconds: float) -> Iterator[str]:
    kept, turns = (sum(values) for values in zip(*((o.kept, o.turns) for o in shown.outcomes), strict=True))
    yield f"Prefix kept turn by turn: {kept}/{turns} (what the model got extends what it got before, byte for byte)."
    yield f"Bound reasoning: {shown.refused} requests refused, {shown.dropped} pieces of reasoning ignored by the model."
    if shown.fetched is None:
        yield "Nothing was shortened, so there is no original to fetch back."
    else:
        verdict = "equal byte for byte" if shown.fetched.equal else "NOT EQUAL"
        yield f"GET /v1/retrieve/{shown.fetched.key} gave back {shown.fetched.characters:,} characters, {verdict}."
    yield f"All of this was measured in this run of {seconds:.1f} s; tokens are {shown.counter}."


def share(before: int, after: int) -> str:
    return f"{100 * (before - after) / before:.1f} %" if before else "-"


def as_json(shown: Shown, seconds: float) -> Json:
    return {
        "sessions": [
            {
                "name": outcome.session.name, "client": outcome.session.client, "requests": len(outcome.session.turns),
                "tokens_before": outcome.before, "tokens_after": outcome.after, "not_200": outcome.refused,
                "prefix_kept": outcome.kept, "prefix_turns": outcome.turns, "added_ms_p50": round(added, 3),
            }
            for outcome, added in zip(shown.outcomes, shown.added, strict=True)
        ],
        "outputs": [
            {"kind": name, "count": number, "tokens_before": before, "tokens_after": after}
            for name, number, before, after in kinds(shown.outcomes)
        ],
        "compressors": dict(shown.compressors),
        "retrieved": None if shown.fetched is None else asdict(shown.fetched),
        "refused": shown.refused, "dropped_reasoning": shown.dropped, "counter": shown.counter, "seconds": round(seconds, 2),
    }


def fine(shown: Shown) -> bool:
    """Whether the run showed what it should."""
    whole = all(outcome.kept == outcome.turns and not outcome.refused for outcome in shown.outcomes)
    return (
        whole and not shown.refused and not shown.dropped and shown.fetched is not None and shown.fetched.equal
    )
