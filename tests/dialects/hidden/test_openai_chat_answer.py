from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.conversation import Json
from headroom.dialects.hidden.base import Asked, Round, Told
from headroom.dialects.hidden.json_text import written
from headroom.dialects.hidden.openai_chat_answer import (
    answer_of,
    calls_of,
    choice_of,
    composed,
    grown,
    heard,
    next_number,
    ours,
    renamed,
    renumbered,
    tangled,
    told,
    visible,
)
from tests.dialects.hidden.openai_chat_answers import (
    BASH,
    EDIT,
    LOOK,
    PATCH,
    SAYS,
    SIGNED,
    THINKING,
    call,
    chunk,
    chunks,
    finish_of,
    mine,
    said,
    usage,
    usage_of_all,
    whole,
)


@pytest.mark.parametrize("pieces", [
    [], [LOOK], [THINKING, SIGNED, LOOK, EDIT], [BASH, PATCH], [mine(1, ""), EDIT, mine(2)], [{"refusal": "No."}], [{"reasoning": "So."}],
])
def test_a_stream_comes_to_the_answer(pieces: list[Json]) -> None:
    answer = answer_of(chunks(pieces))
    message = {"content": ""} | {name: value for name, value in said(pieces).items() if value is not None}
    assert choice_of(answer) == {"index": 0, "message": message, "finish_reason": finish_of(pieces)}
    assert {name: answer[name] for name in ("id", "created", "model", "usage")} == {
        "id": "chatcmpl-1", "created": 1_790_000_001, "model": "m1", "usage": usage(1),
    }


def entry(index: int | None, name: str = "", ident: str = "", given: str = "") -> Json:
    found = {"function": {"name": name, "arguments": given} if name else {"arguments": given}}
    return found | ({} if index is None else {"index": index}) | ({"id": ident} if ident else {})


@pytest.mark.parametrize(("entries", "calls"), [
    ([entry(0, "a", "1"), entry(0, given="{"), entry(0, given="}")], [("a", "{}")]),
    ([entry(0, "a", "1"), entry(1, "b", "2"), entry(0, given="x"), entry(1, given="y")], [("a", "x"), ("b", "y")]),
    ([entry(0, "a", "1", "x"), entry(0, "b", "2", "y"), entry(0, given="z")], [("a", "x"), ("b", "yz")]),
    ([entry(None, "a", "1", "x"), entry(None, given="y"), entry(None, "b", "2")], [("a", "xy"), ("b", "")]),
    ([entry(0, "a", "1", "x"), entry(0, "a", "1", "y")], [("a", "xy")]),
    ([entry(0, "a"), entry(0, "a")], [("a", ""), ("a", "")]),
])
def test_deltas_of_calls(entries: list[Json], calls: list[tuple[str, str]]) -> None:
    message = choice_of(answer_of(chunk({"tool_calls": [each]}) for each in entries))["message"]
    assert [(each["function"]["name"], each["function"]["arguments"]) for each in message["tool_calls"]] == calls
    assert not any("index" in each for each in message["tool_calls"])


@pytest.mark.parametrize(("values", "value"), [
    ([], None), ([None, None], None), (["a", None, "b", 1], "ab"), ([1, 2], 2), ([True, None], True), ([{"a": 1}, {"a": "x"}, 7], {"a": "x"}),
    ([{"a": "x", "type": "t"}, {"a": "y", "type": "t"}], {"a": "xy", "type": "t"}), ([[1], [2], "x"], [1, 2]),
    ([[{"index": 0, "text": "a"}], [{"index": 0, "text": "b"}, {"index": 1}]], [{"index": 0, "text": "ab"}, {"index": 1}]),
    ([[{"index": 0, "type": "t"}], [{"index": 0, "type": "u"}]], [{"index": 0, "type": "t"}, {"index": 0, "type": "u"}]),
    ([[{"text": "a"}], [{"text": "b"}]], [{"text": "a"}, {"text": "b"}]),
])
def test_what_deltas_come_to(values: list[Json], value: Json) -> None:
    assert grown(values) == value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3), max_leaves=9,
)


@given(JSON)
def test_one_delta_is_the_value(value: Json) -> None:
    assert grown([value]) == value


@given(st.lists(st.text(max_size=9)), st.text(max_size=9))
@settings(deadline=None)
def test_texts_are_joined(pieces: list[str], name: str) -> None:
    assert answer_of(chunk({"content": piece}) for piece in pieces)["choices"][0]["message"].get("content", "") == "".join(pieces)
    given = [{"index": 0, **call("f", "1", name)}, *({"index": 0, "function": {"arguments": piece}} for piece in pieces)]
    (made,) = calls_of(choice_of(answer_of(chunk({"tool_calls": [each]}) for each in given))["message"])
    assert made["function"]["arguments"] == name + "".join(pieces)


@pytest.mark.parametrize(("made", "is_ours"), [
    (mine(), True), (EDIT, False), (PATCH, False), ({}, False), ({"function": "headroom_retrieve"}, False), ({"function": {"name": []}}, False),
])
def test_ours(made: dict[str, Json], is_ours: bool) -> None:
    assert ours(made) is is_ours


@pytest.mark.parametrize(("message", "is_tangled"), [
    ({}, False), (chunk({}), False), (whole([LOOK]), False), ({"choices": [{}, {}]}, True), ({"choices": [{"index": 2}]}, True),
    (chunk({"content": []}), True), ({"choices": [{"message": {"content": 7}}]}, True),
])
def test_tangled(message: dict[str, Json], is_tangled: bool) -> None:
    assert tangled(message) is is_tangled


def test_what_is_heard() -> None:
    assert heard(whole([LOOK, EDIT])) == heard({}) == heard(whole([mine()], 1, "length")) == Round()
    found = heard(whole([mine(1), EDIT, mine(2, '{"key": "b"}')], 1, "stop"))
    assert found.asked == (Asked("call_h1", {"key": "0a1b"}), Asked("call_h2", {"key": "b"}))
    assert not found.alone
    assert found.said == (written({"role": "assistant", "content": None, "tool_calls": [mine(1), EDIT, mine(2, '{"key": "b"}')]}),)
    assert heard(whole([THINKING, mine()])).alone
    strange = whole([mine()])
    strange["choices"] = [{**strange["choices"][0], "finish_reason": {}}]
    assert heard(strange) == Round()


def test_what_is_told() -> None:
    assert told([whole([LOOK, mine()]), whole([THINKING, SAYS, EDIT])]) == Told("Let me look. It says 42: é😀", ("call_9",))
    assert told([]) == told([{"choices": 1}]) == Told()


def test_an_answer_composed() -> None:
    answer = composed(whole([SAYS, mine(2)], 2), [whole([LOOK, mine()])])
    assert answer == {**whole([LOOK, SAYS]), "usage": usage_of_all(2)}
    assert composed(whole([LOOK, EDIT]), []) == whole([LOOK, EDIT])


def test_thinking_is_numbered_on() -> None:
    (first, second) = SIGNED["reasoning_details"]
    assert visible([said([SIGNED]), said([THINKING]), said([SIGNED])])["reasoning_details"] == [
        first, second, {**first, "index": 2}, {**second, "index": 3},
    ]
    assert next_number(None) == next_number([{"index": "x"}, 7]) == 0
    assert renumbered(renumbered([first, {"text": "x"}], 5), -5) == [first, {"text": "x"}]


def test_names_are_those_of_the_first_round() -> None:
    first, second = whole([LOOK], 1), {"model": "m2", "x": 1}
    assert renamed(second, [first]) == {"model": "m1", "x": 1}
    assert renamed(second, []) == second
