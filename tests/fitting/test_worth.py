from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.fitting.worth import Rewrite, break_even, cost, expected, gain, worth_it


@dataclass(frozen=True, slots=True)
class Rates:
    input: float = 1.0
    read: float = 0.1
    write_short: float = 1.25
    write_long: float = 2.0


USUAL, FREE_WRITES, DEAR = Rates(), Rates(write_short=0.0, write_long=0.0), Rates(2.0, 0.2, 2.5, 4.0)
THIRD = Rewrite(removed=30_000, after=70_000)


@pytest.mark.parametrize(("read", "turns"), [(0.1, 27), (0.05, 56), (0.025, 114)])
def test_break_even_of_removing_30_of_100_thousand_tokens(read: float, turns: int) -> None:
    rates = replace(USUAL, read=read)
    assert round(break_even(THIRD, rates)) == turns
    assert gain(replace(THIRD, turns=turns - 2), rates) < 0 < gain(replace(THIRD, turns=turns + 1), rates)


@pytest.mark.parametrize(("rewrite", "rates", "without", "worth"), [
    pytest.param(replace(THIRD, turns=27), USUAL, None, False, id="as much as it costs is not enough"),
    pytest.param(replace(THIRD, turns=40), USUAL, None, True, id="with a margin"),
    pytest.param(replace(THIRD, turns=40), replace(USUAL, read=0.05), None, False, id="cheap reads"),
    pytest.param(replace(THIRD, turns=500, bound=True), USUAL, None, False, id="bound reasoning"),
    pytest.param(replace(THIRD, cached=0, bound=True), USUAL, None, False, id="bound reasoning on a cold cache"),
    pytest.param(replace(THIRD, cached=0), USUAL, None, True, id="cold: it has to be written again anyway"),
    pytest.param(replace(THIRD, before=10_000, cached=10_000), USUAL, None, True, id="cold behind the edit"),
    pytest.param(replace(THIRD, before=10_000, cached=110_000), USUAL, None, False, id="warm"),
    pytest.param(replace(THIRD, turns=100), None, None, False, id="unknown prices"),
    pytest.param(Rewrite(0, 70_000, cached=0, turns=100), USUAL, None, False, id="nothing removed"),
    pytest.param(Rewrite(1_000, 0), USUAL, None, True, id="nothing behind it"),
    pytest.param(replace(THIRD, turns=27), FREE_WRITES, None, True, id="writes cost what input costs"),
    pytest.param(replace(THIRD, turns=15), USUAL, DEAR, True, id="back below a price tier"),
    pytest.param(replace(THIRD, turns=2), USUAL, DEAR, False, id="a tier, but soon over"),
])
def test_what_is_worth_it(rewrite: Rewrite, rates: Rates | None, without: Rates | None, worth: bool) -> None:
    assert worth_it(rewrite, rates, without) is worth


@pytest.mark.parametrize(("turns", "more"), [(0, 1), (1, 1), (30, 30), (500, 50)])
def test_turns_to_come(turns: int, more: int) -> None:
    assert expected(turns) == more


def test_without_cheaper_reads_nothing_is_gained_later() -> None:
    assert break_even(THIRD, replace(USUAL, read=0.0)) == float("inf")


TOKENS = st.integers(0, 200_000)


@settings(deadline=None)
@given(removed=st.integers(1, 200_000), after=TOKENS, before=TOKENS, cached=st.none() | TOKENS, turns=st.integers(1, 100))
def test_more_turns_and_a_colder_cache_never_speak_against_it(
    removed: int, after: int, before: int, cached: int | None, turns: int,
) -> None:
    rewrite = Rewrite(removed, after, before, cached, turns)
    assert gain(replace(rewrite, turns=turns + 1), USUAL) >= gain(rewrite, USUAL)
    assert gain(replace(rewrite, cached=0), USUAL) >= gain(rewrite, USUAL) - 1e-6
    assert 0 <= cost(rewrite, USUAL) <= cost(replace(rewrite, cached=None), USUAL)
    assert worth_it(replace(rewrite, cached=0), USUAL)
