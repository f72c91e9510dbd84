"""What passes the gate, what does not, and that it makes no difference how the bytes arrive."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.http.gate import Gate, Phase
from headroom.http.limits import Limits

LIMITS = Limits()
H = b"Host: a\r\n"
GET = b"GET / HTTP/1.1\r\n" + H + b"\r\n"
CL = b"POST /x HTTP/1.1\r\n" + H + b"Content-Length: 5\r\n\r\nhello"
TE = b"POST /x HTTP/1.1\r\n" + H + b"Transfer-Encoding: chunked\r\n\r\n"
CHUNKED = TE + b"5\r\nhello\r\n0\r\n\r\n"


class Seen(NamedTuple):
    method: bytes
    target: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes


def understood(pieces: Iterable[bytes]) -> list[Seen]:
    """The complete requests h11 finds in what the gate let through, one parser a request as in the server."""
    found: list[Seen] = []
    parser, request, body = h11.Connection(h11.SERVER), None, b""
    for piece in pieces:
        assert piece, "an empty piece would mean the end of the connection to h11"
        parser.receive_data(piece)
        while True:
            event = parser.next_event()
            if isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                assert request is not None
                assert not list(event.headers), "trailers are dropped"
                assert parser.trailing_data == (b"", False), "a piece held parts of two requests"
                found.append(Seen(request.method, request.target, tuple(request.headers), body))
                parser, request, body = h11.Connection(h11.SERVER), None, b""
                break
            else:
                break
    return found


def through(data: bytes, step: int | None = None, limits: Limits = LIMITS) -> tuple[list[Seen], Gate]:
    gate = Gate(limits)
    step = step or len(data) or 1
    pieces: list[bytes] = []
    for at in range(0, len(data), step):
        pieces += gate.feed(data[at : at + step])
    return understood(pieces), gate


def head(*fields: bytes, line: bytes = b"GET / HTTP/1.1") -> bytes:
    return b"\r\n".join((line, *fields, b"", b""))


PASSES: list[tuple[str, bytes, int]] = [
    ("plain", GET, 1),
    ("A1 length", CL, 1),
    ("A1 length zero", head(b"Host: a", b"Content-Length: 0"), 1),
    ("A1 leading zeros are digits", head(b"Host: a", b"Content-Length: 0005") + b"hello", 1),
    ("A2 chunked", CHUNKED, 1),
    ("A2 coding in capitals", CHUNKED.replace(b"chunked", b"CHUNKED"), 1),
    ("A2 blanks around the coding", CHUNKED.replace(b" chunked", b"\t chunked \t"), 1),
    ("A7 obs-text in a value", head(b"Host: a", b"X: \xe4\xff"), 1),
    ("A7 tab in a value", head(b"Host: a", b"X: a\tb"), 1),
    ("A7 empty value", head(b"Host: a", b"X:"), 1),
    ("A8 extension", TE + b"5;a=b\r\nhello\r\n0;last\r\n\r\n", 1),
    ("A8 quoted extension", TE + b'5;a="b\\"c;d"\r\nhello\r\n0\r\n\r\n', 1),
    ("A8 blanks before the extension", TE + b"5 ; a = b\r\nhello\r\n0\r\n\r\n", 1),
    ("A9 zeros in front of a size", TE + b"0005\r\nhello\r\n000\r\n\r\n", 1),
    ("A9 hex in both cases", TE + b"a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", 1),
    ("A10 trailers", TE + b"5\r\nhello\r\n0\r\nX: y\r\nHost: evil\r\nContent-Length: 9\r\n\r\n", 1),
    ("A11 port", head(b"Host: localhost:8787"), 1),
    ("A11 IPv6", head(b"Host: [::1]:8787"), 1),
    ("A11 empty", head(b"Host:"), 1),
    ("A12 absolute form", head(b"Host: a", line=b"GET http://b/x?y HTTP/1.1"), 1),
    ("A12 asterisk", head(b"Host: a", line=b"OPTIONS * HTTP/1.1"), 1),
    ("A13 1.0 without Host", head(line=b"GET / HTTP/1.0"), 1),
    ("A13 nothing after 1.0", head(line=b"GET / HTTP/1.0") + GET, 1),
    ("A14 pipeline", GET * 20, 20),
    ("A14 pipeline of bodies", (CL + CHUNKED) * 3, 6),
    ("A14 empty line between", CL + b"\r\n" + GET, 2),
    ("A14 nothing after close", head(b"Host: a", b"Connection: keep-alive, Close") + GET, 1),
    ("A15 expectation", CL.replace(b"Host", b"Expect: 100-continue\r\nHost"), 1),
    ("A16 upgrade is only a field", head(b"Host: a", b"Connection: Upgrade", b"Upgrade: h2c"), 1),
    ("B1 long field", head(b"Host: a", b"X: " + b"a" * 7168), 1),
    ("B1 many fields", head(b"Host: a", *[b"X%d: y" % i for i in range(90)]), 1),
    ("B1 long target", head(b"Host: a", line=b"GET /" + b"a" * 6000 + b" HTTP/1.1"), 1),
    ("percent and odd characters in a target", head(b"Host: a", line=b"GET /%00/..;a|b{} HTTP/1.1"), 1),
    ("method we never heard of", head(b"Host: a", line=b"PURGE / HTTP/1.1"), 1),
]

REFUSED: list[tuple[str, bytes, int]] = [
    ("A1 both framings", head(b"Host: a", b"Content-Length: 5", b"Transfer-Encoding: chunked") + b"0\r\n\r\n" + GET, 400),
    ("A1 both framings, other order", head(b"Host: a", b"Transfer-Encoding: chunked", b"Content-Length: 5") + b"0\r\n\r\n", 400),
    ("A1 coding in 1.0", head(b"Transfer-Encoding: chunked", line=b"POST / HTTP/1.0") + b"0\r\n\r\n", 400),
    *[
        (f"A2 {coding!r}", TE.replace(b"chunked", coding) + b"0\r\n\r\n", 501)
        for coding in (b"identity", b"gzip, chunked", b"chunked, identity", b"xchunked", b"chunked;q=1", b'"chunked"',
                       b"", b"chunked\xa0", b"chunk ed", b"gzip", b"chunked,", b",chunked", b"chunked, chunked")
    ],
    ("A2 two codings", head(b"Host: a", b"Transfer-Encoding: chunked", b"transfer-encoding: identity") + b"0\r\n\r\n", 400),
    ("A2 vertical tab", TE.replace(b" chunked", b"\x0bchunked") + b"0\r\n\r\n", 400),
    ("A2 NUL", TE.replace(b"chunked", b"chunked\x00") + b"0\r\n\r\n", 400),
    ("A2 blank before the colon", TE.replace(b"Encoding:", b"Encoding :") + b"0\r\n\r\n", 400),
    *[
        (f"A3 length {value!r}", head(b"Host: a", b"Content-Length: " + value, line=b"POST / HTTP/1.1") + b"hello", 400)
        for value in (b"", b"+5", b"-5", b"0x5", b"5,5", b"5, 5", b"5 5", b"5.0", b"1" * 19, b"\xd9\xa5", b"5;", b"five", b"1_0")
    ],
    ("A3 twice the same", head(b"Host: a", b"Content-Length: 5", b"Content-Length: 5") + b"hello", 400),
    ("A3 two lengths", head(b"Host: a", b"Content-Length: 5", b"content-length: 6") + b"hello", 400),
    ("A4 bare LF everywhere", GET.replace(b"\r\n", b"\n"), 400),
    ("A4 bare LF after a field", b"GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400),
    ("A4 bare LF at the end", b"GET / HTTP/1.1\r\nHost: a\r\n\n", 400),
    ("A4 bare CR in a value", head(b"Host: a", b"X: a\rb"), 400),
    ("A4 CR CR LF", b"GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", 400),
    ("A4 LF after a size", TE + b"5\nhello\r\n0\r\n\r\n", 400),
    ("A4 LF after data", TE + b"5\r\nhello\n0\r\n\r\n", 400),
    ("A4 CR after a size", TE + b"5\rhello\r\n0\r\n\r\n", 400),
    ("A4 LF after a trailer", TE + b"0\r\nX: y\n\r\n", 400),
    ("A5 folded field", b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400),
    ("A5 folded coding", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400),
    ("A5 blank before the first field", b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
    *[
        (f"A6 name {name!r}", head(b"Host: a", name + b": y"), 400)
        for name in (b"", b"X ", b"X\t", b" X", b"X Y", b"X\x01", b"X\xe4", b"X(", b"X@", b"X[", b"X\x7f")
    ],
    ("A6 no colon", head(b"Host: a", b"X"), 400),
    *[(f"A7 value with {octet:#04x}", head(b"Host: a", b"X: a%cb" % octet), 400) for octet in (0, 1, 8, 11, 12, 27, 31, 127)],
    ("A8 bare semicolon", TE + b"5;\r\nhello\r\n0\r\n\r\n", 400),
    ("A8 control character", TE + b"5;a\x01\r\nhello\r\n0\r\n\r\n", 400),
    ("A8 CR inside", TE + b"5;a\rb\r\nhello\r\n0\r\n\r\n", 400),
    ("A8 open quote", TE + b'5;a="b\r\nhello\r\n0\r\n\r\n', 400),
    ("A8 too long", TE + b"5;a=" + b"b" * 5000 + b"\r\nhello\r\n0\r\n\r\n", 400),
    *[
        (f"A9 size {size!r}", TE + size + b"\r\nhello\r\n0\r\n\r\n", 400)
        for size in (b"", b"-5", b"+5", b"0x5", b"5 ", b" 5", b"g", b"5g", b"5_0", b"0" * 17, b"\xd9\xa5")
    ],
    ("A9 wrapping size", TE + b"FFFFFFFFFFFFFFFF\r\nhello", 413),
    ("A9 zeros without end", TE + b"0" * 70000, 400),
    ("A9 shorter than its size", TE + b"6\r\nhello\r\n0\r\n\r\n", 400),
    ("A9 longer than its size", TE + b"4\r\nhello\r\n0\r\n\r\n", 400),
    ("A10 folded trailer", TE + b"0\r\nX: a\r\n b\r\n\r\n", 400),
    ("A10 NUL in a trailer", TE + b"0\r\nX: a\x00\r\n\r\n", 400),
    ("A10 trailer without a colon", TE + b"0\r\nX\r\n\r\n", 400),
    ("A10 trailers without end", TE + b"0\r\n" + b"X: y\r\n" * 5000, 400),
    ("A11 no Host", head(b"X: y"), 400),
    ("A11 two Hosts", head(b"Host: a", b"host: a"), 400),
    *[(f"A11 Host {host!r}", head(b"Host: " + host), 400) for host in (b"a b", b"a,b", b"a@b", b"a/b", b"a#b", b"[::1", b"http://a", b"a:b", b"a:123456", b"\xe4")],
    *[
        (f"A12 {line!r}", head(b"Host: a", line=line), 400)
        for line in (b"GET a HTTP/1.1", b"GET a:80 HTTP/1.1", b"GET * HTTP/1.1", b"GET file:///etc HTTP/1.1", b"GET gopher://a/ HTTP/1.1", b"GET http:// HTTP/1.1")
    ],
    ("A12 CONNECT", head(b"Host: a", line=b"CONNECT a:443 HTTP/1.1"), 501),
    ("A12 TRACE", head(b"Host: a", line=b"TRACE / HTTP/1.1"), 501),
    *[
        (f"A13 {line!r}", head(b"Host: a", line=line), 505)
        for line in (b"GET / HTTP/2.0", b"GET / HTTP/1.2", b"GET / HTTP/0.9", b"GET / HTTP/5.6", b"PRI * HTTP/2.0")
    ],
    *[
        (f"A13 {line!r}", head(b"Host: a", line=line), 400)
        for line in (b"GET /", b"GET / http/1.1", b"GET  / HTTP/1.1", b"GET /  HTTP/1.1", b"GET / HTTP/1.1 ", b"GET\t/\tHTTP/1.1", b"GET / HTTP/1,1",
                     b"GET / HTTP/11", b"GET /\xe4 HTTP/1.1", b"G\x01T / HTTP/1.1", b"GET /a b HTTP/1.1", b" GET / HTTP/1.1", b"GET / HTTPS/1.1")
    ],
    ("A13 TLS hello", bytes.fromhex("16030100b8010000b40303") + b"\x00" * 32, 400),
    ("A13 Redis", b"*1\r\n$4\r\nPING\r\n\r\n", 400),
    ("A13 SSH", b"SSH-2.0-OpenSSH_9.2\r\n\r\n", 400),
    ("A13 PROXY line", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + GET, 400),
    ("B1 head without end", b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 70000, 431),
    ("B1 line without end", b"GET /" + b"a" * 70000, 414),
    ("B1 one large field", head(b"Host: a", b"X: " + b"a" * 70000), 431),
    ("B1 many fields", head(b"Host: a", *[b"a:"] * 300), 431),
    ("B1 long target", head(b"Host: a", line=b"GET /" + b"a" * 40000 + b" HTTP/1.1"), 414),
    ("B1 long method", head(b"Host: a", line=b"A" * 33 + b" / HTTP/1.1"), 501),
]  # fmt: skip

WAITS: list[tuple[str, bytes, Phase]] = [
    ("nothing", b"", Phase.IDLE),
    ("empty lines", b"\r\n\r\n", Phase.IDLE),
    ("half an empty line", b"\r", Phase.HEAD),
    ("half a head", b"GET / HTTP/1.1\r\nHo", Phase.HEAD),
    ("between CR and LF", b"GET / HTTP/1.1\r\nHost: a\r\n\r", Phase.HEAD),
    ("half a body", CL[:-1], Phase.BODY),
    ("half a size", TE + b"5", Phase.BODY),
    ("half of chunk data", TE + b"5\r\nhel", Phase.BODY),
    ("half of the end of chunk data", TE + b"5\r\nhello\r", Phase.BODY),
    ("before the trailers", TE + b"5\r\nhello\r\n0\r\n", Phase.BODY),
    ("half a trailer", TE + b"0\r\nX: ", Phase.BODY),
]


@pytest.mark.parametrize(("name", "data", "count"), PASSES, ids=[case[0] for case in PASSES])
@pytest.mark.parametrize("step", [None, 1, 2, 7])
def test_requests_pass_however_they_arrive(name: str, data: bytes, count: int, step: int | None) -> None:
    whole, _ = through(data)
    requests, gate = through(data, step)
    assert gate.defect is None
    assert gate.phase is Phase.IDLE
    assert len(requests) == count
    assert requests == whole


@pytest.mark.parametrize(("name", "data", "status"), REFUSED, ids=[case[0] for case in REFUSED])
def test_ambiguous_requests_are_refused(name: str, data: bytes, status: int) -> None:
    requests, gate = through(data)
    assert requests == []
    assert gate.defect is not None
    assert gate.defect.status == status
    assert gate.feed(GET) == [], "nothing passes after a defect"


@pytest.mark.parametrize(("name", "data", "status"), [c for c in REFUSED if len(c[1]) < 2000], ids=[c[0] for c in REFUSED if len(c[1]) < 2000])
def test_they_are_refused_byte_by_byte_and_what_came_before_is_answered(name: str, data: bytes, status: int) -> None:
    for step in (None, 1, 3):
        requests, gate = through(CL + GET + data, step)
        assert gate.defect is not None
        assert [r.target for r in requests] == [b"/x", b"/"]


@pytest.mark.parametrize(("name", "data", "phase"), WAITS, ids=[case[0] for case in WAITS])
def test_an_unfinished_request_is_waited_for(name: str, data: bytes, phase: Phase) -> None:
    for step in (None, 1):
        requests, gate = through(data, step)
        assert (requests, gate.defect, gate.phase) == ([], None, phase)


def test_a_large_body_passes_without_a_copy() -> None:
    gate = Gate(LIMITS)
    first = head(b"Host: a", b"Content-Length: 300000", line=b"POST / HTTP/1.1")
    segment = b"x" * 100_000
    assert gate.feed(first) == [first]
    for _ in range(3):
        (piece,) = gate.feed(segment)
        assert piece is segment
    assert gate.phase is Phase.IDLE


def test_extensions_and_trailers_are_dropped() -> None:
    (request,), _ = through(TE + b"5;secret=1\r\nhello\r\n0\r\nAuthorization: forged\r\n\r\n")
    assert request.body == b"hello"
    assert b"authorization" not in dict(request.fields)


def test_a_body_beyond_the_limit_is_refused_before_it_is_read() -> None:
    small = Limits(max_body=10)
    for data in (head(b"Host: a", b"Content-Length: 11"), TE + b"6\r\nabcdef\r\n5\r\n"):
        _, gate = through(data, limits=small)
        assert gate.defect is not None
        assert gate.defect.status == 413


tokens = st.text("abcXYZ09-_!#$%&'*+.^`|~", min_size=1, max_size=12).map(str.encode)
values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f" + "".join(map(chr, range(0x80, 0xA1)))), max_size=20).map(
    lambda text: text.strip().encode("latin-1")
)
FRAMES = {b"host", b"content-length", b"transfer-encoding", b"connection", b"expect"}
field_lists = st.lists(st.tuples(tokens.filter(lambda t: t.lower() not in FRAMES), values), max_size=6)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    line = b"POST /" + draw(tokens) + b" HTTP/1.1\r\nHost: h\r\n"
    line += b"".join(b"%b: %b\r\n" % field for field in draw(field_lists))
    body = draw(st.binary(max_size=60))
    if draw(st.booleans()):
        return line + b"Content-Length: %d\r\n\r\n" % len(body) + body
    size = draw(st.integers(1, 20))
    chunks = [body[i : i + size] for i in range(0, len(body), size)]
    return line + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(b"%x\r\n%b\r\n" % (len(c), c) for c in chunks) + b"0\r\n\r\n"


@settings(max_examples=150, deadline=None)
@given(st.lists(requests(), min_size=1, max_size=4), st.integers(1, 50))
def test_law_well_formed_requests_pass_byte_for_byte(messages: list[bytes], step: int) -> None:
    data = b"".join(messages)
    gate = Gate(LIMITS)
    assert b"".join(b"".join(gate.feed(data[i : i + step])) for i in range(0, len(data), step)) == data
    assert gate.phase is Phase.IDLE
    assert len(through(data, step)[0]) == len(messages)


@settings(max_examples=400, deadline=None)
@given(st.lists(requests(), min_size=1, max_size=2), st.data())
def test_law_how_bytes_are_split_makes_no_difference(messages: list[bytes], data: st.DataObject) -> None:
    """Also with one byte of them changed, whatever that does."""
    wire = bytearray(b"".join(messages))
    at = data.draw(st.integers(0, len(wire) - 1))
    wire[at : at + data.draw(st.integers(0, 1))] = data.draw(st.sampled_from([b"\r", b"\n", b"\r\n", b"\x00", b" ", b":", b"0", b"f", b";", b",", b"\x80", b""]))
    whole, first = through(bytes(wire))
    split, second = through(bytes(wire), data.draw(st.integers(1, 9)))
    assert whole == split
    assert (first.defect is None, first.closed, first.phase if first.defect is None else None) == (
        second.defect is None, second.closed, second.phase if second.defect is None else None,
    )  # fmt: skip
