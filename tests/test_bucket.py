from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.bucket import UNIT, Bucket, Rate, full, micros, refilled, take

RATES = st.builds(Rate, st.integers(1, 10**7), st.integers(1, 10**7))
TIMES = st.integers(0, 10**13)
SECOND = 1_000_000
SIXTY = Rate(60, 60)
"""One a second."""


@pytest.mark.parametrize(("held", "amount", "after", "granted", "left", "wait", "full_in"), [
    (60, 1, 0, True, 59, 0.0, 1.0),
    (0, 1, 0, False, 0, 1.0, 60.0),
    (0, 1, SECOND // 2, False, 0, 0.5, 59.5),
    (0, 1, SECOND - 1, False, 0, 1e-6, 59.000001),  # never a moment too early
    (0, 1, SECOND, True, 0, 0.0, 60.0),
    (0, 60, 3600 * SECOND, True, 0, 0.0, 60.0),
    (60, 100, 0, True, 0, 0.0, 60.0),    # more than fits takes all there is
    (59, 100, 0, False, 59, 1.0, 1.0),
    (60, 0, 0, True, 60, 0.0, 0.0),
    (-30, 1, 0, False, 0, 31.0, 90.0),
])
def test_take(held: int, amount: int, after: int, granted: bool, left: int, wait: float, full_in: float) -> None:
    _, taken = take(Bucket(held * UNIT, 0), SIXTY, amount, after)
    assert (taken.granted, taken.left, taken.wait, taken.full_in) == (granted, left, wait, full_in)


@pytest.mark.parametrize(("held", "amount", "level"), [(10, 100, -90), (10, -20, 30), (50, -20, 60), (-90, 5, -95)])
def test_what_is_owed_is_taken_in_any_case_and_what_is_given_back_never_overflows(held: int, amount: int, level: int) -> None:
    bucket, taken = take(Bucket(held * UNIT, 0), SIXTY, amount, 0, owe=True)
    assert taken.granted
    assert bucket.level == level * UNIT


def test_times_are_kept_in_microseconds() -> None:
    assert micros(1.5) == 1_500_000


@settings(deadline=None, max_examples=100)
@given(RATES, st.integers(-10**6, 10**7), st.lists(TIMES, min_size=1, max_size=20))
def test_many_small_refills_are_one_large_one(rate: Rate, held: int, times: list[int]) -> None:
    start = Bucket(min(held, rate.burst) * UNIT, 0)
    bucket = start
    for now in sorted(times):
        bucket = refilled(bucket, rate, now)
    assert bucket == refilled(start, rate, max(times))


@settings(deadline=None, max_examples=200)
@given(RATES, st.lists(st.tuples(st.integers(-10**8, 10**8), st.integers(0, 10**7)), max_size=40))
def test_no_more_passes_than_flows_in_and_was_there(rate: Rate, moves: list[tuple[int, int]]) -> None:
    """Also with a clock that jumps: only its moves forward count."""
    now = flowed = passed = 0
    bucket = full(rate, now)
    for move, amount in moves:
        now += move
        flowed += max(move, 0) * rate.per_minute
        bucket, taken = take(bucket, rate, amount, now)
        passed += min(amount, rate.burst) if taken.granted else 0
        assert passed * UNIT <= rate.burst * UNIT + flowed


@settings(deadline=None, max_examples=100)
@given(RATES, st.integers(-10**6, 10**7), TIMES, st.integers(0, 10**13))
def test_a_clock_that_goes_back_grants_nothing(rate: Rate, held: int, now: int, back: int) -> None:
    bucket = Bucket(min(held, rate.burst) * UNIT, now)
    assert refilled(bucket, rate, now - back).level == bucket.level


@settings(deadline=None, max_examples=200)
@given(RATES, st.integers(-10**6, 10**7), st.integers(0, 10**7))
def test_the_wait_is_just_long_enough(rate: Rate, held: int, amount: int) -> None:
    bucket = Bucket(min(held, rate.burst) * UNIT, 0)
    _, refused = take(bucket, rate, amount, 0)
    wait = round(refused.wait * SECOND)
    assert take(bucket, rate, amount, wait)[1].granted
    assert wait == 0 or not take(bucket, rate, amount, wait - 1)[1].granted
