"""The server on real sockets: what a client sees, whatever it sends and however it behaves."""

from __future__ import annotations

import errno
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import anyio
import anyio.abc
import anyio.lowlevel
import pytest

from headroom.errors import SettingsError, TooLarge
from headroom.http.asgi import ASGIApp, Receive, Scope, Send, asgi
from headroom.http.limits import TURN, Limits
from headroom.http.message import Body, Request, Response
from headroom.http.server import listen, port_of, serve
from tests.http.serving import (
    PATIENCE,
    Answer,
    answers,
    body_of,
    echo,
    read_all,
    read_until,
    say,
    serving,
    talk,
)

pytestmark = pytest.mark.anyio

GET = b"GET /a?b HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
POST = b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nX: y\r\n\r\n"
BAD = b"GET /bad HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"

STORIES: list[tuple[str, bytes, list[str], list[tuple[int, bytes]]]] = [
    ("one", LAST, ["GET"], [(200, b"GET /last ")]),
    ("keep-alive, lengths and chunks", GET + POST + CHUNKED + LAST, [], [(200, b"GET /a?b "), (200, b"POST /p hello"), (200, b"POST /c hello"), (200, b"GET /last ")]),
    ("twenty in a row", GET * 20 + LAST, [], [(200, b"GET /a?b ")] * 20 + [(200, b"GET /last ")]),
    ("nothing after close", LAST + GET, [], [(200, b"GET /last ")]),
    ("HEAD", GET.replace(b"GET", b"HEAD") + LAST, ["HEAD", "GET"], [(200, b""), (200, b"GET /last ")]),
    ("HTTP/1.0", b"GET /old HTTP/1.0\r\n\r\n", [], [(200, b"GET /old ")]),
    ("HTTP/1.0 keep-alive", b"GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + GET, [], [(200, b"GET /old ")]),
    ("absolute form", LAST.replace(b"/last", b"http://evil:1/last?q"), [], [(200, b"GET /last?q ")]),
    ("absolute form without a path", LAST.replace(b"/last", b"http://evil?q"), [], [(200, b"GET /?q ")]),
    ("empty line after a body", POST + b"\r\n" + LAST, [], [(200, b"POST /p hello"), (200, b"GET /last ")]),
    ("good, then bad", GET + POST + BAD + GET, [], [(200, b"GET /a?b "), (200, b"POST /p hello"), (400, b"")]),
    ("bad", BAD + GET, [], [(400, b"")]),
    ("bad inside a body", CHUNKED.replace(b"\r\n3\r\n", b"\r\nx\r\n"), [], [(400, b"")]),
    ("CONNECT", b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", [], [(501, b"")]),
    ("TRACE", b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", [], [(501, b"")]),
    ("upgrade is ignored", LAST.replace(b"close", b"close, Upgrade\r\nUpgrade: h2c"), [], [(200, b"GET /last ")]),
]


@pytest.mark.parametrize(("name", "data", "methods", "expected"), STORIES, ids=[s[0] for s in STORIES])
@pytest.mark.parametrize("step", [None, 1])
async def test_each_request_gets_its_answer(name: str, data: bytes, methods: list[str], expected: list[tuple[int, bytes]], step: int | None) -> None:
    async with serving(echo) as server:
        got = answers(await talk(server.port, data, step), *methods)
    assert [(a.status, a.body if a.status == 200 else b"") for a in got] == expected
    assert all(a.whole for a in got)
    assert got[-1].fields[b"connection"] == b"close"


ENDINGS: list[tuple[str, bytes, list[int]]] = [
    ("after a request", POST, [200]),
    ("after two", GET + POST, [200, 200]),
    ("before any", b"", []),
    ("inside a head", GET[:-5], [400]),
    ("inside a length", POST[:-1], [400]),
    ("inside chunks", CHUNKED[:-20], [400]),
    ("after one, inside the next", GET + POST[:-1], [200, 400]),
]


@pytest.mark.parametrize(("name", "data", "statuses"), ENDINGS, ids=[e[0] for e in ENDINGS])
async def test_a_client_that_ends_its_input_is_answered_and_a_torn_body_is_never_whole(name: str, data: bytes, statuses: list[int]) -> None:
    bodies: list[bytes | None] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            bodies.append(await body_of(receive))
            if bodies[-1] is not None:
                await say(send, b"")

    async with serving(app) as server:
        got = answers(await talk(server.port, data, half_close=True) if data else b"")
    assert [a.status for a in got] == statuses
    assert [b for b in bodies if b is not None] == [b"hello" if m.startswith(b"POST") else b"" for m in (GET, POST) if data.find(m) >= 0]


async def test_continue_is_said_when_the_body_is_asked_for() -> None:
    async with serving(echo) as server, await anyio.connect_tcp("127.0.0.1", server.port) as stream:
        await stream.send(POST[:-5].replace(b"Host", b"Expect: 100-continue\r\nHost"))
        assert await read_until(stream, b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await stream.send(b"hello")
        (answer,) = answers(await read_until(stream, b"hello"))
    assert answer.body == b"POST /p hello"
    assert b"connection" not in answer.fields


@pytest.mark.parametrize("head", [POST[:-5].replace(b"Host", b"Expect: 100-continue\r\nHost"), POST[:-5].replace(b": 5", b": 9000000")])
async def test_an_early_answer_reaches_a_client_that_is_still_sending(head: bytes) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await say(send, b"no", 413)

    async with serving(app) as server, await anyio.connect_tcp("127.0.0.1", server.port) as stream:
        await stream.send(head)
        if b"Expect" not in head:
            await stream.send(b"x" * 1_000_000)
        (answer,) = answers(await read_all(stream))
    assert (answer.status, answer.body, answer.fields[b"connection"]) == (413, b"no", b"close")


TIMEOUTS: list[tuple[str, Limits, bytes, list[int]]] = [
    ("head", Limits(head=0.05), GET[:-2], [408]),
    ("head after an answer", Limits(head=0.05), GET + GET[:-2], [200, 408]),
    ("body", Limits(body=0.05), POST[:-1], [408]),
    ("chunks", Limits(body=0.05), CHUNKED[:-9], [408]),
    ("idle", Limits(idle=0.05), GET, [200]),
    ("silent", Limits(idle=0.05), b"\r\n", []),
]


@pytest.mark.parametrize(("name", "limits", "data", "statuses"), TIMEOUTS, ids=[t[0] for t in TIMEOUTS])
async def test_patience_ends(name: str, limits: Limits, data: bytes, statuses: list[int]) -> None:
    async with serving(echo, limits) as server:
        assert [a.status for a in answers(await talk(server.port, data))] == statuses


@dataclass
class Watched:
    """An application that says when it starts, and when it was cancelled."""

    first: bytes = b""
    endless: bool = False
    started: anyio.Event = field(default_factory=anyio.Event)
    cancelled: anyio.Event = field(default_factory=anyio.Event)
    sent: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            await body_of(receive)
            if self.first:
                await send({"type": "http.response.start", "status": 200, "headers": []})
                await send({"type": "http.response.body", "body": self.first, "more_body": True})
            self.started.set()
            while self.endless:
                await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
                self.sent += 65536
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            self.cancelled.set()
            raise


@pytest.mark.parametrize("first", [b"", b"data: 1\n\n"], ids=["before the first byte", "after it"])
@pytest.mark.parametrize("how", ["end", "reset"])
async def test_a_client_that_leaves_cancels_its_call(first: bytes, how: str) -> None:
    app = Watched(first)
    async with serving(app) as server:
        stream = await anyio.connect_tcp("127.0.0.1", server.port)
        await stream.send(POST)
        await app.started.wait()
        if how == "reset":
            sock = stream.extra(anyio.abc.SocketAttribute.raw_socket)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        await stream.aclose()
        await app.cancelled.wait()


async def test_a_client_that_does_not_read_is_let_go_and_little_is_held_for_it() -> None:
    app = Watched(b"x", endless=True)
    async with serving(app, Limits(write=0.2)) as server, await anyio.connect_tcp("127.0.0.1", server.port) as stream:
        await stream.send(GET)
        await app.cancelled.wait()
    assert app.sent < 32 << 20, "what the kernel took on both sides; nothing waits in the process"


async def incomplete(send: Send, fields: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})


async def raises(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await incomplete(send, [(b"content-length", b"8")] if scope["path"] == "/length" else [])
        raise ValueError("broken")


async def returns(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await incomplete(send, [(b"content-length", b"8")] if scope["path"] == "/length" else [])


@pytest.mark.parametrize("app", [raises, returns])
@pytest.mark.parametrize("path", [b"/chunks", b"/length"])
async def test_a_broken_answer_never_looks_whole(app: ASGIApp, path: bytes) -> None:
    async with serving(app) as server:
        (answer,) = answers(await talk(server.port, GET.replace(b"/a?b", path)))
    assert (answer.body, answer.whole) == (b"half", False)


@pytest.mark.parametrize("app", [raises, returns])
async def test_a_broken_answer_to_an_old_client_is_reset(app: ASGIApp) -> None:
    async with serving(app) as server:
        with pytest.raises(anyio.BrokenResourceError):
            await talk(server.port, b"GET / HTTP/1.0\r\n\r\n")


def starts_with(*fields: tuple[bytes, bytes]) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": fields})
            await send({"type": "http.response.body", "body": b""})

    return app


async def too_large(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        raise TooLarge("too large")


async def silent(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers nothing."""


FAULTY: list[tuple[str, ASGIApp, int]] = [
    ("value splits", starts_with((b"x", b"a\r\nSet-Cookie: b")), 500),
    ("name splits", starts_with((b"x: y\r\nz", b"a")), 500),
    ("NUL", starts_with((b"x", b"a\x00b")), 500),
    ("two lengths", starts_with((b"content-length", b"1"), (b"content-length", b"2")), 500),
    ("our own error", too_large, 413),
    ("nothing", silent, 500),
]


@pytest.mark.parametrize(("name", "app", "status"), FAULTY, ids=[f[0] for f in FAULTY])
async def test_an_application_that_fails_before_its_answer_gets_one(name: str, app: ASGIApp, status: int) -> None:
    async with serving(app) as server:
        (answer,) = answers(await talk(server.port, GET))
        assert (answer.status, answer.whole) == (status, True)
        assert b"set-cookie" not in answer.fields
        assert answers(await talk(server.port, GET))[0].status == status, "the server lives on"


async def test_a_stream_arrives_piece_by_piece() -> None:
    go = anyio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
            await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
            await go.wait()
            await send({"type": "http.response.body", "body": b"data: 2\n\n"})

    async with serving(app) as server, await anyio.connect_tcp("127.0.0.1", server.port) as stream:
        await stream.send(LAST)
        head = await read_until(stream, b"data: 1\n\n")
        go.set()
        (answer,) = answers(head + await read_all(stream))
    assert (answer.body, answer.whole) == (b"data: 1\n\ndata: 2\n\n", True)


async def test_large_bodies_pass_both_ways() -> None:
    body = bytes(range(256)) * 20_000
    async with serving(echo) as server:
        for step in (None, 100_000):
            request = b"POST /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            (answer,) = answers(await talk(server.port, request, step))
            assert answer.body == b"POST /big " + body


async def test_above_the_cap_the_application_refuses_in_its_own_words() -> None:
    inside, leave = anyio.Event(), anyio.Event()

    async def handle(request: Request) -> Response:
        inside.set()
        await leave.wait()
        return Response(200, [(b"content-length", b"0")])

    async def busy(request: Request) -> Response:
        return Response(503, [(b"content-length", b"0"), (b"retry-after", b"1")])

    serves = asgi(handle, busy)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await serves(scope, receive, send)

    async with serving(app, Limits(connections=1)) as server, await anyio.connect_tcp("127.0.0.1", server.port) as first:
        await first.send(LAST)
        await inside.wait()
        (refused,) = answers(await talk(server.port, GET))
        assert (refused.status, refused.fields[b"retry-after"], refused.fields[b"connection"]) == (503, b"1", b"close")
        leave.set()
        assert answers(await read_all(first))[0].status == 200


async def test_draining_finishes_what_is_under_way_and_closes_what_is_idle() -> None:
    inside, leave = anyio.Event(), anyio.Event()
    ends: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            ends.append("shutdown")
            await send({"type": "lifespan.shutdown.complete"})
        elif scope["path"] == "/slow":
            inside.set()
            await leave.wait()
            ends.append("answer")
            await say(send, b"slow")
        else:
            await say(send, b"")

    async with (
        serving(app) as server,
        await anyio.connect_tcp("127.0.0.1", server.port) as busy,
        await anyio.connect_tcp("127.0.0.1", server.port) as idle,
    ):
        await idle.send(GET)
        await read_until(idle, b"\r\n\r\n")
        await busy.send(GET.replace(b"/a?b", b"/slow"))
        await inside.wait()
        server.drain.set()
        assert await read_all(idle) == b""
        with pytest.raises(OSError):
            await anyio.connect_tcp("127.0.0.1", server.port)
        leave.set()
        (answer,) = answers(await read_all(busy))
        await server.stopped.wait()
    assert (answer.body, answer.fields[b"connection"]) == (b"slow", b"close")
    assert ends == ["answer", "shutdown"]


async def test_draining_does_not_wait_for_ever() -> None:
    app = Watched(b"data: 1\n\n")
    async with serving(app, Limits(drain=0.05)) as server, await anyio.connect_tcp("127.0.0.1", server.port) as stream:
        await stream.send(GET)
        await app.started.wait()
        server.drain.set()
        (answer,) = answers(await read_all(stream))
        assert (answer.body, answer.whole) == (b"data: 1\n\n", False)
        await app.cancelled.wait()


async def test_aborting_cancels_calls_and_still_lets_the_application_end() -> None:
    watched, ends = Watched(b"data: 1\n\n"), anyio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await watched(scope, receive, send)
            return
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await anyio.lowlevel.checkpoint()  # it may still await: a log is flushed, a database closed
        ends.set()
        await send({"type": "lifespan.shutdown.complete"})

    async with serving(app) as server, await anyio.connect_tcp("127.0.0.1", server.port) as stream:
        await stream.send(GET)
        await watched.started.wait()
        server.stop.cancel()
        await server.stopped.wait()
        assert watched.cancelled.is_set()
        assert ends.is_set()


def fails_by_message(error: Exception) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": str(error)})

    return app


def fails_by_raising(error: Exception) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise error

    return app


@pytest.mark.parametrize("fails", [fails_by_message, fails_by_raising])
async def test_an_application_that_cannot_start_stops_the_server_and_says_why(fails: Callable[[Exception], ASGIApp]) -> None:
    with anyio.fail_after(PATIENCE), pytest.raises(Exception, match="no such port") as caught:
        await serve(fails(SettingsError("no such port")), listen("127.0.0.1", 0), Limits(), anyio.Event())
    assert not hasattr(caught.value, "exceptions"), "as it is, not in a group"


async def test_running_out_of_file_descriptors_is_survived() -> None:
    class Exhausted(socket.socket):
        failures = 3

        def accept(self) -> tuple[socket.socket, object]:
            if self.failures:
                self.failures -= 1
                raise OSError(errno.EMFILE, "Too many open files")
            return super().accept()

    listener = Exhausted()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve, echo, [listener], Limits(pause=0.01), anyio.Event())
            (answer,) = answers(await talk(port_of([listener]), LAST))
            tasks.cancel_scope.cancel()
    assert answer == Answer(200, {b"content-length": b"10", b"connection": b"close"}, b"GET /last ")
    assert listener.failures == 0


async def test_who_shares_a_socket_leaves_some_for_the_others() -> None:
    (listener,) = listen("127.0.0.1", 0)
    served: dict[str, int] = {"a": 0, "b": 0}

    def named(name: str) -> ASGIApp:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                served[name] += 1
                await echo(scope, receive, send)

        return app

    waiting = [await anyio.connect_tcp("127.0.0.1", port_of([listener])) for _ in range(8)]
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as tasks:
            for name, sock in (("a", listener), ("b", listener.dup())):
                tasks.start_soon(serve, named(name), [sock], Limits(turn=TURN), anyio.Event())
            for client in waiting:
                await client.send(LAST)
                assert answers(await read_all(client))[0].status == 200
                await client.aclose()
            tasks.cancel_scope.cancel()
    assert sum(served.values()) == 8
    assert min(served.values()) > 0


async def test_a_handler_body_that_raises_aborts_the_answer() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"one"
        raise TooLarge("upstream broke")

    closed: list[bool] = []

    async def close() -> None:
        closed.append(True)

    async def handle(request: Request) -> Response:
        return Response(200, [], Body(chunks(), close))

    serves = asgi(handle)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await serves(scope, receive, send)

    async with serving(app) as server:
        (answer,) = answers(await talk(server.port, GET))
    assert (answer.body, answer.whole, closed) == (b"one", False, [True])


def test_listening_tells_its_port_and_a_port_in_use_is_an_error() -> None:
    sockets = listen("127.0.0.1", 0)
    try:
        assert port_of(sockets) > 0
        with pytest.raises(OSError) as caught:
            listen("127.0.0.1", port_of(sockets))
        assert caught.value.errno == errno.EADDRINUSE
    finally:
        for sock in sockets:
            sock.close()
