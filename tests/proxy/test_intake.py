from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from headroom.errors import BadRequest, Busy, ClientError, HeadroomError, TooLarge
from headroom.http.message import Body, Fields, Request, once
from headroom.proxy.intake import Intake

pytestmark = pytest.mark.anyio


def ask(*chunks: bytes, length: int | None = None) -> Request:
    async def run() -> AsyncGenerator[bytes, None]:
        for chunk in chunks:
            yield chunk

    running = run()
    fields: Fields = [] if length is None else [(b"content-length", b"%d" % length)]
    return Request("POST", "/", fields, Body(running, running.aclose))


@pytest.mark.parametrize(("chunks", "length"), [((b"ab", b"c"), 3), ((b"abc",), None), ((b"", b"abc"), 3)])
async def test_a_body_is_read_whole(chunks: tuple[bytes, ...], length: int | None) -> None:
    intake = Intake(10, 10)
    async with intake.read(ask(*chunks, length=length)) as body:
        assert body == b"abc"
        assert intake.held == 3
    assert intake.held == 0


async def test_a_body_in_memory_is_read_as_it_is() -> None:
    async with Intake(10).read(Request("POST", "/", [], once(b"abc"))) as body:
        assert body == b"abc"


@pytest.mark.parametrize(("chunks", "length", "error"), [
    ((b"x" * 11,), None, TooLarge), ((), 11, TooLarge), ((b"ab",), 3, BadRequest), ((b"x" * 6, b"x" * 3), None, Busy),
])
async def test_too_much_or_too_little_is_refused_and_nothing_stays_held(chunks: tuple[bytes, ...], length: int | None, error: type[ClientError]) -> None:
    intake = Intake(10, 8)
    request = ask(*chunks, length=length)
    with pytest.raises(HeadroomError) as caught:
        async with intake.read(request):
            raise AssertionError
    assert type(caught.value) is error
    assert intake.held == 0
    await request.body.aclose()


async def test_all_bodies_share_one_budget() -> None:
    intake = Intake(10, 12)
    async with intake.read(ask(b"x" * 8, length=8)):
        second = ask(b"x" * 8, length=8)
        with pytest.raises(Busy) as caught:
            async with intake.read(second):
                raise AssertionError
        await second.body.aclose()
        assert caught.value.retry_after == 1
    async with intake.read(ask(b"x" * 8, length=8)):
        assert intake.held == 8
