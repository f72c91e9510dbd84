from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.conversation import Json, Usage
from headroom.http.sse import LONGEST, WHOLE, Event, Events, Tap, merge


def usage(message: Json) -> Usage | None:
    """A dialect's way to read one message."""
    found = message.get("usage") if isinstance(message, dict) else None
    if not isinstance(found, dict):
        return None
    return Usage(input_tokens=found.get("input"), output_tokens=found.get("output"))


def tapped(data: bytes, step: int = 0) -> Tap:
    tap = Tap(usage)
    for at in range(0, len(data), step or max(1, len(data))):
        tap.feed(data[at : at + step] if step else data)
    return tap


START = b'event: start\ndata: {"usage": {"input": 10, "output": 1}}\n\n'
TEXT = b'event: text\ndata: {"text": "a \\"usage\\": {\\"input\\": 99} b"}\n\n'
END = b'event: end\ndata: {"usage":{"output":7}}\n\n'
FAILED = b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"x"}}\n\n'

STREAMS = {
    "plain": (START + TEXT * 3 + END, Usage(10, 7)),
    "CRLF": ((START + TEXT + END).replace(b"\n", b"\r\n"), Usage(10, 7)),
    "CR": ((START + TEXT + END).replace(b"\n", b"\r"), Usage(10, 7)),
    "comments and blank lines": (b": ping\n\n" + START + b":\n\n\n\n" + END, Usage(10, 7)),
    "byte order mark": (b"\xef\xbb\xbf" + START + END, Usage(10, 7)),
    "data over several lines": (b'data: {"usage":\ndata: {"input": 3}}\n\n', Usage(3)),
    "no final newline": (START + END.rstrip(), Usage(10, 7)),
    "null usage": (b'data: {"usage": null}\n\n' * 3 + b'data: {"usage": {"output": 2}}\n\ndata: [DONE]\n\n', Usage(None, 2)),
    "not JSON": (b'data: {"usage": {\n\n' + END, Usage(None, 7)),
    "not UTF-8": (b'data: "\xff" "usage": {\n\n' + END, Usage(None, 7)),
    "too deep": (b'data: {"usage": {"x":' + b"[" * 100_000 + b"\n\n" + END, Usage(None, 7)),
    "JSON": (b' {"text": "x",\n\n "usage": {"input": 5, "output": 6}}\n', Usage(5, 6)),
    "JSON array": (b'[{"usage": {"input": 5}},\n\n{"usage": {"output": 6}}]', Usage(5, 6)),
    "JSON without usage": (b'{"a": 1}', Usage()),
    "broken JSON": (b'{"usage": {"input": 5}', Usage()),
    "nothing": (b"", Usage()),
    "white space": (b" \n\n ", Usage()),
}


@pytest.mark.parametrize("step", [0, 1, 7])
@pytest.mark.parametrize("name", STREAMS)
def test_usage_is_found_however_the_answer_is_cut(name: str, step: int) -> None:
    data, expected = STREAMS[name]
    tap = tapped(data, step)
    assert tap.close() == expected
    assert tap.close() == expected, "closing twice changes nothing"


def test_usage_is_known_before_the_end() -> None:
    assert tapped(START + TEXT).usage == Usage(10, 1)


@pytest.mark.parametrize("step", [0, 1])
def test_the_providers_own_error_is_remembered(step: int) -> None:
    assert tapped(START + FAILED, step).error == "overloaded_error"
    assert tapped(START + END, step).error == ""
    failed = b'data: {"type":"response.failed","response":{"error":{"code":"server_error"}}}\n\n'
    assert tapped(failed, step).error == "server_error"
    assert tapped(b'data: {"response":{"error":null}}\n\n', step).error == ""
    assert tapped(b'data: {"type":"error","code":"rate_limited"}\n\n', step).error == "rate_limited"
    whole = tapped(b'{"error": {"status": "UNAVAILABLE"}}', step)
    whole.close()
    assert whole.error == "UNAVAILABLE"


def test_whether_a_stream_ended_behind_an_event() -> None:
    assert tapped(START + END).ended
    assert tapped((START + END).replace(b"\n", b"\r\n"), 1).ended
    assert not tapped(START + END[:-1]).ended
    assert not tapped(START + b"data").ended
    assert tapped(b'{"a": 1}').ended, "of a JSON text the framing knows"


def test_what_is_too_large_is_given_up_and_nothing_else() -> None:
    image = b"data: " + b"x" * LONGEST + b'"usage": {"input": 99}\n\n'
    assert tapped(START + image + END, 1 << 16).close() == Usage(10, 7)
    assert tapped(b'{"usage": {"input": 5}, "x": "' + b"x" * WHOLE + b'"}', 1 << 16).close() == Usage()


def test_later_figures_replace_earlier_ones_field_by_field() -> None:
    assert merge(Usage(1, 2, 3, 4), Usage(None, 5, None, 0)) == Usage(1, 5, 3, 0)
    lasting = Usage(1, 2, 3, 4, cache_write_long_tokens=4)
    assert merge(lasting, Usage(None, 5)) == Usage(1, 5, 3, 4, cache_write_long_tokens=4)
    assert merge(lasting, Usage(cache_write_long_tokens=2)) == Usage(1, 2, 3, 4, cache_write_long_tokens=2)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([START, TEXT, END, FAILED, b"\n", b"\r", b"\r\n", b": c\n", b"data", b"data: {}\n", b"x"]), max_size=8), st.integers(1, 30))
def test_cuts_change_nothing(pieces: list[bytes], step: int) -> None:
    data = b"".join(pieces)
    whole, cut = tapped(data), tapped(data, step)
    assert (whole.close(), whole.error) == (cut.close(), cut.error)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(1, 30))
def test_it_never_raises(data: bytes, step: int) -> None:
    tapped(data, step).close()
    tapped(b'data: {"usage": {' + data, step).close()


EVENTS = {
    "one": (b"data: a\n\n", [Event(b"a")]),
    "without the space": (b"data:a\n\n", [Event(b"a")]),
    "only one space goes": (b"data:  a\n\n", [Event(b" a")]),
    "name and id": (b"event: n\nid: 7\ndata: a\n\n", [Event(b"a", b"n", b"7")]),
    "the id stays, the name does not": (b"event: n\nid: 7\ndata: a\n\ndata: b\n\n", [Event(b"a", b"n", b"7"), Event(b"b", b"", b"7")]),
    "two lines": (b"data: a\ndata: b\n\n", [Event(b"a\nb")]),
    "comment": (b": c\ndata: a\n\n", [Event(b"a")]),
    "unknown field": (b"x: c\ndata: a\n\n", [Event(b"a")]),
    "field without colon": (b"data\n\n", [Event(b"")]),
    "no data": (b"event: n\n\ndata: a\n\n", [Event(b"a")]),
    "CRLF": (b"data: a\r\n\r\ndata: b\r\n\r\n", [Event(b"a"), Event(b"b")]),
    "CR": (b"data: a\r\rdata: b\r\r", [Event(b"a"), Event(b"b")]),
    "mixed": (b"data: a\r\n\ndata: b\r\r\ndata: c\n\r", [Event(b"a"), Event(b"b"), Event(b"c")]),
    "byte order mark": (b"\xef\xbb\xbfdata: a\n\n", [Event(b"a")]),
    "unfinished": (b"data: a\n\ndata: b", [Event(b"a"), Event(b"b")]),
}


@pytest.mark.parametrize("step", [0, 1, 2, 3])
@pytest.mark.parametrize("name", EVENTS)
def test_events(name: str, step: int) -> None:
    data, expected = EVENTS[name]
    events = Events()
    found: list[Event] = []
    for at in range(0, len(data), step or len(data)):
        found += events.feed(data[at : at + (step or len(data))])
    assert found + events.close() == expected


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=20), max_size=5), st.integers(1, 9), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_what_is_written_as_events_is_read(texts: list[str], step: int, end: bytes) -> None:
    data = b"".join(b"data: " + json.dumps(text).encode() + end * 2 for text in texts)
    events = Events()
    found = [event for at in range(0, len(data), step) for event in events.feed(data[at : at + step])]
    assert [json.loads(event.data) for event in found] == texts
