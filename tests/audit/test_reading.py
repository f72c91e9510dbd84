"""Laws of all readers: whatever a transcript holds, it is read, and what it gives can be replayed."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headroom import prices
from headroom.audit.finding import CLAUDE_CODE, CODEX, Client
from headroom.audit.recording import Recording, requests
from headroom.audit.replay import replay
from headroom.pipeline import standard
from tests.audit.transcripts import claude, codex, lines, result, text, use

NAMES = (
    "type", "uuid", "parentUuid", "timestamp", "message", "role", "id", "model", "content", "usage", "input_tokens", "output_tokens",
    "text", "name", "input", "tool_use_id", "attachment", "payload", "call_id", "output", "arguments", "info", "last_token_usage",
    "replacement_history", "base_instructions", "cache_creation",
)
WORDS = (
    "user", "assistant", "attachment", "system", "tool_use", "tool_result", "text", "a", "b", "response_item", "message", "function_call",
    "function_call_output", "reasoning", "token_usage_record", "token_count", "event_msg", "compacted", "session_meta", "turn_context",
    "claude-opus-4-8", "gpt-5.5", "2026-11-21T09:00:00Z", "\ud800", "x" * 50,
)
values: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(WORDS) | st.integers(-1, 10**6) | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=12,
)
blocks = st.lists(values | st.sampled_from([*text("Go."), *use("t1", command="ls"), *result("t1", "a\n" * 400)]), max_size=3)
objects = (
    st.dictionaries(st.sampled_from(NAMES), values, max_size=7)
    | st.builds(claude, st.sampled_from("abcd"), st.sampled_from("abcd"), values | blocks, id=st.sampled_from(["", "m1", "m2"]), usage=values)
    | st.builds(lambda kind, more: codex("response_item", **{**more, "type": kind}), st.sampled_from(WORDS), st.dictionaries(st.sampled_from(NAMES), values, max_size=4))
    | st.builds(lambda kind, more: codex(kind, **more), st.sampled_from(WORDS), st.dictionaries(st.sampled_from(NAMES), values, max_size=4))
)


@pytest.mark.parametrize("client", [CLAUDE_CODE, CODEX], ids=lambda client: client.name)
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(found=st.lists(objects, max_size=6))
def test_no_shape_stops_a_reader(client: Client, found: list[dict[str, Any]]) -> None:
    threads, broken = client.read(lines(*found))
    assert broken == 0
    recording = Recording("any", client.name, client.target, client.items, False, lambda: requests(threads, client.items))

    async def story() -> int:
        return (await replay(recording, standard(), prices.load().find, ("lossless",))).direct.requests

    assert anyio.run(story) == sum(len(thread.steps) for thread in threads)
