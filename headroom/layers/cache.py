"""Answer a request from memory that asks exactly what was asked before, and ask once for those who ask it together.

Only whole answers without an error are kept, and only where the request asks for no variety. An answer is passed on as it
comes while a copy is taken; a stream is given again as the pieces it came in, without waiting between them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace

import anyio

from headroom.errors import StoreError
from headroom.http.message import Body, Fields, Handler, Request, Response, once
from headroom.layers.cachekey import key_of, may_be_kept, wants_anew
from headroom.layers.flight import Flight, Flights
from headroom.layers.wholeness import is_stream, is_whole, may_be_whole
from headroom.record import CacheState, Draft
from headroom.stores.answers import PER_CHUNK, Answers, Facts, Kept

STATE = b"x-headroom-cache"

LARGEST = 8 << 20
"""Bytes of the largest answer that is kept; the longest that models write is a few megabytes of events."""

ATTEMPTS = 2
"""So many answers are waited for in vain; then a request is sent by itself."""

PATIENCE = 5.0
"""Seconds that a client may take nothing of its answer before those stop waiting who wait for the same."""

OF_ITS_TIME = frozenset((b"retry-after", b"set-cookie", b"age", STATE))
LIMITS = b"ratelimit"
"""In names of fields that tell what of the provider's limits was left then."""


@dataclass(frozen=True, slots=True)
class Around:
    """What the cache needs from outside."""

    read: Callable[[Request], AbstractAsyncContextManager[bytes]]
    """The body, within limits."""
    now: Callable[[], float]
    """Seconds, steady."""
    secret: Callable[[], Awaitable[bytes]]
    """For the keys; at least 32 bytes, the same for all who share the answers."""
    mishap: Callable[[str], None]
    """Count something that went wrong without harm to the request, by name."""
    late: bool = False
    """Writing takes a moment: an answer is kept when its last byte has left, and not before. Who asks here meanwhile waits."""


class Cache:
    """A Layer around the data routes. Not locked: it lives on one thread, the event loop's."""

    def __init__(self, answers: Answers, room: int, around: Around, patience: float = PATIENCE) -> None:
        """`room`: bytes that all answers may take together that are being copied."""
        self._answers, self._room, self._around, self._patience = answers, room, around, patience
        self._flights = Flights()
        self._copied = 0
        self._era = answers.era
        self.hits = self.misses = 0

    def __call__(self, inner: Handler) -> Handler:
        async def handle(request: Request) -> Response:
            if not may_be_kept(request):
                return _marked(await inner(request), request.draft, "bypass")
            async with self._around.read(request) as body:
                request = replace(request, body=once(body))
                if wants_anew(body):
                    return _marked(await inner(request), request.draft, "bypass")
                return await self._answer(request, key_of(request, body, await self._around.secret()), inner)

        return handle

    async def clear(self) -> None:
        """What is being copied now is not kept either. Raises StoreError."""
        self._flights = Flights()
        await self._answers.clear()

    async def _answer(self, request: Request, key: str, inner: Handler) -> Response:
        for _ in range(ATTEMPTS):
            kept = await self._find(key)
            if kept is not None:
                return self._again(request.draft, kept)
            flight = self._flights.find(key)
            if flight is None:
                break
            kept = await flight.wait(self._around.now, self._patience)
            if kept is not None:
                return self._again(request.draft, kept)
            if not flight.shared or not flight.ended:
                break
        return await self._ask(request, _Copy(self, key, request.draft), inner)

    async def _find(self, key: str) -> Kept | None:
        try:
            kept = await self._answers.get(key)
        except StoreError:
            self._around.mishap("cache")
            kept = None
        self._follow()
        return kept

    def _follow(self) -> None:
        """After others were told to forget all, nobody waits here for what was asked before, and it is not kept."""
        if self._answers.era != self._era:
            self._era = self._answers.era
            self._flights = Flights()

    def _again(self, draft: Draft, kept: Kept) -> Response:
        self.hits += 1
        facts = kept.facts
        draft.provider, draft.dialect, draft.model, draft.stream = facts.provider, facts.dialect, facts.model, facts.stream
        draft.tokens_before, draft.tokens_after, draft.spared = facts.tokens_before, facts.tokens_after, facts.usage
        age = max(0, int(self._around.now() - kept.at))
        response = Response(kept.status, [*kept.fields, (b"age", b"%d" % age)], replayed(kept))
        return _marked(response, draft, "hit")

    async def _ask(self, request: Request, copy: _Copy, inner: Handler) -> Response:
        self.misses += 1
        try:
            response = await inner(request)
        except BaseException:
            copy.end(None)
            raise
        if not may_be_whole(response) or request.draft.partial:
            # An error may pass; what cannot be kept with this status cannot be shared with anybody.
            copy.end(None, shared=response.status >= 300)
            return _marked(response, request.draft, "miss")
        return _marked(copy.taken_of(response), request.draft, "miss")

    def start(self, key: str) -> tuple[Flights, Flight]:
        return self._flights, self._flights.start(key)

    @property
    def late(self) -> bool:
        return self._around.late

    def handed(self) -> float:
        return self._around.now()

    def take(self, size: int) -> bool:
        """Whether there is room to copy so many bytes more."""
        if self._copied + size > self._room:
            return False
        self._copied += size
        return True

    def release(self, size: int) -> None:
        self._copied -= size

    async def keep(self, key: str, kept: Kept, flights: Flights) -> None:
        self._follow()
        if flights is not self._flights:
            return  # it was to be forgotten since
        try:
            await self._answers.put(key, kept)
        except StoreError:
            self._around.mishap("cache")


class _Copy:
    """The copy of one answer, taken as it passes."""

    def __init__(self, cache: Cache, key: str, draft: Draft) -> None:
        self._cache, self._key, self._draft = cache, key, draft
        self._flights, self._flight = cache.start(key)
        self._chunks: list[bytes] = []
        self._size = 0
        self._response = Response(0)
        self._left: int | None = None
        """Bytes still to come, where that is known."""

    def taken_of(self, response: Response) -> Response:
        self._response = response
        length = response.get(b"content-length")
        self._left = int(length) if length and length.isdigit() else None
        through = response.body.through(self._pass)

        async def close() -> None:
            try:
                await through.aclose()
            finally:
                self.end(None)  # does nothing after the last chunk

        return replace(response, body=Body(through.__aiter__(), close))

    async def _pass(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        try:
            async for chunk in chunks:
                self._take(chunk)
                if self._left == 0 and not self._cache.late:
                    await self._done()  # before the last byte leaves: who has it and asks again finds it
                self._flight.handed = self._cache.handed()
                yield chunk
                self._flight.handed = None
            if not self._left:
                await self._done()
        finally:
            self.end(None)

    def _take(self, chunk: bytes) -> None:
        if self._left is not None:
            self._left -= len(chunk)
        if self._flight.ended:
            return
        size = len(chunk) + PER_CHUNK
        if self._size + size > LARGEST or not self._cache.take(size):
            self.end(None, shared=False)
            return
        self._size += size
        self._chunks.append(chunk)

    async def _done(self) -> None:
        if self._flight.ended:
            return
        kept = self._kept()
        if self._draft.error or not is_whole(kept, LARGEST):
            self.end(None)
            return
        with anyio.CancelScope(shield=True):
            await self._cache.keep(self._key, kept, self._flights)
        self.end(kept)

    def _kept(self) -> Kept:
        draft, report = self._draft, self._draft.report
        before = report.before if draft.tokens_before is None else draft.tokens_before
        after = report.after if draft.tokens_after is None else draft.tokens_after
        facts = Facts(draft.provider, draft.dialect, draft.model, draft.stream, before, after, draft.usage())
        return Kept(self._response.status, tuple(_lasting(self._response.fields)), tuple(self._chunks), self._cache.handed(), facts)

    def end(self, kept: Kept | None, *, shared: bool = True) -> None:
        """Safe to call again."""
        self._cache.release(self._size)
        self._chunks, self._size = [], 0
        self._flights.end(self._key, self._flight, kept, shared=shared)


def replayed(kept: Kept) -> Body:
    """The same pieces; at once where it is not a stream."""
    if len(kept.chunks) <= 1 or not is_stream(dict(kept.fields).get(b"content-type")):
        return once(b"".join(kept.chunks))

    async def pieces() -> AsyncIterator[bytes]:
        for chunk in kept.chunks:
            yield chunk

    return Body(pieces())


def bypassed(inner: Handler) -> Handler:
    """A Layer for where there is no cache."""

    async def handle(request: Request) -> Response:
        return _marked(await inner(request), request.draft, "bypass")

    return handle


def _marked(response: Response, draft: Draft, state: CacheState) -> Response:
    draft.cache = state
    return replace(response, fields=[*response.fields, (STATE, state.encode())])


def _lasting(fields: Fields) -> Fields:
    """Without what was true of that moment only."""
    return [field for field in fields if field[0] not in OF_ITS_TIME and LIMITS not in field[0]]
