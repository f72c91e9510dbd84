from __future__ import annotations

import pytest

from headroom.conversation import Json
from headroom.dialects.hidden.anthropic_answer import (
    blank,
    calls,
    composed,
    heard,
    merged,
    message_of,
    ours,
    summed,
    told,
)
from headroom.dialects.hidden.base import Asked, Round, Told
from tests.dialects.hidden.anthropic_answers import (
    BASH,
    CITED,
    EDIT,
    FOUND,
    LOOK,
    RAN,
    REDACTED,
    SAYS,
    THINKING,
    events,
    message,
    mine,
)


@pytest.mark.parametrize("blocks", [
    [], [LOOK], [THINKING, REDACTED, LOOK, EDIT], [RAN, FOUND, CITED], [mine(1, {})], [{"type": "something_new", "data": [1]}],
])
def test_a_stream_comes_to_the_message(blocks: list[Json]) -> None:
    assert message_of(events(blocks)) == message(blocks)


@pytest.mark.parametrize(("delta", "block"), [
    ({"type": "compaction_delta", "content": "so far"}, {"type": "x", "content": "so far"}),
    ({"type": "text_delta", "text": None}, {"type": "x", "text": None}),
    ({"type": "input_json_delta", "partial_json": ""}, {"type": "x"}), ("text", {"type": "x"}),
])
def test_deltas(delta: Json, block: Json) -> None:
    started = {"type": "content_block_start", "index": 0, "content_block": {"type": "x"}}
    assert message_of([started, {"type": "content_block_delta", "index": 0, "delta": delta}]) == {"content": [block]}
    assert message_of([{"type": "content_block_delta", "index": 0, "delta": delta}, {"type": 1}, {}]) == {"content": []}


@pytest.mark.parametrize(("block", "is_ours"), [
    (mine(), True), (EDIT, False), ({**mine(), "type": "server_tool_use"}, False), (None, False), ({"type": [], "name": {}}, False),
])
def test_ours(block: Json, is_ours: bool) -> None:
    assert ours(block) is is_ours


@pytest.mark.parametrize(("block", "is_blank"), [
    ({"type": "text", "text": "\n\n"}, True), ({"type": "text"}, True), (LOOK, False), (BASH, False), ({}, False),
])
def test_blank(block: Json, is_blank: bool) -> None:
    assert blank(block) is is_blank


def test_what_is_heard() -> None:
    assert heard(message([LOOK, EDIT])) == heard({}) == Round()
    found = heard(message([mine(1), EDIT, mine(2, {"key": "b", "lines": "1-2"})]))
    assert found.asked == (Asked("toolu_h1", {"key": "0a1b"}), Asked("toolu_h2", {"key": "b", "lines": "1-2"}))
    assert not found.alone
    assert heard(message([RAN, mine()])).alone


def test_calls_are_those_that_the_client_answers() -> None:
    assert calls([RAN, EDIT, mine(), BASH]) == ("toolu_9", "toolu_8")
    assert told([message([LOOK, mine()]), message([THINKING, SAYS, EDIT])]) == Told("Let me look. It says 42: é😀", ("toolu_9",))


def test_an_answer_composed() -> None:
    whole = composed(message([SAYS, mine(2)], 2), [message([LOOK, mine()])])
    assert whole == {**message([LOOK, SAYS]), "usage": message([], 2)["usage"] | {"output_tokens": 10}}
    assert composed(message([LOOK, EDIT]), []) == message([LOOK, EDIT])


@pytest.mark.parametrize(("last", "earlier", "usage"), [
    (None, [{"output_tokens": 1}], None),
    ({"output_tokens": 2, "input_tokens": 9}, [{"output_tokens": 1, "input_tokens": 8}, {}], {"output_tokens": 3, "input_tokens": 9}),
    ({"output_tokens": 2, "x": "y"}, [{"output_tokens": None}], {"output_tokens": 2, "x": "y"}),
    ({"server_tool_use": None}, [{"server_tool_use": {"web_search_requests": 1}}], {"server_tool_use": {"web_search_requests": 1}}),
])
def test_usage(last: Json, earlier: list[dict[str, Json]], usage: Json) -> None:
    assert summed(last, earlier) == usage


def test_usage_of_one_stream() -> None:
    assert merged({"input_tokens": 3, "output_tokens": 1}, {"input_tokens": None, "output_tokens": 7}) == {"input_tokens": 3, "output_tokens": 7}
    assert merged(None, 7) == {}
