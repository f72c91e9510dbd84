"""When a store that does not answer is asked again."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom.stores.breaker import FIRST, LONGEST, Breaker


@pytest.mark.parametrize(
    ("steps", "admitted"),
    [
        ("a a a", "yyy"),
        ("a f a", "yn"),
        ("f 0.4 a 0.2 a a", "nyn"),
        ("f 0.6 a f 0.9 a 0.2 a", "yny"),
        ("f 0.6 a s a", "yy"),
        ("f f f 0.6 a", "y"),
        ("f 0.6 a s f 0.4 a 0.2 a", "yny"),
    ],
)
def test_what_is_admitted(steps: str, admitted: str) -> None:
    """a: ask, f: a call failed, s: a call succeeded, a number: so many seconds pass."""
    breaker, now, told = Breaker(first=0.5), 0.0, ""
    for step in steps.split():
        if step == "a":
            told += "y" if breaker.admits(now) else "n"
        elif step == "f":
            breaker.failed(now)
        elif step == "s":
            breaker.succeeded()
        else:
            now += float(step)
    assert told == admitted


def test_opening_and_closing_are_told_once() -> None:
    breaker = Breaker()
    assert not breaker.succeeded()
    assert breaker.failed(0)
    assert not breaker.failed(0)
    assert breaker.open
    assert breaker.succeeded()
    assert not breaker.open


@given(st.lists(st.floats(0.001, 3), max_size=200))
def test_while_it_is_down_few_try_and_none_is_kept_out_for_long(pauses: list[float]) -> None:
    breaker, now, tries = Breaker(), 0.0, []
    breaker.failed(now)
    for pause in pauses:
        now += pause
        if breaker.admits(now):
            tries.append(now)
            breaker.failed(now)
    assert all(later - earlier >= FIRST for earlier, later in pairwise(tries))
    assert now - (tries[-1] if tries else 0.0) <= LONGEST + max(pauses, default=0)
