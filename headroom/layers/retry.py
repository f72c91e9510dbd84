"""Asks again, where the upstream cannot have acted on the first request.

Two cases and no other: no connection could be made, or a kept-alive one ended without one byte of an answer. Whatever
was answered, a status or half a stream, is the client's to judge: the vendors' SDKs retry by themselves, and retries of
retries are how an overloaded provider is kept down.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

from headroom.errors import Stale, Unreachable
from headroom.http.message import Body, Handler, Layer, Request, Response

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 1.0
"""Seconds: a restart or a DNS hiccup takes about that, and a person is waiting."""


def retry(attempts: int, sleep: Callable[[float], Awaitable[None]], random: Callable[[], float]) -> Layer:
    """`attempts` counts the first one; `random` gives numbers from 0 to 1."""

    def layer(ask: Handler) -> Handler:
        async def handle(request: Request) -> Response:
            request, again = _watched(request)
            failures = 0
            while True:
                try:
                    return await ask(request)
                except Unreachable:
                    failures += 1
                    if failures >= attempts or not again():
                        raise
                    await sleep(pause(failures, random()))
                except Stale:
                    if request.fresh or not again():
                        raise
                    request = replace(request, fresh=True)

        return handle

    return layer


def pause(failures: int, chance: float) -> float:
    """Full jitter: anything up to a limit that doubles, so that clients that failed together return apart."""
    return float(chance * min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (failures - 1)))


def _watched(request: Request) -> tuple[Request, Callable[[], bool]]:
    """The request, and whether its body can still be sent from its beginning."""
    if request.body.data is not None:
        return request, lambda: True
    watched = _Watched(aiter(request.body))
    return replace(request, body=Body(watched)), lambda: not watched.begun


class _Watched:
    """A streamed body that remembers whether anything of it was taken. The duty to let go stays with its owner."""

    __slots__ = ("_chunks", "begun")

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self.begun = False

    def __aiter__(self) -> _Watched:
        return self

    async def __anext__(self) -> bytes:
        chunk = await anext(self._chunks)
        self.begun = True
        return chunk
