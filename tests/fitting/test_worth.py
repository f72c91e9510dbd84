from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.fitting.worth import (
    MARGIN,
    Rewrite,
    best,
    break_even,
    considered,
    cost,
    expected,
    gain,
    worth_it,
    write_of,
)
from headroom.prices import load


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
    pytest.param(replace(THIRD, turns=60), USUAL, None, True, id="with a margin"),
    pytest.param(replace(THIRD, turns=60), replace(USUAL, read=0.05), None, False, id="cheap reads"),
    pytest.param(replace(THIRD, turns=500, bound=True), USUAL, None, False, id="bound reasoning"),
    pytest.param(replace(THIRD, cached=0, bound=True), USUAL, None, False, id="bound reasoning on a cold cache"),
    pytest.param(replace(THIRD, cached=0), USUAL, None, True, id="cold: it has to be written again anyway"),
    pytest.param(replace(THIRD, before=10_000, cached=10_000), USUAL, None, True, id="cold behind the edit"),
    pytest.param(replace(THIRD, before=10_000, cached=110_000), USUAL, None, False, id="warm"),
    pytest.param(replace(THIRD, turns=100), None, None, False, id="unknown prices"),
    pytest.param(Rewrite(0, 70_000, cached=0, turns=100), USUAL, None, False, id="nothing removed"),
    pytest.param(Rewrite(1_000, 0), USUAL, None, True, id="nothing behind it"),
    pytest.param(replace(THIRD, turns=45), FREE_WRITES, None, True, id="writes cost what input costs"),
    pytest.param(replace(THIRD, turns=15), USUAL, DEAR, True, id="back below a price tier"),
    pytest.param(replace(THIRD, turns=2), USUAL, DEAR, False, id="a tier, but soon over"),
])
def test_what_is_worth_it(rewrite: Rewrite, rates: Rates | None, without: Rates | None, worth: bool) -> None:
    assert worth_it(rewrite, rates, without) is worth


MODELS = {model.name: model for model in load().models()}


@pytest.mark.parametrize(("model", "share", "turns"), [
    ("claude-sonnet-4-6", 0.2, 46), ("claude-sonnet-4-6", 0.5, 12), ("claude-opus-4-8", 0.5, 12),  # reads at 0.1, writes at 1.25
    ("gpt-6-sol", 0.5, 12), ("gpt-6.1-sol", 0.5, 24), ("gpt-5.5", 0.5, 9),  # 0.1; 0.05; 0.1, and writing costs what input does
    ("gemini-2.5-pro", 0.5, 9), ("gpt-5.5-pro", 0.5, 1),  # 0.1; no cache at all
    ("claude-opus-5-5", 0.5, 24), ("claude-fable-5-2", 0.5, 49),  # 0.05; 0.025
])
def test_turns_it_takes_at_real_prices_to_remove_a_share_of_what_is_cached(model: str, share: float, turns: int) -> None:
    rewrite = Rewrite(int(100_000 * share), int(100_000 * (1 - share)), cached=100_000)
    assert round(break_even(rewrite, MODELS[model].rates)) == turns


@pytest.mark.parametrize(("model", "turns", "worth"), [
    ("gemini-2.5-pro", 2, False), ("gemini-2.5-pro", 20, True), ("gemini-3.1-pro-preview", 20, True),
    ("gpt-6-sol", 2, False), ("gpt-6-sol", 20, True), ("gpt-6.1-sol", 20, False), ("gpt-6.1-sol", 35, True), ("gpt-5.5-pro", 1, True),
])
def test_whether_it_pays_to_stay_below_a_real_tier(model: str, turns: int, worth: bool) -> None:
    found = MODELS[model]
    assert found.tier_from is not None
    low = int(0.6 * found.tier_from)
    assert worth_it(Rewrite(found.tier_from - low, low, turns=turns), found.rates, found.tier) is worth


def test_writes_for_the_long_lifetime_make_it_dearer() -> None:
    rates = MODELS["claude-sonnet-4-6"].rates
    short = Rewrite(50_000, 50_000, cached=100_000)
    assert break_even(replace(short, long=True), rates) / break_even(short, rates) == pytest.approx((2.0 - 0.1) / (1.25 - 0.1), rel=0.1)
    assert (write_of(USUAL), write_of(USUAL, long=True), write_of(FREE_WRITES, long=True)) == (1.25, 2.0, 1.0)


@pytest.mark.parametrize(("rewrites", "rates", "found"), [
    pytest.param({}, USUAL, None, id="nothing to do"),
    pytest.param({3: THIRD}, USUAL, None, id="not worth it"),
    pytest.param({3: replace(THIRD, turns=40)}, None, None, id="unknown prices"),
    pytest.param({3: Rewrite(5_000, 95_000, turns=50), 9: Rewrite(4_000, 6_000, 90_000, turns=50)}, USUAL, 9, id="little behind it"),
    pytest.param({3: Rewrite(50_000, 20_000, 30_000, turns=50), 9: Rewrite(4_000, 6_000, 90_000, turns=50)}, USUAL, 3, id="much removed"),
    pytest.param({3: Rewrite(5_000, 9_000, cached=0), 9: Rewrite(4_000, 6_000, 4_000, cached=0)}, USUAL, 3, id="cold: all of it"),
    pytest.param({3: Rewrite(5_000, 9_000, cached=0, bound=True), 9: Rewrite(4_000, 6_000, 4_000, cached=0)}, USUAL, 9, id="behind bound reasoning"),
    pytest.param({3: Rewrite(5_000, 0), 9: Rewrite(5_000, 0)}, USUAL, 9, id="the same gain"),
])
def test_from_where_on_it_pays_most(rewrites: dict[int, Rewrite], rates: Rates | None, found: int | None) -> None:
    assert best(rewrites, rates) == found


def test_an_edit_is_thought_of_ever_more_seldom() -> None:
    assert [n for n in range(150) if considered(n)] == [8, 12, 18, 27, 40, 60, 90, 135]


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


@settings(deadline=None)
@given(tails=st.lists(st.tuples(st.integers(1, 20_000), st.integers(0, 20_000)), min_size=1, max_size=8), cached=st.none() | TOKENS, turns=st.integers(1, 60))
def test_what_pays_most_pays_and_nothing_pays_more(tails: list[tuple[int, int]], cached: int | None, turns: int) -> None:
    whole = sum(removed + kept for removed, kept in tails)
    rewrites: dict[int, Rewrite] = {}
    for i in range(len(tails)):
        removed, kept = (sum(each[n] for each in tails[i:]) for n in (0, 1))
        rewrites[i] = Rewrite(removed, kept, whole - removed - kept, cached, turns)
    net = {i: gain(each, USUAL) - MARGIN * cost(each, USUAL) for i, each in rewrites.items()}
    found = best(rewrites, USUAL)
    assert (found is None) is not any(worth_it(each, USUAL) for each in rewrites.values())
    if found is not None:
        assert worth_it(rewrites[found], USUAL)
        assert net[found] == max(net.values())
