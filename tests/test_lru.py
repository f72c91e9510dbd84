from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headroom.lru import LRU


def lru(max_bytes: int = 10, ttl: float = 5.0, max_entries: int | None = None) -> LRU[str, str]:
    return LRU(max_bytes, lambda key, value: len(value), ttl, max_entries)


def test_the_least_recently_used_goes_first() -> None:
    rows = lru()
    for key in "abc":
        rows.put(key, "xxx")
    assert rows.get("a") == "xxx"
    rows.put("d", "xxx")
    assert list(rows) == ["c", "a", "d"]
    assert rows.bytes == 9


def test_time_to_live_slides_with_each_read() -> None:
    rows = lru()
    rows.put("a", "x", now=0)
    assert rows.get("a", now=4) == "x"
    assert rows.get("a", now=8) == "x"
    assert rows.get("a", now=14) is None
    assert (len(rows), rows.bytes) == (0, 0)


def test_expire_drops_what_nobody_read() -> None:
    rows = lru()
    rows.put("a", "x", now=0)
    rows.put("b", "x", now=4)
    rows.expire(now=6)
    assert list(rows) == ["b"]


def test_what_is_larger_than_the_budget_is_not_kept() -> None:
    rows = lru()
    rows.put("a", "x")
    rows.put("a", "x" * 11)
    assert (len(rows), rows.bytes) == (0, 0)


def test_entries_have_a_limit_too() -> None:
    rows = lru(max_entries=2)
    for key in "abc":
        rows.put(key, "x")
    assert list(rows) == ["b", "c"]
    rows.clear()
    assert (len(rows), rows.bytes) == (0, 0)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.text(max_size=12)), max_size=60))
def test_the_budget_holds_whatever_is_put(puts: list[tuple[str, str]]) -> None:
    rows = lru()
    for key, value in puts:
        rows.put(key, value)
        assert rows.bytes == sum(len(rows.get(k) or "") for k in list(rows)) <= 10


def test_time_to_live_can_count_from_the_writing() -> None:
    rows: LRU[str, str] = LRU(10, lambda key, value: len(value), 5.0, slides=False)
    rows.put("a", "x", now=0)
    rows.put("b", "x", now=3)
    assert rows.get("a", now=4) == "x"
    assert rows.get("a", now=6) is None
    rows.put("c", "x", now=7)
    assert rows.get("b", now=8) == "x"
    rows.expire(now=9)
    assert list(rows) == ["c"], "b stands behind c, which was read later, and is older"
