"""Adds up token usage over the rounds of one answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from headroom.conversation import Json
from headroom.dialects.shapes import mapping, tokens_of


def with_sums(last: Mapping[str, Json], earlier: Sequence[Mapping[str, Json]], names: Iterable[str]) -> dict[str, Json]:
    """The last round's usage with these counts of all rounds; one that no round gives is not made up."""
    counts = {
        name: [count for each in (*earlier, last) if (count := tokens_of(each.get(name))) is not None] for name in names
    }
    return {**last, **{name: sum(found) for name, found in counts.items() if found}}


def of_all(last: Json, earlier: Sequence[Mapping[str, Json]], given: str, made: str) -> Json:
    """As OpenAI's APIs have it: input as the last round had it, which holds all before; output of all, and its details. `given`
    and `made` are their names for input and output."""
    if not isinstance(last, dict):
        return last
    details = f"{made}_details"
    usage = with_sums(last, earlier, (made,))
    if isinstance(found := last.get(details), dict):
        usage[details] = with_sums(found, [mapping(each.get(details)) for each in earlier], found)
    if "total_tokens" in usage:
        usage["total_tokens"] = sum(tokens_of(usage.get(name)) or 0 for name in (given, made))
    return usage
