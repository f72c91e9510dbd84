"""Decide what of a conversation's past is sent otherwise from now on.

    Read a.py → 9,000 tokens                       user's words + note of what is gone
    Read b.py → 7,000 tokens      outgrows the     [a marker: Read b.py was read again]
    …                             window here →    …
    Read b.py → 7,000 tokens                       Read b.py → 7,000 tokens

At a crossing, tool outputs that had their day are folded into a marker; where that is not enough, whole units go. A form
that refers to something that went stands as it came again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from headroom import ccr
from headroom.cacheguard import Held
from headroom.conversation import Address, Json, Part
from headroom.fitting.choice import Cut, Policy, fit
from headroom.fitting.decision import Decision, encode
from headroom.fitting.elements import Element, elements, places
from headroom.fitting.lifecycle import LONG, Reason, folded
from headroom.fitting.notes import Note, notes
from headroom.fitting.reasoning import untrue
from headroom.fitting.scores import Order
from headroom.fitting.subject import Subject, Weigh, bounds, budget
from headroom.fitting.tiers import tier
from headroom.fitting.units import units
from headroom.fitting.worth import MOST_TURNS, Rewrite, best, expected
from headroom.prices import Model
from headroom.transforms.references import is_reference, label

Occasion = Literal["fit", "cold", "priced"]
"""Why the past may be changed. fit: it would not fit the window. cold: besides, the provider has nothing of it cached.
priced: besides, the gain may be worth the cache."""

AGED = MOST_TURNS
"""Turns after which an output is old: for as many as are expected at most, the model had no need to see it again."""

BEFORE = -1
"""Stands for the place before all elements."""

WHY: Mapping[Reason, str] = {
    "superseded": "shown again further down", "stale": "of a file that was changed since", "old": "from early in the conversation",
}


@dataclass(frozen=True, slots=True)
class Means:
    """What may be done where a conversation outgrows its window."""

    order: Order = "scores"
    fold: bool = True
    """First fold tool outputs that had their day."""
    lifecycle: bool = True
    """Stale and superseded reads have had it, and not just what is old."""
    anew: bool = True
    """False: what was decided before stands, and nothing more is decided."""


COLD = Held(0.0)


@dataclass(frozen=True, slots=True)
class Now:
    """What is known of this request besides the conversation."""

    model: Model | None
    occasion: Occasion = "fit"
    """Beyond a window that is outgrown, or a price tier."""
    first: int = 0
    """Elements before it were sent before; what was not cut among them then is not cut now."""
    added: Mapping[int, int] = field(default_factory=dict)
    """Element → tokens of what is woven in with it; of what stands before all of them under BEFORE."""
    lossy: bool = False
    """What is folded can be had back."""
    importance: Mapping[str, float] = field(default_factory=dict)
    """Tool → how much its outputs are missed, 0 … 1."""
    held: Held | None = None
    """What the provider has cached of it. None: unknown, so all of it may be there."""


@dataclass(frozen=True, slots=True)
class Refitted:
    decision: Decision
    rows: Mapping[str, str] = field(default_factory=dict)
    """To be recorded before the request leaves."""
    notes: tuple[Note, ...] = ()
    """What went on this occasion."""
    folded: tuple[int, ...] = ()
    """Parts folded on this occasion."""
    removed: int = 0
    """Tokens of all that went or was folded, on this occasion and before."""
    fits: bool = True


class Folding(Protocol):
    """Shortens the conversation as ever, in the light of what is gone."""

    def __call__(self, cuts: Sequence[Cut]) -> Mapping[Address, str]: ...


class Case:
    """One request. `base`: the weights of its elements."""

    def __init__(self, weigh: Weigh, means: Means, subject: Subject, base: Sequence[int], now: Now) -> None:
        self._weigh, self._means, self._subject, self._base, self._now = weigh, means, subject, base, now
        self._parts = subject.conversation.parts
        self._places = places(subject.conversation, subject.dialect.turns)
        self._sized: tuple[Mapping[Address, str], list[int]] | None = None
        conversation = subject.conversation
        before = [part.text for part, at in zip(self._parts, self._places, strict=True) if at is None]
        self._head = len(before)
        overhead = now.added.get(BEFORE, 0) + sum(map(weigh, (*before, *(source for _, source in conversation.definitions))))
        self._budget = budget(subject.document, conversation, now.model, overhead)
        self._tier = tier(bounds(conversation, now.model), self._budget)
        self._ceiling = self._budget.limit if self._tier is None else self._tier.budget.limit

    def decide(self, decision: Decision, names: Mapping[int, str], fold: Folding) -> Refitted:
        """`decision` as the journal has it; `names` as in `subject.names`: what has no name cannot be recorded, and is not done."""
        edits = fold(decision.cuts)
        if not self._means.anew:
            return Refitted(decision, removed=self._removed(decision, edits), fits=self._total(decision, edits) <= self._budget.limit)
        rows: dict[str, str] = {}
        new: list[Note] = []
        before = decision.forms
        at = len(self._base) - 1
        paying = self._paying(decision, edits) if self._now.occasion != "fit" and at in names else None
        if paying is not None:
            decision, _ = self._decided(decision, paying, edits, self._elements(edits))
            rows[names[at]] = encode(decision, self._head)
        while self._total(decision, edits) > self._ceiling:
            known = self._elements(edits)
            found = fit(known, self._budget, self._policy(decision, edits), decision.cuts, self._now.first)
            if len(found.cuts) == len(decision.cuts) or found.cuts[len(decision.cuts)].at not in names:
                break
            cut = found.cuts[len(decision.cuts)]
            decision, told = self._decided(decision, cut, edits, known)
            new += told
            rows[names[cut.at]] = encode(decision, self._head)
            edits = fold(decision.cuts)
        fits = self._total(decision, edits) <= self._budget.limit
        deeper = tuple(i for i, text in decision.forms.items() if text is not None and i not in before)
        return Refitted(decision, rows, tuple(new), deeper, self._removed(decision, edits), fits)

    def _paying(self, decision: Decision, edits: Mapping[Address, str]) -> Cut | None:
        """What had its day is folded, from the place on where that is worth most more than what has to be written to the
        cache again; in front of it, it stays."""
        model, at = self._now.model, len(self._base) - 1
        if model is None or not self._means.lifecycle or not self._now.lossy or (model.binds and self._now.occasion == "priced"):
            return None
        sizes = self._folds(at, decision, edits, None)
        ties = [self._subject.dialect.ties(value) for value in self._values()] if sizes else []
        free = {i for unit in units(ties, decision.dropped) if not unit.safe for i in unit.elements}
        sizes = {i: size for i, size in sizes.items() if i in free}
        whole = self._total(decision, edits)
        rewrites = self._rewrites(sizes, whole, decision, edits)
        # To pay less is no reason to trust a table with the model's thoughts: there, all reasoning counts as bound.
        binds = model.binds or self._now.occasion == "priced"
        bound = max((i for i, own in enumerate(ties) if own.bound and i not in decision.dropped | decision.bare), default=-1) if binds else -1
        first = best({i: replace(each, bound=bound >= i) for i, each in rewrites.items()}, model.at(whole))
        if first is None:
            return None
        return Cut(at, {i: size for i, size in sizes.items() if i >= first}, frozenset(), whole, whole - rewrites[first].removed)

    def _rewrites(self, sizes: Mapping[int, int], whole: int, decision: Decision, edits: Mapping[Address, str]) -> Mapping[int, Rewrite]:
        """Element → what it comes to if all from there on are folded to these sizes."""
        now = self._sizes(edits)
        for cut in decision.cuts:
            for i, size in cut.folded.items():
                now[i] = size
        held, turns = COLD if self._now.occasion == "cold" else self._now.held, expected(len(self._subject.conversation.replies))
        sent = whole - (sum(now[self._now.first :]) if self._now.first else 0)
        cached = None if held is None else round(held.share * sent)
        found: dict[int, Rewrite] = {}
        removed = behind = 0
        for i in range(len(now) - 1, -1, -1):
            if i in decision.dropped:
                continue
            behind += sizes.get(i, now[i])
            removed += now[i] - sizes.get(i, now[i])
            if i in sizes:
                found[i] = Rewrite(removed, behind, max(0, whole - removed - behind), cached, turns, long=held is not None and held.long)
        return found

    def _sizes(self, edits: Mapping[Address, str]) -> list[int]:
        """Tokens of each element as it is sent without any cut."""
        if self._sized is None or self._sized[0] is not edits:
            found = [size + self._now.added.get(i, 0) for i, size in enumerate(self._base)]
            for part, at in zip(self._parts, self._places, strict=True):
                if at is not None and part.at in edits:
                    found[at] -= self._weigh(part.text) - self._weigh(edits[part.at])
            self._sized = edits, found
        return list(self._sized[1])

    def _total(self, decision: Decision, edits: Mapping[Address, str], at: int | None = None) -> int:
        """Tokens up to an element, as `fit` reckons them."""
        sizes, stop = self._sizes(edits), None if at is None else at + 1
        if decision.cuts:
            return decision.cuts[-1].after + sum(sizes[decision.cuts[-1].at + 1 : stop])
        return self._budget.overhead + sum(sizes[:stop])

    def _removed(self, decision: Decision, edits: Mapping[Address, str]) -> int:
        if not decision.cuts:
            return 0
        at = decision.cuts[-1].at
        return max(0, self._budget.overhead + sum(self._sizes(edits)[: at + 1]) - decision.cuts[-1].after)

    def _elements(self, edits: Mapping[Address, str]) -> Sequence[Element]:
        subject = self._subject
        return elements(subject.dialect, self._values(), self._parts, self._sizes(edits))

    def _values(self) -> Sequence[Json]:
        return self._subject.document.elements(self._subject.dialect.turns)

    def _policy(self, decision: Decision, edits: Mapping[Address, str]) -> Policy:
        means = self._means
        folds = (lambda at, low: self._folds(at, decision, edits, low)) if means.fold and self._now.lossy else None
        return Policy(means.order, self._now.importance, folds, tier=self._tier)

    def _markers(self, at: int, decision: Decision, edits: Mapping[Address, str], low: int | None) -> dict[int, str]:
        """Part up to the element `at` → the marker that stands for it from now on: all that is not true any more or shown
        again; then what is old, the oldest first: as few as it takes to come down to `low`, or, if that is None, what is so old
        that it will hardly be asked for."""
        end = next((i for i, placed in enumerate(self._places) if placed is not None and placed > at), len(self._parts))
        keep = {j for i in range(end) for j in self._referents(i, edits)}
        found = folded(self._parts[:end], end, keep | decision.forms.keys())
        if not self._means.lifecycle:
            found = {i: "old" for i in found if len(self._parts[i].text) >= LONG}
        dead = [i for i, why in found.items() if why != "old"]
        aged, left = self._aged(), self._total(decision, edits, at)
        made: dict[int, str] = {}
        for i in (*dead, *(i for i, why in found.items() if why == "old")):
            text = _marker(self._parts[i], found[i])
            gain = self._gain(i, text, edits)
            due = found[i] != "old" or (i < aged if low is None else left > low)
            if gain > 0 and due and self._places[i] not in decision.dropped:
                made[i] = text
                left -= gain
        return made

    def _aged(self) -> int:
        """The first part that is not so old yet that it will hardly be asked for."""
        replies = self._subject.conversation.replies
        return replies[-AGED].first if len(replies) >= AGED else 0

    def _gain(self, i: int, text: str, edits: Mapping[Address, str]) -> int:
        part = self._parts[i]
        return self._weigh(edits.get(part.at, part.text)) - self._weigh(text)

    def _folds(self, at: int, decision: Decision, edits: Mapping[Address, str], low: int | None) -> Mapping[int, int]:
        now = self._sizes(edits)
        found: dict[int, int] = {}
        for i, text in self._markers(at, decision, edits, low).items():
            placed = self._places[i]
            if placed is not None:
                found[placed] = found.get(placed, now[placed]) - self._gain(i, text, edits)
        return found

    def _decided(
        self, decision: Decision, cut: Cut, edits: Mapping[Address, str], known: Sequence[Element]
    ) -> tuple[Decision, Sequence[Note]]:
        """With one more cut, and the notes that are new."""
        markers = self._markers(cut.at, decision, edits, cut.low) if cut.folded else {}
        forms: dict[int, str | None] = {**decision.forms, **{i: text for i, text in markers.items() if self._places[i] in cut.folded}}
        cut = self._restored(cut, forms, decision, edits)
        ties = [each.ties for each in known]
        cuts = (*decision.cuts, cut)
        model = self._now.model
        bare = untrue(ties, cuts) if model is None or model.binds else frozenset[int]()
        dropped = decision.dropped | cut.dropped
        told = notes(self._values(), ties, dropped)
        forms = {i: text for i, text in forms.items() if self._places[i] not in dropped}
        made = Decision(cuts, {note.at: note.text for note in told}, forms, bare)
        return made, [note for note in told if decision.notes.get(note.at) != note.text]

    def _restored(self, cut: Cut, forms: dict[int, str | None], decision: Decision, edits: Mapping[Address, str]) -> Cut:
        """Forms that refer to what goes now stand as they came again: into `forms`; the cut is as much smaller."""
        out = decision.dropped | cut.dropped
        gone = {i for i, placed in enumerate(self._places) if placed in cut.dropped or forms.get(i) is not None}
        sizes, grown = self._sizes(edits), dict[int, int]()
        for i, (part, placed) in enumerate(zip(self._parts, self._places, strict=True)):
            if placed is None or placed > cut.at or placed in out or i in forms or gone.isdisjoint(self._referents(i, edits)):
                continue
            forms[i] = None
            grown[placed] = grown.get(placed, 0) + self._weigh(part.text) - self._weigh(edits[part.at])
        folded = {**cut.folded, **{i: cut.folded.get(i, sizes[i]) + more for i, more in grown.items()}}
        return replace(cut, folded=folded, after=cut.after + sum(grown.values()))

    def _referents(self, i: int, edits: Mapping[Address, str]) -> Collection[int]:
        """Parts that a part's form may refer to."""
        form = edits.get(self._parts[i].at)
        if form is None or not is_reference(form, anywhere=True):
            return ()
        return {j for j in range(i) if self._parts[j].role == "tool" and label(self._parts[j]) in form}


def _marker(part: Part, why: Reason) -> str:
    return ccr.marker(ccr.key_of(part.text), f"{len(part.text):,} characters {WHY[why]}")
