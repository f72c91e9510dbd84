"""One body, shortened: read it, replay what was sent before, shorten what is new, record it, splice it back.

The heavy steps are pure and run in a worker thread when there is much to do; the journal is asked in between.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

import anyio.to_thread

from headroom import weaving
from headroom.chain import Chain, mended, reply
from headroom.conversation import Address, Conversation, Edit, Report, Skip, Skipped
from headroom.dialects.base import Dialect
from headroom.dialects.document import Document, Unreadable
from headroom.dialects.document_memo import DocumentMemo
from headroom.dialects.hidden import HIDDEN
from headroom.dialects.hidden.base import NAME, Exchange
from headroom.errors import StoreError
from headroom.fitting.refit import Occasion
from headroom.fitting.subject import Subject
from headroom.learning.pins import NONE, Pin
from headroom.memo import Memo
from headroom.patterns import Policies
from headroom.pipeline import OFFERED, Outcome, Pipeline
from headroom.proxy.refitting import Fitted, Given, Refitting, Standing, as_is, hint, never, stands
from headroom.sent import Form, Journal, Unread
from headroom.weaving import Addition, Seams

T = TypeVar("T")

Views = Literal["never", "where_offered", "always"]
"""When something may be left out of a text: where the request offers a tool by which the model gets it back, or wherever a
text is new, because the operator vouches for another way."""

Keep = Callable[[Mapping[str, str]], Awaitable[None]]
"""Puts originals by key into the store; raises StoreError."""

Pinned = Callable[[Conversation, Mapping[int, str]], Awaitable[Pin | None]]
"""Finds what was learned before a conversation began, by the keys of its tool outputs."""

Owner = Callable[[], Awaitable[str]]
"""Finds the tenant of a request; raises StoreError."""

OFF_LOOP = 32 * 1024
"""Bytes of new text from which a worker thread pays: handing over costs about 0.1 ms, 32 KiB cost about 1 ms."""

THREADS = 2
"""More would only fight for the interpreter and delay the event loop."""

SHARE_ON_LOOP = 8
"""A body of which nothing is new costs the loop about one part in so many of what new text of its size would."""

MAX_PARTS = 20_000
"""Texts beyond which a body is left alone; each costs some microseconds and a row, and long conversations have thousands."""

PLAIN_BYTES, PLAIN_ROW = 4 << 20, 200
"""Room for answers without hidden rounds, and what one takes: a key of 40 digits, a tuple, a dict entry."""

UNPARSED = 16 << 20
"""Bytes above which a body is forwarded unparsed: parsing would hold the interpreter for tens of milliseconds."""


@dataclass(frozen=True, slots=True)
class Caller:
    """What is known by whose request it is."""

    pinned: Pinned | None = None
    """None: nothing was learned."""
    owner: Owner | None = None
    cold: Callable[[str], bool] = never
    """By the key of its opening: the provider has nothing of a conversation cached, and the past may be changed for that."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A body as far as it can be understood."""

    document: Document
    conversation: Conversation
    keys: Chain
    size: int
    """Bytes of the body."""
    target: str
    """Path and query of the request."""
    dialect: Dialect
    seams: Seams | None
    """None where this API has no way to hide something."""
    policies: Policies = NONE
    occasion: Occasion = "fit"
    standing: Standing | None = None
    """What may be decided about the conversation as a whole; None where nothing may."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What leaves, and what there is to say about it."""

    body: bytes
    report: Report
    reading: Reading | None = None
    """None: the body was not read, it leaves as it came."""
    changed: bool = False
    """`body` is not what came."""
    changes: Mapping[Address, str] = field(default_factory=dict)
    """Texts in it that were edited."""
    sent: Mapping[str, Form] = field(default_factory=dict)
    """What the journal knew."""
    other: int | None = None
    """Where history would end if what has no record were read the other way; None where there is no doubt."""
    unsettled: Literal["", "record", "amend"] = ""
    """The forms are a guess, to be recorded once the provider has taken them."""
    store_failures: int = 0
    kept: bool = False
    """The originals are in the store already."""
    offered: bool = False
    """Our tool stands in the body, so calls of it are to be answered."""
    added: int = 0
    """Estimated tokens of what was put in; in the report already."""
    fitted: Fitted | None = None
    bare: int = 0
    """So many elements at the head of `body` stand without reasoning that was bound to what it was said behind."""
    unlike: int = 0
    """Answers with hidden rounds on record that the client has changed beyond recognition."""


async def _own(sent: Mapping[str, Form], replies: Sequence[str], owner: Owner | None) -> Mapping[str, Form]:
    """What the journal knows, without hidden rounds in which another tenant's texts were given back."""
    owners = {key: name for key in replies if (name := weaving.owner(sent.get(key) or ""))}
    if not owners:
        return sent
    try:
        caller = "" if owner is None else await owner()
    except StoreError:
        caller = ""
    return {key: form for key, form in sent.items() if owners.get(key, caller) == caller}


BYTES_PER_TOKEN = 4
"""For bodies that are not read: the usual rule of thumb, good to 25 %."""


def untouched(body: bytes, reason: Skip, tokens: int | None = None) -> Prepared:
    tokens = len(body) // BYTES_PER_TOKEN if tokens is None else tokens
    return Prepared(body, Report(before=tokens, after=tokens, skipped=(Skipped(reason, tokens),)))


class Compression:
    """Shared by all dialects. `durable`: the journal outlives this process, so a missing record means foreign. `offer`: offer
    the model a tool of ours, by which it gets back what is left out of a text.
    """

    def __init__(
        self, pipeline: Pipeline, journal: Journal, memo: DocumentMemo, *, durable: bool, views: Views = "never", offer: bool = False,
    ) -> None:
        self._pipeline, self._journal, self._memo, self._durable, self._views = pipeline, journal, memo, durable, views
        self._offer = offer
        self._plain: Memo[str, bool] = Memo(PLAIN_BYTES)
        """Answers, by their keys, that are known to have no hidden rounds: those are on record before the client has the answer."""
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
            reading = await self.aside(len(body), lambda: self._read(dialect, target, body))
        except Unreadable as error:
            return untouched(body, error.reason)
        if leave is not None:
            tokens = await self.aside(len(body), lambda: self._pipeline.size(reading.conversation))
            return replace(untouched(body, leave, tokens), reading=reading)
        pin = None if caller is None or caller.pinned is None else await caller.pinned(reading.conversation, reading.keys.parts)
        prepared = await self._decide(reading, keep, pin, caller or Caller())
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
        try:
            body, count = await self.aside(len(prepared.body), lambda: weaving.without_reasoning(prepared.body, dialect.turns, dialect.bare))
        except Unreadable:
            return None
        return None if body == prepared.body else replace(prepared, body=body, changed=True, bare=count)

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

    async def remember(self, end: bytes, text: str, exchange: Exchange, owner: str = "") -> None:
        """Record the hidden rounds of an answer to a conversation that ends so (Chain.end), and that has this visible text.
        `owner` as in weaving.write. Raises StoreError."""
        key = reply(end, text)
        self._plain.put(key, False, PLAIN_ROW)  # a value, not an option
        await self._journal.amend({key: weaving.write(exchange, owner)})

    def _read(self, dialect: Dialect, target: str, body: bytes) -> Reading:
        document = Document.parse(body, self._memo)
        conversation = dialect.read(document, target.partition("?")[0])
        if len(conversation.parts) > MAX_PARTS:
            raise Unreadable("too_costly")
        hidden = HIDDEN.get(dialect.name)
        seams = None if hidden is None else Seams(hidden, document, dialect.turns, conversation)
        subject = Subject(dialect, document, conversation, self._pipeline.chain(conversation))
        standing = None if self._refitting is None else self._refitting.standing(subject, self._tokens, len(body))
        return Reading(document, conversation, subject.keys, len(body), target, dialect, seams, standing=standing)

    def _wanted(self, reading: Reading) -> list[str]:
        """What the journal is to be asked."""
        conversation, keys = reading.conversation, reading.keys
        defined = conversation.definitions or conversation.tools_in is not None
        replies = (key for key in keys.replies if not self._plain.get(key)) if defined else ()
        decided = () if self._refitting is None else self._refitting.wanted(reading.standing, hint(keys, conversation), reading.size)
        repair = [mended(keys.opening)] if conversation.replies else []  # each time: any turn may be the one that is repaired
        return [*([keys.opening] if defined else ()), *keys.parts.values(), *replies, *decided, *repair]

    async def _decide(self, reading: Reading, keep: Keep | None, pin: Pin | None, caller: Caller) -> Prepared:
        keys, fresh = reading.keys, reading.conversation.fresh
        wanted = self._wanted(reading)
        if not wanted:
            return await self._compress(reading, {}, fresh)
        sent, failures = await self._known(wanted if pin is None else [*wanted, pin.key])
        if self._refitting is not None and reading.standing is None and (caller.cold(keys.opening) or hint(keys, reading.conversation) in sent):
            reading = replace(reading, standing=self._refitting.standing(Subject(reading.dialect, reading.document, reading.conversation, keys), self._tokens))
            more, failed = await self._known(self._wanted(reading))
            sent, failures = {**sent, **more}, failures + failed
        if not failures:
            for key in set(keys.replies).intersection(wanted).difference(sent):
                self._plain.put(key, True, PLAIN_ROW)
            if self._refitting is not None:
                self._refitting.read(reading.standing, sent)
        sent = await _own(sent, keys.replies, caller.owner)
        history = [key for i, key in keys.parts.items() if i < fresh]
        # Where a tool of ours stood is on record as well: without that, what was said behind it may stand on definitions unlike these.
        undefined = bool(reading.conversation.replies) and keys.opening in wanted and keys.opening not in sent
        unknown = undefined or any(key not in sent for key in history)
        # Where no record can tell our history from foreign, because it could not be read or because it was lost with an
        # earlier process, purity says what we would have sent, and that is assumed. Else what has no record is foreign.
        lost = bool(failures) or (not self._durable and not any(key in sent for key in history))
        if pin is not None:
            try:
                reading = replace(reading, policies=await pin.policies(sent, read=not failures))
            except StoreError:
                failures += 1
        if caller.cold(keys.opening) and not lost and not reading.conversation.only_counted:
            reading = replace(reading, occasion="cold")
        prepared = await self._reachable(reading, sent, 0 if lost else fresh, keep)
        if not await stands(prepared.fitted, reading.occasion, self._journal.claim):
            prepared = await self._reachable(replace(reading, occasion="fit"), sent, fresh, keep)
        failures += prepared.store_failures
        if reading.conversation.only_counted:
            return replace(prepared, store_failures=failures)
        if unknown:
            prepared = replace(prepared, other=fresh if lost else 0)
        if unknown and lost:
            return replace(prepared, unsettled="record", store_failures=failures)
        return await self._recorded(prepared, reading, failures)

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

    async def _known(self, keys: list[str]) -> tuple[Mapping[str, Form], int]:
        try:
            return await self._journal.read(keys), 0
        except Unread as error:
            return error.known, 1

    async def _recorded(self, prepared: Prepared, reading: Reading, failures: int) -> Prepared:
        """What is about to leave is on record first; a failure to write it is counted and changes no byte."""
        forms = prepared.report.forms
        if not forms:
            return prepared
        try:
            stands = await self._journal.record(forms)
        except StoreError:
            return replace(prepared, store_failures=failures + 1)
        prepared = replace(prepared, store_failures=failures)
        if any(stands.get(key, form) != form for key, form in forms.items()):
            # Another worker recorded other forms for the same turn first: what stands is what is sent.
            return replace(await self._compress(reading, {**prepared.sent, **stands}, reading.conversation.fresh), kept=prepared.kept)
        return prepared

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
            given = Given(history, additions, lossy, reading.occasion, reading.policies.importance)
            fitted = self._fitted(reading, sent, given, fold)
            return replace(self._mended(self._spliced(reading, fitted, additions), sent), sent=sent, unlike=len(unlike))

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

    def _spliced(self, reading: Reading, fitted: Fitted, additions: Sequence[Addition]) -> Prepared:
        """Texts edited, what is ours put in, what does not fit left out."""
        outcome = fitted.outcome
        body = reading.document.splice(outcome.edits, fitted.rewrites)
        tokens = [self._tokens(addition.text) for addition in additions]
        new = [
            Edit(NAME, "", "", addition.text, "addition", 0, count)
            for addition, count in zip(additions[:1], tokens, strict=False) if reading.keys.opening in outcome.report.forms
        ]
        report = replace(outcome.report, after=outcome.report.after + sum(tokens), edits=(*outcome.report.edits, *new))
        return Prepared(
            body, report, reading, bool(outcome.edits or fitted.rewrites), fitted.changes, offered=any(not addition.key for addition in additions), added=sum(tokens), fitted=fitted,
        )

    def _mended(self, prepared: Prepared, sent: Mapping[str, Form]) -> Prepared:
        """Without the reasoning that was left out once for good."""
        assert prepared.reading is not None
        row, dialect = sent.get(mended(prepared.reading.keys.opening)), prepared.reading.dialect
        if not row or not row.isdecimal():
            return prepared
        body, _ = weaving.without_reasoning(prepared.body, dialect.turns, dialect.bare, int(row))
        return replace(prepared, body=body, changed=prepared.changed or body != prepared.body)

    def _tokens(self, text: str) -> int:
        return self._pipeline.weigh(text).tokens

    async def aside(self, size: int, work: Callable[[], T]) -> T:
        """Here when small, else in a thread. A client that leaves waits for a thread that has begun: one that were
        left behind would work on uncounted, and clients that come and go could start any number of them."""
        if size < OFF_LOOP:
            return work()
        return await anyio.to_thread.run_sync(work, limiter=self._threads)
