"""Where the texts that were edited stood in a body, and what was put there, so that the same edits cost nothing the next time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from operator import eq

from headroom.conversation import Address
from headroom.dialects.document_memo import Link, Run
from headroom.traces import shared

Cut = tuple[int, int, bytes]
"""From, to (exclusive), and what stands there instead."""

_TRACE = "cuts"


@dataclass(frozen=True, slots=True)
class Cuts:
    """Of the elements of one array."""

    at: int
    """Where the array opened."""
    links: Sequence[Link]
    addresses: list[Address]
    texts: list[str]
    cuts: list[Cut | None]
    """One for each text; None where it stays as it came."""


def same(run: Run, addresses: list[Address], texts: list[str]) -> list[Cut | None]:
    """Those of the edits at the head that were made before in the same elements."""
    old: Cuts | None = run.traces.find(_TRACE)
    if old is None:
        return []
    count = len(old.texts)
    if addresses[:count] != old.addresses or texts[:count] != old.texts:
        count = min(_equal(addresses, old.addresses), _equal(texts, old.texts))
    known = shared(run.links, old.links)
    if known < len(old.links):
        count = len(list(takewhile(lambda address: address[1] < known, addresses[:count])))  # type: ignore[operator]
    moved = run.at - old.at
    if not moved:
        return old.cuts[:count]
    return [None if cut is None else (cut[0] + moved, cut[1] + moved, cut[2]) for cut in old.cuts[:count]]


def leave(run: Run, addresses: list[Address], texts: list[str], cuts: list[Cut | None]) -> None:
    """For the next time."""
    if all(isinstance(at := address[1], int) and at < len(run.links) for address in addresses):
        run.traces.leave(_TRACE, Cuts(run.at, run.links, addresses, texts, cuts))


def _equal(one: Sequence[object], other: Sequence[object]) -> int:
    return len(list(takewhile(bool, map(eq, one, other))))
