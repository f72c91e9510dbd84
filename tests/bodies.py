"""Bodies of answers for tests: streams that end well or break, and a reader that lets go."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from headroom.http.message import Body, Response


def stream(*chunks: bytes, breaks: Exception | None = None) -> Body:
    async def run() -> AsyncGenerator[bytes, None]:
        for chunk in chunks:
            yield chunk
        if breaks is not None:
            raise breaks

    running = run()
    return Body(running, running.aclose)


async def drain(response: Response) -> bytes:
    try:
        return b"".join([chunk async for chunk in response.body])
    finally:
        await response.body.aclose()
