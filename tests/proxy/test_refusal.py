from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from headroom.dialects.document import Document, Rewrite
from headroom.http.message import Body, Fields, Response, once
from headroom.proxy import refusal
from headroom.proxy.refusal import Made

pytestmark = pytest.mark.anyio

SAYS = b'{"error":{"message":"messages.3.content.0: no \xe2\x80\x9cthis\xe2\x80\x9d"}}'
TOLD = SAYS.replace(b"messages.3", b"messages.1")


def messages(*texts: str) -> list[Any]:
    return [{"role": "user", "content": [{"type": "text", "text": text}]} for text in texts]


def made() -> Made:
    """Two elements of ours stand between the client's."""
    client = json.dumps({"messages": messages("a", "b")}).encode()
    rewrites = [Rewrite("messages", 0, 1, lambda sources: [*sources, *map(json.dumps, messages("c", "d"))])]
    return Made(Document.parse(client).splice({}, rewrites), client, {}, rewrites, "messages")


async def aside(size: int, work: Callable[[], str]) -> str:
    return work()


async def read(response: Response) -> bytes:
    return b"".join([chunk async for chunk in response.body])


@pytest.mark.parametrize(("status", "says", "told"), [
    (400, SAYS, TOLD), (422, SAYS, TOLD), (413, SAYS, TOLD),
    (200, SAYS, SAYS), (529, SAYS, SAYS),
    (400, b"no place", b"no place"), (400, b"", b""), (400, b"messages.3 \xff", b"messages.3 \xff"),
    (400, b"messages.0, messages[3]", b"messages.0, messages[1]"),
])
async def test_a_refusal_names_the_clients_places(status: int, says: bytes, told: bytes) -> None:
    fields: Fields = [(b"request-id", b"r"), (b"content-length", b"%d" % len(says)), (b"digest", b"d")]
    response = await refusal.told(Response(status, fields, once(says)), made(), aside)
    assert response.status == status
    assert await read(response) == told
    assert response.get(b"content-length") == b"%d" % len(told)
    assert response.get(b"request-id") == b"r"
    assert (response.get(b"digest") is None) == (says != told)


@pytest.mark.parametrize(("encoding", "packed", "read_"), [
    (b"gzip", gzip.compress(SAYS), True), (b"identity", SAYS, True), (b"snappy", SAYS, False), (b"gzip", SAYS, False),
])
async def test_a_coding_that_can_be_undone_is(encoding: bytes, packed: bytes, read_: bool) -> None:
    response = await refusal.told(Response(400, [(b"content-encoding", encoding)], once(packed)), made(), aside)
    assert await read(response) == (TOLD if read_ else packed)
    assert response.get(b"content-encoding") == (None if read_ else encoding)


async def test_a_refusal_of_what_came_as_it_came_is_not_read() -> None:
    response = Response(400, [], once(SAYS))
    assert await refusal.told(response, None, aside) is response


async def test_reasoning_that_was_left_out_besides_is_counted_too() -> None:
    first = made()
    thought = json.dumps({"role": "assistant", "content": [{"type": "thinking", "thinking": "hm"}]})
    rewrites = [Rewrite("messages", 0, 1, lambda sources: [*sources, thought, *map(json.dumps, messages("c"))])]
    left = json.dumps({"messages": messages("a", "c", "b")}).encode()
    response = await refusal.told(Response(400, [], once(b"messages.2")), Made(left, first.client, {}, rewrites, "messages"), aside)
    assert await read(response) == b"messages.1"


@pytest.mark.parametrize("pieces", [1, 1000])
async def test_a_long_one_arrives_whole_and_is_let_go_of(pieces: int) -> None:
    closed: list[bool] = []
    piece = SAYS * (1 if pieces == 1 else 10)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(pieces):
            yield piece

    async def close() -> None:
        closed.append(True)

    response = await refusal.told(Response(400, [], Body(chunks(), close)), made(), aside)
    assert await read(response) == (TOLD if pieces == 1 else piece * pieces)
    await response.body.aclose()
    assert closed == [True]


async def test_a_refusal_that_breaks_off_is_let_go_of() -> None:
    closed: list[bool] = []

    async def chunks() -> AsyncIterator[bytes]:
        yield b"{"
        raise OSError

    async def close() -> None:
        closed.append(True)

    with pytest.raises(OSError):
        await refusal.told(Response(400, [], Body(chunks(), close)), made(), aside)
    assert closed == [True]
