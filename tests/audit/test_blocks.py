from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.audit.blocks import Blocks
from headroom.dialects import find
from headroom.tokens import estimate

MARK = {"cache_control": {"type": "ephemeral"}}


def blocks() -> Blocks:
    dialect = find("POST", "/v1/messages")
    assert dialect is not None
    return Blocks(dialect, "/v1/messages", "messages")


def body(*messages: Any, **more: Any) -> bytes:
    return json.dumps({**more, "messages": messages}).encode()


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def test_tools_come_first_then_system_then_messages() -> None:
    whole = blocks().of(body(user("Hello there."), system="Be brief.", tools=[{"name": "Bash"}]))
    assert [block.tokens for block in whole] == [estimate('{"name":"Bash"}'), estimate("Be brief."), estimate("Hello there.")]
    assert [block.size for block in whole] == [18, 11, len(json.dumps(user("Hello there.")))]


@pytest.mark.parametrize(("one", "other", "same"), [
    ([{"type": "text", "text": "Hi.", **MARK}], [{"type": "text", "text": "Hi."}], True),
    ([{"type": "text", "text": "Hi.", **MARK}], "Hi.", True),
    ([{"type": "text", "text": "Hi."}, {"type": "text", "text": "Ho.", **MARK}], [{"type": "text", "text": "Hi."}, {"type": "text", "text": "Ho."}], True),
    ("Hi.", "Ho.", False),
])
def test_marks_are_no_part_of_a_block(one: Any, other: Any, same: bool) -> None:
    read = blocks()
    a, b = (read.of(json.dumps({"messages": [user(content)]}, separators=(",", ":")).encode())[0] for content in (one, other))
    assert (a.digest == b.digest) is same


def test_an_input_that_is_a_string_is_one_block() -> None:
    dialect = find("POST", "/v1/responses")
    assert dialect is not None
    (block,) = Blocks(dialect, "/v1/responses", "input").of(b'{"model": "m", "input": "Hello there."}')
    assert block.tokens == estimate("Hello there.")


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(min_size=1), max_size=6))
def test_a_longer_conversation_begins_with_the_same_blocks(texts: list[str]) -> None:
    read = blocks()
    messages = [user(text) for text in texts]
    assert read.of(body(*messages[:-1])) == read.of(body(*messages))[: max(0, len(messages) - 1)]
