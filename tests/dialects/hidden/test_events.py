from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.dialects.hidden.events import RawEvents, Recording, data_of, event_of


def split(*chunks: bytes) -> tuple[list[bytes], bytes]:
    events = RawEvents()
    return [event for chunk in chunks for event in events.feed(chunk)], events.rest


@pytest.mark.parametrize(("stream", "events", "rest"), [
    (b"data: 1\n\ndata: 2\n\n", [b"data: 1\n\n", b"data: 2\n\n"], b""),
    (b"data: 1\r\n\r\ndata: 2", [b"data: 1\r\n\r\n"], b"data: 2"),
    (b"data: 1\r\rdata: 2\r\r", [b"data: 1\r\r"], b"data: 2\r\r"),  # a LF may come that belongs to the last CR
    (b"data: 1\n\r\n: hm\n\n", [b"data: 1\n\r\n", b": hm\n\n"], b""),
    (b"event: a\ndata: 1\n", [], b"event: a\ndata: 1\n"),
    (b"", [], b""),
])
def test_events_with_all_their_bytes(stream: bytes, events: list[bytes], rest: bytes) -> None:
    assert split(stream) == (events, rest)
    for cut in range(len(stream)):
        assert split(stream[:cut], stream[cut:]) == (events, rest)
    assert split(*(stream[i : i + 1] for i in range(len(stream)))) == (events, rest)


@pytest.mark.parametrize(("rest", "last", "none"), [
    (b"data: {}", b"data: {}", b""), (b"event: a\ndata: [1]\n", b"event: a\ndata: [1]\n", b""), (b"data: [DONE]", b"data: [DONE]", b""),
    (b'data: {"a', b"", b'data: {"a'), (b"event: a", b"", b"event: a"), (b"", b"", b""),
])
def test_a_last_event_may_lack_its_blank_line(rest: bytes, last: bytes, none: bytes) -> None:
    events = RawEvents()
    assert events.feed(b"data: 1\n\n" + rest) == [b"data: 1\n\n"]
    assert events.close() == (last, none)


@given(st.lists(st.sampled_from([b"\n", b"\r", b"data: ", b"x", b"event: y"]), max_size=30), st.lists(st.integers(0, 60), max_size=4))
def test_no_byte_is_lost_wherever_it_is_cut(pieces: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(pieces)
    at = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    events, rest = split(*(stream[a:b] for a, b in pairwise(at)))
    assert b"".join(events) + rest == stream
    assert (events, rest) == split(stream)


@pytest.mark.parametrize(("event", "data"), [
    (b"event: a\ndata: {\"b\":\ndata: 1}\n\n", b'{"b":\n1}'), (b"data:1\r\n\r\n", b"1"), (b": hm\n\n", b""),
])
def test_what_an_event_carries(event: bytes, data: bytes) -> None:
    assert data_of(event) == data


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=9)))
def test_an_event_reads_back(value: dict[str, str]) -> None:
    (event,), rest = split(event_of(b"name", value))
    assert (json.loads(data_of(event)), rest) == (value, b"")
    assert event.startswith(b"event: name\ndata: ")
    assert event_of(b"", 1) == b"data: 1\n\n"


@settings(deadline=None, max_examples=50)
@given(st.lists(st.binary(max_size=40), max_size=40), st.sampled_from([1, 17, 100, 1 << 20]))
def test_a_recording_gives_back_what_it_was_given(events: list[bytes], packed: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("headroom.dialects.hidden.events.PACKED", packed)
        recording = Recording()
        for event in events:
            recording.append(event)
        assert list(recording) == list(recording) == events


def test_a_recording_of_a_long_answer_is_small() -> None:
    recording, size = Recording(), 0
    for n in range(20_000):
        event = event_of(b"content_block_delta", {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": f"word{n * 7919}"}})
        recording.append(event)
        size += len(event)
    assert size > 2_000_000
    assert recording.size < size / 6
