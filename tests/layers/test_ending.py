from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import anyio
import pytest

from headroom.errors import Garbled
from headroom.http.message import Body, Fields, Response, once
from headroom.layers.ending import asks_a_model, on_end

pytestmark = pytest.mark.anyio

STREAM = (b"content-type", b"text/event-stream; charset=utf-8")


@dataclass
class Told:
    """Remembers what it was told, and how much of the answer had left by then."""

    left: list[bytes] = field(default_factory=list)
    ends: list[tuple[bool, int, int]] = field(default_factory=list)

    async def __call__(self, whole: bool, events: int) -> None:
        await anyio.lowlevel.checkpoint()
        self.ends.append((whole, events, len(self.left)))


def streamed(*chunks: bytes, fault: Exception | None = None) -> Body:
    async def run() -> AsyncGenerator[bytes, None]:
        for chunk in chunks:
            yield chunk
        if fault is not None:
            raise fault

    stream = run()
    return Body(stream, stream.aclose)


async def relay(told: Told, fields: Fields, body: Body) -> None:
    response = on_end(Response(200, fields, body), told)
    try:
        async for chunk in response.body:
            told.left.append(chunk)
    finally:
        await response.body.aclose()


@pytest.mark.parametrize(("fields", "body", "expected"), [
    ([(b"content-length", b"4")], lambda: streamed(b"ab", b"cd"), (True, 0, 1)),   # before the last chunk leaves
    ([(b"content-length", b"4")], lambda: once(b"abcd"), (True, 0, 0)),
    ([(b"content-length", b"4")], lambda: streamed(b"ab"), (True, 0, 1)),          # the client of HTTP raises here, not we
    ([], lambda: streamed(b"ab", b"cd"), (True, 0, 2)),
    ([], lambda: streamed(), (True, 0, 0)),
    ([STREAM], lambda: streamed(b"event: x\ndata: 1\n\nda", b"ta: 2\n\ndata: 3\n\ndata: 4\n\n"), (True, 3, 2)),  # one is cut in two
    ([STREAM, (b"content-encoding", b"gzip")], lambda: streamed(b"data: 1\n\n"), (True, 0, 1)),
    ([STREAM, (b"content-encoding", b"identity")], lambda: streamed(b"data: 1\n\n"), (True, 1, 1)),
])
async def test_the_end_is_told_once(fields: Fields, body: object, expected: tuple[bool, int, int]) -> None:
    told = Told()
    await relay(told, fields, body())  # type: ignore[operator]  # a table of makers: a body is read once
    assert told.ends == [expected]


async def test_a_broken_answer_ends_too() -> None:
    told = Told()
    with pytest.raises(Garbled):
        await relay(told, [STREAM], streamed(b"data: 1\n\n", fault=Garbled("broke")))
    assert told.ends == [(False, 1, 1)]


async def test_a_client_that_leaves_ends_it_even_while_everything_is_cancelled() -> None:
    told = Told()
    response = on_end(Response(200, [STREAM], streamed(b"data: 1\n\n", b"data: 2\n\n")), told)
    with anyio.CancelScope() as scope:
        try:
            async for _ in response.body:
                scope.cancel()
                await anyio.lowlevel.checkpoint()
        finally:
            await response.body.aclose()
    assert told.ends == [(False, 1, 0)]


async def test_an_answer_that_nobody_reads_ends_when_it_is_let_go() -> None:
    told = Told()
    await on_end(Response(200, [], streamed(b"x")), told).body.aclose()
    assert told.ends == [(False, 0, 0)]


@pytest.mark.parametrize(("method", "path", "expected"), [
    ("POST", "/v1/messages", True), ("POST", "/v1/messages/count_tokens", False), ("POST", "/v1/responses/input_tokens", False),
    ("POST", "/v1beta/models/m:countTokens", False), ("GET", "/v1/models", False), ("HEAD", "/", False), ("OPTIONS", "/v1/messages", False),
    ("POST", "/v1/messages/batches", True), ("DELETE", "/v1/files/x", True),
])
def test_which_requests_count(method: str, path: str, expected: bool) -> None:
    assert asks_a_model(method, path) is expected
