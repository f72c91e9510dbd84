from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from functools import partial

import anyio
import pytest

from headroom.errors import (
    BadRequest,
    Busy,
    Garbled,
    HeadroomError,
    Stale,
    TimedOut,
    Unreachable,
    UpstreamError,
)
from headroom.http.client import KEEPALIVE_EXPIRY, MAX_WAITING, ClientLimits
from headroom.http.message import Body, Fields, Request, Response, once
from headroom.layers.retry import retry
from tests.clock import Clock
from tests.http.upstream import Line, always, client, drained, post, text, then_close, upstream

pytestmark = pytest.mark.anyio

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"


def streamed(*chunks: bytes) -> Body:
    async def run() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return Body(run())


# What is sent.

SENT: dict[str, tuple[Request, bytes]] = {
    "known body": (
        post(b"{}", [(b"x-api-key", b"k"), (b"content-length", b"7"), (b"host", b"wrong"), (b"transfer-encoding", b"x")]),
        b"POST /base/v1/messages?beta=true HTTP/1.1\r\nhost: HOST\r\nx-api-key: k\r\ncontent-length: 2\r\n\r\n{}",
    ),
    "empty body": (post(b""), b"POST /base/v1/messages?beta=true HTTP/1.1\r\nhost: HOST\r\ncontent-length: 0\r\n\r\n"),
    "no body": (Request("GET", "/v1/models", [], once(b"")), b"GET /base/v1/models HTTP/1.1\r\nhost: HOST\r\n\r\n"),
    "no body, as servers say it": (
        Request("GET", "/v1/models", [], streamed()), b"GET /base/v1/models HTTP/1.1\r\nhost: HOST\r\n\r\n"
    ),
    "a body where there is none mostly": (
        Request("DELETE", "/x", [], streamed(b"", b"a", b"b")),
        b"DELETE /base/x HTTP/1.1\r\nhost: HOST\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n",
    ),
    "streamed": (
        Request("POST", "/x", [], streamed(b"hello", b"", b" worlds and more!")),
        b"POST /base/x HTTP/1.1\r\nhost: HOST\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n11\r\n worlds and more!\r\n0\r\n\r\n",
    ),
    "streamed, of known length": (
        Request("POST", "/x", [(b"content-length", b"5")], streamed(b"he", b"llo")),
        b"POST /base/x HTTP/1.1\r\nhost: HOST\r\ncontent-length: 5\r\n\r\nhello",
    ),
    "large": (post(b"x" * 3_000_000), b"POST /base/v1/messages?beta=true HTTP/1.1\r\nhost: HOST\r\ncontent-length: 3000000\r\n\r\n" + b"x" * 3_000_000),
}


@pytest.mark.parametrize("name", SENT)
async def test_what_is_sent(name: str) -> None:
    request, expected = SENT[name]
    if request.body.data is None:  # a stream is used up by the first of the two backends
        request = Request(request.method, request.target, request.fields, streamed(*STREAMED[name]))
    seen: list[bytes] = []

    async def script(line: Line) -> None:
        seen.append(await line.request())
        await line.say(OK)

    async with upstream(script) as there, client() as ours:
        assert await text(ours.to(there.url() + "/base/"), request) == b"hello"
        assert seen == [expected.replace(b"HOST", b"127.0.0.1:%d" % there.port)]


STREAMED = {
    "no body, as servers say it": (),
    "a body where there is none mostly": (b"", b"a", b"b"),
    "streamed": (b"hello", b"", b" worlds and more!"),
    "streamed, of known length": (b"he", b"llo"),
}


@pytest.mark.parametrize("chunks", [(b"he",), (b"he", b"lloo"), ()])
async def test_a_body_that_is_not_as_long_as_it_says_is_never_sent_as_if_it_were(chunks: tuple[bytes, ...]) -> None:
    seen: list[bytes] = []

    async def script(line: Line) -> None:
        seen.append(await line.request())

    async with upstream(script) as there, client() as ours:
        with pytest.raises(BadRequest, match="not as long"):
            await ours.to(there.url())(post(streamed(*chunks), [(b"content-length", b"5")]))
        while not seen:
            await anyio.lowlevel.checkpoint()
        assert seen == [b""]


@pytest.mark.parametrize(
    ("target", "fields"),
    [
        ("/a b", []),
        ("/a\r\nx: y", []),
        ("/caf\xe9", []),
        ("/", [(b"a", b"b\r\nc: d")]),
        ("/", [(b"a", b"b\nc: d")]),
        ("/", [(b"a b", b"c")]),
        ("/", [(b"a", b"\0")]),
        ("/", [(b"a: b\r\nc", b"d")]),
        ("/", [(b"", b"d")]),
    ],
)
async def test_nothing_is_sent_that_would_be_read_as_something_else(target: str, fields: Fields) -> None:
    async with client() as ours:
        with pytest.raises(BadRequest):
            await ours.to("http://127.0.0.1:1")(Request("POST", target, fields, once(b"")))


async def test_a_broken_length_is_refused() -> None:
    async with client() as ours:
        with pytest.raises(BadRequest, match="Content-Length"):
            await ours.to("http://127.0.0.1:1")(post(streamed(b"a"), [(b"content-length", b"+1")]))


# What comes back.

ANSWERED = {
    "length": (OK, b"hello"),
    "chunked": (CHUNKED + b"2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nX: y\r\n\r\n", b"hello"),
    "until close": (HEAD + b"\r\nhello", b"hello"),
    "1.0": (b"HTTP/1.0 200 OK\r\n\r\nhello", b"hello"),
    "empty": (HEAD + b"content-length: 0\r\n\r\n", b""),
    "informational": (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK, b"hello"),
    "bytes behind the end": (OK + b"HTTP/1.1 200 OK\r\n\r\nevil", b"hello"),
    "bytes behind the last chunk": (CHUNKED + b"5\r\nhello\r\n0\r\n\r\nevil", b"hello"),
    "204 with a body": (b"HTTP/1.1 204 No\r\ncontent-length: 5\r\n\r\nhello", b""),
    "large": (HEAD + b"content-length: 300000\r\n\r\n" + b"x" * 300_000, b"x" * 300_000),
}

BROKEN = {
    "nothing": b"",
    "half a status": b"HTTP/1.1 20",
    "half a head": HEAD + b"x: y\r\n",
    "another protocol": b"SSH-2.0-OpenSSH\r\n",
    "short": HEAD + b"content-length: 50\r\n\r\nhello",
    "no last chunk": CHUNKED + b"5\r\nhello\r\n",
    "inside a chunk": CHUNKED + b"50\r\nhello",
    "malformed chunk": CHUNKED + b"5\r\nhello\r\n-1\r\n",
    "length and coding": HEAD + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "informational flood": b"HTTP/1.1 100 Continue\r\n\r\n" * 5000,
    "unasked switch": b"HTTP/1.1 101 Switching\r\n\r\nevil",
}


async def in_pieces(line: Line, answer: bytes, step: int) -> None:
    await line.request()
    for at in range(0, len(answer), step):
        await line.say(answer[at : at + step])
        await anyio.lowlevel.checkpoint()


@pytest.mark.parametrize("step", [1_000_000, 1])
@pytest.mark.parametrize("name", ANSWERED)
async def test_answers(name: str, step: int) -> None:
    answer, expected = ANSWERED[name]
    if step == 1 and len(answer) > 10_000:
        step = 10_000
    async with upstream(partial(in_pieces, answer=answer, step=step)) as there, client() as ours:
        assert await text(ours.to(there.url())) == expected


@pytest.mark.parametrize("step", [1_000_000, 1])
@pytest.mark.parametrize("name", BROKEN)
async def test_broken_answers_never_look_whole(name: str, step: int) -> None:
    answer = BROKEN[name]
    if step == 1 and len(answer) > 10_000:
        step = 10_000
    async with upstream(partial(in_pieces, answer=answer, step=step)) as there, client() as ours:
        with pytest.raises(Garbled):
            await text(ours.to(there.url()))


async def test_what_came_before_it_broke_is_handed_on() -> None:
    async with upstream(then_close(CHUNKED + b"5\r\nhello\r\n")) as there, client() as ours:
        response = await ours.to(there.url())(post())
        chunks = aiter(response.body)
        assert await anext(chunks) == b"hello"
        with pytest.raises(Garbled, match="before the last chunk"):
            await anext(chunks)


async def test_head_and_status_and_fields() -> None:
    answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nX-Request-Id: 1\r\n\r\n"
    async with upstream(always(answer)) as there, client() as ours:
        response = await ours.to(there.url())(Request("HEAD", "/", [], once(b"")))
        assert response.status == 404
        assert response.fields == [(b"content-length", b"5"), (b"x-request-id", b"1")]
        assert await drained(response) == b""
        assert ours.idle == 1


async def test_all_that_was_received_is_handed_on_in_one_piece() -> None:
    wire = b"".join(b"%x\r\n%b\r\n" % (len(event), event) for event in [b"data: x\n\n"] * 1000)
    async with upstream(always(CHUNKED + wire + b"0\r\n\r\n")) as there, client() as ours:
        response = await ours.to(there.url())(post())
        chunks = [chunk async for chunk in response.body]
        assert b"".join(chunks) == b"data: x\n\n" * 1000
        assert len(chunks) < 20


async def test_a_stream_is_handed_on_as_it_comes() -> None:
    read = anyio.Event()

    async def script(line: Line) -> None:
        await line.request()
        await line.say(CHUNKED + b"5\r\nfirst\r\n")
        await read.wait()
        await line.say(b"6\r\nsecond\r\n0\r\n\r\n")
        await line.gone()

    async with upstream(script) as there, client() as ours:
        response = await ours.to(there.url())(post())
        chunks = aiter(response.body)
        assert await anext(chunks) == b"first"
        read.set()
        assert await anext(chunks) == b"second"
        assert ours.idle == 1, "free with its last byte, before anybody closes anything"
        with pytest.raises(StopAsyncIteration):
            await anext(chunks)


# Answers that come early.

@pytest.mark.parametrize("body", ["known", "streamed"])
async def test_an_answer_before_the_end_of_the_request_is_not_lost(body: str) -> None:
    async def script(line: Line) -> None:
        while b"\r\n\r\n" not in line.held:
            await line.more()
        await line.say(b"HTTP/1.1 413 Too Large\r\ncontent-length: 5\r\n\r\nlarge")

    async def endless() -> AsyncGenerator[bytes, None]:
        while True:
            yield bytes(1 << 16)

    stream = endless()
    async with upstream(script) as there, client() as ours:
        request = post(bytes(20 << 20) if body == "known" else Body(stream, stream.aclose))
        response = await ours.to(there.url())(request)
        assert (response.status, await drained(response)) == (413, b"large")
        assert ours.open == 0, "half a request is in it"
        await request.body.aclose()


async def test_an_upstream_that_answers_well_before_it_has_read_all_still_gets_all() -> None:
    got: list[int] = []

    async def script(line: Line) -> None:
        while b"\r\n\r\n" not in line.held:
            await line.more()
        await line.say(CHUNKED)
        got.append(len(await line.request()))
        await line.say(b"5\r\nhello\r\n0\r\n\r\n")
        await line.gone()

    async with upstream(script) as there, client() as ours:
        assert await text(ours.to(there.url()), post(bytes(8 << 20))) == b"hello"
        assert got[0] > 8 << 20
        assert ours.idle == 1


# Connections.

async def test_connections_are_used_again() -> None:
    async with upstream(always(OK)) as there, client() as ours:
        handler = ours.to(there.url())
        for _ in range(3):
            assert await text(handler) == b"hello"
        assert len(there.lines) == 1
        fresh = Request("POST", "/", [], once(b""), fresh=True)
        assert await text(handler, fresh) == b"hello"
        assert len(there.lines) == 2


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"x",
        HEAD + b"connection: close\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.1 204 No\r\n\r\nhello",
    ],
)
async def test_connections_that_cannot_be_used_again_are_closed(answer: bytes) -> None:
    async with upstream(always(answer)) as there, client() as ours:
        await text(ours.to(there.url()))
        assert ours.open == 0


async def test_what_is_said_on_an_idle_connection_is_never_taken_for_an_answer() -> None:
    spoke = anyio.Event()

    async def script(line: Line) -> None:
        await line.request()
        await line.say(OK)
        if line.number == 1:
            await line.say(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")
            spoke.set()
        await line.gone()

    async with upstream(script) as there, client() as ours:
        handler = ours.to(there.url())
        assert await text(handler) == b"hello"
        await spoke.wait()
        assert await text(handler) == b"hello"
        assert len(there.lines) == 2


async def test_a_connection_the_upstream_has_closed_is_not_used() -> None:
    async with upstream(then_close(OK)) as there, client() as ours:
        handler = ours.to(there.url())
        for number in range(1, 4):
            assert await text(handler) == b"hello"
            while len(there.ended) < number:
                await anyio.lowlevel.checkpoint()
        assert len(there.lines) == 3


async def test_an_idle_connection_expires_before_the_upstream_closes_it() -> None:
    clock = Clock()
    async with upstream(always(OK)) as there, client(clock=clock) as ours:
        handler = ours.to(there.url())
        await text(handler)
        clock.now += KEEPALIVE_EXPIRY
        await text(handler)
        assert len(there.lines) == 2


@pytest.mark.parametrize("size", [2, 1 << 20])
async def test_a_reused_connection_that_ends_without_a_byte_is_stale_and_a_new_one_is_not(size: int) -> None:
    async def script(line: Line) -> None:
        await line.request()
        await line.say(OK)
        await line.more()

    async def silent(line: Line) -> None:
        await line.more()

    async with upstream(script) as there, client() as ours:
        handler = ours.to(there.url())
        await text(handler)
        with pytest.raises(Stale):
            await handler(post(bytes(size)))
    async with upstream(silent) as there, client() as ours:
        with pytest.raises(Garbled, match="without an answer"):
            await ours.to(there.url())(post(bytes(size)))


async def test_a_reused_connection_that_ends_inside_a_head_is_not_stale() -> None:
    async def script(line: Line) -> None:
        await line.request()
        await line.say(OK)
        await line.request()
        await line.say(b"HTTP/1.1 200")

    async with upstream(script) as there, client() as ours:
        handler = ours.to(there.url())
        await text(handler)
        with pytest.raises(Garbled):
            await handler(post())


# Leaving.

async def waiting(line: Line) -> None:
    await line.request()
    await line.say(CHUNKED + b"5\r\nhello\r\n")
    await line.gone()


async def test_closing_an_answer_closes_its_connection_at_once() -> None:
    async with upstream(waiting) as there, client() as ours:
        response = await ours.to(there.url())(post())
        await response.body.aclose()
        assert ours.open == 0
        while not there.ended:
            await anyio.lowlevel.checkpoint()
        await response.body.aclose()


async def test_a_client_that_leaves_before_the_answer_takes_its_request_along() -> None:
    async def script(line: Line) -> None:
        await line.request()
        asked.cancel()
        await line.gone()

    for size in (2, 1 << 20):
        asked = anyio.CancelScope()
        async with upstream(script) as there, client() as ours:
            with asked:
                await ours.to(there.url())(post(bytes(size)))
            assert asked.cancelled_caught
            assert ours.open == 0
            while not there.ended:
                await anyio.lowlevel.checkpoint()


async def test_closing_from_another_task_wakes_who_is_reading() -> None:
    async with upstream(waiting) as there, client() as ours, anyio.create_task_group() as tasks:
        response = await ours.to(there.url())(post())
        chunks = aiter(response.body)
        assert await anext(chunks) == b"hello"
        tasks.start_soon(response.body.aclose)
        with pytest.raises(Garbled):
            await anext(chunks)


# Patience.

async def silence(line: Line) -> None:
    await line.gone()


@pytest.mark.parametrize("size", [2, 1 << 20])
async def test_no_first_byte(size: int) -> None:
    async with upstream(silence) as there, client(ClientLimits(first_byte_timeout=0.01)) as ours:
        with pytest.raises(TimedOut, match="no answer"):
            await ours.to(there.url())(post(bytes(size)))
        assert ours.open == 0


@pytest.mark.parametrize(
    ("said", "limits"),
    [
        (b"HTTP/1.1 20", ClientLimits(idle_timeout=0.01)),
        (b"HTTP/1.1 100 Continue\r\n\r\n", ClientLimits(first_byte_timeout=0.1)),
    ],
)
async def test_no_end_of_the_head(said: bytes, limits: ClientLimits) -> None:
    async def script(line: Line) -> None:
        await line.request()
        await line.say(said)
        await line.gone()

    async with upstream(script) as there, client(limits) as ours:
        with pytest.raises(TimedOut):
            await ours.to(there.url())(post())


async def test_silence_in_the_middle_of_an_answer() -> None:
    async with upstream(waiting) as there, client(ClientLimits(idle_timeout=0.01)) as ours:
        response = await ours.to(there.url())(post())
        chunks = aiter(response.body)
        assert await anext(chunks) == b"hello"
        with pytest.raises(TimedOut, match="in the middle"):
            await anext(chunks)
        assert ours.open == 0


async def test_no_handshake() -> None:
    async with upstream(silence) as there, client(ClientLimits(connect_timeout=0.2)) as ours:
        with pytest.raises(TimedOut, match=r"127\.0\.0\.1:\d+: no connection within 0\.2 s"):
            await ours.to(f"https://127.0.0.1:{there.port}")(post())


@pytest.mark.parametrize(
    ("host", "told"), [("127.0.0.1:1", "127.0.0.1:1: connection refused"), (f"{'a' * 64}.example", "cannot be resolved"), ("a..b", "cannot be resolved")]
)
async def test_unreachable(host: str, told: str) -> None:
    async with client() as ours:
        with pytest.raises(Unreachable) as raised:
            await ours.to(f"http://{host}")(Request("POST", "/?key=SECRET", [(b"x-api-key", b"SECRET")], once(b"")))
        assert told in raised.value.message
        assert "SECRET" not in raised.value.message


# Crowds.

async def test_who_finds_every_connection_in_use_waits_and_then_is_told() -> None:
    limits = ClientLimits(max_connections=1, connect_timeout=0.3)
    async with upstream(waiting) as there, client(limits) as ours:
        handler = ours.to(there.url())
        first = await handler(post())
        with pytest.raises(Busy) as raised:
            await handler(post())
        assert (raised.value.status, raised.value.retry_after) == (503, 1)
        await first.body.aclose()
        second = await handler(post())
        await second.body.aclose()


async def test_more_requests_than_connections_are_all_served() -> None:
    async with upstream(always(OK)) as there, client(ClientLimits(max_connections=3)) as ours:
        handler = ours.to(there.url())
        got: list[bytes] = []

        async def one() -> None:
            got.append(await text(handler))

        async with anyio.create_task_group() as tasks:
            for _ in range(50):
                tasks.start_soon(one)
        assert got == [b"hello"] * 50
        assert len(there.lines) == 3


async def test_the_queue_is_bounded() -> None:
    failures: list[HeadroomError] = []
    async with upstream(silence) as there, client(ClientLimits(max_connections=1)) as ours:
        handler = ours.to(there.url())

        async def one() -> None:
            try:
                await handler(post())
            except Busy as busy:
                failures.append(busy)
                tasks.cancel_scope.cancel()

        async with anyio.create_task_group() as tasks:
            for _ in range(MAX_WAITING + 2):
                tasks.start_soon(one)
        assert len(failures) == 1


# Through a proxy.

async def test_plain_http_goes_through_a_proxy_in_absolute_form() -> None:
    seen: list[bytes] = []

    async def script(line: Line) -> None:
        seen.append(await line.request())
        await line.say(OK)

    async with upstream(script) as proxy, client(environ={"http_proxy": f"http://u:p@127.0.0.1:{proxy.port}"}) as ours:
        assert await text(ours.to("http://api.example/base"), post(b"")) == b"hello"
    assert seen == [
        b"POST http://api.example/base/v1/messages?beta=true HTTP/1.1\r\nhost: api.example\r\n"
        b"proxy-authorization: Basic dTpw\r\ncontent-length: 0\r\n\r\n"
    ]


async def test_a_proxy_that_wants_credentials_says_so_to_us_and_not_to_the_client() -> None:
    refusal = always(b"HTTP/1.1 407 Auth\r\ncontent-length: 0\r\n\r\n")
    async with upstream(refusal) as proxy, client(environ={"http_proxy": proxy.url()}) as ours:
        with pytest.raises(UpstreamError, match="asks for credentials"):
            await ours.to("http://api.example")(post())


# A day.

async def test_a_day_of_good_and_bad_exchanges_leaves_nothing_behind() -> None:
    answers = [OK, CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", OK + b"x", CHUNKED + b"5\r\nhello\r\nZ\r\n", b"nonsense", b""]

    async def script(line: Line) -> None:
        while request := await line.request():
            answer = answers[int(request.rpartition(b"\r\n\r\n")[2])]
            await line.say(answer)
            if not answer:
                return

    async with upstream(script) as there, client(ClientLimits(max_connections=4)) as ours:
        handler = ours.to(there.url())
        outcomes: list[tuple[int, bytes | str]] = []

        async def one(kind: int) -> None:
            try:
                outcomes.append((kind, await text(handler, post(b"%d" % kind))))
            except UpstreamError as error:
                outcomes.append((kind, type(error).__name__))

        async with anyio.create_task_group() as tasks:
            for number in range(120):
                tasks.start_soon(one, number % len(answers))
        assert len(outcomes) == 120
        assert {outcome for kind, outcome in outcomes if kind < 3} == {b"hello"}
        assert {outcome for kind, outcome in outcomes if kind in (3, 4)} == {"Garbled"}
        assert {outcome for kind, outcome in outcomes if kind == 5} <= {"Garbled", "Stale"}
        assert ours.open == ours.idle


async def test_an_upstream_that_always_closes_in_the_wrong_moment_is_not_noticed() -> None:
    """It answers once on each connection, and ends it when the next request arrives."""

    async def script(line: Line) -> None:
        await line.request()
        await line.say(OK)
        await line.more()

    async with upstream(script) as there, client() as ours:
        handler = retry(1, anyio.sleep, lambda: 0.0)(ours.to(there.url()))
        for _ in range(20):
            assert await text(handler) == b"hello"
        listing = Request("GET", "/v1/models", [], streamed())
        assert await text(handler, listing) == b"hello"
        assert len(there.lines) == 21


async def test_the_shape_of_a_response() -> None:
    async with upstream(always(OK)) as there, client() as ours:
        response: Response = await ours.to(there.url())(post())
        assert response.body.data == b"hello", "all of it came with its head"
