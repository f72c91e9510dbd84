"""Whole answers of any API: what is not one, or is too long, goes on as it came and asks nothing."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.conversation import Json
from headroom.dialects.hidden.anthropic import Anthropic
from headroom.dialects.hidden.base import NAME, Hidden, Round, Told
from headroom.dialects.hidden.gemini import Gemini
from headroom.dialects.hidden.openai_chat import OpenAIChat
from headroom.dialects.hidden.openai_responses import OpenAIResponses
from headroom.dialects.hidden.whole import HELD_MOST

ALL: list[Hidden] = [Anthropic(), OpenAIChat(), OpenAIResponses(), Gemini()]
MEMBERS = ("content", "choices", "output", "candidates")
ODD: list[Json] = [
    NAME, [NAME], {"name": NAME}, [{"type": "text", "name": NAME}], [{"message": NAME}], [{"message": {"content": NAME}}],
    [{"message": {"tool_calls": [{"function": NAME}]}}], [{"content": {"parts": NAME}}], [{"content": {"parts": [{"text": NAME}]}}],
]
each_api = pytest.mark.parametrize("hidden", ALL, ids=lambda hidden: type(hidden).__name__)


@each_api
@pytest.mark.parametrize("body", [
    b"", b" ", b"{", b"[]", b"null", b'"headroom_retrieve"', b"\xff headroom_retrieve", b"[" * 9999 + NAME.encode(),
    b'{"a": ' * 9999 + NAME.encode(), *(json.dumps({member: odd}).encode() for member in MEMBERS for odd in ODD),
])
def test_any_other_body_goes_on_as_it_came(hidden: Hidden, body: bytes) -> None:
    ear = hidden.ear(stream=False)
    out = ear.feed(body)
    assert ear.end() == Round()
    assert out + ear.finish() == body
    ear.told()


@each_api
def test_what_is_no_object_is_not_kept_waiting(hidden: Hidden) -> None:
    ear = hidden.ear(stream=False)
    assert ear.feed(b" \n") == b""
    assert ear.feed(b'[{"a": 1},') == b' \n[{"a": 1},'
    assert ear.feed(b"{}]") == b"{}]"
    assert (ear.end(), ear.finish(), ear.told()) == (Round(), b"", Told())


@each_api
def test_more_than_can_be_held_goes_on_as_it_came(hidden: Hidden) -> None:
    ear = hidden.ear(stream=False)
    body = b'{"content": "' + b"x" * HELD_MOST
    assert ear.feed(body[:-1]) + ear.feed(body[-1:]) == body
    assert ear.feed(b'"}') == b'"}'
    assert (ear.end(), ear.finish(), ear.told()) == (Round(), b"", Told())


@each_api
@given(st.binary(max_size=60).map(lambda data: b"{" + data), st.lists(st.integers(0, 61), max_size=4))
@settings(deadline=None, max_examples=60)
def test_however_it_is_cut(hidden: Hidden, body: bytes, cuts: list[int]) -> None:
    ear = hidden.ear(stream=False)
    ends = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    out = b"".join(ear.feed(body[start:end]) for start, end in pairwise(ends))
    assert ear.end() == Round()
    assert out + ear.finish() == body
