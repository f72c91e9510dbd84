from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headroom.memo import Memo


def test_what_is_read_survives_and_what_is_not_is_forgotten() -> None:
    memo: Memo[str, int] = Memo(8)
    memo.put("kept", 1, 2)
    memo.put("lost", 2, 2)
    memo.put("x", 3, 2)          # the young generation is full: it becomes the old one
    assert memo.get("kept") == 1  # promoted
    memo.put("y", 4, 4)
    assert memo.get("kept") == 1
    assert memo.get("lost") is None


def test_what_is_too_large_is_not_kept() -> None:
    memo: Memo[str, int] = Memo(8)
    memo.put("a", 1, 5)
    assert memo.get("a") is None
    assert len(memo) == 0


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5)), max_size=80))
def test_the_budget_holds_and_values_are_never_wrong(puts: list[tuple[int, int]]) -> None:
    memo: Memo[int, int] = Memo(10)
    for key, size in puts:
        memo.put(key, key * 7, size)
        assert memo.get(key) in (None, key * 7)
    assert sum(size for rows in (memo._young, memo._old) for _, size in rows.values()) <= 10


def test_items_are_those_of_both_generations_the_last_at_the_end() -> None:
    memo: Memo[str, int] = Memo(8)
    for number, name in enumerate("abcdea"):
        memo.put(name, number, 1)
    assert memo.items()[-2:] == [("e", 4), ("a", 5)]
    assert len(memo.items()) == len(memo)
