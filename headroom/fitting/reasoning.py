"""Whose reasoning a cut makes untrue: signed or encrypted, and made behind elements that are no longer as they were.

What the model thought after the cut was made behind what the cut left, and stays. What it thought before is left out from
the first edit on, as one run: providers take any such run away, but never one with a hole.
"""

from __future__ import annotations

from collections.abc import Sequence

from headroom.dialects.ties import Ties
from headroom.fitting.choice import Cut
from headroom.fitting.notes import anchors


def untrue(ties: Sequence[Ties], cuts: Sequence[Cut]) -> frozenset[int]:
    """Elements that stay, but not the reasoning in them."""
    gone = frozenset[int]().union(*(cut.dropped for cut in cuts))
    found: set[int] = set()
    for cut in cuts:
        first = min((*anchors(ties, gone, cut.dropped), *cut.folded), default=len(ties))
        found.update(i for i in range(first, min(cut.at + 1, len(ties))) if ties[i].bound and i not in gone)
    return frozenset(found)
