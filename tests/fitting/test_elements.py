from __future__ import annotations

import pytest

from headroom.conversation import Address, Conversation, Part
from headroom.dialects.anthropic import Anthropic
from headroom.fitting.elements import elements, place, places
from headroom.traces import Traces
from tests.fitting.conversations import WRITERS, Exchange, Round, read


@pytest.mark.parametrize(("at", "where"), [
    (("messages", 3, "content", 0, "text"), 3), (("messages", 0, "content"), 0), (("system",), None), (("system", 0, "text"), None),
    (("messages",), None), (("messages", "x"), None),
])
def test_where_a_part_stands(at: Address, where: int | None) -> None:
    assert place(Part("user", "", at), "messages") == where


def test_places_of_parts_that_were_seen_before_are_at_hand() -> None:
    one, two, three = (Part("user", "", at) for at in (("system",), ("messages", 0, "content"), ("messages", 4, "content")))
    traces = Traces()
    for parts, found in (((one, two), [None, 0]), ((one, two, three), [None, 0, 4]), ((three,), [4]), ((one, two), [None, 0])):
        assert places(Conversation("m", parts, traces=traces), "messages") == found
        assert places(Conversation("m", parts), "messages") == found


def test_texts_calls_and_failures() -> None:
    values = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "Read", "input": {"file_path": "x"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "no such file", "is_error": True}]},
    ]
    parts = [Part("system", "be kind", ("system",)), Part("user", "go", ("messages", 0, "content")),
             Part("tool", "no such file", ("messages", 2, "content", 0, "content"), error=True)]
    found = elements(Anthropic(), values, parts, [1, 2, 3])
    assert [(each.text, each.called, each.error, each.tokens) for each in found] == [
        ("go", "", False, 1), ("", '{"file_path":"x"}', False, 2), ("no such file", "", True, 3),
    ]


@pytest.mark.parametrize("name", WRITERS)
def test_each_dialect_gives_its_results_and_calls(name: str) -> None:
    found = read(name, WRITERS[name]([Exchange((Round((8, 8)),))]))
    assert sum(len(each.ties.calls) for each in found) == 2
    assert all(each.text for each in found if each.ties.side == "tool")
