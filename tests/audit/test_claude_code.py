from __future__ import annotations

import itertools
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.audit import claude_code
from headroom.audit.recording import Request, requests
from tests.audit.transcripts import claude, lines, result, text, use, used


def read(*values: Any) -> list[Request]:
    threads, broken = claude_code.read(lines(*values))
    assert broken == 0
    return list(requests(threads, claude_code.ITEMS))


def messages(request: Request) -> list[tuple[str, list[str]]]:
    """Role, and for each block its text, its call or its result."""
    return [
        (message["role"], [block.get("text") or block.get("id") or block["content"] for block in message["content"]])
        for message in json.loads(request.body)["messages"]
    ]


def test_pieces_of_one_answer_are_one_message_and_its_results_one_more() -> None:
    found = read(
        claude("u1", None, "Look."),
        claude("a1", "u1", text("Two at once."), id="m1", usage=used(5, output=1)),
        claude("a2", "a1", use("t1"), id="m1", usage=used(5, output=1)),
        claude("r1", "a2", result("t1", "one"), minute=1),  # the first command is done before the second is written down
        claude("a3", "a2", use("t2"), id="m1", usage=used(5, output=44)),
        claude("r2", "a3", result("t2", "two"), minute=2),
        claude("a4", "r2", text("Done."), minute=3, id="m2", usage=used(0, 5, 9)),
    )
    assert [messages(request) for request in found] == [
        [("user", ["Look."])],
        [("user", ["Look."]), ("assistant", ["Two at once.", "t1", "t2"]), ("user", ["one", "two"])],
    ]
    assert [request.usage and request.usage.output_tokens for request in found] == [44, 10]
    assert found[1].at - found[0].at == 120  # sent when the last result was there


def test_a_rewind_begins_a_thread_that_shares_what_was_before() -> None:
    found = read(
        claude("u1", None, "First."), claude("a1", "u1", text("One."), id="m1"),
        claude("u2", "a1", "Wrong way."), claude("a2", "u2", text("Two."), id="m2"),
        claude("u3", "a1", "Right way."), claude("a3", "u3", text("Three."), id="m3"),
    )
    assert [request.thread for request in found] == [0, 0, 1]
    assert messages(found[2]) == [("user", ["First."]), ("assistant", ["One."]), ("user", ["Right way."])]


def test_a_compaction_and_a_sub_agent_begin_anew() -> None:
    found = read(
        claude("u1", None, "First."), claude("a1", "u1", text("One."), id="m1"),
        claude("s1", None, "Survey.", isSidechain=True), claude("s2", "s1", text("Quiet."), id="m2", isSidechain=True),
        {"type": "system", "subtype": "compact_boundary", "uuid": "c1", "parentUuid": None, "logicalParentUuid": "a1"},
        claude("u2", "c1", "Summary of it all.", isCompactSummary=True), claude("a2", "u2", text("On."), id="m3"),
    )
    assert [messages(request)[0][1] for request in found] == [["First."], ["Survey."], ["Summary of it all."]]


def test_what_says_nothing_to_the_model_hangs_between() -> None:
    found = read(
        {"type": "queue-operation", "content": "Look."}, {"type": "last-prompt"},
        claude("u1", None, "Look."),
        {"type": "system", "uuid": "p1", "parentUuid": "u1"},
        claude("e1", "p1", text("API Error: 529"), id="m0", isApiErrorMessage=True),
        {"type": "attachment", "uuid": "x1", "parentUuid": "e1", "attachment": {"type": "file", "content": "x" * 60}},
        claude("a1", "x1", text("Done."), id="m1"),
    )
    assert [messages(request) for request in found] == [[("user", ["Look.", "x" * 60])]]


def test_writing_for_an_hour_is_seen() -> None:
    usage = {**used(0, 0, 50), "cache_creation": {"ephemeral_1h_input_tokens": 50}}
    (request,) = read(claude("u1", None, "Look."), claude("a1", "u1", text("Yes."), id="m1", usage=usage))
    assert request.hour


def test_broken_lines_are_counted() -> None:
    whole = lines(claude("u1", None, "Look."), claude("a1", "u1", text("Yes."), id="m1"))
    threads, broken = claude_code.read([whole[0], b'{"uuid": "half', whole[1], whole[1][:40]])
    assert (len(threads), broken) == (1, 2)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.sampled_from(["said", "answer", "result", "else"]), st.integers(0, 3))))
def test_any_tree_yields_conversations_that_begin_with_a_user_and_take_turns(shape: list[tuple[int, int, str, int]]) -> None:
    values = []
    for uuid, parent, kind, answer in shape:
        if kind == "else":
            values.append({"type": "progress", "uuid": f"{uuid}", "parentUuid": f"{parent}"})
        elif kind == "answer":
            values.append(claude(f"{uuid}", f"{parent}", text("Yes."), id=f"m{answer}"))
        else:
            values.append(claude(f"{uuid}", f"{parent}", "Go." if kind == "said" else result("t", "done")))
    for request in read(*values):
        roles = [role for role, _ in messages(request)]
        assert all(a != b or a == "assistant" for a, b in itertools.pairwise(roles))
        assert roles
