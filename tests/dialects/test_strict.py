from __future__ import annotations

import pytest

from headroom.conversation import Json
from headroom.dialects.strict import DEPTH, Repeated, parsed, shallow, skip, value_at


@pytest.mark.parametrize(("text", "value", "end"), [
    ('{"a": [1, "x"]} rest', {"a": [1, "x"]}, 15),
    ('"\\ud800",', "\ud800", 8),
    ("1e400,", float("inf"), 5),
    ("9" * 5000 + ",", float("inf"), 5000),
    ("-12]", -12, 3),
])
def test_a_value_and_where_it_ends(text: str, value: Json, end: int) -> None:
    assert value_at(text, 0) == (value, end)


@pytest.mark.parametrize("text", ["NaN", "-Infinity", "", "nul", '"a\nb"', "[1 2]", "\ufeff{}"])
def test_what_is_not_json(text: str) -> None:
    with pytest.raises(ValueError):
        value_at(text, 0)


def test_a_member_named_twice_is_refused_at_any_depth() -> None:
    with pytest.raises(Repeated):
        value_at('[{"a": {"b": 1, "\\u0062": 2}}]', 0)


def test_only_json_white_space_is_skipped() -> None:
    assert skip(" \t\r\n\u00a0", 0) == 4


@pytest.mark.parametrize(("levels", "answer"), [(0, True), (DEPTH - 1, True), (DEPTH, False), (DEPTH + 50, False)])
def test_shallow_counts_levels(levels: int, answer: bool) -> None:
    value: Json = 1
    for i in range(levels):
        value = [value] if i % 2 else {"a": value}
    assert shallow(value) is answer


@pytest.mark.parametrize(("text", "value"), [
    ('{"command": "ls"}', {"command": "ls"}),
    (' [1] ', [1]),
    ("ls -l", "ls -l"),
    ("", ""),
    ('{"a": 1} trailing', '{"a": 1} trailing'),
    ('{"a": 1, "a": 2}', '{"a": 1, "a": 2}'),
    ("[" * 100_000, "[" * 100_000),
    ("[" * 300 + "]" * 300, "[" * 300 + "]" * 300),
])
def test_arguments_are_their_value_where_they_have_one(text: str, value: Json) -> None:
    assert parsed(text) == value
