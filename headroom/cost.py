"""What an exchange cost, and an estimate of what it would have cost without us.

Without us the request would have had the tokens that were saved, and each would have paid what its neighbours paid: what
stands in turns sent before is read from the provider's cache where the rest of them is, what is new is written to it or
paid in full. A cache that our own change missed would have been read, and an answer would have been made in one round.
"""

from __future__ import annotations

from collections.abc import Mapping

from headroom.budget import nanos
from headroom.conversation import Usage
from headroom.prices import Model
from headroom.record import Cost, Record

UNCHARGED = ("/count_tokens", ":countTokens", "/input_tokens")
"""How paths end that only count tokens."""

KEPT = frozenset(("hit", "bust", "rewritten"))
"""Causes (see headroom.cacheguard) with which all of what was sent before would have been read from the cache without us."""


def cost(record: Record, model: Model | None) -> Cost:
    """Of one exchange, as far as its record tells; `model` None where the price table has no such."""
    rounds, estimated = _rounds(record)
    if not rounds:
        return Cost()
    if model is None:
        return Cost(unpriced=True, estimated=estimated)
    hit = record.cache == "hit"
    spent = 0 if hit else sum(nanos(model.cost(usage)) for usage in rounds)
    if not (record.tokens_saved or record.report.edits or record.prompt_cache.lost or hit or len(rounds) > 1):
        return Cost(spent, estimated=estimated)
    new = _new(record)
    saved = nanos(model.cost(_without(record, rounds[0], sum(new.values())))) - spent
    by_tool = {} if hit else {tool: round(tokens * _rate(model, rounds[0])) for tool, tokens in new.items()}
    return Cost(spent, saved, by_tool, estimated=estimated)


def _rounds(record: Record) -> tuple[tuple[Usage, ...], bool]:
    """What the provider charges, round by round, and whether that is an estimate; nothing where it charges nothing.

    Providers do not charge for errors. Where one was asked and did not say, it will have read the input.
    """
    usage = record.spared if record.cache == "hit" else record.usage
    if not record.model or record.status >= 400 or record.path.endswith(UNCHARGED):
        return (), False
    said = (usage.input_tokens, usage.cache_read_tokens, usage.cache_write_tokens)
    if all(tokens is None for tokens in said):
        asked = record.dialect and (record.status or record.overhead_ms) and record.cache != "hit"
        return ((Usage(record.tokens_after, usage.output_tokens),) if asked else ()), bool(asked)
    return usage.rounds or (usage,), bool(record.error) or usage.output_tokens is None


def _new(record: Record) -> Mapping[str, float]:
    """Tokens saved in what was sent for the first time, by tool; what we put in counts against it, under no tool.

    Edits are estimated; where the sums were counted exactly since, these are brought to the same measure.
    """
    report, found = record.report, dict[str, float]()
    for edit in report.edits:
        found[edit.tool] = found.get(edit.tool, 0) + edit.before - edit.after
    measure = record.tokens_saved / report.saved if report.saved * record.tokens_saved > 0 else 1.0
    return {tool: tokens * measure for tool, tokens in found.items()}


def _without(record: Record, first: Usage, new: float) -> Usage:
    """The usage of the same request without us."""
    fresh, read, written = _input(first)
    whole, cache = fresh + read + written, record.prompt_cache
    kept = cache.cause in KEPT or (not cache.cause and read > 0)
    share = 1.0 if kept else read / max(whole, 1)
    again = min(cache.lost, fresh + written) if cache.cause in ("bust", "rewritten") else 0
    old = round((record.tokens_saved - new) * share)
    rest = record.tokens_saved - old - again
    at_write = round(rest * _written_share(first))
    writes = max(0, written + at_write)
    return Usage(
        max(0, fresh + rest - at_write), first.output_tokens, max(0, read + old + again), writes,
        cache_write_long_tokens=round(writes * _long_share(first)),
    )


def _rate(model: Model, usage: Usage) -> float:
    """Billionths of a dollar for a token that is new to the provider, as it was paid in this exchange."""
    rates, share, lasting = model.at(sum(_input(usage))), _written_share(usage), _long_share(usage)
    write = rates.write_long * lasting + rates.write_short * (1 - lasting)
    return 1000 * (write * share + rates.input * (1 - share))  # USD per million → billionths per token


def _written_share(usage: Usage) -> float:
    """Of the tokens that were not read from a cache, how many were written to one."""
    fresh, _, written = _input(usage)
    return written / (fresh + written) if fresh + written else 0.0


def _long_share(usage: Usage) -> float:
    """Of the tokens that were written to a cache, how many for its long lifetime."""
    return min(1.0, (usage.cache_write_long_tokens or 0) / usage.cache_write_tokens) if usage.cache_write_tokens else 0.0


def _input(usage: Usage) -> tuple[int, int, int]:
    return usage.input_tokens or 0, usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
