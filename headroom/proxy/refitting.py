"""Refits the conversations of a proxy: what was decided before is found in the journal, what is new goes there."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from headroom import ccr
from headroom.cacheguard import Held
from headroom.chain import Chain
from headroom.conversation import Address, Conversation, Edit, Json
from headroom.dialects.document import Rewrite
from headroom.errors import StoreError
from headroom.fitting.choice import Cut
from headroom.fitting.decision import UNCUT, Decision, decode
from headroom.fitting.elements import places
from headroom.fitting.notes import notes
from headroom.fitting.refit import BEFORE, Case, Means, Now, Occasion, Refitted
from headroom.fitting.rewriting import rewrites
from headroom.fitting.sizes import PICTURE
from headroom.fitting.subject import LEAST, Subject, Weigh, ceiling, hidden, names, weights
from headroom.fitting.worth import considered
from headroom.memo import Absent
from headroom.pipeline import Outcome
from headroom.prices import Model
from headroom.sent import Form
from headroom.tokens import estimate
from headroom.weaving import Addition

BY_FIT, BY_FOLD = "fit", "fold"
"""Names of edits: units left out, and tool outputs that had their day."""

BYTES_A_TOKEN = 2
"""At least, on average over a long body: prose and code have four, hexadecimal digits somewhat less than two."""

COUNTED = ("cuts", "elements", "folds", "tokens", "misfits")
"""Times a conversation was cut; elements left out and outputs folded at that; tokens that requests had less for it; requests
that do not fit all the same."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A conversation long enough that something may have been decided about it."""

    subject: Subject
    weigh: Weigh
    base: Sequence[int]
    """Tokens of its elements, as they came."""
    names: Mapping[int, str]
    """Element → where in the journal a decision made there stands."""

    @property
    def first(self) -> int:
        """The first element that the provider has not seen: the model's last answer, and what came since."""
        replies = self.subject.conversation.replies
        return replies[-1].start if replies else 0


@dataclass(frozen=True, slots=True)
class Fitted:
    """A request as it leaves."""

    outcome: Outcome
    """Its edits are those to be made; its report tells of the decision too."""
    rewrites: Sequence[Rewrite]
    changes: Mapping[Address, str]
    """Texts as they leave; "" where they do not."""
    found: Refitted | None = None
    standing: Standing | None = None
    rewritten: bool = False
    """The past leaves otherwise than before, on purpose."""


@dataclass(frozen=True, slots=True)
class Given:
    """What is known of a request besides its conversation."""

    history: int
    """0: nothing tells what was sent before from what is new (see headroom.pipeline)."""
    additions: Sequence[Addition] = ()
    """They stand in the body whatever is decided."""
    lossy: bool = False
    occasion: Occasion = "fit"
    """Another must not be taken where the journal cannot be written first: nothing else tells later turns of it."""
    importance: Mapping[str, float] = field(default_factory=dict)
    """Tool → how much its outputs are missed where they are not shown."""
    held: Held | None = None
    """What the provider has cached of the conversation, as far as it is known."""


def never(conversation: str) -> bool:
    """Nobody knows of a conversation whose cache is cold."""
    return False


def unheld(conversation: str, parts: int) -> Held | None:
    """Nobody knows what is cached."""
    return None


def hint(keys: Chain, conversation: Conversation) -> str:
    """Under this the journal says whether anything was ever decided about a conversation that begins so: few are, and for the
    others nothing needs to be weighed or looked for."""
    return hashlib.sha256(b"refitted" + keys.opening.encode() + conversation.model.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def lately(conversation: Conversation) -> bool:
    """Another process may have decided something at this turn or at the last, and nothing that is remembered here tells of it."""
    turns = len(conversation.replies)
    return considered(turns) or considered(turns - 1)


def as_is(outcome: Outcome, given: Given) -> Fitted:
    """Nothing is decided beyond the texts."""
    return Fitted(outcome, [addition.rewrite for addition in given.additions], outcome.edits)


def means(*, by_age: bool, by_place: bool, fold: bool, lifecycle: bool, anew: bool = True) -> Means:
    """`by_age`: oldest first; `by_place`: tool calls by age, before words; the others as in Means."""
    return Means("oldest" if by_age else "position" if by_place else "scores", fold, lifecycle, anew)


def shown(counted: Mapping[str, int]) -> Json:
    """For /stats."""
    return {name: counted[f"headroom_fit_{name}_total"] for name in COUNTED}


class Refitting:
    """Shared by all dialects; its counters are changed by the thread that has the request only."""

    def __init__(self, find: Callable[[str], Model | None], means: Means) -> None:
        """`find` gives a model of the price table, by any name."""
        self._find, self._means = find, means
        self._absent = Absent()
        self.cuts = self.elements = self.folds = self.tokens = self.tight = 0

    def counted(self) -> Mapping[str, int]:
        """By the name of the metric."""
        values = (self.cuts, self.elements, self.folds, self.tokens, self.tight)
        return {f"headroom_fit_{name}_total": value for name, value in zip(COUNTED, values, strict=True)}

    def _may_outgrow(self, subject: Subject, size: int) -> bool:
        conversation = subject.conversation
        most = size // BYTES_A_TOKEN + PICTURE * conversation.opaque
        return most >= LEAST and most > ceiling(subject.document, conversation, self._find(conversation.model))

    def standing(self, subject: Subject, weigh: Weigh, size: int | None = None) -> Standing | None:
        """None for a conversation that is short, or not whole; and, if `size` is given, the bytes of its body, for one that
        cannot be too long yet for its model's window, or for its lower prices."""
        if size is not None and not self._may_outgrow(subject, size):
            return None
        base = weights(subject, weigh, estimate)
        return Standing(subject, weigh, base, names(subject, base)) if sum(base) >= LEAST else None

    def occasion(
        self, conversation: Conversation, opening: str, size: int, cold: Callable[[str], bool], held: Callable[[str, int], Held | None],
    ) -> tuple[Occasion, Held | None]:
        """Why the past may be changed, and what is cached of it. `size`: bytes of the body. `cold` and `held`: what is known of
        a conversation's cache, by its opening, and by how many texts its last request had. Whether it pays is looked into at few
        turns, so that for all others there is nothing to weigh."""
        if conversation.only_counted:
            return "fit", None
        if cold(opening):
            return "cold", None
        if size < LEAST or not considered(len(conversation.replies)):
            return "fit", None
        model = self._find(conversation.model)
        known = None if model is None or model.binds else held(opening, conversation.replies[-1].first)
        return ("fit" if known is None else "priced"), known

    def wanted(self, standing: Standing | None) -> list[str]:
        """What the journal is to be asked."""
        if standing is None:
            return []
        return [name for name in standing.names.values() if name not in self._absent]

    def read(self, standing: Standing | None, sent: Mapping[str, Form]) -> None:
        """Nothing stands under a name of what was sent before, and nothing will, unless the client goes back there."""
        if standing is not None and not standing.subject.conversation.only_counted:
            for at, name in standing.names.items():
                if at < standing.first and name not in sent:
                    self._absent.add(name)

    def __call__(self, standing: Standing, sent: Mapping[str, Form], given: Given, fold: Callable[[Conversation], Outcome]) -> Fitted:
        """`fold` shortens a conversation as ever."""
        try:
            return self._fitted(standing, sent, given, fold)
        except Exception as error:
            # A request that may not fit is better than one that fails here; counted by name, since the text may hold content.
            outcome = fold(standing.subject.conversation)
            failed = {**outcome.report.failed, f"{BY_FIT}: {type(error).__name__}": 1}
            return as_is(replace(outcome, report=replace(outcome.report, failed=failed)), given)

    def _fitted(self, standing: Standing, sent: Mapping[str, Form], given: Given, fold: Callable[[Conversation], Outcome]) -> Fitted:
        subject, weigh = standing.subject, standing.weigh
        outcomes: list[Outcome] = []

        def edits(cuts: Sequence[Cut]) -> Mapping[Address, str]:
            gone = hidden(subject.conversation, subject.dialect.turns, cuts)
            outcomes.append(fold(replace(subject.conversation, gone=gone) if gone else subject.conversation))
            return outcomes[-1].edits

        now = Now(
            self._find(subject.conversation.model), given.occasion, standing.first if given.history else 0, _added(given.additions, standing),
            given.lossy, given.importance, given.held,
        )
        case = Case(weigh, self._means, subject, standing.base, now)
        found = case.decide(_known(standing, sent), standing.names, edits)
        if not found.decision.cuts:
            return replace(as_is(outcomes[-1], given), found=found)
        woven = [addition.rewrite for addition in given.additions]
        return _fitted(outcomes[-1], rewrites(found.decision, subject.dialect, woven), standing, found)

    def count(self, fitted: Fitted | None) -> None:
        """What a request that is to leave came to."""
        if fitted is None or fitted.found is None:
            return
        found = fitted.found
        for name in found.rows:
            self._absent.discard(name)
        self.cuts += len(found.rows)
        self.elements += sum(len(note.dropped) for note in found.notes)
        self.folds += len(found.folded)
        self.tokens += found.removed
        self.tight += not found.fits


async def instead(fitted: Fitted | None, occasion: Occasion, claim: Callable[[str, Form], Awaitable[Form]]) -> Mapping[str, Form] | None:
    """None if a decision that follows from nothing but its record is on record; else what stands there in its place. What makes
    a conversation fit follows from the conversation, and leaves anyway."""
    if occasion == "fit" or fitted is None or fitted.found is None:
        return None
    rows = fitted.found.rows
    try:
        standing = {name: await claim(name, row) for name, row in rows.items()}
    except StoreError:
        return {}
    return None if standing == rows else standing


def left_out(fitted: Fitted | None, key: str) -> str | None:
    """The original behind a note of what is gone: the request that carries the note carries the elements too."""
    if fitted is None or fitted.found is None or fitted.standing is None:
        return None
    decision, subject = fitted.found.decision, fitted.standing.subject
    if not any(key in text for text in decision.notes.values()):
        return None
    values = subject.document.elements(subject.dialect.turns)
    told = notes(values, [subject.dialect.ties(value) for value in values], decision.dropped)
    return next((note.original for note in told if ccr.key_of(note.original) == key), None)


def _known(standing: Standing, sent: Mapping[str, Form]) -> Decision:
    """The last decision on record, which holds all those before it."""
    conversation = standing.subject.conversation
    head = _head(standing.subject)
    for name in reversed([*standing.names.values()]):
        row = sent.get(name)
        decision = decode(row, len(standing.base), len(conversation.parts), head) if row else None
        if decision is not None:
            return decision
    return UNCUT


def _head(subject: Subject) -> int:
    return places(subject.conversation, subject.dialect.turns).count(None)


def _added(additions: Sequence[Addition], standing: Standing) -> Mapping[int, int]:
    """Tokens of what is put in, by the element with which it goes."""
    turns = standing.subject.dialect.turns
    found: dict[int, int] = {}
    for addition in additions:
        at = addition.rewrite.start if addition.key and addition.rewrite.member == turns else BEFORE
        found[at] = found.get(at, 0) + standing.weigh(addition.text)
    return found


def _fitted(outcome: Outcome, made: Sequence[Rewrite], standing: Standing, found: Refitted) -> Fitted:
    """The outcome, as changed by what was decided."""
    decision, subject, weigh = found.decision, standing.subject, standing.weigh
    parts, turns, dropped = subject.conversation.parts, subject.dialect.turns, decision.dropped
    edits = dict(outcome.edits)
    for i, text in decision.forms.items():
        if text is None:
            edits.pop(parts[i].at, None)
        else:
            edits[parts[i].at] = text
    out = [part.at for part, at in zip(parts, places(subject.conversation, turns), strict=True) if at in dropped]
    for at in out:
        edits.pop(at, None)
    report = outcome.report
    folds = [(parts[i], decision.forms.get(i)) for i in found.folded]
    done = [
        *(Edit(BY_FIT, "", note.original, note.text, "lossy", sum(standing.base[i] for i in note.dropped), weigh(note.text)) for note in found.notes),
        *(Edit(BY_FOLD, part.tool, part.text, text, "lossy", weigh(part.text), weigh(text)) for part, text in folds if text is not None),
    ]
    told = {hint(subject.keys, subject.conversation): None} if found.rows else {}
    report = replace(
        report, after=max(0, report.after - found.removed), edits=(*report.edits, *done), forms={**report.forms, **found.rows, **told},
        originals={**report.originals, **{ccr.key_of(edit.original): edit.original for edit in done}},
    )
    return Fitted(Outcome(edits, report), made, {**edits, **dict.fromkeys(out, "")}, found, standing, bool(found.rows) and standing.first > 0)
