from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.conversation import Json
from headroom.dialects.hidden.base import NAME, Asked, Ear, Round, Told
from headroom.dialects.hidden.json_text import written
from headroom.dialects.hidden.openai_responses_ear import HELD_MOST, StreamEar, Whole
from headroom.dialects.hidden.whole import WholeEar

REASONING: Json = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gAAA=="}
LOOK: Json = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [
    {"type": "output_text", "annotations": [], "logprobs": [], "text": "Let me look. "}]}
SAYS: Json = {"id": "msg_2", "type": "message", "status": "completed", "role": "assistant", "content": [
    {"type": "output_text", "annotations": [], "logprobs": [], "text": "It says 42: é😀"}]}
EDIT: Json = {"id": "fc_9", "type": "function_call", "status": "completed", "call_id": "call_9", "name": "edit", "arguments": "{\"a\": 1}"}
EXEC: Json = {"id": "ctc_8", "type": "custom_tool_call", "status": "completed", "call_id": "call_8", "name": "exec", "input": "ls"}
RAN: Json = {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "q"}}


def mine(number: int = 1, arguments: str = '{"key": "0a1b"}') -> Json:
    return {"id": f"fc_{number}", "type": "function_call", "status": "completed", "call_id": f"call_{number}", "name": NAME, "arguments": arguments}


def response(items: Sequence[Json], number: int = 1, *, status: str = "completed", tools: Sequence[Json] = ()) -> Json:
    usage = {"input_tokens": 100 * number, "input_tokens_details": {"cached_tokens": 10 * number}, "output_tokens": 5,
             "output_tokens_details": {"reasoning_tokens": 2}, "total_tokens": 100 * number + 5}
    return {"id": f"resp_{number}", "object": "response", "created_at": 1000 + number, "status": status, "model": "m",
            "output": list(items), "tools": list(tools), "usage": usage}


def lines(messages: Sequence[Json], *, end: str = "\n") -> bytes:
    return "".join(f"event: {m['type']}{end}data: {written(m)}{end}{end}" for m in messages).encode()


def spelled(item: Json, index: int) -> list[Json]:
    """The events of an item, its text or arguments in several deltas."""
    place = {"item_id": item["id"], "output_index": index}
    events: list[Json] = [{"type": "response.output_item.added", "output_index": index, "item": {**item, "status": "in_progress"}}]
    if item["type"] == "message":
        events[0]["item"]["content"] = []
        for i, part in enumerate(item["content"]):
            events += [{"type": "response.output_text.delta", **place, "content_index": i, "delta": piece} for piece in pieces(part["text"])]
    if item["type"] == "function_call":
        events[0]["item"]["arguments"] = ""
        events += [{"type": "response.function_call_arguments.delta", **place, "delta": piece} for piece in pieces(item["arguments"])]
        events.append({"type": "response.function_call_arguments.done", **place, "arguments": item["arguments"]})
    return [*events, {"type": "response.output_item.done", "output_index": index, "item": item}]


def pieces(text: str) -> list[str]:
    return [text[i:i + 4] for i in range(0, len(text), 4)]


def events(items: Sequence[Json], number: int = 1, *, status: str = "completed", tools: Sequence[Json] = ()) -> list[Json]:
    whole = response(items, number, status=status, tools=tools)
    blank = {**whole, "output": [], "status": "in_progress", "usage": None}
    found: list[Json] = [{"type": "response.created", "response": blank}, {"type": "response.in_progress", "response": blank}]
    for index, item in enumerate(items):
        found += spelled(item, index)
    found.append({"type": f"response.{status}", "response": whole})
    return [{**message, "sequence_number": i} for i, message in enumerate(found)]


def stream(items: Sequence[Json], number: int = 1) -> bytes:
    return lines(events(items, number))


def shown(rounds: Sequence[Sequence[Json]]) -> tuple[bytes, list[Round], Told]:
    """What a client gets of these rounds in one stream."""
    ear, out, ends = StreamEar(), b"", []
    for number, items in enumerate(rounds, 1):
        out += ear.feed(stream(items, number))
        ends.append(ear.end())
    return out + ear.finish(), ends, ear.told()


def messages(data: bytes) -> list[Json]:
    """As a client reads them."""
    return [json.loads(line[6:]) for line in data.split(b"\n") if line.startswith(b"data: ")]


def rebuilt(data: bytes) -> Json:
    """The answer as the SDKs put it together from a stream, which they trust to be numbered well."""
    output: list[Json] = []
    found = messages(data)
    assert [message["sequence_number"] for message in found] == list(range(len(found)))
    assert [message["type"] for message in found].count("response.created") == 1
    for message in found[2:-1]:
        at = message["output_index"]
        if message["type"] == "response.output_item.added":
            assert at == len(output)
            output.append(message["item"])
        assert message.get("item_id", output[at]["id"]) == output[at]["id"]
        if message["type"] == "response.output_item.done":
            output[at] = message["item"]
    assert found[-1]["type"] == "response.completed"
    assert found[-1]["response"]["output"] == output
    return found[-1]["response"]


ROUNDS: list[tuple[str, list[list[Json]]]] = [
    ("nothing of ours", [[REASONING, LOOK]]),
    ("no text before", [[mine()], [SAYS]]),
    ("text in both", [[REASONING, LOOK, mine()], [SAYS]]),
    ("two at once", [[LOOK, mine(1), mine(2)], [SAYS]]),
    ("two rounds", [[REASONING, mine(1)], [LOOK, mine(2)], [SAYS]]),
    ("before the client's", [[mine(), EDIT]]),
    ("between the client's", [[LOOK, EDIT, mine(), EXEC]]),
    ("behind the client's", [[EDIT, mine()]]),
    ("mixed in the second", [[LOOK, mine(1)], [SAYS, mine(2), EDIT]]),
    ("the limit", [[LOOK, mine(1)], [mine(2)]]),
    ("nothing but ours", [[mine()]]),
    ("no arguments", [[mine(1, "")], [SAYS]]),
    ("arguments that are no JSON", [[mine(1, "{key")], [SAYS]]),
    ("beside what the provider runs", [[RAN, mine()], [RAN | {"id": "ws_2"}, SAYS]]),
]


@pytest.mark.parametrize("rounds", [rounds for _, rounds in ROUNDS], ids=[name for name, _ in ROUNDS])
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


@pytest.mark.parametrize("rounds", [rounds for _, rounds in ROUNDS], ids=[name for name, _ in ROUNDS])
def test_a_whole_answer_is_the_one_that_the_stream_ends_with(rounds: list[list[Json]]) -> None:
    data, ends, told = shown(rounds)
    ear: Ear = WholeEar(Whole())
    for number, (items, end) in enumerate(zip(rounds, ends, strict=True), 1):
        assert ear.feed(written(response(items, number)).encode()) == b""
        assert ear.end() == end
    assert json.loads(ear.finish()) == messages(data)[-1]["response"]
    assert ear.told() == told


@pytest.mark.parametrize("rounds", [rounds for _, rounds in ROUNDS], ids=[name for name, _ in ROUNDS])
def test_the_cut_does_not_matter(rounds: list[list[Json]]) -> None:
    data, ends, told = shown(rounds)
    for size in (1, 2, 3, 7, 61):
        ear, out, heard = StreamEar(), b"", []
        for number, items in enumerate(rounds, 1):
            source = stream(items, number)
            out += b"".join(ear.feed(source[i:i + size]) for i in range(0, len(source), size))
            heard.append(ear.end())
        assert (out + ear.finish(), heard, ear.told()) == (data, ends, told)


def test_cut_in_two_at_every_byte() -> None:
    source = stream([LOOK, mine(), EDIT])
    expected = shown([[LOOK, mine(), EDIT]])[0]
    for cut in range(len(source) + 1):
        ear = StreamEar()
        out = ear.feed(source[:cut]) + ear.feed(source[cut:])
        assert ear.end().asked == (Asked("call_1", {"key": "0a1b"}),)
        assert out + ear.finish() == expected


@pytest.mark.parametrize(("arguments", "value"), [
    ('{"key": "k", "lines": "1-2"}', {"key": "k", "lines": "1-2"}), ("", ""), ("{key", "{key"), ("[1]", [1]), ("{}", {}),
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


ANY = st.lists(st.one_of(
    st.binary(max_size=30),
    st.sampled_from([b"\n\n", b"\r\n\r\n", b"\r\r", b": ping\n\n", b"data: [DONE]\n\n", b"event: error\ndata: {}\n\n", b"data: {\"type\": []}\n\n",
                     b"data: {\"type\": \"response.output_item.done\", \"output_index\": [], \"item\": {}}\n\n", NAME.encode(), b"response.output_item.done",
                     b"data: \"headroom_retrieve\"\n\n", b'data: {"type": "x", "output_index": [], "sequence_number": 7, "y": "headroom_retrieve"}\r\n\r\n']),
    st.sampled_from([stream([LOOK, EDIT]), stream([REASONING, RAN, SAYS])[:-40], lines(events([EXEC]), end="\r\n"), stream([SAYS])[33:]]),
), max_size=8).map(b"".join)


@given(ANY, st.lists(st.integers(0, 3000), max_size=6))
@settings(deadline=None, max_examples=150)
def test_what_is_not_ours_goes_on_as_it_came(source: bytes, cuts: list[int]) -> None:
    ends = [0, *sorted(cuts), len(source)]
    parts = [source[a:b] for a, b in pairwise(ends)]
    for ear in (StreamEar(), WholeEar(Whole())):
        out = b"".join(map(ear.feed, parts))
        assert ear.end() == Round()
        assert out + ear.finish() == source
        ear.told()


@given(st.lists(st.lists(st.sampled_from([REASONING, LOOK, EDIT, EXEC, RAN]), max_size=4), min_size=1, max_size=4))
@settings(deadline=None, max_examples=50)
def test_generated_rounds(rounds: list[list[Json]]) -> None:
    asked = [[*items, mine(number)] for number, items in enumerate(rounds[:-1])]
    data, ends, _ = shown([*asked, rounds[-1]])
    assert rebuilt(data)["output"] == [item for items in rounds for item in items]
    assert all(end.asked for end in ends[:-1])
