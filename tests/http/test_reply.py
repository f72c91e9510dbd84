"""What the server writes, read back by h11."""

from __future__ import annotations

import json

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.errors import OurError
from headroom.http.gate import Rejection
from headroom.http.reply import Reply, refusal
from tests.http.serving import answers

LENGTH = (b"content-length", b"2")
CASES: list[tuple[str, Reply, int, list[tuple[bytes, bytes]], list[bytes], dict[bytes, bytes]]] = [
    ("length", Reply("GET", False), 200, [LENGTH], [b"ok"], {b"content-length": b"2"}),
    ("chunks", Reply("GET", False), 200, [], [b"o", b"", b"k"], {b"transfer-encoding": b"chunked"}),
    ("HTTP/1.0", Reply("GET", True), 200, [], [b"o", b"k"], {b"connection": b"close"}),
    ("HTTP/1.0 with a length", Reply("GET", True), 200, [LENGTH], [b"ok"], {b"content-length": b"2", b"connection": b"close"}),
    ("HEAD", Reply("HEAD", False), 200, [LENGTH], [b""], {b"content-length": b"2"}),
    ("no content", Reply("GET", False), 204, [], [b""], {}),
    ("not modified", Reply("GET", False), 304, [LENGTH], [b""], {b"content-length": b"2"}),
    ("unregistered status", Reply("GET", False), 529, [LENGTH], [b"ok"], {b"content-length": b"2"}),
    ("its own framing is ours to do", Reply("GET", False), 200, [(b"Transfer-Encoding", b"gzip, chunked"), (b"Keep-Alive", b"1")], [b"ok"], {b"transfer-encoding": b"chunked"}),
    ("the application closes", Reply("GET", False), 200, [LENGTH, (b"Connection", b"close")], [b"ok"], {b"content-length": b"2", b"connection": b"close"}),
    ("the same length twice", Reply("GET", False), 200, [LENGTH, LENGTH], [b"ok"], {b"content-length": b"2"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "reply", "status", "fields", "parts", "expected"), CASES, ids=[c[0] for c in CASES])
def test_answers_read_back(name: str, reply: Reply, status: int, fields: list[tuple[bytes, bytes]], parts: list[bytes], expected: dict[bytes, bytes]) -> None:
    wire = reply.start(status, fields, close=False)
    for part in parts:
        wire += reply.body(part, more=True) if part is not parts[-1] else reply.body(part, more=False)
    (answer,) = answers(wire, "HEAD" if name == "HEAD" else "GET")
    assert (answer.status, answer.fields, answer.whole) == (status, expected, True)
    assert answer.body == b"".join(parts)
    assert reply.complete
    assert reply.closes == (expected.get(b"connection") == b"close")


@pytest.mark.parametrize(
    "fields",
    [
        [(b"x", b"a\r\nb: c")], [(b"x", b"a\nb")], [(b"x", b"a\rb")], [(b"x", b"a\x00")], [(b"x y", b"a")], [(b"", b"a")],
        [(b"x:", b"a")], [(b"x\r\ny", b"a")], [(b"content-length", b"-1")], [(b"content-length", b"1"), (b"content-length", b"2")],
    ],
)  # fmt: skip
def test_what_could_be_misread_is_not_written(fields: list[tuple[bytes, bytes]]) -> None:
    reply = Reply("GET", False)
    with pytest.raises(OurError):
        reply.start(200, fields, close=False)
    assert not reply.started


@pytest.mark.parametrize("status", [100, 101, 199, 0, 1000])
def test_only_final_statuses_are_answers(status: int) -> None:
    with pytest.raises(OurError):
        Reply("GET", False).start(status, [], close=False)


def test_a_body_must_be_as_long_as_announced() -> None:
    for part, more in ((b"toolong", True), (b"x", False)):
        reply = Reply("GET", False)
        reply.start(200, [LENGTH], close=False)
        with pytest.raises(OurError):
            reply.body(part, more)
        assert not reply.complete
    with pytest.raises(OurError):
        Reply("GET", False).body(b"", more=False)


def test_only_an_answer_that_ends_with_its_connection_looks_whole_when_it_is_cut() -> None:
    for reply, fields, looks in ((Reply("GET", True), [], True), (Reply("GET", True), [LENGTH], False), (Reply("GET", False), [], False)):
        reply.start(200, fields, close=False)
        assert reply.looks_whole is looks


def test_a_refusal_is_an_error_in_every_providers_shape() -> None:
    (answer,) = answers(refusal(Rejection(431, "too many header fields")))
    body = json.loads(answer.body)
    assert (answer.status, answer.fields[b"connection"]) == (431, b"close")
    assert body["type"] == "error"
    assert body["error"]["type"] == "invalid_request_error"
    assert body["error"]["message"] == "headroom: too many header fields"


names = st.from_regex(rb"[!#$%&'*+.^_`|~0-9a-z-]{1,12}", fullmatch=True).filter(
    lambda name: name not in (b"content-length", b"transfer-encoding", b"connection", b"keep-alive", b"upgrade")
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(names, st.binary(max_size=12)), max_size=5), st.lists(st.binary(max_size=20), min_size=1, max_size=5))
def test_law_what_is_written_is_read_back_or_refused(fields: list[tuple[bytes, bytes]], parts: list[bytes]) -> None:
    reply = Reply("GET", False)
    try:
        wire = reply.start(200, fields, close=False)
    except OurError:
        assert any(octet in value for _, value in fields for octet in (b"\r", b"\n", b"\x00", b"\v", b"\f"))
        return
    wire += b"".join(reply.body(part, more=i < len(parts) - 1) for i, part in enumerate(parts))
    parser = h11.Connection(h11.CLIENT)
    parser.send(h11.Request(method="GET", target="/", headers=[("host", "a")]))
    parser.send(h11.EndOfMessage())
    parser.receive_data(wire)
    head = parser.next_event()
    assert isinstance(head, h11.Response)
    assert list(head.headers) == [*((name, value.strip(b" \t")) for name, value in fields), (b"transfer-encoding", b"chunked")]
    assert answers(wire)[0].body == b"".join(parts)
