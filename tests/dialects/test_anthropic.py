from __future__ import annotations

from dataclasses import replace

import pytest

from headroom.conversation import Conversation, Json, Part, Usage
from headroom.dialects.anthropic import Anthropic
from tests.dialects.reading import brief, draw, event, tools

PATH = "/v1/messages"
DIALECT = Anthropic()


def conversation(*messages: Json, **rest: Json) -> Conversation:
    return draw(DIALECT, {"model": "m", "messages": list(messages), **rest}, PATH)


def used(id: str = "t1", name: str = "Bash", **input: Json) -> Json:
    return {"role": "assistant", "content": [{"type": "tool_use", "id": id, "name": name, "input": input}]}


def result(content: Json, id: str = "t1", **more: Json) -> Json:
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": content, **more}]}


@pytest.mark.parametrize(("method", "path", "ours"), [
    ("POST", "/v1/messages", True),
    ("POST", "/v1/messages/count_tokens", True),
    ("POST", "/v1/messages/batches", False),
    ("POST", "/v1/messages/", False),
    ("POST", "/messages", False),
    ("GET", "/v1/messages", False),
])
def test_what_it_speaks(method: str, path: str, ours: bool) -> None:
    assert DIALECT.speaks(method, path) is ours


def test_a_target_is_forwarded_as_it_came() -> None:
    assert DIALECT.forward("/v1/messages?beta=true") == "/v1/messages?beta=true"


AT = ("messages", 1, "content", 0, "content")
TEXT, IMAGE = {"type": "text", "text": "out"}, {"type": "image", "source": {"type": "base64", "data": "AAAA"}}


@pytest.mark.parametrize(("content", "texts"), [
    ("out", [("out", AT)]),
    ([TEXT], [("out", (*AT, 0, "text"))]),
    ([IMAGE, TEXT, {"type": "tool_reference", "tool_name": "x"}, TEXT], [("out", (*AT, 1, "text")), ("out", (*AT, 3, "text"))]),
    ([{"type": "document", "source": {"type": "text", "data": "out"}}], []),
    ([{"type": "search_result", "content": [TEXT], "title": "t", "source": "s"}], []),
    ([], []),
    (None, []),
    (7, []),
    ([7, None, {"type": "text"}, {"type": "text", "text": None}, {"type": ["text"], "text": "x"}], []),
])
def test_every_shape_of_a_tool_result(content: Json, texts: list[tuple[str, tuple[str | int, ...]]]) -> None:
    found = tools(conversation(used(command="ls"), result(content)))
    assert found == [Part("tool", text, at, "Bash", {"command": "ls"}) for text, at in texts]


def test_a_result_may_have_no_content_and_no_known_call() -> None:
    assert tools(conversation({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1"}]})) == []
    assert tools(conversation(result("out", id="t9"))) == [Part("tool", "out", ("messages", 0, "content", 0, "content"))]
    assert tools(conversation({"role": "user", "content": [{"type": "tool_result", "content": "out"}]}))[0].tool == ""


@pytest.mark.parametrize(("mark", "error"), [(True, True), (False, False), (None, False), ("true", False), (1, False)])
def test_errors_are_what_the_client_marked(mark: Json, error: bool) -> None:
    assert tools(conversation(used(), result("out", is_error=mark)))[0].error is error


def test_parallel_results_in_any_order_and_text_beside_them() -> None:
    calls = {"role": "assistant", "content": [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "text", "text": "I look"},
        {"type": "tool_use", "id": "a", "name": "Read", "input": {"file_path": "x"}},
        {"type": "tool_use", "id": "b", "name": "Bash", "input": {"command": "ls"}},
    ]}
    answers = {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "b", "content": "from b"},
        {"content": [{"text": "from a", "type": "text"}], "tool_use_id": "a", "type": "tool_result"},
        {"type": "text", "text": "go on"},
    ]}
    found = conversation(calls, answers)
    assert brief(found) == [
        ("assistant", "I look", ("messages", 0, "content", 1, "text")),
        ("tool", "from b", ("messages", 1, "content", 0, "content")),
        ("tool", "from a", ("messages", 1, "content", 1, "content", 0, "text")),
        ("user", "go on", ("messages", 1, "content", 2, "text")),
    ]
    assert [(part.tool, part.call) for part in tools(found)] == [("Bash", {"command": "ls"}), ("Read", {"file_path": "x"})]
    assert found.fresh == 1
    assert found.others == ("hm", '{"file_path":"x"}', '{"command":"ls"}')


def test_system_comes_first_wherever_it_stands_and_may_also_be_a_message() -> None:
    found = conversation(
        {"role": "user", "content": "hi"}, {"role": "system", "content": "date"}, {"role": "odd", "content": "x"},
        system=[{"type": "text", "text": "one"}, {"type": "other"}, {"type": "text", "text": "two", "cache_control": {}}],
    )
    assert brief(found) == [
        ("system", "one", ("system", 0, "text")), ("system", "two", ("system", 2, "text")),
        ("user", "hi", ("messages", 0, "content")), ("system", "date", ("messages", 1, "content")),
        ("user", "x", ("messages", 2, "content")),
    ]
    assert brief(conversation(system="whole")) == [("system", "whole", ("system",))]


@pytest.mark.parametrize("block", [
    {"type": "web_search_tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "x", "encrypted_content": "e"}]},
    {"type": "mcp_tool_result", "tool_use_id": "t1", "is_error": False, "content": [TEXT]},
    {"type": "bash_code_execution_tool_result", "tool_use_id": "t1", "content": {"stdout": "x", "stderr": ""}},
    {"type": "redacted_thinking", "data": "x"},
    {"type": "something_new", "text": "x", "content": "x"},
])
def test_what_runs_on_the_provider_or_is_unknown_is_opaque(block: Json) -> None:
    assert conversation({"role": "assistant", "content": [block]}).parts == ()


def test_a_moved_cache_mark_leaves_parts_equal_but_for_their_address() -> None:
    marked = conversation({"role": "user", "content": [{"type": "text", "text": "X", "cache_control": {"type": "ephemeral"}}]})
    plain = conversation({"role": "user", "content": "X"})
    assert [p[:2] for p in brief(marked)] == [p[:2] for p in brief(plain)]


@pytest.mark.parametrize(("messages", "fresh"), [
    ([], 0),
    ([{"role": "user", "content": "a"}], 0),
    ([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], 2),
    ([{"role": "user", "content": "a"}, used(), result("c")], 1),
    ([used(), result("c"), {"role": "assistant", "content": "d"}, {"role": "user", "content": "e"}], 2),
])
def test_fresh_is_what_stands_behind_the_last_assistant_turn(messages: list[Json], fresh: int) -> None:
    assert conversation(*messages).fresh == fresh


def test_model_stream_tools_and_threads() -> None:
    tool = {"name": "Bash", "input_schema": {}}
    found = conversation(stream=True, tools=[tool, tool])
    assert (found.model, found.stream, found.kept_by_provider) == ("m", True, False)
    assert found.others == ('{"name": "Bash", "input_schema": {}}',) * 2
    assert conversation(thread={"type": "continue"}).kept_by_provider
    assert not conversation(stream=1).stream


def test_count_tokens_is_read_alike() -> None:
    body: Json = {"model": "m", "messages": [used(), result("out")], "tools": []}
    counted = draw(DIALECT, body, "/v1/messages/count_tokens")
    assert counted.only_counted
    assert replace(counted, only_counted=False) == draw(DIALECT, body, PATH)


COUNTS = {"input_tokens": 5, "output_tokens": 7, "cache_read_input_tokens": 11, "cache_creation_input_tokens": 13}


@pytest.mark.parametrize(("message", "usage"), [
    ({"type": "message", "usage": COUNTS}, Usage(5, 7, 11, 13)),
    ({"type": "message_start", "message": {"usage": COUNTS}}, Usage(5, 7, 11, 13)),
    ({"type": "message_delta", "delta": {}, "usage": {"output_tokens": 9}}, Usage(None, 9)),
    ({"type": "message_delta", "usage": {"output_tokens": "9", "input_tokens": None}}, Usage()),
    ({"usage": COUNTS | {"cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 10}}}, Usage(5, 7, 11, 13, cache_write_long_tokens=10)),
    ({"usage": COUNTS | {"cache_creation": {"ephemeral_5m_input_tokens": 13, "ephemeral_1h_input_tokens": 0}}}, Usage(5, 7, 11, 13)),
    ({"type": "ping"}, None),
    ({"type": "message", "usage": None}, None),
    ({"type": "message", "message": "x"}, None),
    ({"input_tokens": 5}, None),
    (None, None), ([], None), ("x", None),
])
def test_usage(message: Json, usage: Usage | None) -> None:
    assert DIALECT.usage(message) == usage


@pytest.mark.parametrize(("status", "kind"), [
    (400, "invalid_request_error"), (401, "authentication_error"), (403, "permission_error"), (404, "not_found_error"),
    (413, "request_too_large"), (429, "rate_limit_error"), (500, "api_error"), (502, "api_error"), (503, "overloaded_error"),
    (504, "timeout_error"), (529, "overloaded_error"), (599, "api_error"),
])
def test_errors(status: int, kind: str) -> None:
    assert DIALECT.error(status, "why") == {"type": "error", "error": {"type": kind, "message": "why"}}
    assert DIALECT.error(status, "why", "mine")["error"]["type"] == "mine"


def test_a_broken_stream_ends_with_an_error_event() -> None:
    assert event(DIALECT.broken("it\nbroke")) == ("error", {"type": "error", "error": {"type": "api_error", "message": "it\nbroke"}})


@pytest.mark.parametrize(("words", "answer"), [
    ("messages.3.content.0: thinking blocks do not match the prefix they were generated with", True),
    ("messages.1.content.0: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified", True),
    ("messages.5.content.0: Invalid `signature` in `thinking` block", True),
    ("thinking block binding: prefix mismatch at messages.3.content.0", True),
    ("thinking: budget_tokens must be greater than 1024", False),
    ("tool_use ids do not match tool_result ids", False),
    ("", False),
])
def test_mismatch(words: str, answer: bool) -> None:
    assert DIALECT.mismatch(400, DIALECT.error(400, words)) is answer
    assert not DIALECT.mismatch(500, DIALECT.error(400, words))
    assert not DIALECT.mismatch(400, DIALECT.error(400, words, "api_error"))


@pytest.mark.parametrize("body", [None, [], "x", {"error": "x"}, {"error": {"type": "invalid_request_error", "message": 7}}])
def test_an_odd_refusal_is_no_mismatch(body: Json) -> None:
    assert not DIALECT.mismatch(400, body)


@pytest.mark.parametrize(("management", "forgets"), [
    (None, False), ({}, False), ({"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}, False),
    ({"edits": [{"type": "clear_thinking_20251015"}, {"type": "clear_tool_uses_20250919"}]}, True), ({"edits": [{"type": "compact_20260112"}]}, True),
    ({"edits": "x"}, False), ([], False),
])
def test_a_provider_that_may_clear_results_forgets(management: Json, forgets: bool) -> None:
    assert conversation(context_management=management).forgets is forgets
