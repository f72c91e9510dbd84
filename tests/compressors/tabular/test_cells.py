"""A cell, a name and a prefix each have one reading."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom.compressors.tabular.cells import (
    KEY,
    MISSING,
    NAME,
    PREFIX,
    cell,
    cells,
    name,
    prefix,
    read_cell,
    read_name,
    read_prefix,
    read_rest,
    rests,
)
from headroom.compressors.tabular.layout import NUMBER
from headroom.conversation import Json


@pytest.mark.parametrize(("value", "text"), [
    ("plain", "plain"), ("two words", "two words"), ("007", "007"), ("1.2.3", "1.2.3"), ("a=b", "a=b"), (">", '">"'), ("", '""'),
    ("1", '"1"'), ("-1.5e3", '"-1.5e3"'), ("null", '"null"'), ("a,b", '"a,b"'), (" x", '" x"'), ("x ", '"x "'), ('"', r'"\""'),
    ("a\nb", r'"a\nb"'), ("[", '"["'), (None, "null"), (True, "true"), (1, "1"), (1.0, "1.0"), (NUMBER + "1e5", "1e5"),
    ([1, "a"], '[1,"a"]'), ({}, "{}"), (MISSING, ""),
])
def test_cells(value: Json, text: str) -> None:
    assert cell(value) == text
    assert read_cell(text + ",next", 0) == (value, len(text))
    assert read_cell("x," + text, 2) == (value, len(text) + 2)


TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
FREE = st.sampled_from(["(key)", "a.b", "~", "a~b)", "(", '"', ",", "\u2028", "1", "order 1", ">1"])


@given(st.lists(TEXT | FREE, min_size=1) | st.lists(st.integers(-(10**17) + 1, 10**18 - 1), min_size=1) | st.lists(st.none() | TEXT | st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_every_cell_reads_back(values: list[Json]) -> None:
    found = cells(values, set(map(type, values)))
    assert found == [cell(value) for value in values]
    for value, text in zip(values, found, strict=True):
        back, end = read_cell(f"{text},1", 0)
        assert (back, type(back), end) == (value, type(value), len(text))


@given(TEXT | FREE)
def test_what_follows_a_prefix_reads_back(text: str) -> None:
    shown, nothing = rests(["pre" + text, MISSING], 3)
    assert nothing == ""
    assert read_rest(shown + ",1", 0) == (text, len(shown))
    assert read_rest(",1", 0) == (MISSING, 0)


@given(st.lists(TEXT | FREE, min_size=1, max_size=3).map(tuple), st.sampled_from([",", "=1", "?", "(x~)", ""]))
def test_names_read_back(path: tuple[str, ...], behind: str) -> None:
    found = NAME.match(name(path) + behind)
    assert found is not None
    assert found[0] == name(path)
    assert read_name(found[0]) == path


def test_the_key_column_has_a_name_no_key_can_have() -> None:
    assert read_name(name(KEY)) == KEY
    assert name(("(key)",)) == '"(key)"'
    assert repr(MISSING) == "MISSING"


@given(TEXT | FREE, st.sampled_from(["~)", "~b)", ")"]))
def test_prefixes_read_back(text: str, behind: str) -> None:
    found = PREFIX.match(prefix(text) + behind)
    assert found is not None
    assert (found[0], read_prefix(found[0])) == (prefix(text), text)
