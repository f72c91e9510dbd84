from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom.conversation import Json
from headroom.dialects.hidden.json_text import arguments, value_of, written

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3), max_leaves=9,
)


@pytest.mark.parametrize("data", [b"", b"{", b"NaN", b"[1e999]", b"-Infinity", b"\xff", b"[" * 9999, b"[" * 300 + b"]" * 300, "{'a': 1}"])
def test_what_is_not_read(data: bytes | str) -> None:
    assert value_of(data) is None


@pytest.mark.parametrize(("value", "text"), [({"a": [1, 2.5]}, '{"a":[1,2.5]}'), ("é😀", '"é😀"'), ("é\ud83d", '"\\u00e9\\ud83d"')])
def test_as_it_is_written(value: Json, text: str) -> None:
    assert written(value) == text


@pytest.mark.parametrize(("text", "value"), [
    ("", {}), (" \n", {}), ("{}", {}), ('{"a": 1}', {"a": 1}), ("[1]", "[1]"), ("7", "7"), ("null", "null"), ('{"a', '{"a'),
])
def test_arguments_of_a_call(text: str, value: Json) -> None:
    assert arguments(text) == value


@given(VALUES)
def test_what_is_written_reads_back(value: Json) -> None:
    assert value_of(written(value).encode()) == value
