from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.conversation import Json
from headroom.dialects.hidden.base import NAME, Asked, Ear, Round, Told
from headroom.dialects.hidden.json_text import written
from headroom.dialects.hidden.openai_responses_ear import HELD_MOST, StreamEar, Whole
from headroom.dialects.hidden.whole import WholeEar
from tests.dialects.hidden.openai_responses_answers import (
    EDIT,
    EXEC,
    LOOK,
    RAN,
    REASONING,
    ROUNDS,
    SAYS,
    events,
    lines,
    messages,
    mine,
    rebuilt,
    response,
    shown,
    stream,
)

table = pytest.mark.parametrize("rounds", ROUNDS.values(), ids=ROUNDS)


@table
def test_one_answer_of_several(rounds: list[list[Json]]) -> None:
    data, ends, told = shown(rounds)
    visible = [item for items in rounds for item in items if item.get("name") != NAME]
    answer = rebuilt(data)
    assert NAME.encode() not in data
    assert answer["output"] == visible
    assert (answer["id"], answer["created_at"]) == ("resp_1", 1001)
    last = len(rounds)
    assert answer["usage"] == {
        "input_tokens": 100 * last, "input_tokens_details": {"cached_tokens": 10 * last}, "output_tokens": 5 * last,
        "output_tokens_details": {"reasoning_tokens": 2 * last}, "total_tokens": 100 * last + 5 * last,
    }
    for items, end in zip(rounds, ends, strict=True):
        asked = [item for item in items if item.get("name") == NAME]
        assert [one.id for one in end.asked] == [item["call_id"] for item in asked]
        assert [json.loads(said) for said in end.said] == (items if asked else [])
        assert end.alone == (bool(asked) and EDIT not in items and EXEC not in items)
    assert told.text == "".join(part["text"] for item in visible for part in item.get("content", ()))
    assert told.calls == tuple(item["call_id"] for item in visible if item in (EDIT, EXEC))


@table
def test_a_whole_answer_is_the_one_that_the_stream_ends_with(rounds: list[list[Json]]) -> None:
    data, ends, told = shown(rounds)
    ear: Ear = WholeEar(Whole())
    for number, (items, end) in enumerate(zip(rounds, ends, strict=True), 1):
        assert ear.feed(written(response(items, number)).encode()) == b""
        assert ear.end() == end
    assert json.loads(ear.finish()) == messages(data)[-1]["response"]
    assert ear.told() == told


def test_cut_in_two_at_every_byte() -> None:
    source = stream([LOOK, mine(), EDIT])
    expected = shown([[LOOK, mine(), EDIT]])[0]
    for cut in range(len(source) + 1):
        ear = StreamEar()
        out = ear.feed(source[:cut]) + ear.feed(source[cut:])
        assert ear.end().asked == (Asked("call_1", {"key": "0a1b"}),)
        assert out + ear.finish() == expected


@pytest.mark.parametrize(("arguments", "value"), [
    ('{"key": "k", "lines": "1-2"}', {"key": "k", "lines": "1-2"}), ("", {}), ("{key", "{key"), ("[1]", "[1]"), ("{}", {}),
])
def test_arguments(arguments: str, value: Json) -> None:
    assert shown([[mine(1, arguments)]])[1][0].asked == (Asked("call_1", value),)


def test_what_goes_on_at_once() -> None:
    ear, found = StreamEar(), events([LOOK, mine(), EDIT])
    out = [messages(ear.feed(lines([message]))) for message in found]
    visible = [i for i, message in enumerate(found[:-1]) if message.get("output_index") != 1]
    assert [i for i, sent in enumerate(out) if sent] == visible
    assert [out[i][0] for i in visible[:2]] == found[:2]
    assert ear.end().alone is False


def test_the_opening_tells_nothing_of_our_tool() -> None:
    tools = [{"type": "function", "name": "edit"}, {"type": "function", "name": NAME}]
    ear = StreamEar()
    found = messages(ear.feed(lines(events([LOOK], tools=tools))) + ear.finish())
    assert [message["response"]["tools"] for message in found if "response" in message] == [tools[:1]] * 3
    whole = WholeEar(Whole())
    whole.feed(written(response([LOOK], tools=tools)).encode())
    assert whole.end() == Round()
    assert json.loads(whole.finish())["tools"] == tools[:1]


@pytest.mark.parametrize("status", ["incomplete", "failed"])
def test_half_an_answer_asks_nothing(status: str) -> None:
    ear = StreamEar()
    out = ear.feed(lines(events([LOOK, mine()], status=status)))
    assert ear.end().asked == ()
    end = messages(out + ear.finish())[-1]
    assert (end["type"], end["response"]["output"]) == (f"response.{status}", [LOOK])


@pytest.mark.parametrize(("store", "reasoning", "kept"), [
    (False, {"encrypted_content": None}, False), (True, {"encrypted_content": None}, True), (False, {}, True),
])
def test_reasoning_that_is_nowhere_is_not_sent_back(store: bool, reasoning: Json, kept: bool) -> None:
    ear = WholeEar(Whole())
    ear.feed(written({**response([REASONING | reasoning, mine()]), "store": store}).encode())
    said = [json.loads(element)["type"] for element in ear.end().said]
    assert said == ["reasoning", "function_call"][not kept:]
    assert json.loads(ear.finish())["output"] == [REASONING | reasoning]


def test_a_close_without_items_keeps_none() -> None:
    ear, out = StreamEar(), b""
    for number, items in enumerate(([LOOK, mine()], [SAYS]), 1):
        found = events(items, number)
        found[-1]["response"]["output"] = []
        out += ear.feed(lines(found))
        assert len(ear.end().asked) == 2 - number
    assert messages(out + ear.finish())[-1]["response"]["output"] == []


def test_a_first_round_that_breaks_off_asks_nothing() -> None:
    source, ear = stream([LOOK, mine()]), StreamEar()
    cut = source.index(b"event: response.completed") + 60
    out = ear.feed(source[:cut])
    assert ear.end() == Round()
    assert NAME.encode() not in out
    assert ear.finish() == b""


def test_a_second_round_that_breaks_off_is_not_ended_for_it() -> None:
    ear = StreamEar()
    ear.feed(stream([LOOK, mine()]))
    assert ear.end().alone
    out = ear.feed(stream([SAYS], 2)[:-60])
    assert ear.end() == Round()
    assert b"42" in out
    assert ear.finish() == b""


def test_what_stands_behind_the_close_stays_there() -> None:
    ear = StreamEar()
    out = ear.feed(stream([LOOK, mine()]) + b"data: [DONE]\n\n")
    assert b"[DONE]" not in out
    assert ear.end().alone
    assert ear.finish().endswith(b"\n\ndata: [DONE]\n\n")


def test_a_last_event_without_its_blank_line() -> None:
    ear = StreamEar()
    ear.feed(stream([mine()])[:-2])
    assert ear.end().alone


def test_more_than_can_be_held_goes_on_as_it_came() -> None:
    big = REASONING | {"encrypted_content": "x" * (HELD_MOST + 1)}
    for source in (stream([big, mine()]), b"data: x\n\n" + b"y" * (HELD_MOST + 9)):
        ear, whole = StreamEar(), WholeEar(Whole())
        size = 1 << 20
        cuts = [source[i:i + size] for i in range(0, len(source), size)]
        assert b"".join(map(ear.feed, cuts)) == source
        assert b"".join(map(whole.feed, cuts)) == source
        for one in (ear, whole):
            assert (one.end(), one.told(), one.finish()) == (Round(), Told(), b"")


@given(st.lists(st.lists(st.sampled_from([REASONING, LOOK, EDIT, EXEC, RAN]), max_size=4), min_size=1, max_size=4))
@settings(deadline=None, max_examples=50)
def test_generated_rounds(rounds: list[list[Json]]) -> None:
    asked = [[*items, mine(number)] for number, items in enumerate(rounds[:-1])]
    data, ends, _ = shown([*asked, rounds[-1]])
    assert rebuilt(data)["output"] == [item for items in rounds for item in items]
    assert all(end.asked for end in ends[:-1])
