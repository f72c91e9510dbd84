"""The rows that a question names."""

from __future__ import annotations

import pytest

from headroom.compressors.tabular.asked import MOST, named
from headroom.conversation import Json

ROWS: list[Json] = [{"id": 1000 + i, "user": f"u{i}", "state": "shipped" if i % 2 else "paid", "city": "Quito" if i in (5, 90) else "Lima"} for i in range(200)]


@pytest.mark.parametrize(("query", "found"), [
    ("", []),
    ("what about the order?", []),
    ("which are shipped?", []),
    ("show u123", [123]),
    ("show U1200 or 12", []),
    ("1007 or id=1150?", [7, 150]),
    ("those from Quito", [5, 90]),
    ("state of u117 in quito", [117, 5, 90]),
])
def test_named(query: str, found: list[int]) -> None:
    assert named(ROWS, query) == found


def test_no_more_than_can_be_read() -> None:
    assert len(named([{"t": f"apple {i}" if i % 20 == 0 else "pear"} for i in range(1000)], "apple")) == MOST


def test_keys_name_rows() -> None:
    assert named([{"v": i} for i in range(90)], "is lodash in it?", [f"pkg-{i}" if i != 33 else "lodash" for i in range(90)]) == [33]


def test_plain_values_are_rows_too() -> None:
    assert named([f"user-{i}@example.com" for i in range(500)], "is user-77 there?")[0] == 77
