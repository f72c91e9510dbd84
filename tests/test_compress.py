"""The library: `from headroom import compress`."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from typing import Any

import pytest

import headroom
from headroom import compress

LOG = "\n".join(f"2026-11-20T12:{i // 60:02d}:{i % 60:02d}Z INFO [worker-{i % 4}] request id={i * 7919:09d} path=/api/items/{i % 9}" for i in range(200))
CALL = {"name": "Bash", "input": {"command": "journalctl -u app"}}

ANTHROPIC: list[Any] = [
    {"role": "assistant", "content": [{"type": "tool_use", "id": "t", **CALL}]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": LOG}]},
]
CHAT: list[Any] = [
    {"role": "assistant", "tool_calls": [{"id": "t", "type": "function", "function": {"name": "Bash", "arguments": json.dumps(CALL["input"])}}]},
    {"role": "tool", "tool_call_id": "t", "content": LOG},
]
RESPONSES: Any = {"model": "m", "input": [
    {"type": "function_call", "call_id": "t", "name": "Bash", "arguments": json.dumps(CALL["input"])},
    {"type": "function_call_output", "call_id": "t", "output": LOG},
]}
GEMINI: Any = {"contents": [
    {"role": "model", "parts": [{"functionCall": {"name": "Bash", "args": CALL["input"]}}]},
    {"role": "user", "parts": [{"functionResponse": {"name": "Bash", "response": {"output": LOG}}}]},
]}
BODIES = [ANTHROPIC, CHAT, {"model": "m", "messages": ANTHROPIC}, RESPONSES, GEMINI]


@pytest.mark.parametrize("body", BODIES)
def test_tool_results_of_every_api_get_shorter_and_the_argument_stays(body: Any) -> None:
    before = copy.deepcopy(body)
    done = compress(body, model="m")
    assert body == before
    assert type(done.body) is type(body)
    assert done.report.saved > 0.3 * done.report.before
    assert [e.grade for e in done.report.edits] == ["exact"]
    assert LOG not in json.dumps(done.body)
    assert list(done.report.originals.values()) == [LOG]


@pytest.mark.parametrize("body", BODIES)
def test_what_was_compressed_is_left_as_it_is(body: Any) -> None:
    once = compress(body).body
    again = compress(once)
    assert again.body == once
    assert again.report.saved == 0


def test_text_comes_back_as_text_and_bytes_as_bytes() -> None:
    body = json.dumps({"messages": ANTHROPIC})
    assert isinstance(compress(body).body, str)
    assert compress(body.encode()).body == compress(body).body.encode()
    raw = b'{ "messages" : [] }'
    assert compress(raw).body is raw


@pytest.mark.parametrize("body", ["", "[]", b"\xff", '{"a":1,"a":2}'])
def test_what_is_no_request_is_a_value_error(body: str | bytes) -> None:
    with pytest.raises(ValueError, match="not a request"):
        compress(body)


@pytest.mark.parametrize("body", [None, 5, 2.5, ({"role": "user", "content": "hi"},)])
def test_what_could_not_be_one_is_a_type_error(body: object) -> None:
    with pytest.raises(TypeError, match="a list of messages"):
        compress(body)


def test_importing_it_brings_in_nothing_that_touches_the_world() -> None:
    """Fast to import, safe to import: no event loop, no sockets, no vocabulary."""
    seen = "import sys, headroom; print([m for m in ('anyio', 'h11', 'tiktoken', 'sqlite3', 'ssl', 'socket', 'asyncio') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert headroom.__all__ == ["Compressed", "Settings", "__version__", "compress"]
