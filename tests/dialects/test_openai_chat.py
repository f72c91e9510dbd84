from __future__ import annotations

import pytest

from headroom.conversation import Conversation, Json, Part, Usage
from headroom.dialects.openai_chat import OpenAIChat
from tests.dialects.reading import brief, draw, event, tools

DIALECT = OpenAIChat()


def conversation(*messages: Json, **rest: Json) -> Conversation:
    return draw(DIALECT, {"model": "m", "messages": list(messages), **rest}, "/v1/chat/completions")


def called(id: str, name: str, arguments: Json) -> Json:
    call = {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


@pytest.mark.parametrize(("method", "path", "ours"), [
    ("POST", "/v1/chat/completions", True), ("POST", "/chat/completions", True), ("GET", "/v1/chat/completions", False),
    ("POST", "/v1/completions", False), ("POST", "/v2/chat/completions", False),
])
def test_what_it_speaks(method: str, path: str, ours: bool) -> None:
    assert DIALECT.speaks(method, path) is ours


def test_roles_and_the_two_shapes_of_content() -> None:
    found = conversation(
        {"role": "system", "content": "s"}, {"role": "developer", "content": [{"type": "text", "text": "d"}]},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}, {"type": "text", "text": "u"}]},
        {"role": "assistant", "content": "a"}, {"role": "odd", "content": "o"},
    )
    assert brief(found) == [
        ("system", "s", ("messages", 0, "content")), ("system", "d", ("messages", 1, "content", 0, "text")),
        ("user", "u", ("messages", 2, "content", 1, "text")), ("assistant", "a", ("messages", 3, "content")),
        ("user", "o", ("messages", 4, "content")),
    ]
    assert found.fresh == 4


@pytest.mark.parametrize(("content", "places"), [
    ("out", [()]), ([{"type": "text", "text": "out"}], [(0, "text")]), ([], []), (None, []), (7, []), ([None, {"type": "text"}], []),
])
def test_every_shape_of_a_tool_message(content: Json, places: list[tuple[str | int, ...]]) -> None:
    found = tools(conversation(called("c1", "shell", '{"command": "ls"}'), {"role": "tool", "tool_call_id": "c1", "content": content}))
    assert found == [Part("tool", "out", ("messages", 1, "content", *at), "shell", {"command": "ls"}) for at in places]


@pytest.mark.parametrize(("arguments", "call"), [
    ('{"a": 1}', {"a": 1}), ("not json", "not json"), ("", ""), (None, None), ({"a": 1}, {"a": 1}),
])
def test_arguments_are_parsed_where_they_can_be(arguments: Json, call: Json) -> None:
    found = tools(conversation(called("c1", "f", arguments), {"role": "tool", "tool_call_id": "c1", "content": "out"}))
    assert found[0].call == call


def test_a_custom_tool_takes_text() -> None:
    call = {"id": "c1", "type": "custom", "custom": {"name": "patch", "input": "*** Begin"}}
    found = conversation({"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "c1", "content": "ok"})
    assert (tools(found)[0].tool, tools(found)[0].call) == ("patch", "*** Begin")


def test_the_older_form_names_the_tool_itself() -> None:
    found = tools(conversation(
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": '{"n": 1}'}},
        {"role": "function", "name": "f", "content": "one"},
        {"role": "function", "name": "g", "content": "two"},
    ))
    assert [(part.tool, part.call, part.text) for part in found] == [("f", {"n": 1}, "one"), ("g", None, "two")]


def test_what_else_the_model_reads() -> None:
    found = conversation(
        {"role": "assistant", "content": "a", "reasoning_content": "hm"}, called("c", "f", '{"a": 1}'),
        tools=[{"type": "function"}], functions=[{"name": "g"}], stream=True,
    )
    assert found.others == ('{"type": "function"}', '{"name": "g"}', "hm", '{"a":1}')
    assert found.stream


@pytest.mark.parametrize("message", [
    {"role": "assistant", "tool_calls": "x"}, {"role": "assistant", "tool_calls": [None, {"id": 1, "function": "x"}]},
    {"role": "assistant", "function_call": {"name": 1, "arguments": []}}, {"role": "tool", "tool_call_id": ["x"], "content": {}},
    {"role": ["tool"], "content": 7}, None, 7, "x", [],
])
def test_wrong_shapes_yield_no_parts(message: Json) -> None:
    assert conversation(message).parts == ()


@pytest.mark.parametrize(("message", "usage"), [
    ({"usage": {"prompt_tokens": 100, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 60}}}, Usage(40, 5, 60)),
    ({"usage": {"prompt_tokens": 100, "completion_tokens": 5}}, Usage(100, 5)),
    ({"usage": {"prompt_tokens": 100, "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30}}}, Usage(10, None, 60, 30)),
    ({"usage": {"prompt_tokens": 1, "prompt_tokens_details": {"cached_tokens": 60}}}, Usage(0, None, 60)),
    ({"usage": {"prompt_tokens": True, "prompt_tokens_details": 7}}, Usage()),
    ({"usage": None}, None), ({}, None), ([], None), ("[DONE]", None),
])
def test_usage(message: Json, usage: Usage | None) -> None:
    assert DIALECT.usage(message) == usage


def test_a_broken_stream_ends_with_an_error() -> None:
    assert event(DIALECT.broken("it broke")) == ("", DIALECT.error(502, "it broke"))


def test_a_bare_url_leads_to_the_version() -> None:
    assert DIALECT.forward("/chat/completions") == "/v1/chat/completions"


def test_it_knows_a_refusal_of_bound_reasoning() -> None:
    assert DIALECT.mismatch(400, DIALECT.error(400, "reasoning does not match"))
