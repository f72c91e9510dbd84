from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.chain import Chain
from headroom.conversation import Conversation, Json, Part
from headroom.dialects.anthropic import Anthropic
from headroom.dialects.document import Document
from headroom.dialects.document_memo import DocumentMemo
from headroom.pipeline import Outcome, Pipeline, standard
from headroom.replaying import Replay, weighed
from headroom.traces import Traces

ASK, SEE, TELL = Part("user", "Look.", ("m", 0)), Part("tool", "a\nb", ("m", 1), "Bash"), Part("user", "<system-reminder> x", ("m", 2))
KEYS = Chain(parts={1: "k"})


class Counting:
    """Tokens of a text, and which were asked for."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, text: str) -> int:
        self.seen.append(text)
        return len(text)


def account(conversation: Conversation, sent: Mapping[str, str | None]) -> tuple[Replay, int, Sequence[str]]:
    tokens = Counting()
    found = Replay(conversation, tokens)
    return found, found.catch_up(KEYS, sent), tokens.seen


def test_what_was_replayed_once_is_not_weighed_again() -> None:
    conversation = Conversation("m", (ASK, SEE, TELL), traces=Traces())
    for expected in (["Look.", "a\nb", "a", "<system-reminder> x"], []):
        found, count, seen = account(conversation, {"k": "a"})
        assert (count, seen) == (3, expected)
        assert (found.before, found.saved, found.changes) == (27, 2, {("m", 1): "a"})
        assert [each.question for each in found.past] == ["Look."] * 3
        assert [each.text for each in found.past] == ["Look.", "a", "<system-reminder> x"]
        assert found.skipped == {"not_tool_output": [24, 2]}


def test_another_record_another_past_or_none_is_replayed_anew() -> None:
    traces = Traces()
    conversation = Conversation("m", (ASK, SEE), traces=traces)
    account(conversation, {"k": "a"})
    assert account(conversation, {"k": None})[0].skipped == {"not_tool_output": [5, 1], "sent_as_is": [3, 1]}
    assert account(conversation, {})[1] == 1
    assert account(replace(conversation, forgets=True), {"k": "a"})[0].past[1].text == ""
    assert account(replace(conversation, gone={1: [0]}), {"k": "a"})[0].past[0].text == ""


def test_an_edited_end_is_replayed_from_where_it_was_edited() -> None:
    """Clients move cache marks on, and so send the end of the past in other bytes each time."""
    conversation = Conversation("m", (ASK, SEE, TELL), traces=Traces())
    account(conversation, {"k": "a"})
    for expected in (["Look.", "a\nb", "a", "Stop."], ["Stop."]):
        assert account(replace(conversation, parts=(ASK, SEE, Part("user", "Stop.", ("m", 2)))), {"k": "a"})[2] == expected


def test_texts_that_are_no_parts_are_weighed_once() -> None:
    traces, tokens = Traces(), Counting()
    for others, total in ((("a", "bb"), 3), (("a", "bb", "c"), 4), (("a",), 1), ((), 0)):
        assert weighed(Conversation("m", (), others=others, traces=traces), tokens) == total
    assert tokens.seen == ["a", "bb", "c", "a"]


LOG = "\n".join(f"2026-01-01T00:00:{i:02d} INFO request {i} took {i * 7} ms" for i in range(40))
ROWS = json.dumps([{"id": i, "name": f"n{i}", "state": "ok"} for i in range(40)], indent=2)
TEXTS = (LOG, ROWS, LOG + "\nend", "short", "")


def turn(number: int, kind: int, marked: bool) -> list[Json]:
    """A call and its result. `marked`: with a cache mark, which clients move on in the next request."""
    mark = {"cache_control": {"type": "ephemeral"}} if marked else {}
    value: Any = 1.0 if kind % 2 else 1  # equal, and yet another call
    return [
        {"role": "assistant", "content": [{"type": "tool_use", "id": f"t{number}", "name": "fetch", "input": {"n": value}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": f"t{number}", "content": TEXTS[kind % len(TEXTS)], **mark}]},
    ]


def body(kinds: Sequence[int], system: str, tools: int) -> bytes:
    messages: list[Json] = [{"role": "user", "content": "Look around. " * 1500}]
    for number, kind in enumerate(kinds):
        messages += turn(number, kind, number >= len(kinds) - 2)
    tool = {"name": "fetch", "description": "Fetches. ", "input_schema": {"type": "object", "title": "Fetch", "properties": {}}}
    return json.dumps({"model": "m", "system": system, "tools": [tool] * tools, "messages": messages}).encode()


def outcome(raw: bytes, memo: DocumentMemo | None, pipeline: Pipeline, sent: Mapping[str, str | None]) -> tuple[Chain, Outcome, bytes]:
    document = Document.parse(raw, memo)
    conversation = Anthropic().read(document, "/v1/messages")
    keys = pipeline.chain(conversation)
    found = pipeline(conversation, keys, sent, 0)
    return keys, found, document.splice(found.edits)


requests = st.tuples(st.lists(st.integers(0, 9), max_size=6), st.sampled_from(["", "Be kind.", "Be kind today."]), st.integers(0, 2), st.booleans())


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 9), max_size=6), st.lists(requests, min_size=2, max_size=5))
def test_whatever_came_before_makes_no_difference(head: list[int], asked: list[tuple[list[int], str, int, bool]]) -> None:
    pipeline, fresh, memo = standard(compact_tools=True), standard(compact_tools=True), DocumentMemo()
    sent: dict[str, str | None] = {}
    for tail, system, tools, is_changed in [*asked, asked[0]]:
        raw = body([*head, *tail], system, tools)
        keys, found, spliced = outcome(raw, memo, pipeline, sent)
        assert (keys, found, spliced) == outcome(raw, None, fresh, sent)
        sent.update(found.report.forms)
        if is_changed:  # another worker was first, and sent it as it came
            sent.update(dict.fromkeys(list(keys.parts.values())[:1]))
