from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom.audit.blocks import Block
from headroom.audit.way import Running, common


def blocks(text: str) -> list[Block]:
    """A block a letter, ten bytes each."""
    return [Block(letter.encode(), 1, 10) for letter in text]


@pytest.mark.parametrize(("before", "now", "expected"), [
    ("", "abc", None), ("abc", "abc", None), ("abc", "abcd", None), ("abc", "abd", 2), ("abc", "ab", 2), ("abc", "xbc", 0),
])
def test_how_far_a_request_follows_the_last(before: str, now: str, expected: int | None) -> None:
    running = Running()
    running.follows(0, blocks(before))
    assert running.follows(0, blocks(now)) == expected


@pytest.mark.parametrize(("now", "owed", "reasons", "expected"), [
    ("abcd", None, (), (30, 30, 0)),      # appended to
    ("abXd", None, (), (20, 30, 0)),      # changed by mistake
    ("abXd", None, ("fit",), (20, 20, 10)),
    ("abX", 2, (), (20, 20, 0)),          # the client has changed the third
    ("aXX", 2, (), (10, 20, 0)),
])
def test_what_is_kept_of_what_was_sent(now: str, owed: int | None, reasons: tuple[str, ...], expected: tuple[int, int, int]) -> None:
    running = Running()
    running.keeps(0, blocks("abc"), None, ())
    running.keeps(0, blocks(now), owed, reasons)
    assert (running.kept, running.owed, running.rewritten) == expected
    assert running.rewrites == dict.fromkeys(reasons, 1)


def test_of_a_cut_thread_that_goes_back_nothing_is_said() -> None:
    running = Running()
    for now, owed, reasons in (("abcd", None, ()), ("ad", None, ("fit",)), ("ade", None, ()), ("aX", 3, ())):
        running.keeps(0, blocks(now), owed, reasons)
    assert (running.kept, running.owed, running.rewritten) == (30, 30, 30)


def test_threads_have_nothing_to_do_with_each_other() -> None:
    running = Running()
    running.keeps(0, blocks("abc"), None, ())
    running.keeps(1, blocks("xyz"), None, ())
    assert running.owed == 0


@given(st.text("ab", max_size=6), st.text("ab", max_size=6))
def test_what_two_begin_with_is_the_same_from_both_sides(one: str, other: str) -> None:
    n = common(blocks(one), blocks(other))
    assert n == common(blocks(other), blocks(one))
    assert one[:n] == other[:n]
    assert one[n : n + 1] != other[n : n + 1] or not one[n:]
