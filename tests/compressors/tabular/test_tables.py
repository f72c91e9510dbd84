"""A table has one reading: the rows it was made from."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.tabular import reading, tables
from headroom.compressors.tabular.layout import encode
from headroom.conversation import Json

Row = dict[str, Json]

EXAMPLES: list[tuple[list[Row], list[str] | None, list[str]]] = [
    ([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}], None, ["a,b", "1,x", "2,y"]),
    ([{"a": 1, "b": "x"}, {"a": 2, "b": "x"}], None, ["a,b=x", "1", "2"]),
    ([{"a": 1}, {"a": None}, {"a": ""}, {"a": "1"}], None, ["a", "1", "null", '""', '"1"']),
    ([{"a": 1, "b": 2}, {"a": 3}, {"a": 4, "b": 5}], None, ["a,b", "1,2", "3", "4,5"]),
    ([{"p": "src/a.py"}, {"p": "src/b.py"}], None, ["p(src/~~.py)", "a", "b"]),
    ([{"n": 7, "u": "/x/7.json"}, {"n": 8, "u": "/x/8.json"}], None, ["n,u(/x/~n~.json)", "7", "8"]),
    ([{"a": {"b": 1, "c": 2}}, {"a": {"b": 3, "c": 4}}], None, ["a.b,a.c", "1,2", "3,4"]),
    ([{"a.b": 1}, {"a.b": 2}], None, ['"a.b"', "1", "2"]),
    ([{"a": 1}, {"a": 2}, {"a": 3}, {"a": 4, "z": 5}], None, ["a,z?", "1", "2", "3", "4,z=5"]),
    ([{"a": 1, "z": 0}, {"a": 2, "z": 1}, *({"a": i} for i in (3, 4, 5, 6, 7, 8))], None,
     ["a,z?", ">1: z", "1,0,>1", "2,1,>1", "3", "4", "5", "6", "7", "8"]),
    ([{"a": 1, "b": 2}, {"b": 3, "a": 4}], None, ["a,b", ">2: order 2 1", "1,2", "4,3,>2"]),
    ([{"a": 1}, {"a": 2}], ["x", "y"], ["(key),a", "x,1", "y,2"]),
    ([{}, {}, {"z": 1}, {}], None, ["z?", "", "", ",z=1", ""]),
]


@pytest.mark.parametrize(("rows", "keys", "lines"), EXAMPLES)
def test_tables(rows: list[Row], keys: list[str] | None, lines: list[str]) -> None:
    assert tables.encode(rows, keys) == lines
    back, taken = reading.decode([*lines, "what follows"], len(rows), keys is not None)
    assert taken == len(lines)
    assert encode(back) == encode(rows if keys is None else dict(zip(keys, rows, strict=True)))


def test_objects_that_are_too_wide_or_empty_make_no_table() -> None:
    assert tables.encode([{}, {}, {}], None) is None
    assert tables.encode([{str(i): i for i in range(1000)}] * 3, None) is None
    assert tables.encode([{f"{n}/{i}": i for i in range(100)} for n in range(9)], None) is None


@pytest.mark.parametrize("lines", [
    ["a", "1"], ["", "1", "2"], ["a(", "1", "2"], ["a(x", "1", "2"], ["a(x~b", "1", "2"], ["a,", "1", "2"], ["a b", "1", "2"],
    ["a", '"x"y', "2"], ["a", "1,2", "3"], ["a", "1,>7", "2"], ["a(~b)", "1", "2"], ["a,a.b", "1,2", "3,4"], ["a", '"', "2"],
])
def test_what_is_not_a_table_is_refused(lines: list[str]) -> None:
    with pytest.raises((ValueError, KeyError, IndexError)):
        reading.decode(lines, 2, keyed=False)


TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8)
WORDS = st.sampled_from(["", "a", "a.b", "(key)", "order", "x,y", "src/a/", "src/a/b", ">1", "~", "=", "-1", "null", '"', "é ", "\u2028"])
CELLS: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS | TEXT, inner, max_size=3), max_leaves=5,
)
ROWS = st.lists(st.dictionaries(WORDS, CELLS, max_size=6).flatmap(lambda d: st.permutations(list(d.items())).map(dict)), min_size=1, max_size=8)


@settings(max_examples=300, deadline=None)
@given(ROWS, st.booleans(), st.data())
def test_every_table_reads_back_as_its_rows(rows: list[Row], keyed: bool, data: st.DataObject) -> None:
    keys = data.draw(st.lists(TEXT | WORDS, min_size=len(rows), max_size=len(rows), unique=True)) if keyed else None
    lines = tables.encode(rows, keys)
    if lines is None:
        return
    back, taken = reading.decode(lines, len(rows), keyed)
    assert taken == len(lines)
    assert encode(back) == encode(rows if keys is None else dict(zip(keys, rows, strict=True)))


def test_messages_that_open_with_a_bracket_are_read_back() -> None:
    messages = [f"[instance: {i:x}] Claim of {i * 7} MB successful" for i in range(40)] + [f"took {i} ms for {i * 3} things" for i in range(40)]
    rows = [{"n": i, "message": message if i % 9 else f"[odd one {i}"} for i, message in enumerate(messages)]
    table = tables.encode(rows, None)
    assert table is not None
    assert encode(reading.decode(table, len(rows), False)[0]) == encode(rows)
