"""Parts of Gemini's contents: which is what, and what is written again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from headroom.conversation import Json
from headroom.dialects.hidden.base import NAME
from headroom.dialects.hidden.gemini_parts import joined, ours, summed, tangled
from headroom.dialects.hidden.json_text import value_of, written
from tests.dialects.hidden.gemini_answers import (
    SIGNED,
    Parts,
    Played,
    answer,
    ask,
    call,
    essence,
    played,
    say,
)


@pytest.mark.parametrize(("part", "expected"), [
    (ask(), True), ({"function_call": {"name": NAME}}, True), (call(), False), (say(NAME), False), ({"functionCall": NAME}, False),
])
def test_ours(part: dict[str, Any], expected: bool) -> None:
    assert ours(part) == expected


@pytest.mark.parametrize(("message", "expected"), [
    (answer([call()]), False), ({}, False), ({"candidates": [{}, {}]}, True), ({"candidates": [{"index": 1}]}, True),
    (answer([{"functionCall": {"name": "a", "willContinue": True}}]), True), (answer([{"functionCall": {}}]), True),
    (answer([{"functionCall": {"partialArgs": []}}]), True),
])
def test_tangled(message: dict[str, Any], expected: bool) -> None:
    assert tangled(message) == expected


@pytest.mark.parametrize(("parts", "expected"), [
    ([say("a"), say("b")], [say("ab")]),
    ([say(""), say("a"), say("")], [say("a")]),
    ([say("a", thought=True), say("b", thought=True), say("c")], [say("ab", thought=True), say("c")]),
    ([say("a"), say("b", **SIGNED), say("c")], [say("a"), say("b", **SIGNED), say("c")]),
    ([say(""), call(), say("")], [call()]),
    ([say("", **SIGNED)], [say("", **SIGNED)]),
])
def test_joined(parts: Parts, expected: Parts) -> None:
    assert joined(parts) == expected


@given(played())
@settings(deadline=None, max_examples=50)
def test_joining_is_done_once_and_loses_nothing(played: Played) -> None:
    parts = [part for chunk in played.final for part in chunk]
    assert joined(joined(parts)) == joined(parts)
    assert essence([dict(part) for part in joined(parts)], thoughts=True) == essence(parts, thoughts=True)


@pytest.mark.parametrize(("last", "earlier", "expected"), [
    (None, [{}], None),
    ({"promptTokenCount": 9}, [], {"promptTokenCount": 9}),
    (
        {"promptTokenCount": 9, "candidatesTokenCount": 2, "totalTokenCount": 11},
        [{"promptTokenCount": 5, "candidatesTokenCount": 1, "thoughtsTokenCount": 4, "totalTokenCount": 10}],
        {"promptTokenCount": 9, "candidatesTokenCount": 3, "thoughtsTokenCount": 4, "totalTokenCount": 16},
    ),
    ({"candidatesTokenCount": True}, [{"candidatesTokenCount": "7"}], {"candidatesTokenCount": True}),
])
def test_summed(last: Json, earlier: list[dict[str, Any]], expected: Json) -> None:
    assert summed(last, earlier) == expected


@pytest.mark.parametrize("text", ["NaN", "[1e999]", "-Infinity", "{", "[" * 100_000, "[" * 500 + "]" * 500, b"\xff"])
def test_what_cannot_be_written_again_is_not_read(text: str | bytes) -> None:
    assert value_of(text) is None


@pytest.mark.parametrize("text", ['"\\ud83d"', '"é"', "1.5", '{"a":[]}'])
def test_written_again(text: str) -> None:
    assert json.loads(written(value_of(text)).encode()) == json.loads(text)
