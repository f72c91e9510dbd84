from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.conversation import Json
from headroom.dialects.hidden.anthropic_ear import StreamEar, Whole
from headroom.dialects.hidden.base import NAME, Asked, Ear, Round, Told
from headroom.dialects.hidden.events import PACKS
from headroom.dialects.hidden.json_text import written
from headroom.dialects.hidden.whole import WholeEar
from tests.dialects.hidden.anthropic_answers import (
    CALLS,
    CITED,
    EDIT,
    FOUND,
    LOOK,
    RAN,
    REDACTED,
    ROUNDS,
    SAYS,
    THINKING,
    events,
    lines,
    message,
    messages,
    mine,
    rebuilt,
    shown,
    stream,
    visible,
)

HELD_MOST = 1 << 16


@pytest.fixture(autouse=True)
def less_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headroom.dialects.hidden.anthropic_ear.HELD_MOST", HELD_MOST)
    monkeypatch.setattr("headroom.dialects.hidden.whole.HELD_MOST", HELD_MOST)


table = pytest.mark.parametrize("rounds", ROUNDS.values(), ids=ROUNDS)


@table
def test_one_answer_of_several(rounds: list[list[Json]]) -> None:
    data, ends, told = shown(rounds)
    seen = [block for blocks in rounds for block in visible(blocks)]
    answer, last = rebuilt(data), len(rounds)
    assert NAME.encode() not in data
    assert answer == message(seen) | {"usage": message([], last)["usage"] | {"output_tokens": 5 * last}}
    for blocks, end in zip(rounds, ends, strict=True):
        asked = [block for block in blocks if block.get("name") == NAME]
        assert end.asked == tuple(Asked(block["id"], block["input"]) for block in asked)
        assert [json.loads(said) for said in end.said] == ([{"role": "assistant", "content": blocks}] if asked else [])
        assert end.alone == (bool(asked) and not any(block in CALLS for block in blocks))
    assert told == Told("".join(block.get("text", "") for block in seen), tuple(block["id"] for block in seen if block in CALLS))


@table
def test_a_whole_answer_is_the_one_that_the_stream_comes_to(rounds: list[list[Json]]) -> None:
    data, ends, told = shown(rounds)
    ear: Ear = WholeEar(Whole())
    for number, (blocks, end) in enumerate(zip(rounds, ends, strict=True), 1):
        assert ear.feed(written(message(blocks, number)).encode()) == b""
        assert ear.end() == end
    assert json.loads(ear.finish()) == rebuilt(data)
    assert ear.told() == told


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_cut_in_two_at_every_byte(end: str) -> None:
    source = lines(events([LOOK, mine(), EDIT]), end)
    for cut in range(len(source) + 1):
        ear = StreamEar()
        out = ear.feed(source[:cut]) + ear.feed(source[cut:])
        assert ear.end().asked == (Asked("toolu_h1", {"key": "0a1b"}),)
        out = (out + ear.finish()).replace(end.encode(), b"\n").rstrip(b"\n") + b"\n\n"
        assert out == shown([[LOOK, mine(), EDIT]])[0]


@pytest.mark.parametrize(("given", "value", "said"), [
    ('{"key": "k", "lines": "1-2"}', {"key": "k", "lines": "1-2"}, {"key": "k", "lines": "1-2"}),
    ("", {}, {}), ("{}", {}, {}), ("{key", "{key", {"INVALID_JSON": "{key"}), ("[1]", "[1]", {"INVALID_JSON": "[1]"}),
])
def test_arguments(given: str, value: Json, said: Json) -> None:
    heard = shown([[mine(1, given)]])[1][0]
    assert heard.asked == (Asked("toolu_h1", value),)
    assert json.loads(heard.said[0])["content"][0]["input"] == said


def test_what_goes_on_at_once() -> None:
    ear, found = StreamEar(), events([LOOK, mine(), EDIT])
    found.insert(-4, {"type": "ping"})
    out = [messages(ear.feed(lines([each]))) for each in found]
    at_once = [i for i, each in enumerate(found[:-2]) if each.get("index") != 1]
    assert [i for i, sent in enumerate(out) if sent] == at_once
    assert [out[i][0].get("index") for i in at_once if "index" in found[i]] == [
        found[i]["index"] and 1 for i in at_once if "index" in found[i]
    ]
    assert ear.end().alone is False


def test_blank_texts_are_shown_but_not_said_again() -> None:
    blank = {"type": "text", "text": "\n\n"}
    data, ends, _ = shown([[THINKING, blank, mine()], [SAYS]])
    assert rebuilt(data)["content"] == [THINKING, blank, SAYS]
    assert json.loads(ends[0].said[0])["content"] == [THINKING, mine()]


@pytest.mark.parametrize("stop", ["max_tokens", "refusal", "model_context_window_exceeded"])
def test_half_an_answer_asks_nothing(stop: str) -> None:
    ear, whole = StreamEar(), WholeEar(Whole())
    out = ear.feed(stream([LOOK, mine()], 1, stop))
    whole.feed(written(message([LOOK, mine()], 1, stop)).encode())
    assert ear.end() == whole.end() == Round()
    assert rebuilt(out + ear.finish()) == json.loads(whole.finish()) == message([LOOK], 1, stop)


def test_usage_of_all_rounds() -> None:
    ear, out = StreamEar(), b""
    for number, details in enumerate(({"thinking_tokens": 3}, {"thinking_tokens": 4}), 1):
        found = events([LOOK, mine()] if number == 1 else [SAYS], number)
        usage = {"input_tokens": 1000 * number, "cache_read_input_tokens": None, "output_tokens_details": details, "output_tokens": 9}
        found[-2]["usage"] = usage | ({"server_tool_use": {"web_search_requests": 2}} if number == 1 else {})
        out += ear.feed(lines(found))
        ear.end()
    assert messages(out)[-2]["usage"] == {
        "input_tokens": 2000, "cache_creation_input_tokens": 14, "cache_read_input_tokens": 20, "output_tokens": 18,
        "output_tokens_details": {"thinking_tokens": 7}, "server_tool_use": {"web_search_requests": 2},
    }


def test_a_round_that_breaks_off() -> None:
    source, ear = stream([LOOK, mine()]), StreamEar()
    out = ear.feed(source[: source.index(b"event: message_delta") + 60])
    assert (ear.end(), ear.finish()) == (Round(), b"")
    assert messages(out)[-1] == {"type": "content_block_stop", "index": 0}
    second, error = StreamEar(), b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"}}\n\n'
    second.feed(source)
    assert second.end().alone
    assert second.feed(stream([SAYS], 2)[:-140] + b"\n\n" + error).endswith(error)
    assert (second.end(), second.finish()) == (Round(), b"")


def test_a_second_round_without_a_byte_ends_what_was_told() -> None:
    ear, whole = StreamEar(), WholeEar(Whole())
    out = ear.feed(stream([LOOK, mine()]))
    whole.feed(written(message([LOOK, mine()])).encode())
    assert ear.end().alone
    assert whole.end().alone
    assert ear.end() == whole.end() == Round()
    assert rebuilt(out + ear.finish()) == json.loads(whole.finish()) == message([LOOK])


def test_a_last_event_without_its_blank_line() -> None:
    ear = StreamEar()
    out = ear.feed(stream([LOOK, mine()])[:-1])
    assert ear.end().alone
    assert rebuilt(out + ear.finish()) == message([LOOK])


def test_more_than_can_be_held_goes_on_as_it_came() -> None:
    big = REDACTED | {"data": "x" * (PACKS * HELD_MOST + 1)}
    for source in (stream([big, mine()]), stream([LOOK, mine(1, "y" * (PACKS * HELD_MOST))]), b"data: x\n\n" + b"y" * (HELD_MOST + 9)):
        ear, whole = StreamEar(), WholeEar(Whole())
        cuts = [source[i : i + (1 << 20)] for i in range(0, len(source), 1 << 20)]
        assert b"".join(map(ear.feed, cuts)) == source
        assert b"".join(map(whole.feed, cuts)) == source
        for one in (ear, whole):
            assert (one.end(), one.told(), one.finish()) == (Round(), Told(), b"")


@pytest.mark.parametrize("rounds", [[[LOOK, mine()], [SAYS]], [[mine(), LOOK]]])
def test_what_was_numbered_anew_is_broken_off_instead(rounds: list[list[Json]]) -> None:
    ear, out = StreamEar(), b""
    for number, blocks in enumerate(rounds, 1):
        ear.end()
        out += ear.feed(stream(blocks, number)[:-250])
    out += b"".join(ear.feed(b"data: " + b"x" * (HELD_MOST // 2)) for _ in range(3))
    assert messages(out)[-1]["type"] == "error"
    assert (ear.feed(stream([SAYS])), ear.end(), ear.told(), ear.finish()) == (b"", Round(), Told(), b"")


BLOCKS = st.lists(st.sampled_from([THINKING, REDACTED, LOOK, SAYS, EDIT, RAN, FOUND, CITED, mine(7)]), max_size=5)


@given(st.lists(BLOCKS, max_size=3), BLOCKS)
@settings(deadline=None, max_examples=100)
def test_generated_rounds(earlier: Sequence[list[Json]], last: list[Json]) -> None:
    rounds = [*([*(block for block in blocks if block != EDIT), mine(at)] for at, blocks in enumerate(earlier)), last]
    data, ends, _ = shown(rounds)
    seen = [block for blocks in rounds for block in visible(blocks)]
    assert rebuilt(data)["content"] == seen
    assert rebuilt(data)["stop_reason"] == ("tool_use" if EDIT in last else "end_turn")
    assert all(end.alone for end in ends[:-1])
