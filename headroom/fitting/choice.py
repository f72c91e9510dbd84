"""Choose what a conversation leaves out so that it fits its model's window, and choose the same on every later turn.

The conversation is gone through from its start. At the element with which it outgrows the window, enough units are taken
away to reach a low-water mark well below, so that this happens seldom; then on to the next crossing. What is chosen at a
crossing depends on nothing behind it. Where prices rise with the length, a tier is a second, lower limit: what stands above
it is cut only if that pays.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import heapify, heappop, heappush

from headroom.fitting.elements import Element
from headroom.fitting.scores import Order, scores
from headroom.fitting.units import LIVE, Unit, units

LOW_WATER = 0.6
"""Share of what fits that is left after a cut: each one costs the whole prompt cache behind it, so the next should be far."""

NOTE = 120
"""Tokens set aside for the note of what is gone, one an exchange: a marker of some 300 characters."""

PATIENCE = 100
"""Where nothing could be taken away, it is tried again after this part of the window more."""

TIER_PATIENCE = 10
"""Likewise where it would not have paid, of the tier: nothing is refused meanwhile, and to choose takes 0.2 s a megabyte."""

Folds = Callable[[int, int], Mapping[int, int]]
"""Element of a crossing, and tokens to come down to → elements before it that a deeper fold makes shorter, and their tokens then."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What there is room for, in tokens."""

    window: int
    output: int
    """Room for the answer."""
    overhead: int = 0
    """What is sent besides the conversation: system text, tools."""
    low: float = LOW_WATER

    @property
    def limit(self) -> int:
        return self.window - self.output

    @property
    def low_water(self) -> int:
        return int(self.low * self.limit)


@dataclass(frozen=True, slots=True)
class Cut:
    """What one crossing led to."""

    at: int
    """The element with which the conversation outgrew the window."""
    folded: Mapping[int, int]
    """Elements to be folded deeper, and their tokens then."""
    dropped: frozenset[int]
    """Elements to be taken away."""
    before: int
    after: int
    """Tokens of everything up to `at`, the notes reckoned at NOTE each."""
    low: int | None = field(default=None, compare=False)
    """Tokens it was to come down to; of use only until it is recorded. None: it was made for another reason."""


Pays = Callable[[Sequence[Element], Sequence[Cut], Cut, Mapping[int, int]], bool]
"""Elements up to the crossing, cuts before it, a cut there, and the tokens of what is left without it → whether it pays."""


@dataclass(frozen=True, slots=True)
class Tier:
    """A length from which the whole request is dearer."""

    budget: Budget
    """What there is room for below it."""
    pays: Pays


@dataclass(frozen=True, slots=True)
class Policy:
    """How to choose."""

    order: Order = "scores"
    importance: Mapping[str, float] = field(default_factory=dict)
    """Tool → 0 … 1, pinned for the conversation."""
    folds: Folds | None = None
    """Tried before anything is dropped; None: not at all."""
    foreign: int = 0
    """Elements before it were sent before we saw the conversation, and stay."""
    live: int = LIVE
    """Steps at the end that stay, if there is room for them."""
    tier: Tier | None = None


DEFAULT = Policy()


@dataclass(frozen=True, slots=True)
class Fit:
    """All cuts so far, and what they come to."""

    cuts: tuple[Cut, ...] = ()
    tokens: int = 0
    fits: bool = True
    """Else the provider will refuse: too much of it must stay."""

    @property
    def dropped(self) -> frozenset[int]:
        return frozenset().union(*(cut.dropped for cut in self.cuts))

    @property
    def folded(self) -> frozenset[int]:
        return frozenset(i for cut in self.cuts for i in cut.folded) - self.dropped


def fit(
    elements: Sequence[Element], budget: Budget, policy: Policy = DEFAULT, known: Sequence[Cut] = (), first: int = 0
) -> Fit:
    """The cuts of a conversation. Those of a longer one begin with those of any of its beginnings.

    `known` are its first cuts, as far as somebody remembers them: they are taken as they are, which spares the choice.
    `first`: what stands before it was sent without any other cut: where one was needed, none was possible.
    Only where a cut is chosen do the texts of elements matter. Their tokens are always those without any cut.
    """
    course = _Course(budget, policy)
    last = max((cut.at for cut in known), default=-1)
    remembered = {cut.at: cut for cut in known}
    for at, element in enumerate(elements):
        course.add(at, element)
        if at in remembered:
            course.make(remembered[at])
        elif at > last:
            course.choose(elements, at, tried=at >= first)
    return Fit(tuple(course.cuts), course.total, course.total <= budget.limit)


def most_cuts(tokens: int, budget: Budget) -> int:
    """How often a conversation of so many tokens, had nothing been taken away, may have been cut."""
    over, step = tokens - budget.limit, max(1, budget.limit - budget.low_water)
    return 0 if over <= 0 else 1 - (-over // step)


def _by_need(cuts: Sequence[Cut], budget: Budget) -> int:
    """How many cuts were made because the conversation outgrew the limit."""
    return sum(cut.before > budget.limit for cut in cuts)


class _Course:
    """One conversation, element by element."""

    def __init__(self, budget: Budget, policy: Policy) -> None:
        self._policy, self._window = policy, budget
        tier = policy.tier
        self._limits = [budget] if tier is None else [tier.budget, budget]
        self._patience = dict.fromkeys(self._limits, 0)
        """Tokens up to which nothing is tried again."""
        self.total = self._raw = budget.overhead
        self._sizes: dict[int, int] = {}
        self.cuts: list[Cut] = []

    def add(self, at: int, element: Element) -> None:
        self.total, self._raw = self.total + element.tokens, self._raw + element.tokens
        self._sizes[at] = element.tokens

    def choose(self, elements: Sequence[Element], at: int, *, tried: bool) -> None:
        """A cut at this element, if one is due. Not `tried`: it was not possible, or did not pay."""
        for limit in self._limits:
            if not self._outgrown(limit):
                continue
            cut = self._cut(limit, elements[: at + 1]) if tried else None
            if cut is not None:
                self.make(cut)
                break
            self._wait(limit)

    def make(self, cut: Cut) -> None:
        self.cuts.append(cut)
        self._sizes.update(cut.folded)
        for i in cut.dropped:
            self._sizes.pop(i, None)
        self.total = cut.after
        for limit in self._limits:
            self._wait(limit)

    def _outgrown(self, limit: Budget) -> bool:
        over = self.total > max(limit.limit, self._patience[limit])
        return over and _by_need(self.cuts, limit) < most_cuts(self._raw, limit)

    def _wait(self, limit: Budget) -> None:
        part = limit.window // (PATIENCE if limit is self._window else TIER_PATIENCE)
        self._patience[limit] = self.total + part if self.total > limit.limit else 0

    def _cut(self, limit: Budget, elements: Sequence[Element]) -> Cut | None:
        tier = self._policy.tier
        if tier is None or limit is self._window:
            cut = _cut(elements, self._sizes, self.total, limit, self._policy)
            return cut if cut.after < cut.before else None
        # What the model is at work on is not given up for money.
        cut = _cut_before(elements, self._sizes, self.total, limit, self._policy)
        return cut if cut.after <= limit.limit and tier.pays(elements, self.cuts, cut, self._sizes) else None


def _cut(elements: Sequence[Element], sizes: dict[int, int], total: int, budget: Budget, policy: Policy) -> Cut:
    """As much of the live end stays as leaves room: where it is most of the window, the next cut would follow at once."""
    for live in range(policy.live, -1, -1):
        cut = _cut_before(elements, sizes, total, budget, replace(policy, live=live))
        if cut.after <= budget.low_water or live <= 1:
            break
    return cut


def _cut_before(elements: Sequence[Element], sizes: dict[int, int], total: int, budget: Budget, policy: Policy) -> Cut:
    """Fold, then drop. `sizes` are the tokens of what is left."""
    at = len(elements) - 1
    gone = {i for i in range(at) if i not in sizes}
    found = units([element.ties for element in elements], gone, policy.foreign, policy.live)
    folds = policy.folds(at, budget.low_water) if policy.folds else {}
    free = {i for unit in found if not unit.safe for i in unit.elements}
    folded = {i: size for i, size in folds.items() if i in free and size < sizes[i]}
    after = total - sum(sizes[i] - size for i, size in folded.items())
    drop = _Drop(found, {**sizes, **folded}, after)
    if after > budget.low_water:
        drop.down_to(budget.low_water, scores(found, elements, policy.importance, policy.order), spare=policy.order == "scores")
    dropped = frozenset(i for n in drop.chosen for i in found[n].elements)
    return Cut(at, {i: size for i, size in folded.items() if i not in dropped}, dropped, total, drop.after, budget.low_water)


class _Drop:
    """One choice of units in the making."""

    def __init__(self, found: Sequence[Unit], sizes: Mapping[int, int], total: int) -> None:
        self._units, self._total = found, total
        self._weights = [sum(sizes[i] for i in unit.elements) for unit in found]
        self._exchange = {n: m for m, unit in enumerate(found) if unit.exchange for n in (*unit.rounds, m)}
        self.chosen: set[int] = set()

    @property
    def after(self) -> int:
        notes = len({self._exchange[n] for n in self.chosen})
        return self._total - sum(self._weights[n] for n in self.chosen) + NOTE * notes

    def down_to(self, low: int, ranks: Sequence[float], *, spare: bool) -> None:
        """Lowest rank first; words when all rounds between them are gone. `spare`: what need not have gone comes back."""
        ready = [(ranks[n], n) for n, unit in enumerate(self._units) if not unit.safe and not unit.rounds]
        heapify(ready)
        left, after = {m: len(unit.rounds) for m, unit in enumerate(self._units)}, self._total
        touched: set[int] = set()
        while ready and after > low:
            _, n = heappop(ready)
            m = self._exchange[n]
            self.chosen.add(n)
            after += (0 if m in touched else NOTE) - self._weights[n]
            touched.add(m)
            left[m] -= n != m
            if n != m and not left[m] and not self._units[m].safe:
                heappush(ready, (ranks[m], m))
        self._unless_light(touched)
        if spare and self.after <= low:
            self._spare(low - self.after, ranks)

    def _unless_light(self, touched: Collection[int]) -> None:
        """What weighs no more than the note that would stand for it comes back."""
        for m in touched:
            own = {n for n in (*self._units[m].rounds, m) if n in self.chosen}
            if sum(self._weights[n] for n in own) <= NOTE:
                self.chosen -= own

    def _spare(self, room: int, ranks: Sequence[float]) -> None:
        for n in sorted(self.chosen, key=lambda n: (-ranks[n], n)):
            if self._weights[n] <= room and (n == self._exchange[n] or self._exchange[n] not in self.chosen):
                self.chosen.discard(n)
                room -= self._weights[n]
