from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.conversation import Json
from headroom.dialects.hidden.base import NAME, Asked, Round
from headroom.dialects.hidden.json_text import value_of, written
from headroom.dialects.hidden.openai_responses_answer import (
    Past,
    calls,
    composed,
    heard,
    ours,
    texts_of,
    visible,
)

MINE: Json = {"type": "function_call", "call_id": "call_1", "name": NAME, "arguments": "{}"}
EDIT: Json = {"type": "function_call", "call_id": "call_2", "name": "edit", "arguments": "{}"}
DONE: Json = {"status": "completed"}


@pytest.mark.parametrize(("item", "expected"), [
    (MINE, True), (EDIT, False), ({"type": "custom_tool_call", "name": NAME}, False), ({"name": NAME}, False), (None, False), ([], False),
])
def test_ours(item: Json, expected: bool) -> None:
    assert ours(item) is expected
    assert visible([item, EDIT]) == ((EDIT,) if expected else (item, EDIT))


@pytest.mark.parametrize(("items", "ids"), [
    ([], ()), ([EDIT, {"type": "custom_tool_call", "call_id": "c"}, {"type": "local_shell_call", "id": "l"}], ("call_2", "c", "l")),
    ([{"type": "shell_call", "call_id": "s"}, {"type": "shell_call_output", "call_id": "s"}], ()),
    ([{"type": "tool_search_call", "call_id": "t", "execution": "server"}], ()),
    ([{"type": "tool_search_call", "call_id": "t", "execution": "client"}], ("t",)),
    ([{"type": "web_search_call", "id": "w"}, {"type": "mcp_call", "id": "m"}, None, "x"], ()),
])
def test_which_calls_are_the_clients(items: list[Json], ids: tuple[str, ...]) -> None:
    assert calls(items) == ids


@pytest.mark.parametrize(("items", "response", "asked", "alone"), [
    ([MINE], DONE, 1, True), ([MINE, EDIT], DONE, 1, False), ([EDIT], DONE, 0, False), ([MINE], {"status": "incomplete"}, 0, False),
    ([MINE], {}, 1, True), ([MINE, None], DONE, 1, True),
])
def test_heard(items: list[Json], response: Json, asked: int, alone: bool) -> None:
    found = heard(items, response)
    assert found == Round(tuple(map(written, items)), (Asked("call_1", {}),) * asked, alone)


@pytest.mark.parametrize(("item", "text"), [
    ({"content": [{"text": "a"}, {"refusal": "b"}, {"text": None}, 7]}, "ab"), ({"content": "a"}, ""), (None, ""),
])
def test_texts(item: Json, text: str) -> None:
    assert texts_of(item) == text


@pytest.mark.parametrize(("usage", "earlier", "expected"), [
    (None, {"output_tokens": 1}, None), ({}, {}, {}), ({"output_tokens": 2}, None, {"output_tokens": 2}),
    ({"output_tokens": 2, "input_tokens": 9, "total_tokens": 11}, {"output_tokens": 3, "input_tokens": 1, "total_tokens": 4},
     {"output_tokens": 5, "input_tokens": 9, "total_tokens": 14}),
    ({"output_tokens_details": {"reasoning_tokens": 1}}, {"output_tokens_details": {"reasoning_tokens": 2}}, {"output_tokens_details": {"reasoning_tokens": 3}}),
])
def test_usage(usage: Json, earlier: Json, expected: Json) -> None:
    assert composed({"usage": usage}, [Past((), {"usage": earlier})])["usage"] == expected


def test_the_first_names_the_answer_and_the_last_says_the_rest() -> None:
    past = [Past((EDIT,), {"id": "resp_1", "model": "m", "output": [MINE, EDIT], "temperature": 1}), Past((), {"id": "resp_2", "output": [MINE]})]
    tools = [{"type": "function", "name": NAME}, {"type": "custom", "name": "exec"}, None]
    assert composed({"id": "resp_3", "model": "n", "output": [MINE], "temperature": 2, "tools": tools}, past) == {
        "id": "resp_1", "model": "m", "output": [EDIT], "temperature": 2, "tools": tools[1:], "usage": None,
    }


ANY = st.recursive(st.none() | st.booleans() | st.integers() | st.text(st.characters(codec=None, exclude_categories=())),
                   lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "name", "id", "call_id", "content", "text", "arguments"]), inner), max_leaves=9)


@given(ANY)
@settings(deadline=None, max_examples=100)
def test_anything_can_be_written_and_read(value: Json) -> None:
    assert json.loads(written(value).encode()) == value == value_of(written(value).encode())
    heard([value, MINE], DONE)
    composed({"output": value, "tools": value, "usage": value}, [Past((value,), {"usage": value, "output": value})])


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 99999])
def test_no_json_is_no_value(data: bytes) -> None:
    assert value_of(data) is None
