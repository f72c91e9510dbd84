"""One body, shortened: read it, replay what was sent before, shorten what is new, record it, splice it back.

The heavy steps are pure and run in a worker thread when there is much to do; the journal is asked in between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

import anyio.to_thread

from headroom.conversation import Address, Conversation, Report, Skip, Skipped
from headroom.dialects.base import Dialect
from headroom.dialects.document import Document, DocumentMemo, Unreadable
from headroom.errors import StoreError
from headroom.memo import Memo
from headroom.pipeline import ENTRY_BYTES, Outcome, Pipeline

T = TypeVar("T")

OFF_LOOP = 32 * 1024
"""Bytes of new text from which a worker thread pays: handing over costs about 0.1 ms, 32 KiB cost about 1 ms."""

THREADS = 2
"""More would only fight for the interpreter and delay the event loop."""

SHARE_ON_LOOP = 8
"""A body of which nothing is new costs the loop about one part in so many of what new text of its size would."""

MAX_PARTS = 20_000
"""Texts beyond which a body is left alone; each costs some microseconds and a row, and long conversations have thousands."""

UNRECORDED = 8 << 20
"""Bytes of forms remembered that the journal could not take."""

UNPARSED = 16 << 20
"""Bytes above which a body is forwarded unparsed: parsing would hold the interpreter for tens of milliseconds."""


class Journal(Protocol):
    """See headroom.sent."""

    async def read(self, keys: list[str]) -> Mapping[str, str | None]: ...
    async def record(self, forms: Mapping[str, str | None]) -> Mapping[str, str | None]: ...


@dataclass(frozen=True, slots=True)
class Reading:
    """A body as far as it can be understood."""

    document: Document
    conversation: Conversation
    keys: Mapping[int, str]
    size: int
    """Bytes of the body."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What leaves, and what there is to say about it."""

    body: bytes
    report: Report
    reading: Reading | None = None
    """None: the body was not read, it leaves as it came."""
    changes: Mapping[Address, str] = field(default_factory=dict)
    assumed: bool = False
    """No record could tell our history from foreign; purity was assumed (see Compression.other_reading)."""
    store_failures: int = 0


BYTES_PER_TOKEN = 4
"""For bodies that are not read: the usual rule of thumb, good to 25 %."""


def untouched(body: bytes, reason: Skip, tokens: int | None = None) -> Prepared:
    tokens = len(body) // BYTES_PER_TOKEN if tokens is None else tokens
    return Prepared(body, Report(before=tokens, after=tokens, skipped=(Skipped(reason, tokens),)))


class Compression:
    """Shared by all dialects. `durable`: the journal outlives this process, so a missing record means foreign."""

    def __init__(self, pipeline: Pipeline, journal: Journal, memo: DocumentMemo, *, durable: bool) -> None:
        self._pipeline, self._journal, self._memo, self._durable = pipeline, journal, memo, durable
        self._threads = anyio.CapacityLimiter(THREADS)
        self._unrecorded: Memo[str, tuple[str | None]] = Memo(UNRECORDED)

    async def prepare(self, dialect: Dialect, path: str, body: bytes, leave: Skip | None = None) -> Prepared:
        """`leave`: read the body for the account, but change nothing, for that reason."""
        if len(body) > UNPARSED:
            return untouched(body, "too_large")
        try:
            reading = await self.aside(len(body), lambda: self._read(dialect, path, body))
        except Unreadable as error:
            return untouched(body, error.reason)
        if leave is not None:
            tokens = await self.aside(len(body), lambda: self._pipeline.size(reading.conversation))
            return replace(untouched(body, leave, tokens), reading=reading)
        return await self._decide(reading)

    async def other_reading(self, prepared: Prepared) -> Prepared:
        """The same body with all its history left alone: for a provider that refused the assumed one."""
        assert prepared.reading is not None
        reading = prepared.reading
        return replace(await self._compress(reading, {}, reading.conversation.fresh), assumed=True)

    async def settle(self, prepared: Prepared) -> int:
        """Record what an assumption turned out to be, once the provider took it; answers failures."""
        if not prepared.assumed:
            return 0
        try:
            await self._journal.record(prepared.report.forms)
        except StoreError:
            self._remember(prepared.report.forms)
            return 1
        return 0

    def _read(self, dialect: Dialect, path: str, body: bytes) -> Reading:
        document = Document.parse(body, self._memo)
        conversation = dialect.read(document, path)
        if len(conversation.parts) > MAX_PARTS:
            raise Unreadable("too_costly")
        return Reading(document, conversation, self._pipeline.chain(conversation), len(body))

    async def _decide(self, reading: Reading) -> Prepared:
        keys, fresh = reading.keys, reading.conversation.fresh
        if not keys:
            return await self._compress(reading, {}, fresh)
        try:
            sent = await self._journal.read(list(keys.values()))
        except StoreError:
            # A failed read is never "absent": purity says what we would have sent, so it is assumed.
            return replace(await self._compress(reading, self._remembered(keys, {}), 0), assumed=True, store_failures=1)
        late = self._remembered(keys, sent)
        sent = {**sent, **late}
        history = [key for i, key in keys.items() if i < fresh]
        if history and not self._durable and not any(key in sent for key in history):
            return replace(await self._compress(reading, {}, 0), assumed=True)
        prepared = await self._compress(reading, sent, fresh)
        forms = {**late, **prepared.report.forms}
        if not forms:
            return prepared
        try:
            stands = await self._journal.record(forms)
        except StoreError:
            self._remember(forms)
            return replace(prepared, store_failures=1)
        if any(stands.get(key, form) != form for key, form in forms.items()):
            # Another worker recorded other forms for the same turn first: what stands is what is sent.
            return await self._compress(reading, {**sent, **stands}, fresh)
        return prepared

    async def _compress(self, reading: Reading, sent: Mapping[str, str | None], history: int) -> Prepared:
        conversation, keys = reading.conversation, reading.keys
        new = sum(
            len(conversation.parts[i].text) for i, key in keys.items() if key not in sent and i >= history
        )

        def work() -> Prepared:
            outcome: Outcome = self._pipeline(conversation, keys, sent, history)
            return Prepared(reading.document.splice(outcome.edits), outcome.report, reading, outcome.edits)

        return await self.aside(max(new, reading.size // SHARE_ON_LOOP), work)

    def _remember(self, forms: Mapping[str, str | None]) -> None:
        """Forms that were sent although the journal could not take them: without a record the next turn would
        take them for somebody else's, and send them another way."""
        for key, form in forms.items():
            self._unrecorded.put(key, (form,), len(key) + len(form or "") + ENTRY_BYTES)

    def _remembered(self, keys: Mapping[int, str], sent: Mapping[str, str | None]) -> dict[str, str | None]:
        found = {key: self._unrecorded.get(key) for key in keys.values() if key not in sent} if len(self._unrecorded) else {}
        return {key: row[0] for key, row in found.items() if row is not None}

    async def aside(self, size: int, work: Callable[[], T]) -> T:
        """Here when small, else in a thread. A client that leaves waits for a thread that has begun: one that were
        left behind would work on uncounted, and clients that come and go could start any number of them."""
        if size < OFF_LOOP:
            return work()
        return await anyio.to_thread.run_sync(work, limiter=self._threads)
