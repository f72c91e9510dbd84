"""A layout is found from lines, says their padding as printf does, and fills it again."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.lines.layout import Column, Layout, by_stops, by_words, read

MOST = 0.8

PROCESSES = [
    "root          17  0.0 nginx: master process",
    "postgres     411  0.6 postgres -D pg",
    "root        1234 12.5 python3 -m http.server",
    "nobody        18  0.0 nginx: worker",
    "root           1  0.0 init",
]
SIZES = ["4.0K\tapp/a.py", "88K\tapp/models/b.py", "20K\tc.py", "112K\tapp", "4.0K\td"]
OBJECTS = ["100644 b0f9 0\ta.py", "100644 cd20 0\tb.py", "100755 9fa4 0\tc/d.py", "100644 6795 0\te f.py"]
CONTAINERS = [
    "93cf    shop/cart:1      6 hours ago   Up 3 days             5432/tcp",
    "86599   shop/gateway:2   6 hours ago   Up 6 days (healthy)   ",
    "9de57   shop/mail:1.1    9 days ago    Up 4 hours            0.0.0.0:80, :::80",
    "e85bd   shop/cart:1      3 days ago    Up 4 days             5432/tcp",
]
PADDED = [f"{name:<10} {size:>6} {kind:<12}" for name, size, kind in (("a", 1, "x"), ("bb", 20, "yyy zz"), ("c", 300, ""), ("dddd", 4, "w"), ("e", 5, "v"), ("f", 6, "u"))]


@pytest.mark.parametrize(("lines", "pattern"), [
    (PROCESSES, "%-8s %7s %4s %s"), (SIZES, "%s\t%s"), (OBJECTS, "%s %s %s\t%s"),
], ids=["left and right", "tabs", "single blanks"])
def test_words_tell_the_pattern(lines: list[str], pattern: str) -> None:
    layout = by_words(lines, MOST)
    assert layout is not None
    assert str(layout) == pattern
    assert read(pattern) == layout
    rows = layout.split(lines)
    assert layout.fill([row for row in rows if row]) == lines


def test_stops_tell_cells_of_several_words() -> None:
    layout = by_stops(CONTAINERS)
    assert layout is not None
    assert str(layout) == "%-7s %-16s %-13S %-21S %S"
    rows = layout.cut(CONTAINERS)
    assert rows[0] == ["93cf", "shop/cart:1", "6 hours ago", "Up 3 days", "5432/tcp"]
    assert layout.fill([row for row in rows if row]) == CONTAINERS


def test_the_last_column_may_be_padded_and_empty() -> None:
    layout = by_words(PADDED, MOST)
    assert layout is not None
    assert layout.columns[-1].width == 12
    rows = layout.split(PADDED)
    assert rows[2] == ["c", "300", ""]
    assert layout.fill([row for row in rows if row]) == PADDED


def test_a_wide_cell_takes_from_the_padding_behind_it() -> None:
    layout = read("%6s %5s %s")
    assert layout.fill([["1", "2", "x"], ["12345678", "3", "y"], ["1", "123456", "z"]]) == [
        "     1     2 x",
        "12345678   3 y",
        "     1 123456 z",
    ]


@pytest.mark.parametrize("lines", [[], [""], ["a", "b"], ["some words of prose", "that do not line up", "in any way"]], ids=str)
def test_no_table_has_no_layout(lines: list[str]) -> None:
    assert by_words(lines, MOST) is None
    assert by_stops(lines) is None


@pytest.mark.parametrize("pattern", ["", "no column", "%d", "%5", "%s %", "%-s", "%05s", "%s" * 41])
def test_what_is_no_pattern_of_ours_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="not a pattern"):
        read(pattern)


COLUMNS = st.builds(Column, st.text("a %|\t=", max_size=4), st.integers(0, 30), st.booleans(), st.booleans())


@settings(deadline=None, max_examples=200)
@given(st.lists(COLUMNS, min_size=1, max_size=5), st.text("a %", max_size=3), st.data())
def test_a_pattern_says_all_of_a_layout(columns: list[Column], after: str, data: st.DataObject) -> None:
    layout = Layout(tuple(columns), after)
    row = data.draw(st.lists(st.text("ab%", max_size=40), min_size=len(columns), max_size=len(columns)))
    assert read(str(layout)).fill([row]) == layout.fill([row])
