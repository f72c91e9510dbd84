from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom.conversation import Json
from headroom.dialects.hidden.usage import with_sums


@pytest.mark.parametrize(("last", "earlier", "usage"), [
    ({}, [], {}), ({"out": 2, "in": 9}, [{"out": 1, "in": 8}, {}], {"out": 3, "in": 9}),
    ({"out": None, "x": "y"}, [{"out": True}], {"out": None, "x": "y"}), ({"in": 1}, [{"out": 4}], {"in": 1, "out": 4}),
    ({"out": -1}, [{"out": 2}], {"out": 2}),
])
def test_summed(last: dict[str, Json], earlier: list[dict[str, Json]], usage: Json) -> None:
    assert with_sums(last, earlier, ("out",)) == usage


@given(st.lists(st.integers(0), min_size=1))
def test_all_rounds_count(counts: list[int]) -> None:
    *earlier, last = [{"out": count} for count in counts]
    assert with_sums(last, earlier, ["out"]) == {"out": sum(counts)}
