"""Wait for the end of an answer, whoever ends it: the provider, a broken connection, or a client that leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import anyio

from headroom.http.message import Body, Response

End = Callable[[bool, int], Awaitable[None]]
"""Told once whether the answer came whole, and how many events of a stream did. Cancelling does not stop it."""

UNCOUNTED = ("/count_tokens", ":countTokens", "/input_tokens")
"""How paths end that only count tokens; providers limit them apart and charge nothing."""


def asks_a_model(method: str, path: str) -> bool:
    """Whether a request is of the kind that limits are about; a path of our own never gets here."""
    return method not in ("GET", "HEAD", "OPTIONS") and not path.endswith(UNCOUNTED)


def on_end(response: Response, end: End) -> Response:
    """The same answer. `end` runs before its last byte leaves, as far as that is known to be the last."""
    watch = _Watch(response, end)
    through = response.body.through(watch.chunks)

    async def close() -> None:
        try:
            await through.aclose()
        finally:
            await watch.end(False)  # does nothing after the last chunk

    return Response(response.status, response.fields, Body(through.__aiter__(), close))


class _Watch:
    def __init__(self, response: Response, end: End) -> None:
        length = response.get(b"content-length")
        self._left = int(length) if length and length.isdigit() else None
        """Bytes still to come, where that is known."""
        self._stream = (response.get(b"content-type") or b"").startswith(b"text/event-stream")
        self._plain = response.get(b"content-encoding") in (None, b"identity")
        self._events = 0
        self._end: End | None = end

    async def chunks(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        try:
            async for chunk in chunks:
                if self._stream and self._plain:
                    self._events += chunk.count(b"data:")
                if self._left is not None:
                    self._left -= len(chunk)
                    if self._left <= 0:
                        await self.end(True)
                yield chunk
        except Exception:
            await self.end(False)
            raise
        await self.end(True)

    async def end(self, whole: bool) -> None:
        end, self._end = self._end, None
        if end is not None:
            with anyio.CancelScope(shield=True):
                await end(whole, self._events)
