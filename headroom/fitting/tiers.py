"""Whether a conversation that crosses into a dearer price tier is cut to stay below it.

Some models charge the whole request at other rates once its input is longer than a threshold: Gemini's Pro from 200,000
tokens, OpenAI's from 272,000, about twice as much. A cut makes what stays be written to the cache once more, at the lower
rates. It follows from what stands before the crossing alone, as a cut for the window does, so every turn and every worker
comes to the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headroom.fitting.choice import Budget, Cut, Tier
from headroom.fitting.elements import Element
from headroom.fitting.notes import anchors
from headroom.fitting.worth import Rates, Rewrite, expected, worth_it


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where a model's prices change, in tokens as we estimate them, and to what."""

    limit: int
    below: Rates
    above: Rates


def tier(bounds: Bounds | None, window: Budget) -> Tier | None:
    """None where prices do not rise below the window's end."""
    if bounds is None or bounds.limit >= window.limit:
        return None
    budget = Budget(bounds.limit, 0, window.overhead, window.low)

    def pays(elements: Sequence[Element], cuts: Sequence[Cut], cut: Cut, sizes: Mapping[int, int]) -> bool:
        """The output, which is dearer too, is left out of it: nobody knows how much there will be."""
        found = rewrite(elements, cuts, cut, sizes, budget)
        return found is not None and worth_it(found, bounds.below, bounds.above)

    return Tier(budget, pays)


def rewrite(
    elements: Sequence[Element], cuts: Sequence[Cut], cut: Cut, sizes: Mapping[int, int], budget: Budget
) -> Rewrite | None:
    """What a cut comes to. Reasoning behind it goes with it, as where the window is outgrown; all may be cached; the gain ends
    where the conversation has grown back to the tier."""
    ties = [each.ties for each in elements]
    gone = cut.dropped.union(*(each.dropped for each in cuts))
    first = min((*anchors(ties, gone, cut.dropped), *cut.folded), default=None)
    if first is None:
        return None
    before = min(budget.overhead + sum(size for i, size in sizes.items() if i < first), cut.after)
    turns = steps(elements)
    growth = max(1.0, sum(each.tokens for each in elements) / max(1, turns))
    room = int((budget.limit - cut.after) / growth)
    return Rewrite(cut.before - cut.after, cut.after - before, before, None, max(1, min(expected(turns), room)))


def steps(elements: Sequence[Element]) -> int:
    """How often the model has spoken."""
    sides = [each.ties.side for each in elements]
    return sum(side == "assistant" and (i == 0 or sides[i - 1] != "assistant") for i, side in enumerate(sides))
