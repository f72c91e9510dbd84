"""What connections of one server do for each other."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from headroom.http.asgi import Receive, Scope, Send
from headroom.http.connection import Connection, House
from headroom.http.limits import Limits
from headroom.http.link import Link
from tests.http.serving import PATIENCE, answers, echo

pytestmark = pytest.mark.anyio

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@asynccontextmanager
async def connected(house: House, *, overloaded: bool = False) -> AsyncIterator[socket.socket]:
    """The client's end of a connection that the house serves."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    with anyio.fail_after(PATIENCE), theirs:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(Connection(house, Link(ours, house.limits), None, None, overloaded=overloaded).run)
            yield theirs
            tasks.cancel_scope.cancel()


async def hear(sock: socket.socket) -> bytes:
    await anyio.wait_readable(sock)
    return sock.recv(65536)


async def test_the_client_that_was_silent_for_longest_makes_room_for_a_new_one() -> None:
    house = House(echo, Limits())
    async with connected(house) as first, connected(house) as second:
        for sock in (first, second):
            sock.send(GET)
            assert answers(await hear(sock))[0].status == 200
        await anyio.wait_all_tasks_blocked()
        now = anyio.current_time()
        assert not house.make_room(now), "their next requests may be on the way"
        assert house.make_room(now + 60)
        assert await hear(first) == b""
        second.send(GET)
        assert answers(await hear(second))[0].status == 200
    assert (house.open, house.idle) == (0, {})


async def test_a_client_that_has_begun_to_send_is_not_closed_for_another() -> None:
    house = House(echo, Limits())
    async with connected(house) as sock:
        await anyio.wait_all_tasks_blocked()
        sock.send(GET)  # in the kernel, not read yet
        assert not house.make_room(anyio.current_time() + 60)
        assert answers(await hear(sock))[0].status == 200


async def test_no_more_is_read_than_the_application_takes() -> None:
    taken, go = anyio.Event(), anyio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        taken.set()
        await go.wait()
        await echo(scope, receive, send)

    house = House(app, Limits(buffer=1 << 16))
    body = b"x" * (8 << 20)
    async with connected(house) as sock:
        sock.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body))
        await taken.wait()
        sent = await push(sock, body)
        assert sent < 2 << 20, "a buffer, one segment, and what a socket pair holds"
        go.set()
        while sent < len(body):
            await anyio.wait_writable(sock)
            sent += sock.send(body[sent : sent + 65536])
        assert (await hear(sock)).startswith(b"HTTP/1.1 200 OK\r\n")


async def push(sock: socket.socket, data: bytes) -> int:
    """Send until nobody takes more."""
    sent = 0
    while True:
        before = sent
        try:
            while sent < len(data):
                sent += sock.send(data[sent : sent + 65536])
        except BlockingIOError:
            await anyio.wait_all_tasks_blocked()
        if sent == before:
            return sent
