from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from headroom.errors import Busy, Garbled, HeadroomError, Stale, TimedOut, Unreachable
from headroom.http.message import Body, Request, Response, once
from headroom.layers.retry import FIRST_PAUSE, LONGEST_PAUSE, pause, retry

pytestmark = pytest.mark.anyio

DOWN, DEAD = Unreachable("down"), Stale("dead")


@dataclass
class Upstream:
    """Fails as listed, then answers with what it was sent."""

    failures: list[HeadroomError]
    asked: list[Request] = field(default_factory=list)
    reads: int = -1
    """How many chunks of a body it reads before it fails; -1 none."""

    async def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        if self.failures:
            if self.reads >= 0:
                async for _ in request.body:
                    if self.reads:
                        break
            raise self.failures.pop(0)
        return Response(200, [], once(b"".join([chunk async for chunk in request.body])))


@dataclass
class Bed:
    slept: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)


def streamed(*chunks: bytes) -> Body:
    async def run() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return Body(run())


async def ask(upstream: Upstream, body: Body, attempts: int = 3, bed: Bed | None = None) -> Response:
    handler = retry(attempts, bed or Bed(), lambda: 0.5)(upstream)
    return await handler(Request("POST", "/", [], body))


@pytest.mark.parametrize(
    ("failures", "times", "raised"),
    [
        ([], 1, None),
        ([DOWN], 2, None),
        ([DOWN, DOWN], 3, None),
        ([DOWN, DOWN, DOWN], 3, Unreachable),
        ([DEAD], 2, None),
        ([DEAD, DEAD], 2, Stale),
        ([DEAD, DOWN], 3, None),
        ([DOWN, DEAD], 3, None),
        ([Garbled("x")], 1, Garbled),
        ([TimedOut("x")], 1, TimedOut),
        ([Busy("x")], 1, Busy),
    ],
)
async def test_what_is_asked_again(failures: list[HeadroomError], times: int, raised: type[HeadroomError] | None) -> None:
    upstream = Upstream([*failures])
    if raised is None:
        response = await ask(upstream, once(b"body"))
        assert response.body.data == b"body"
    else:
        with pytest.raises(raised):
            await ask(upstream, once(b"body"))
    assert len(upstream.asked) == times


async def test_after_a_stale_connection_a_new_one_is_asked_for() -> None:
    upstream = Upstream([DEAD])
    await ask(upstream, once(b"body"))
    assert [request.fresh for request in upstream.asked] == [False, True]


async def test_a_streamed_body_is_sent_again_only_if_nothing_of_it_was_read() -> None:
    unread = Upstream([DOWN, DEAD])
    assert (await ask(unread, streamed(b"a", b"b"))).body.data == b"ab"
    begun = Upstream([DEAD], reads=1)
    with pytest.raises(Stale):
        await ask(begun, streamed(b"a", b"b"))
    assert len(begun.asked) == 1
    empty = Upstream([DEAD], reads=0)
    assert (await ask(empty, streamed())).body.data == b"", "an empty one can be sent as often as one likes"


async def test_a_status_is_never_asked_again() -> None:
    asked = 0

    async def overloaded(request: Request) -> Response:
        nonlocal asked
        asked += 1
        return Response(529, [(b"retry-after", b"1")])

    response = await retry(3, Bed(), lambda: 0.5)(overloaded)(Request("POST", "/", [], once(b"")))
    assert (response.status, asked) == (529, 1)


async def test_pauses_grow_up_to_a_limit_and_are_jittered_over_all_of_it() -> None:
    bed = Bed()
    with pytest.raises(Unreachable):
        await ask(Upstream([DOWN] * 9), once(b""), attempts=7, bed=bed)
    assert bed.slept == [0.05, 0.1, 0.2, 0.4, 0.5, 0.5]
    assert pause(1, 1.0) == FIRST_PAUSE
    assert pause(30, 1.0) == LONGEST_PAUSE
    assert pause(3, 0.0) == 0.0
