from __future__ import annotations

import pytest

from headroom.conversation import Json
from headroom.dialects.shapes import compact, mapping, objects, text_of, tokens_of

ODD: list[Json] = [None, True, 0, 1.5, "x", [], ["x"], {}]


@pytest.mark.parametrize("value", ODD)
def test_wrong_shapes_are_harmless(value: Json) -> None:
    assert list(objects(value)) == []
    assert isinstance(mapping(value), dict)
    assert isinstance(text_of(value), str)


def test_objects_keep_their_positions() -> None:
    assert list(objects([1, {"a": 1}, "x", {}])) == [(1, {"a": 1}), (3, {})]


@pytest.mark.parametrize(("value", "tokens"), [(0, 0), (7, 7), (-1, None), (True, None), (1.0, None), ("7", None), (None, None)])
def test_tokens_are_whole_numbers(value: Json, tokens: int | None) -> None:
    assert tokens_of(value) == tokens


@pytest.mark.parametrize(("value", "text"), [(None, ""), ("as it is", "as it is"), ({"a": ["é", 1]}, '{"a":["é",1]}'), ("\ud800", "\ud800")])
def test_compact(value: Json, text: str) -> None:
    assert compact(value) == text
