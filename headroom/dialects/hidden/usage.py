"""Adds up token usage over the rounds of one answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from headroom.conversation import Json
from headroom.dialects.shapes import tokens_of


def with_sums(last: Mapping[str, Json], earlier: Sequence[Mapping[str, Json]], names: Iterable[str]) -> dict[str, Json]:
    """The last round's usage with these counts of all rounds; one that no round gives is not made up."""
    counts = {
        name: [count for each in (*earlier, last) if (count := tokens_of(each.get(name))) is not None] for name in names
    }
    return {**last, **{name: sum(found) for name, found in counts.items() if found}}
