from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.conversation import Address, Json
from headroom.dialects.literals import literal, locate


@pytest.mark.parametrize(("source", "address", "found"), [
    ('"x"', (), '"x"'),
    (' {"a" : [ 1 , "b\\n" ] } ', ("a", 1), '"b\\n"'),
    ('{"é": "ü", "z": "😀"}', ("z",), '"😀"'),
    ('{"a":{"a":"deep"},"b":"x"}', ("a", "a"), '"deep"'),
    ('{"\\u0061":"spelled"}', ("a",), '"spelled"'),
    ('{"a":"\\ud800"}', ("a",), '"\\ud800"'),
    ('{"n":' + "9" * 5000 + ',"a":""}', ("a",), '""'),
])
def test_a_literal_is_found_where_it_stands(source: str, address: Address, found: str) -> None:
    [place] = locate(source.strip(), [address]).values()
    assert source.strip().encode()[place.start : place.end].decode() == found
    assert place.chars == len(json.loads(found))


@pytest.mark.parametrize("addresses", [
    [("a",)], [("a", 0)], [("b", "c")], [("b",)], [("l", 3)], [("l", -1)], [("l", "0")], [("l", 0, 0)], [()],
    [("missing",)], [("s", 0)], [("s",), ("s", 0)],
])
def test_what_is_no_string_is_refused(addresses: list[Address]) -> None:
    with pytest.raises(ValueError):
        locate('{"a":1,"b":{},"l":["x",null],"s":"t"}', addresses)


@pytest.mark.parametrize(("text", "raw"), [
    ('a"b\\\n\t\x00é😀', '"a\\"b\\\\\\n\\t\\u0000é😀"'),
    ("", '""'),
    ("é\ud800", '"\\u00e9\\ud800"'),
])
def test_how_a_text_is_written(text: str, raw: str) -> None:
    assert literal(text) == raw.encode()


VALUES: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


def strings(value: Json, at: Address = ()) -> dict[Address, str]:
    if isinstance(value, str):
        return {at: value}
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {where: text for step, inner in items for where, text in strings(inner, (*at, step)).items()}


@given(value=VALUES, ascii_only=st.booleans(), indent=st.sampled_from([None, 1]))
@settings(deadline=None, max_examples=150)
def test_every_string_of_any_value_is_found(value: Json, ascii_only: bool, indent: int | None) -> None:
    source = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    wanted = strings(value)
    if not wanted:
        return
    for at, place in locate(source, wanted.keys()).items():
        assert json.loads(source.encode()[place.start : place.end]) == wanted[at]
