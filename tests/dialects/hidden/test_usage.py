from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom.conversation import Json
from headroom.dialects.hidden.usage import of_all, with_sums
from tests.dialects.hidden.openai_chat_answers import usage, usage_of_all


@pytest.mark.parametrize(("last", "earlier", "expected"), [
    ({}, [], {}), ({"out": 2, "in": 9}, [{"out": 1, "in": 8}, {}], {"out": 3, "in": 9}),
    ({"out": None, "x": "y"}, [{"out": True}], {"out": None, "x": "y"}), ({"in": 1}, [{"out": 4}], {"in": 1, "out": 4}),
    ({"out": -1}, [{"out": 2}], {"out": 2}),
])
def test_summed(last: dict[str, Json], earlier: list[dict[str, Json]], expected: Json) -> None:
    assert with_sums(last, earlier, ("out",)) == expected


@given(st.lists(st.integers(0), min_size=1))
def test_all_rounds_count(counts: list[int]) -> None:
    *earlier, last = [{"out": count} for count in counts]
    assert with_sums(last, earlier, ["out"]) == {"out": sum(counts)}


@pytest.mark.parametrize(("last", "earlier", "expected"), [
    (None, [usage(1)], None), (7, [usage(1)], 7), (usage(2), [usage(1)], usage_of_all(2)), (usage(1), [{}], usage(1)),
    ({"completion_tokens_details": None}, [usage(1)], {"completion_tokens_details": None, "completion_tokens": 5}),
    ({"prompt_tokens": 3, "cost": 0.5}, [{"cost": 0.25}], {"prompt_tokens": 3, "cost": 0.5}),
])
def test_usage_of_all_rounds(last: Json, earlier: list[dict[str, Json]], expected: Json) -> None:
    assert of_all(last, earlier, "prompt_tokens", "completion_tokens") == expected
