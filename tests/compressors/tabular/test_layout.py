"""Any JSON text in a usual layout is rebuilt from its value to the byte."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.tabular.layout import (
    MAX_DEPTH,
    NUMBER,
    Layout,
    decode,
    decode_at,
    encode,
    named,
    number,
    read,
)
from headroom.conversation import Json

LAYOUTS = [
    Layout(), Layout(spaced=True), Layout(indent=" "), Layout(indent="  "), Layout(indent="    "), Layout(indent="\t"),
    Layout(indent="  ", ascii=True), Layout(newline=True), Layout(indent="    ", ascii=True, newline=True), Layout(lines=True, newline=True),
]
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abé\n", max_size=3), inner, max_size=4), max_leaves=12,
)


def as_python_writes(value: Json, layout: Layout) -> str:
    separators = None if layout.indent or layout.spaced else (",", ":")
    text = json.dumps(value, indent=layout.indent, ensure_ascii=layout.ascii, separators=separators)
    return text + "\n" if layout.newline else text


@settings(deadline=None)
@given(VALUES, st.sampled_from([layout for layout in LAYOUTS if not layout.lines]))
def test_values_are_laid_out_as_the_standard_library_does(value: Json, layout: Layout) -> None:
    text = as_python_writes(value, layout)
    assert encode(decode(text), layout) == text


@given(st.lists(VALUES | st.dictionaries(st.text(max_size=2), st.integers(), max_size=2), max_size=4), st.sampled_from([x for x in LAYOUTS if not x.lines]))
def test_a_layout_is_seen_or_not_claimed(value: Json, layout: Layout) -> None:
    text = as_python_writes(value, layout)
    document = read(text)
    if document is not None and document.layout is not None:
        assert encode(document.value, document.layout) == text


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_layouts_have_names_that_read_back(layout: Layout) -> None:
    assert named(str(layout)) == layout


@pytest.mark.parametrize("name", ["", "indent 0", "indent 2, loudly", "compact, final newline, one value a line", "tabs"])
def test_other_names_are_refused(name: str) -> None:
    assert named(name) is None


@pytest.mark.parametrize("literal", ["0", "-1", "12345678901234567890", "-0", "1.5", "1.50", "1E3", "1e+3", "1e400"])
def test_literals(literal: str) -> None:
    assert encode([decode(f"[{literal}]")[0]]) == f"[{literal}]"
    assert decode(f"[{literal}]") == [number(literal)]


@pytest.mark.parametrize("text", ["", "[", "nul", '{"a":1,"a":1}', "[NaN]", "[-Infinity]", "[01]", "[" * 10_000, "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)])
def test_not_json(text: str) -> None:
    with pytest.raises(ValueError):
        decode(text)


def test_depth_is_counted_not_met_by_chance() -> None:
    assert decode("[" * MAX_DEPTH + "]" * MAX_DEPTH) is not None
    with pytest.raises(ValueError):
        decode_at("[" * 100_000, 0)


@pytest.mark.parametrize(("text", "layout"), [
    ('[{"a": 1}]', Layout(spaced=True)), ('[\n  {\n    "a": []\n  }\n]\n', Layout(indent="  ", newline=True)), ('{"a":1}\n{"b":2}', Layout(lines=True)),
    ('{"a": 1}\n{"b": 2}\n', Layout(spaced=True, lines=True, newline=True)), ('["\\u00e9"]', Layout(ascii=True)), ("[1 ]", None), ('["\\/"]', None),
])
def test_layouts_are_seen(text: str, layout: Layout | None) -> None:
    document = read(text)
    assert document is not None
    assert document.layout == layout


@pytest.mark.parametrize("text", ["", "1", '"x"', "[1", '["\\u0000"]', f'["{NUMBER}"]', '{"a":1}\n{"b": 2}', '{"a":1},{"b":2}\n{"c":3}'])
def test_other_texts_are_not_read(text: str) -> None:
    assert read(text) is None
