"""Tables are found among other lines, one below the other, and give their lines back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.lines.tables import MIN_ROWS, tables

COUNTS = [f"{i * 37:>7} src/{name}.py" for i, name in enumerate("abcdefghijkl", 1)]
SIZES = [f"{name:<12} {i * 1000:>8} {i % 3} {name}-{i}" for i, name in enumerate(("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"))]
CASES = {
    "one": (COUNTS, [(0, 12)]),
    "after a blank line": (["a word", "", *COUNTS], [(2, 14)]),
    "two, apart": ([*COUNTS, "", *SIZES], [(0, 12), (13, 21)]),
    "too short": (COUNTS[: MIN_ROWS - 1], []),
    "prose": (["no table", "but words that do not line up", "in lines", "of", "many different lengths", "as people write"] * 3, []),
    "nothing": ([], []),
    "blank lines": ([""] * 50, []),
}


@pytest.mark.parametrize(("lines", "expected"), CASES.values(), ids=CASES)
def test_tables_are_where_they_are(lines: list[str], expected: list[tuple[int, int]]) -> None:
    assert [(table.start, table.end) for table in tables(lines)] == expected


def test_one_below_the_other_is_told_apart() -> None:
    lines = [*SIZES, *COUNTS, *SIZES]
    found = list(tables(lines))
    assert len(found) >= 2
    assert sum(sum(1 for row in table.rows if row) for table in found) > 0.7 * len(lines)


LINE = st.one_of(st.sampled_from(COUNTS + SIZES), st.lists(st.sampled_from(["a", "12", "", "x/y", "=b"]), max_size=5).map(" ".join))


@settings(deadline=None, max_examples=150)
@given(st.lists(LINE, max_size=40))
def test_rows_give_their_lines_back(lines: list[str]) -> None:
    last = 0
    for table in tables(lines):
        assert last <= table.start < table.end <= len(lines)
        assert len(table.rows) == table.end - table.start >= MIN_ROWS
        rows = [row for row in table.rows if row]
        assert table.layout.fill(rows) == [line for line, row in zip(lines[table.start : table.end], table.rows, strict=True) if row]
        last = table.end
