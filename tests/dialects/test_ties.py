"""What each dialect says of its elements, side by side."""

from __future__ import annotations

import pytest

from headroom.conversation import Json
from headroom.dialects import DIALECTS
from headroom.dialects.ties import UNKNOWN, Side, Ties

NAMED = {dialect.name: dialect for dialect in DIALECTS}

USE = {"type": "tool_use", "id": "a", "name": "Read", "input": {"file_path": "x"}}
RESULT = {"type": "tool_result", "tool_use_id": "a", "content": "…"}
CALL, ANSWER = {"functionCall": {"name": "read", "args": {}}}, {"functionResponse": {"name": "read", "response": {}}}


def of(name: str, element: Json) -> tuple[Side, tuple[str, ...], tuple[str, ...], str]:
    """Side, ids made, ids answered, and the initials of what else is so."""
    ties: Ties = NAMED[name].ties(element)
    return ties.side, ties.made, ties.answered, "w" * ties.words + "b" * ties.bound + "f" * ties.fixed


@pytest.mark.parametrize(("element", "ties"), [
    ({"role": "user", "content": "hi"}, ("user", (), (), "w")),
    ({"role": "user", "content": [{"type": "text", "text": "hi"}]}, ("user", (), (), "w")),
    ({"role": "user", "content": [{"type": "image"}]}, ("user", (), (), "")),
    ({"role": "system", "content": "hi"}, ("system", (), (), "w")),
    ({"role": "assistant", "content": [{"type": "thinking"}, {"type": "text", "text": "…"}, USE]}, ("assistant", ("a",), (), "wb")),
    ({"role": "user", "content": [RESULT, {"type": "text", "text": "and"}]}, ("tool", (), ("a",), "w")),
    ({"role": "assistant", "content": [
        {"type": "server_tool_use", "id": "s"}, {"type": "web_search_tool_result", "tool_use_id": "s"},
    ]}, ("assistant", ("s",), ("s",), "")),
    ({"role": "assistant", "content": [{"type": "compaction"}]}, ("assistant", (), (), "f")),
])
def test_anthropic(element: Json, ties: object) -> None:
    assert of("anthropic", element) == ties


@pytest.mark.parametrize(("element", "ties"), [
    ({"role": "developer", "content": "hi"}, ("system", (), (), "w")),
    ({"role": "user", "content": [{"type": "text", "text": "hi"}]}, ("user", (), (), "w")),
    ({"role": "assistant", "content": None, "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]}, ("assistant", ("a",), (), "")),
    ({"role": "tool", "tool_call_id": "a", "content": "…"}, ("tool", (), ("a",), "")),
    ({"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}}, ("assistant", ("function f",), (), "")),
    ({"role": "function", "name": "f", "content": "…"}, ("tool", (), ("function f",), "")),
    ({"role": "assistant"}, ("user", (), (), "f")),
])
def test_chat(element: Json, ties: object) -> None:
    assert of("openai-chat", element) == ties


@pytest.mark.parametrize(("element", "ties"), [
    ({"role": "user", "content": "hi"}, ("user", (), (), "w")),
    ({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hi"}]}, ("assistant", (), (), "w")),
    ({"type": "reasoning", "id": "r"}, ("assistant", (), (), "b")),
    ({"type": "function_call", "call_id": "a", "id": "fc", "name": "f", "arguments": "{}"}, ("assistant", ("a", "fc"), (), "")),
    ({"type": "local_shell_call", "call_id": "a", "id": "l", "action": {}}, ("assistant", ("a", "l"), (), "")),
    ({"type": "local_shell_call_output", "id": "l", "output": "…"}, ("tool", (), ("l",), "")),
    ({"type": "custom_tool_call_output", "call_id": "a", "output": "…"}, ("tool", (), ("a",), "")),
    ({"type": "computer_call_output", "call_id": "a", "output": {}}, ("tool", (), ("a",), "")),
    ({"type": "web_search_call", "id": "w"}, ("assistant", ("w",), (), "")),
    ({"type": "item_reference", "id": "m"}, ("user", (), (), "f")),
    ({"type": "additional_tools", "tools": []}, ("user", (), (), "f")),
    ({"type": "tool_search_output", "call_id": "a", "tools": []}, ("tool", (), ("a",), "f")),
    ({"type": "compaction", "encrypted_content": "x"}, ("assistant", (), (), "f")),
])
def test_responses(element: Json, ties: object) -> None:
    assert of("openai-responses", element) == ties


@pytest.mark.parametrize(("element", "ties"), [
    ({"role": "user", "parts": [{"text": "hi"}]}, ("user", (), (), "w")),
    ({"role": "user", "parts": {"text": "hi"}}, ("user", (), (), "w")),
    ({"role": "model", "parts": [{"text": "hm", "thought": True}]}, ("assistant", (), (), "")),
    ({"role": "model", "parts": [{**CALL, "thoughtSignature": "s"}, CALL]}, ("assistant", ("read 0", "read 1"), (), "b")),
    ({"role": "user", "parts": [ANSWER, ANSWER]}, ("tool", (), ("read 0", "read 1"), "")),
    ({"role": "model", "parts": [{"function_call": {"id": "a", "name": "f"}}]}, ("assistant", ("a",), (), "")),
    ({"role": "user", "parts": [{"inlineData": {}}]}, ("user", (), (), "")),
])
def test_gemini(element: Json, ties: object) -> None:
    assert of("gemini", element) == ties


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("odd", [None, 1, "x", [], {}, {"role": 1}, {"content": 1, "parts": 1, "type": 1}])
def test_what_is_not_understood_stays(name: str, odd: Json) -> None:
    ties = NAMED[name].ties(odd)
    assert ties.fixed or not (ties.made or ties.answered or ties.words)
    assert UNKNOWN.fixed


def test_calls_are_known_with_their_input() -> None:
    (call,) = NAMED["openai-responses"].ties({"type": "function_call", "call_id": "a", "id": "b", "name": "f", "arguments": '{"x": 1}'}).calls
    assert (call.id, call.tool, call.input) == ("a", "f", {"x": 1})
