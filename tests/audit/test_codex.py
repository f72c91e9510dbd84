from __future__ import annotations

import itertools
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.audit import codex as reader
from headroom.audit.recording import Request, requests
from headroom.conversation import Usage
from tests.audit.transcripts import codex, item, lines, said

HEAD = (
    codex("session_meta", base_instructions={"text": "You are a coding agent."}),
    codex("turn_context", model="gpt-5.5"),
)


def read(*values: Any) -> list[Request]:
    threads, broken = reader.read(lines(*values))
    assert broken == 0
    return list(requests(threads, reader.ITEMS))


def kinds(request: Request) -> list[str]:
    return [found.get("role") or found["type"] for found in json.loads(request.body)["input"]]


def used(whole: int, cached: int) -> dict[str, int]:
    return {"input_tokens": whole, "cached_input_tokens": cached, "output_tokens": 7}


def test_a_request_carries_all_that_was_said_before_its_answer() -> None:
    found = read(
        *HEAD, said("developer", "Rules."), said("user", "Look.", 1),
        item("reasoning", 2, encrypted_content="x"), item("function_call", 2, name="shell", arguments="{}", call_id="c1"),
        codex("token_usage_record", 2, usage=used(100, 0)),
        item("function_call_output", 3, call_id="c1", output="a\n"), item("ghost_snapshot", 3),
        codex("event_msg", 3, type="token_count", info={"last_token_usage": used(100, 0)}),
        item("message", 4, role="assistant", content=[]), codex("event_msg", 4, type="token_count", info={"last_token_usage": used(130, 100)}),
    )
    assert [kinds(request) for request in found] == [
        ["developer", "user"], ["developer", "user", "reasoning", "function_call", "function_call_output"],
    ]
    assert [request.usage for request in found] == [Usage(100, 7, 0, 0), Usage(30, 7, 100, 0)]
    assert found[1].at - found[0].at == 120
    body = json.loads(found[0].body)
    assert (body["model"], body["instructions"]) == ("gpt-5.5", "You are a coding agent.")


def test_an_answer_after_a_closed_one_is_another_request() -> None:
    found = read(
        *HEAD, said("user", "Look."), said("assistant", "Wait."), codex("token_usage_record", usage=used(10, 0)),
        said("assistant", "Done."), codex("token_usage_record", usage=used(20, 10)),
    )
    assert [kinds(request) for request in found] == [["user"], ["user", "assistant"]]


def test_a_compaction_replaces_what_was_said() -> None:
    found = read(
        *HEAD, said("user", "Look."), said("assistant", "Done."), codex("compacted", 1, message="In short."),
        said("user", "More.", 2), said("assistant", "Done."),
        codex("compacted", 3, message="", replacement_history=[said("user", "Kept.")["payload"]]), said("assistant", "Done."),
    )
    assert [(request.thread, kinds(request)) for request in found] == [(0, ["user"]), (1, ["user", "user"]), (2, ["user"])]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(["user", "assistant", "reasoning", "function_call_output", "usage"])))
def test_a_thread_only_grows(order: list[str]) -> None:
    made = {
        "user": said("user", "Go."), "assistant": said("assistant", "Yes."), "reasoning": item("reasoning"),
        "function_call_output": item("function_call_output", output="x"), "usage": codex("token_usage_record", usage=used(9, 0)),
    }
    found = [json.loads(request.body)["input"] for request in read(*HEAD, *(made[name] for name in order))]
    assert all(later[: len(earlier)] == earlier for earlier, later in itertools.pairwise(found))
