from __future__ import annotations

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.errors import Garbled
from headroom.http.framing import MAX_CHUNK_LINE, MAX_TRAILERS, Chunked, Counted, Framing, UntilClose


def read(framing: Framing, data: bytes, step: int = 0) -> tuple[bytes, bytes]:
    """What comes out, and what was not looked at because the body had ended."""
    step = step or max(1, len(data))
    out, at = b"", 0
    while at < len(data) and not framing.done:
        out += framing.feed(data[at : at + step])
        at += step
    return out, data[at:]


GOOD = {
    "one chunk": (b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
    "two chunks": (b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", b"hello world"),
    "nothing": (b"0\r\n\r\n", b""),
    "upper and lower hex": (b"A\r\n0123456789\r\nb\r\n0123456789a\r\n0\r\n\r\n", b"01234567890123456789a"),
    "leading zeros": (b"0005\r\nhello\r\n000\r\n\r\n", b"hello"),
    "extension": (b"5;name=value;flag\r\nhello\r\n0;x\r\n\r\n", b"hello"),
    "quoted extension": (b'5;name="a; \\" b"\r\nhello\r\n0\r\n\r\n', b"hello"),
    "trailers": (b"5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-Empty:\r\n\r\n", b"hello"),
    "line ends in data": (b"4\r\n\r\n\r\n\r\n0\r\n\r\n", b"\r\n\r\n"),
}

BAD = {
    "bare LF": b"5\nhello\n0\n\n",
    "LF behind the size": b"5\nhello\r\n0\r\n\r\n",
    "CR inside the line": b"5\r;x\r\nhello\r\n0\r\n\r\n",
    "negative": b"-5\r\nhello\r\n0\r\n\r\n",
    "signed": b"+5\r\nhello\r\n0\r\n\r\n",
    "0x": b"0x5\r\nhello\r\n0\r\n\r\n",
    "underscore": b"0_5\r\nhello\r\n0\r\n\r\n",
    "not hex": b"xyz\r\nhello\r\n0\r\n\r\n",
    "empty size": b"\r\nhello\r\n0\r\n\r\n",
    "space behind": b"5 \r\nhello\r\n0\r\n\r\n",
    "space before": b" 5\r\nhello\r\n0\r\n\r\n",
    "bare semicolon": b"5;\r\nhello\r\n0\r\n\r\n",
    "unbalanced quote": b'5;a="b\r\nhello\r\n0\r\n\r\n',
    "17 digits": b"00000000000000005\r\nhello\r\n0\r\n\r\n",
    "larger than 63 bits": b"8000000000000000\r\nhello",
    "chunk too long": b"5\r\nhello!\r\n0\r\n\r\n",
    "chunk ends in LF": b"5\r\nhello\n0\r\n\r\n",
    "chunk ends in CR": b"5\r\nhello\r0\r\n\r\n",
    "endless line": b"5;" + b"a" * MAX_CHUNK_LINE,
    "long line": b"5;" + b"a" * MAX_CHUNK_LINE + b"\r\n",
    "folded trailer": b"0\r\nA: b\r\n c\r\n\r\n",
    "trailer without colon": b"0\r\nabc\r\n\r\n",
    "trailer with NUL": b"0\r\nA: \0\r\n\r\n",
    "endless trailers": b"0\r\n" + b"A: b\r\n" * (MAX_TRAILERS // 6 + 1),
}


@pytest.mark.parametrize("step", [0, 1, 2, 3])
@pytest.mark.parametrize("name", GOOD)
def test_chunked_bodies_come_out_however_they_are_cut(name: str, step: int) -> None:
    wire, expected = GOOD[name]
    framing = Chunked()
    assert read(framing, wire, step) == (expected, b"")
    assert framing.done
    assert not framing.surplus


@pytest.mark.parametrize("step", [0, 1, 2])
@pytest.mark.parametrize("name", BAD)
def test_malformed_chunks_are_refused_without_waiting_for_more(name: str, step: int) -> None:
    with pytest.raises(Garbled):
        read(Chunked(), BAD[name], step)


@pytest.mark.parametrize("step", [0, 1])
@pytest.mark.parametrize("name", GOOD)
def test_a_chunked_body_that_breaks_off_is_an_error_wherever_it_does(name: str, step: int) -> None:
    wire, _ = GOOD[name]
    for end in range(len(wire)):
        framing = Chunked()
        read(framing, wire[:end], step)
        assert not framing.done
        with pytest.raises(Garbled):
            framing.eof()


def test_bytes_behind_the_end_are_noticed() -> None:
    framing: Framing
    for framing, wire in ((Chunked(), b"0\r\n\r\nHTTP/1.1"), (Counted(2), b"abc"), (Counted(0), b"x")):
        framing.feed(wire)
        assert framing.done
        assert framing.surplus


def test_a_counted_body() -> None:
    framing = Counted(5)
    assert framing.feed(b"hel") == b"hel"
    with pytest.raises(Garbled, match="2 bytes before the end"):
        framing.eof()
    assert framing.feed(b"lo") == b"lo"
    assert framing.done
    assert not framing.surplus
    assert Counted(0).done


def test_a_body_until_close() -> None:
    framing = UntilClose()
    assert framing.feed(b"x") == b"x"
    assert not framing.done
    framing.eof()
    assert framing.done


def by_h11(wire: bytes) -> bytes | None:
    """h11's reading; None: refused or not complete."""
    connection = h11.Connection(h11.CLIENT)
    connection.receive_data(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + wire)
    out = b""
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Data):
                out += event.data
            elif isinstance(event, h11.EndOfMessage):
                return out
            elif event is h11.NEED_DATA:
                return None
    except h11.RemoteProtocolError:
        return None


def ours(wire: bytes, step: int) -> bytes | None:
    framing = Chunked()
    try:
        out, _ = read(framing, wire, step)
    except Garbled:
        return None
    return out if framing.done else None


PIECES = [b"0", b"1", b"5", b"a", b"\r\n", b"\r", b"\n", b"\r\n\r\n", b";", b"x=y", b'"', b" ", b"\t", b":", b"A: b", b"hello", b"\0"]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), st.integers(1, 50))
def test_what_is_written_in_chunks_is_read(chunks: list[bytes], step: int) -> None:
    wire = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    assert ours(wire, step) == by_h11(wire) == b"".join(chunks)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=10), st.integers(1, 9))
def test_what_we_accept_h11_reads_alike(pieces: list[bytes], step: int) -> None:
    """Stricter than h11, never laxer, and never of another opinion."""
    wire = b"".join([*pieces, b"0\r\n\r\n"])
    if (body := ours(wire, step)) is not None:
        assert body == by_h11(wire)
    assert ours(wire, step) == ours(wire, 1)
