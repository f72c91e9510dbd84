from __future__ import annotations

import pytest

from headroom.conversation import Address, Conversation, Json, Part, Usage
from headroom.dialects.openai_responses import OpenAIResponses
from tests.dialects.reading import brief, draw, event, tools

DIALECT = OpenAIResponses()


def conversation(*items: Json, **rest: Json) -> Conversation:
    return draw(DIALECT, {"model": "m", "input": list(items), **rest}, "/v1/responses")


@pytest.mark.parametrize(("method", "path", "ours"), [
    ("POST", "/v1/responses", True), ("POST", "/responses", True), ("GET", "/v1/responses", False),
    ("POST", "/v1/responses/resp_1/cancel", False), ("POST", "/v1/responses/compact", False),
])
def test_what_it_speaks(method: str, path: str, ours: bool) -> None:
    assert DIALECT.speaks(method, path) is ours


def test_input_may_be_a_string() -> None:
    found = draw(DIALECT, {"input": "hi", "instructions": "be kind"}, "/v1/responses")
    assert brief(found) == [("system", "be kind", ("instructions",)), ("user", "hi", ("input",))]


def test_messages() -> None:
    found = conversation(
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "d"}]},
        {"role": "user", "content": "u"},
        {"role": "user", "content": [{"type": "input_image", "image_url": "x"}, {"type": "input_text", "text": "v"}]},
        {"type": "message", "role": "assistant", "id": "msg_1", "content": [{"type": "output_text", "text": "a", "annotations": []}]},
    )
    assert brief(found) == [
        ("system", "d", ("input", 0, "content", 0, "text")), ("user", "u", ("input", 1, "content")),
        ("user", "v", ("input", 2, "content", 1, "text")), ("assistant", "a", ("input", 3, "content", 0, "text")),
    ]
    assert found.fresh == 4


FUNCTION = {"type": "function_call", "call_id": "c1", "id": "fc_1", "name": "shell", "arguments": '{"command": ["ls"]}'}
CUSTOM = {"type": "custom_tool_call", "call_id": "c1", "name": "exec", "input": '{"looks": "like JSON"}'}
LOCAL = {"type": "local_shell_call", "call_id": "c1", "id": "lsh_1", "action": {"type": "exec", "command": ["ls"]}}
SHELL = {"type": "shell_call", "call_id": "c1", "action": {"commands": ["ls"]}}
PATCH = {"type": "apply_patch_call", "call_id": "c1", "operation": {"type": "delete_file", "path": "x"}}


@pytest.mark.parametrize(("call", "output", "places", "tool", "input"), [
    (FUNCTION, {"type": "function_call_output", "output": "out"}, [()], "shell", {"command": ["ls"]}),
    (FUNCTION, {"type": "function_call_output", "output": [{"type": "input_text", "text": "out"}, {"type": "input_image"}]},
     [(0, "text")], "shell", {"command": ["ls"]}),
    (CUSTOM, {"type": "custom_tool_call_output", "output": "out"}, [()], "exec", '{"looks": "like JSON"}'),
    (CUSTOM, {"type": "custom_tool_call_output", "output": [{"type": "input_text", "text": "out"}]}, [(0, "text")], "exec",
     '{"looks": "like JSON"}'),
    (LOCAL, {"type": "local_shell_call_output", "output": "out"}, [()], "local_shell", LOCAL["action"]),
    (LOCAL, {"type": "local_shell_call_output", "call_id": None, "id": "lsh_1", "output": "out"}, [()], "local_shell", LOCAL["action"]),
    (SHELL, {"type": "shell_call_output", "output": [{"stdout": "out", "stderr": "out", "outcome": {"type": "exit", "exit_code": 0}}]},
     [(0, "stdout"), (0, "stderr")], "shell", SHELL["action"]),
    (PATCH, {"type": "apply_patch_call_output", "status": "completed", "output": "out"}, [()], "apply_patch", PATCH["operation"]),
    (FUNCTION, {"type": "function_call_output", "output": None}, [], "", None),
    (FUNCTION, {"type": "function_call_output"}, [], "", None),
    (FUNCTION, {"type": "function_call_output", "output": {"stdout": "x"}}, [], "", None),
])
def test_every_shape_of_an_output(call: Json, output: Json, places: list[Address], tool: str, input: Json) -> None:
    found = tools(conversation(call, {"call_id": "c1", **output}))
    assert found == [Part("tool", "out", ("input", 1, "output", *at), tool, input) for at in places]


def test_an_output_may_name_its_tool_and_no_call() -> None:
    found = tools(conversation({"type": "function_call_output", "name": "fetch", "output": "out"}))
    assert [(part.tool, part.call) for part in found] == [("fetch", None)]


@pytest.mark.parametrize(("status", "error"), [("completed", False), ("failed", True), ("incomplete", True), (None, False), (["failed"], False)])
def test_errors_are_what_a_status_says(status: Json, error: bool) -> None:
    assert tools(conversation(FUNCTION, {"type": "function_call_output", "call_id": "c1", "status": status, "output": "out"}))[0].error is error


@pytest.mark.parametrize("item", [
    {"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot", "image_url": "x"}},
    {"type": "mcp_call", "name": "x", "arguments": "{}", "output": "text"},
    {"type": "mcp_list_tools", "tools": []},
    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "x"}], "encrypted_content": "e"},
    {"type": "program_output", "result": "x"},
    {"type": "code_interpreter_call", "outputs": [{"type": "logs", "logs": "x"}]},
    {"type": "compaction", "encrypted_content": "e"},
    {"type": "something_new_output", "output": "x"},
    {"type": 7, "output": "x"}, None, 7, "x", [], {},
])
def test_what_runs_on_the_provider_or_is_unknown_is_opaque(item: Json) -> None:
    assert conversation(item).parts == ()


USER = {"role": "user", "content": "u"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "out"}


@pytest.mark.parametrize(("items", "fresh"), [
    ([USER, OUTPUT], 0),
    ([USER, FUNCTION, OUTPUT], 1),
    ([USER, {"type": "reasoning"}, OUTPUT], 1),
    ([USER, CUSTOM, FUNCTION, OUTPUT, OUTPUT], 1),
    ([USER, FUNCTION, OUTPUT, {"type": "web_search_call"}, USER], 2),
    ([USER, {"type": "additional_tools", "tools": []}, USER], 0),
    ([USER, {"type": "compaction_trigger"}], 0),
    ([USER, {"role": "assistant", "content": "a"}], 2),
])
def test_fresh_is_what_stands_behind_the_last_item_of_the_model(items: list[Json], fresh: int) -> None:
    assert conversation(*items).fresh == fresh


@pytest.mark.parametrize(("rest", "kept"), [
    ({}, False), ({"previous_response_id": "r"}, True), ({"conversation": {"id": "c"}}, True), ({"prompt": {"id": "p"}}, True),
    ({"previous_response_id": None, "store": True}, False),
])
def test_what_the_provider_keeps(rest: dict[str, Json], kept: bool) -> None:
    assert conversation(USER, **rest).kept_by_provider is kept


def test_an_item_by_reference_is_kept_by_the_provider() -> None:
    assert conversation({"type": "item_reference", "id": "msg_1"}).kept_by_provider
    assert conversation({"id": "msg_1"}).kept_by_provider


def test_what_else_the_model_reads() -> None:
    found = conversation(
        {"type": "additional_tools", "role": "developer", "tools": [{"name": "exec"}]}, FUNCTION, CUSTOM,
        {"type": "tool_search_output", "tools": [{"name": "found"}]}, tools=[{"type": "web_search"}], stream=True,
    )
    assert found.others == (
        '{"type": "web_search"}', '[{"name":"exec"}]', '{"command":["ls"]}', '{"looks": "like JSON"}', '[{"name":"found"}]',
    )
    assert found.stream


COUNTS = {"input_tokens": 100, "output_tokens": 5, "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30}}


@pytest.mark.parametrize(("message", "usage"), [
    ({"object": "response", "usage": COUNTS}, Usage(10, 5, 60, 30)),
    ({"type": "response.completed", "response": {"usage": COUNTS}}, Usage(10, 5, 60, 30)),
    ({"type": "response.created", "response": {"usage": None}}, None),
    ({"usage": {"input_tokens": 7, "input_tokens_details": None}}, Usage(7)),
    ({"usage": {"input_tokens": "7"}}, Usage()),
    ({"type": "response.output_text.delta", "delta": "x"}, None),
    ({"response": "x"}, None), (None, None), ([], None),
])
def test_usage(message: Json, usage: Usage | None) -> None:
    assert DIALECT.usage(message) == usage


def test_a_broken_stream_ends_with_an_error_event() -> None:
    name, data = event(DIALECT.broken("it broke"))
    assert (name, data["type"], data["message"], data["error"]["message"]) == ("error", "error", "it broke", "it broke")


def test_a_bare_url_leads_to_the_version() -> None:
    assert DIALECT.forward("/responses?x=1") == "/v1/responses?x=1"


def test_errors_and_refusals_are_openais() -> None:
    assert DIALECT.mismatch(400, DIALECT.error(400, "'reasoning' was provided without its required following item."))


@pytest.mark.parametrize(("rest", "forgets"), [
    ({}, False), ({"truncation": "disabled"}, False), ({"truncation": "auto"}, True),
    ({"context_management": [{"type": "compaction", "compact_threshold": 1000}]}, True), ({"context_management": None}, False),
])
def test_a_provider_that_may_drop_items_forgets(rest: dict[str, Json], forgets: bool) -> None:
    assert conversation(USER, **rest).forgets is forgets
