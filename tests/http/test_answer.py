from __future__ import annotations

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.errors import Garbled
from headroom.http.answer import MAX_HEAD, AnswerReader, Head
from headroom.http.framing import Chunked, Counted, UntilClose


def read(wire: bytes, method: str = "POST", step: int = 0) -> Head | None:
    reader = AnswerReader(method)
    step = step or max(1, len(wire))
    for at in range(0, len(wire), step):
        if (head := reader.feed(wire[at : at + step])) is not None:
            return head
    return None


OK = b"HTTP/1.1 200 OK\r\n"

FRAMED = {
    "length": (OK + b"Content-Length: 5\r\n\r\n", Counted, True),
    "length zero": (OK + b"Content-Length: 0\r\n\r\n", Counted, True),
    "chunked": (OK + b"Transfer-Encoding: Chunked\r\n\r\n", Chunked, True),
    "neither": (OK + b"\r\n", UntilClose, True),
    "told to close": (OK + b"Connection: x, Close\r\nContent-Length: 0\r\n\r\n", Counted, False),
    "told to close in the old way": (OK + b"Proxy-Connection: close\r\nContent-Length: 0\r\n\r\n", Counted, False),
    "1.0": (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\n", Counted, False),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", Counted, True),
    "304 describes what it does not send": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", Counted, True),
    "no reason": (b"HTTP/1.1 200 \r\n\r\n", UntilClose, True),
    "nor its space": (b"HTTP/1.1 200\r\n\r\n", UntilClose, True),
    "an empty line first": (b"\r\n" + OK + b"\r\n", UntilClose, True),
    "obs-text": (OK + b"X: caf\xe9\r\n\r\n", UntilClose, True),
    "early hints": (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\n", Counted, True),
    "32 informational": (b"HTTP/1.1 100 Continue\r\n\r\n" * 32 + OK + b"\r\n", UntilClose, True),
}

BAD = {
    "length and coding": OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "two lengths": OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
    "the same twice": OK + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
    "a list": OK + b"Content-Length: 5, 5\r\n\r\n",
    "plus": OK + b"Content-Length: +5\r\n\r\n",
    "minus": OK + b"Content-Length: -5\r\n\r\n",
    "hex": OK + b"Content-Length: 0x5\r\n\r\n",
    "empty length": OK + b"Content-Length:\r\n\r\n",
    "19 digits": OK + b"Content-Length: 1000000000000000000\r\n\r\n",
    "gzip, chunked": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    "identity": OK + b"Transfer-Encoding: identity\r\n\r\n",
    "chunked twice": OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    "chunked in 1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/2 settings": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80",
    "TLS alert": b"\x15\x03\x01\x00\x02\x02F",
    "SSH": b"SSH-2.0-OpenSSH\r\n",
    "HTTP/2.0": b"HTTP/2.0 200 OK\r\n\r\n",
    "HTTP/5.6": b"HTTP/5.6 200 OK\r\n\r\n",
    "HTTP/11.1": b"HTTP/11.1 200 OK\r\n\r\n",
    "tab behind the version": b"HTTP/1.1\t200 OK\r\n\r\n",
    "two spaces": b"HTTP/1.1  200 OK\r\n\r\n",
    "one digit": b"HTTP/1.1 2 OK\r\n\r\n",
    "status 099": b"HTTP/1.1 099 OK\r\n\r\n",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "bare CR": b"HTTP/1.1 200 OK\rContent-Length: 0\r\n\r\n",
    "obs-fold": OK + b"A: b\r\n c\r\n\r\n",
    "fold at the start": OK + b" A: b\r\n\r\n",
    "NUL in a value": OK + b"A: b\0c\r\n\r\n",
    "CR in a value": OK + b"A: b\rc\r\n\r\n",
    "control character": OK + b"A: b\x01c\r\n\r\n",
    "space before the colon": OK + b"A : b\r\n\r\n",
    "no name": OK + b": b\r\n\r\n",
    "two empty lines first": b"\r\n\r\n" + OK + b"\r\n",
    "CR first": b"\r" + OK + b"\r\n",
    "LF first": b"\n" + OK + b"\r\n",
    "no colon": OK + b"abc\r\n\r\n",
    "unasked switch": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    "33 informational": b"HTTP/1.1 100 Continue\r\n\r\n" * 33 + OK + b"\r\n",
    "endless head": OK + b"A: " + b"b" * MAX_HEAD,
}


@pytest.mark.parametrize("step", [0, 1, 3])
@pytest.mark.parametrize("name", FRAMED)
def test_heads(name: str, step: int) -> None:
    wire, framing, keep = FRAMED[name]
    head = read(wire, step=step)
    assert head is not None
    assert isinstance(head.body, framing)
    assert head.keep is keep
    assert head.rest == b""


@pytest.mark.parametrize("step", [0, 1])
@pytest.mark.parametrize("name", BAD)
def test_malformed_heads_are_refused_without_waiting_for_more(name: str, step: int) -> None:
    with pytest.raises(Garbled):
        read(BAD[name], step=step if len(BAD[name]) < 10_000 else 0)


def test_fields_and_rest() -> None:
    head = read(OK + b"X-A:\t1 \r\nX-A: 2\r\n\r\nbody")
    assert head is not None
    assert (head.status, head.fields, head.rest) == (200, [(b"x-a", b"1"), (b"x-a", b"2")], b"body")


@pytest.mark.parametrize(
    ("method", "status", "done"), [("HEAD", 200, True), ("HEAD", 404, True), ("CONNECT", 200, True), ("CONNECT", 407, False), ("GET", 200, False)]
)
def test_which_answers_have_no_body(method: str, status: int, done: bool) -> None:
    head = read(b"HTTP/1.1 %d x\r\nContent-Length: 5\r\n\r\n" % status, method)
    assert head is not None
    assert head.body.done is done


def test_a_head_of_almost_the_limit_is_read_and_byte_by_byte_in_linear_time() -> None:
    wire = OK + b"".join(b"X-%d: %b\r\n" % (n, b"v" * 1000) for n in range(120)) + b"\r\n"
    head = read(wire, step=1)
    assert head is not None
    assert len(head.fields) == 120


def by_h11(wire: bytes) -> object:
    """Status and fields as h11 reads them."""
    connection = h11.Connection(h11.CLIENT)
    connection.receive_data(wire)
    event = connection.next_event()
    assert isinstance(event, h11.Response)
    return event.status_code, list(event.headers)


NAMES = st.sampled_from([b"A", b"content-length", b"Transfer-Encoding", b"Connection", b"x-1", b"!#$%&'*+-.^_`|~"])
VALUES = st.sampled_from([b"", b" ", b"5", b"\t5 ", b"chunked", b"close", b"a b\tc", b" caf\xe9 ", b": x", b"\xff", b'"q"'])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(NAMES, VALUES), max_size=6), st.sampled_from([b"200 OK", b"404 ", b"500", b"599 \xe9"]))
def test_what_we_accept_h11_reads_alike(fields: list[tuple[bytes, bytes]], status: bytes) -> None:
    """Stricter than h11, never laxer, and never of another opinion."""
    wire = b"HTTP/1.1 %b\r\n%b\r\n" % (status, b"".join(b"%b:%b\r\n" % field for field in fields))
    try:
        head = read(wire)
    except Garbled:
        return
    assert head is not None
    assert (head.status, [(n, v.lower() if n == b"transfer-encoding" else v) for n, v in head.fields]) == by_h11(wire)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from([OK, b"HTTP/1.1 ", b"200", b" ", b"A: b\r\n", b"A:b", b"\r\n", b"\r", b"\n", b"\t", b"Content-Length: 1\r\n", b"\0", b"\xe9"]), max_size=10),
    st.integers(1, 5),
)
def test_cuts_change_nothing(pieces: list[bytes], step: int) -> None:
    wire = b"".join(pieces)

    def outcome(step: int) -> object:
        try:
            head = read(wire, step=step)
        except Garbled:
            return "garbled"
        return head and (head.status, head.fields, type(head.body), head.keep)

    assert outcome(step) == outcome(0) or (outcome(0) is None and outcome(step) == "garbled")
