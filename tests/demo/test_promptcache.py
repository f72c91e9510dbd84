"""The simulated cache reads what it wrote, as long as the prefix stands."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.demo.promptcache import Counts, PromptCache

BIG = [b"a" * 3000, b"b" * 3000, b"c" * 3000]


def test_a_growing_conversation_is_read_back() -> None:
    cache = PromptCache()
    assert cache.count(BIG, 3) == Counts(0, 0, 3 * 751)
    assert cache.count([*BIG, b"d" * 400], 4) == Counts(0, 3 * 751, 101)


def test_a_change_loses_everything_behind_it() -> None:
    cache = PromptCache()
    cache.count(BIG, 3)
    assert cache.count([BIG[0], b"x" * 3000, BIG[2]], 3) == Counts(0, 751, 2 * 751)


def test_what_stands_behind_the_last_mark_is_not_cached() -> None:
    cache = PromptCache()
    cache.count(BIG, 2)
    assert cache.count(BIG, 3) == Counts(0, 2 * 751, 751)
    assert PromptCache().count(BIG, 0) == Counts(3 * 751, 0, 0)


def test_short_prompts_are_not_cached() -> None:
    cache = PromptCache()
    cache.count([b"short"], 1)
    assert cache.count([b"short"], 1) == Counts(2, 0, 0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=3000)), st.integers(0, 10))
def test_the_total_does_not_depend_on_the_cache(blocks: list[bytes], cacheable: int) -> None:
    cache = PromptCache()
    assert cache.count(blocks, cacheable).total == cache.count(blocks, cacheable).total
