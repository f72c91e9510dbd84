"""One body, shortened: read it, replay what was sent before, shorten what is new, record it, splice it back.

The heavy steps are pure and run in a worker thread when there is much to do; the journal is asked in between.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeVar

import anyio.to_thread

from headroom import weaving
from headroom.chain import mended
from headroom.conversation import Conversation, Edit, Skip
from headroom.dialects.base import Dialect
from headroom.dialects.document import Document, Unreadable
from headroom.dialects.document_memo import DocumentMemo
from headroom.dialects.hidden import HIDDEN
from headroom.dialects.hidden.base import NAME
from headroom.errors import StoreError
from headroom.fitting.subject import LEAST, Subject
from headroom.learning.pins import NONE, Pin
from headroom.pipeline import OFFERED, Outcome, Pipeline
from headroom.proxy.prepared import Caller, Prepared, Reading, untouched
from headroom.proxy.recall import Known, Recall
from headroom.proxy.refitting import Fitted, Given, Refitting, as_is, hint, instead, lately
from headroom.sent import Form, Journal
from headroom.weaving import Addition, Seams

T = TypeVar("T")

Views = Literal["never", "where_offered", "always"]
"""When something may be left out of a text: where the request offers a tool by which the model gets it back, or wherever a
text is new, because the operator vouches for another way."""

Keep = Callable[[Mapping[str, str]], Awaitable[None]]
"""Puts originals by key into the store; raises StoreError."""

OFF_LOOP = 32 * 1024
"""Bytes of new text from which a worker thread pays: handing over costs about 0.1 ms, 32 KiB cost about 1 ms."""

THREADS = 2
"""More would only fight for the interpreter and delay the event loop."""

SHARE_ON_LOOP = 8
"""A body of which nothing is new costs the loop about one part in so many of what new text of its size would."""

MAX_PARTS = 20_000
"""Texts beyond which a body is left alone; each costs some microseconds and a row, and long conversations have thousands."""

UNPARSED = 16 << 20
"""Bytes above which a body is forwarded unparsed: parsing would hold the interpreter for tens of milliseconds."""


class Compression:
    """Shared by all dialects. `durable`: the journal outlives this process, so a missing record means foreign. `offer`: offer
    the model a tool of ours, by which it gets back what is left out of a text.
    """

    def __init__(
        self, pipeline: Pipeline, journal: Journal, memo: DocumentMemo, *, durable: bool, views: Views = "never", offer: bool = False,
    ) -> None:
        self._pipeline, self._journal, self._memo, self._durable, self._views = pipeline, journal, memo, durable, views
        self._offer, self.recall = offer, Recall(journal)
        self._threads = anyio.CapacityLimiter(THREADS)
        self._refitting: Refitting | None = None

    def fitting(self, refitting: Refitting) -> Compression:
        """The same, and conversations that outgrow their model's window are made to fit."""
        self._refitting = refitting
        return self

    async def prepare(
        self, dialect: Dialect, target: str, body: bytes, leave: Skip | None = None, keep: Keep | None = None,
        caller: Caller | None = None,
    ) -> Prepared:
        """`leave`: read the body for the account, but change nothing, for that reason. `keep` puts originals into the
        store; without it nothing is left out of a text. `caller`: whose request this is; None where there is but one."""
        if len(body) > UNPARSED:
            return untouched(body, "too_large")
        try:
            reading = await self.aside(len(body), lambda: self._read(dialect, target, body, trial=caller is not None and caller.trial))
        except Unreadable as error:
            return untouched(body, error.reason)
        if leave is not None:
            tokens = await self.aside(len(body), lambda: self._pipeline.size(reading.conversation))
            return replace(untouched(body, leave, tokens), reading=reading)
        prepared = await self._decide(reading, keep, caller or Caller())
        if self._refitting is not None and not reading.conversation.only_counted:
            self._refitting.count(prepared.fitted)
        return prepared

    async def other_reading(self, prepared: Prepared, keep: Keep | None = None) -> Prepared:
        """The same body with what has no record read the other way: for a provider that refused our reading. `keep` as in
        `prepare`."""
        assert prepared.reading is not None
        assert prepared.other is not None
        other = await self._reachable(prepared.reading, prepared.sent, prepared.other, keep)
        return replace(other, unsettled="amend")

    async def repaired(self, dialect: Dialect, prepared: Prepared) -> Prepared | None:
        """The same without any reasoning that is bound to what it was said behind, for a provider that refused all readings of
        the past: better without what the model thought than without the conversation. None if there is none."""
        # Another process may have left some out since we asked, and then no more than that.
        row = "" if prepared.reading is None else await self.recall.repair(prepared.reading)
        for most in (*([int(row)] if row.isdecimal() else ()), None):
            bare = functools.partial(weaving.without_reasoning, prepared.body, dialect.turns, dialect.bare, most)
            try:
                body, count = await self.aside(len(prepared.body), bare)
            except Unreadable:
                return None
            if body != prepared.body:
                return replace(prepared, body=body, changed=True, bare=count)
        return None

    async def settle(self, prepared: Prepared) -> int:
        """The provider took it: what was a guess becomes the record. Answers failures."""
        try:
            if prepared.bare and prepared.reading is not None:
                await self._journal.amend({mended(prepared.reading.keys.opening): str(prepared.bare)})
            if prepared.unsettled == "record":
                await self._journal.record(prepared.report.forms)
            elif prepared.unsettled == "amend":
                await self._journal.amend(prepared.report.forms)
        except StoreError:
            return 1
        return 0

    def _read(self, dialect: Dialect, target: str, body: bytes, *, trial: bool = False) -> Reading:
        document = Document.parse(body, self._memo)
        conversation = dialect.read(document, target.partition("?")[0])
        if trial:
            conversation = replace(conversation, only_counted=True)
        if len(conversation.parts) > MAX_PARTS:
            raise Unreadable("too_costly")
        hidden = HIDDEN.get(dialect.name)
        seams = None if hidden is None else Seams(hidden, document, dialect.turns, conversation)
        subject = Subject(dialect, document, conversation, self._pipeline.chain(conversation))
        standing = None if self._refitting is None else self._refitting.standing(subject, self._tokens, len(body))
        return Reading(document, conversation, subject.keys, len(body), target, dialect, seams, standing=standing)

    async def _known(self, reading: Reading, caller: Caller, pin: Pin | None) -> tuple[Reading, Known]:
        """What is on record, and the reading with what may be decided for the conversation as a whole."""
        conversation, keys, size = reading.conversation, reading.keys, reading.size
        refitting, told = self._refitting, hint(keys, conversation)
        decided = [] if refitting is None else refitting.wanted(reading.standing)
        rare = refitting is not None and reading.standing is None and size >= LEAST
        known = await self.recall(reading, caller.owner, [*decided, told] if rare and lately(conversation) else decided, [
            *([told] if rare else ()),
            *([mended(keys.opening)] if conversation.replies else ()),  # any turn may be the one that is repaired
            *([pin.key] if pin is not None else ()),
        ])
        if refitting is None:
            return reading, known
        occasion, held = refitting.occasion(conversation, keys.opening, size, caller.cold, caller.held)
        if occasion != "fit":
            reading = replace(reading, occasion=occasion, held=held)
        if reading.standing is None and (occasion != "fit" or told in known.sent):
            subject = Subject(reading.dialect, reading.document, conversation, keys)
            reading = replace(reading, standing=refitting.standing(subject, self._tokens))
            known = known.having(await self.recall(reading, caller.owner, refitting.wanted(reading.standing)))
        if not known.failures:
            refitting.read(reading.standing, known.sent)
        return reading, known

    async def _decide(self, reading: Reading, keep: Keep | None, caller: Caller) -> Prepared:
        keys, conversation = reading.keys, reading.conversation
        pin = None if caller.pinned is None else await caller.pinned(conversation, keys.parts)
        reading, known = await self._known(reading, caller, pin)
        sent, failures = known.sent, known.failures
        history = [key for i, key in keys.parts.items() if i < conversation.fresh]
        # Where a tool of ours stood is on record as well: without that, what was said behind it may stand on definitions unlike these.
        undefined = bool(conversation.replies) and conversation.defined and keys.opening not in sent
        unknown = undefined or any(key not in sent for key in history)
        # Where no record can tell our history from foreign, because it could not be read or because it was lost with an
        # earlier process, purity says what we would have sent, and that is assumed. Else what has no record is foreign.
        lost = bool(failures) or (not self._durable and not any(key in sent for key in history))
        if pin is not None:
            try:
                policies = await pin.policies(sent, read=not failures)
                reading = reading if policies is NONE else replace(reading, policies=policies)
            except StoreError:
                failures += 1
        if lost and reading.occasion != "fit":
            reading = replace(reading, occasion="fit")
        prepared = await self._reachable(reading, sent, 0 if lost else conversation.fresh, keep)
        others = await instead(prepared.fitted, reading.occasion, self._journal.claim)
        if others is not None:
            prepared = await self._reachable(replace(reading, occasion="fit"), {**sent, **others}, conversation.fresh, keep)
        if failures:
            prepared = replace(prepared, store_failures=failures + prepared.store_failures)
        if conversation.only_counted:
            return prepared
        if unknown:
            prepared = replace(prepared, other=conversation.fresh if lost else 0, unsettled="record" if lost else "")
        return prepared if prepared.unsettled else await self._recorded(prepared, reading)

    async def _reachable(self, reading: Reading, sent: Mapping[str, Form], history: int, keep: Keep | None) -> Prepared:
        """Something is left out of a text only once its original can be had back."""
        conversation = reading.conversation
        offered = OFFERED in self._ways(reading, sent, history)
        lossy = keep is not None and not conversation.kept_by_provider and (offered or self._may_leave_out(reading))
        prepared = await self._compress(reading, sent, history, lossy=lossy)
        if conversation.only_counted:
            return replace(prepared, kept=True)  # nothing that is sent stands for them
        if keep is None or all(edit.grade != "lossy" for edit in prepared.report.edits):
            return prepared
        try:
            await keep(prepared.report.originals)
        except StoreError:
            return replace(await self._compress(reading, sent, history), store_failures=1)
        return replace(prepared, kept=True)

    def _may_leave_out(self, reading: Reading) -> bool:
        return self._views == "always" or (self._views == "where_offered" and reading.seams is not None and reading.seams.declares())

    def _ways(self, reading: Reading, sent: Mapping[str, Form], history: int) -> frozenset[str]:
        """See Pipeline.ways."""
        new, seams = history == 0, reading.seams
        offer = self._offer and new and reading.keys.opening not in sent and seams is not None and seams.may_offer(reading.target)
        return self._pipeline.ways(reading.keys, sent, new=new, offer=offer)

    async def _recorded(self, prepared: Prepared, reading: Reading) -> Prepared:
        """What is about to leave is on record first; a failure to write it is counted and changes no byte."""
        forms = prepared.report.forms
        if not forms:
            return prepared
        try:
            stands = await self._journal.record(forms)
        except StoreError:
            return replace(prepared, store_failures=prepared.store_failures + 1)
        if all(stands.get(key, form) == form for key, form in forms.items()):
            return prepared
        # Another worker recorded other forms for the same turn first: what stands is what is sent.
        other = await self._compress(reading, {**prepared.sent, **stands}, reading.conversation.fresh)
        return replace(other, kept=prepared.kept, store_failures=prepared.store_failures)

    async def _compress(self, reading: Reading, sent: Mapping[str, Form], history: int, *, lossy: bool = False) -> Prepared:
        conversation, keys = reading.conversation, reading.keys
        new = sum(
            len(conversation.parts[i].text) for i, key in keys.parts.items() if key not in sent and i >= max(history, 0)
        )
        ways = self._ways(reading, sent, history)

        def work() -> Prepared:
            def fold(conversation: Conversation) -> Outcome:
                return self._pipeline.under(reading.policies)(conversation, keys, sent, history, lossy=lossy, ways=ways)

            unlike: list[str] = []
            additions = self._additions(reading, sent, unlike) if OFFERED in ways else []
            given = Given(history, additions, lossy, reading.occasion, reading.policies.importance, reading.held)
            fitted = self._fitted(reading, sent, given, fold)
            return self._mended(self._spliced(reading, sent, fitted, additions, len(unlike)), sent)

        return await self.aside(max(new, reading.size // SHARE_ON_LOOP), work)

    def _fitted(self, reading: Reading, sent: Mapping[str, Form], given: Given, fold: Callable[[Conversation], Outcome]) -> Fitted:
        if self._refitting is not None and reading.standing is not None:
            return self._refitting(reading.standing, sent, given, fold)
        return as_is(fold(reading.conversation), given)

    def _additions(self, reading: Reading, sent: Mapping[str, Form], unlike: list[str]) -> Sequence[Addition]:
        """What is ours to be put in; `unlike` gets answers that are not the ones on record."""
        tool = reading.seams.tool() if reading.seams is not None and not reading.conversation.kept_by_provider else None
        if reading.seams is None or tool is None:
            return ()
        rounds = reading.seams.rounds(reading.keys, sent, unlike.append)
        return [tool, *rounds] if reading.seams.leaves_room(reading.target) else rounds

    def _spliced(
        self, reading: Reading, sent: Mapping[str, Form], fitted: Fitted, additions: Sequence[Addition], unlike: int,
    ) -> Prepared:
        """Texts edited, what is ours put in, what does not fit left out."""
        outcome, report = fitted.outcome, fitted.outcome.report
        body = reading.document.splice(outcome.edits, fitted.rewrites)
        tokens = [self._tokens(addition.text) for addition in additions]
        if additions:
            tool = [Edit(NAME, "", "", additions[0].text, "addition", 0, tokens[0])] if reading.keys.opening in report.forms else []
            report = replace(report, after=report.after + sum(tokens), edits=(*report.edits, *tool))
        return Prepared(
            body, report, reading, bool(outcome.edits or fitted.rewrites), fitted.changes, sent, unlike=unlike,
            offered=any(not addition.key for addition in additions), added=sum(tokens), fitted=fitted,
        )

    def _mended(self, prepared: Prepared, sent: Mapping[str, Form]) -> Prepared:
        """Without the reasoning that was left out once for good."""
        assert prepared.reading is not None
        row, dialect = sent.get(mended(prepared.reading.keys.opening)), prepared.reading.dialect
        if not row or not row.isdecimal():
            return prepared
        try:
            body, _ = weaving.without_reasoning(prepared.body, dialect.turns, dialect.bare, int(row))
        except Unreadable:  # what we put in made it longer than can be read
            return prepared
        return replace(prepared, body=body, changed=prepared.changed or body != prepared.body)

    def _tokens(self, text: str) -> int:
        return self._pipeline.weigh(text).tokens

    async def aside(self, size: int, work: Callable[[], T]) -> T:
        """Here when small, else in a thread. A client that leaves waits for a thread that has begun: one that were
        left behind would work on uncounted, and clients that come and go could start any number of them."""
        if size < OFF_LOOP:
            return work()
        return await anyio.to_thread.run_sync(work, limiter=self._threads)
