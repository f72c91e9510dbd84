"""Requests, responses and the one shape everything that answers HTTP has.

The server calls a Handler, the proxy is a Handler, a layer turns one Handler into another, and the
client that asks the provider is a Handler too.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from headroom.record import Draft

Fields = list[tuple[bytes, bytes]]
"""Header fields in wire order; names in lower case."""


class Body:
    """Bytes that arrive over time, and the duty to let go of what they arrive on.

    Not a bare async generator: closing one that was never started runs none of its `finally`, so a
    response dropped before its first chunk would leak its connection. Iterate it at most once.
    """

    __slots__ = ("_chunks", "_close", "data")

    def __init__(self, chunks: AsyncIterator[bytes], close: Callable[[], Awaitable[None]] | None = None) -> None:
        self._chunks = chunks
        self._close = close
        self.data: bytes | None = None
        """The whole body where it is already in memory: it may then be read again, or resent."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        return once(self.data)._chunks if self.data is not None else self._chunks

    async def aclose(self) -> None:
        """Let go; safe to call twice and after exhaustion."""
        close, self._close = self._close, None
        if close is not None:
            await close()

    def through(self, change: Callable[[AsyncIterator[bytes]], AsyncIterator[bytes]]) -> Body:
        """The same duty, other bytes: how a layer taps or rewrites a stream."""
        changed = change(self.__aiter__())

        async def close() -> None:
            try:
                # A generator that is dropped half-way would be finalised later, by the collector.
                if isinstance(changed, AsyncGenerator):
                    await changed.aclose()
            finally:
                await self.aclose()

        return Body(changed, close)


class _One:
    """An async iterator over at most one chunk; cheaper than an async generator."""

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        self._data: bytes | None = data

    def __aiter__(self) -> _One:
        return self

    async def __anext__(self) -> bytes:
        data, self._data = self._data, None
        if not data:
            raise StopAsyncIteration
        return data


def once(data: bytes) -> Body:
    """A body that is already here."""
    body = Body(_One(data))
    body.data = data
    return body


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    target: str
    """Path and query as they came, never decoded: "/v1/messages?beta=true"."""
    fields: Fields
    body: Body
    peer: str = ""
    """The caller's IP address as text, "" when it is not known (a Unix socket)."""
    draft: Draft = field(default_factory=Draft)
    """What the layers learn of this exchange, for its Record."""
    fresh: bool = False
    """Ask on a new connection: an idle one has just turned out to be dead (see layers/retry)."""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def get(self, name: bytes) -> bytes | None:
        """The first field of that (lower-case) name."""
        return get(self.fields, name)


@dataclass(frozen=True, slots=True)
class Response:
    """Whoever receives a response must exhaust its body or close it."""

    status: int
    fields: Fields = field(default_factory=list)
    body: Body = field(default_factory=lambda: once(b""))

    def get(self, name: bytes) -> bytes | None:
        """The first field of that (lower-case) name."""
        return get(self.fields, name)


Handler = Callable[[Request], Awaitable[Response]]
"""Answers a request. Raises errors.HeadroomError; layers/rescue turns that into an answer."""

Layer = Callable[[Handler], Handler]


def get(fields: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    for key, value in fields:  # twice as fast as a generator, and asked a dozen times a request
        if key == name:
            return value
    return None


HOP_BY_HOP = frozenset(
    (b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te",
     b"trailer", b"transfer-encoding", b"upgrade")
)
"""RFC 9110 §7.6.1 and its predecessors: meant for one connection, never forwarded."""

END_TO_END = frozenset((b"host", b"content-length", b"content-type", b"content-encoding", b"authorization", b"x-api-key"))
"""A Connection field may not remove these (an old way to smuggle requests past a proxy)."""

DESCRIBES_THE_BODY = frozenset((b"content-encoding", b"content-md5", b"digest", b"content-digest", b"repr-digest"))
"""True of the body that came, not of an edited one."""


def end_to_end(fields: Fields, but: frozenset[bytes] = frozenset()) -> Fields:
    """The fields that travel on: without hop-by-hop ones, those that Connection names, and those in `but`."""
    dropped = HOP_BY_HOP | but
    for key, value in fields:
        if key == b"connection":
            dropped |= {token.strip().lower() for token in value.split(b",")} - END_TO_END
    return [item for item in fields if item[0] not in dropped]
