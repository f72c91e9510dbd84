"""Read request bodies into memory, within a limit for each and one for all of them together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from headroom.errors import BadRequest, Busy, TooLarge
from headroom.http.message import Request

ALL_BODIES = 512 << 20
"""Bytes of request bodies held at once: a hundred of the largest that providers take would be 3 GiB."""

ALL_RETAINED = 256 << 20
"""Bytes of what was sent that are held while answers come, which may take minutes."""


class Intake:
    """Counts what is held; lives on the event loop's thread."""

    def __init__(self, max_body: int, max_all: int = ALL_BODIES) -> None:
        self.max_body, self._max_all = max_body, max_all
        self.held = self.retained = 0

    @asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytes]:
        """The whole body. Raises TooLarge or Busy as soon as it is known, BadRequest if it ends early."""
        declared = _length(request)
        if declared > self.max_body:
            raise TooLarge(f"the body is larger than {self.max_body} bytes (--max-body)")
        mine = 0
        try:
            mine = self._take(declared)
            chunks: list[bytes] = []
            total = 0
            async for chunk in request.body:
                total += len(chunk)
                if total > self.max_body:
                    raise TooLarge(f"the body is larger than {self.max_body} bytes (--max-body)")
                if total > mine:
                    mine += self._take(total - mine)
                chunks.append(chunk)
            if total < declared:
                raise BadRequest("the body ended early")
            yield chunks[0] if len(chunks) == 1 else b"".join(chunks)
        finally:
            self.held -= mine

    def retain(self, size: int) -> bool:
        """Whether so many bytes may be held until `release`."""
        if self.retained + size > ALL_RETAINED:
            return False
        self.retained += size
        return True

    def release(self, size: int) -> None:
        self.retained -= size

    def _take(self, size: int) -> int:
        if self.held + size > self._max_all:
            raise Busy("too many request bodies at once", retry_after=1)
        self.held += size
        return size


def _length(request: Request) -> int:
    value = request.get(b"content-length")
    return int(value) if value and value.isdigit() and len(value) <= 18 else 0
