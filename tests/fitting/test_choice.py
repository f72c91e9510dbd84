from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.dialects.ties import Ties
from headroom.dialects.turns import Call
from headroom.fitting.choice import NOTE, Budget, Fit, Policy, fit, most_cuts
from headroom.fitting.elements import Element
from headroom.fitting.scores import Order
from headroom.fitting.units import units
from tests.fitting.conversations import PLANS, ROUGH_PLANS, WRITERS, Exchange, Round, breaches, read

ORDERS = st.sampled_from(["scores", "position", "oldest"])


def agent(*sizes: int) -> list[Element]:
    """The user's wish, then rounds whose results have these sizes."""
    found = [Element(Ties(words=True), 100, "fix it")]
    for n, size in enumerate(sizes):
        found += (Element(Ties("assistant", (Call(f"{n}", "Read", None),), (f"{n}",)), 0), Element(Ties("tool", answered=(f"{n}",)), size))
    return found


@pytest.mark.parametrize(("tokens", "cuts"), [(0, 0), (1000, 0), (1001, 2), (1400, 2), (1401, 3), (5000, 11)])
def test_how_often_a_conversation_may_be_cut(tokens: int, cuts: int) -> None:
    assert most_cuts(tokens, Budget(1200, 200)) == cuts


@pytest.mark.parametrize(("sizes", "order", "dropped", "fits"), [
    pytest.param((400, 400), "scores", set(), True, id="fits"),
    pytest.param((400, 400, 400), "oldest", {1, 2, 3, 4}, True, id="down to the low-water mark"),
    pytest.param((400, 400, 400), "position", {1, 2, 3, 4}, True, id="by position"),
    pytest.param((500, 200, 1500), "oldest", {1, 2, 3, 4}, False, id="the last result alone is too long"),
    pytest.param((2000,), "oldest", set(), False, id="nothing may go"),
    pytest.param((10, 10, 1500), "oldest", set(), False, id="a note would weigh more"),
    pytest.param((130, 760, 200), "scores", {3, 4}, True, id="what need not go stays"),
])
def test_what_goes(sizes: tuple[int, ...], order: Order, dropped: set[int], fits: bool) -> None:
    found = fit(agent(*sizes), Budget(1200, 200), Policy(order, live=1))
    assert (set(found.dropped), found.fits) == (dropped, fits)


def test_words_go_only_when_the_rounds_between_them_are_gone() -> None:
    pair = [Element(Ties(words=True), 300), Element(Ties("assistant", words=True), 10)]
    oldest = fit([*agent(10), pair[1], *pair, *pair, *pair], Budget(900, 0), Policy("oldest", live=0))
    assert set(oldest.dropped) == {4, 5, 6, 7}
    stuck = replace(pair[0], ties=replace(pair[0].ties, fixed=True))
    assert set(fit([*agent(10), pair[1], stuck, pair[1], *pair, *pair], Budget(900, 0), Policy("oldest", live=0)).dropped) == {6, 7}


def test_folding_comes_first_and_may_be_enough() -> None:
    long = agent(400, 400, 400)
    found = fit(long, Budget(1200, 200), Policy(live=1, folds=lambda at, low: dict.fromkeys(range(at + 1), 50)))
    assert (set(found.folded), set(found.dropped)) == ({2, 4}, set())
    assert found.tokens == 100 + 50 + 50 + 400
    part = fit(long, Budget(1200, 200), Policy("oldest", live=1, folds=lambda at, low: {2: 300}))
    assert (set(part.folded), set(part.dropped)) == (set(), {1, 2, 3, 4})


def test_foreign_history_stays() -> None:
    found = fit(agent(300, 500, 300, 100), Budget(1200, 200), Policy("oldest", live=1, foreign=3))
    assert set(found.dropped) == {3, 4}


def test_what_does_not_fit_is_tried_again_later() -> None:
    found = fit(agent(1100, 100, 100, 100), Budget(1200, 200), Policy("oldest", live=1))
    assert [cut.at for cut in found.cuts] == [4]
    assert found.fits


BUDGETS = st.builds(Budget, st.integers(200, 8000), st.integers(0, 150), st.integers(0, 100), st.sampled_from([0.3, 0.6, 0.9]))


@pytest.mark.parametrize("name", WRITERS)
@settings(deadline=None, max_examples=40)
@given(plan=PLANS, budget=BUDGETS, order=ORDERS, live=st.integers(0, 4))
def test_what_is_left_is_legal_fits_or_says_so_and_keeps_what_is_safe(
    name: str, plan: list[Exchange], budget: Budget, order: Order, live: int,
) -> None:
    values = WRITERS[name](plan)
    known = read(name, values)
    found = fit(known, budget, Policy(order, live=live))
    assert not breaches(name, [value for i, value in enumerate(values) if i not in found.dropped])
    assert found.fits == (found.tokens <= budget.limit)
    assert len(found.cuts) <= most_cuts(budget.overhead + sum(each.tokens for each in known), budget)
    for cut in found.cuts:
        assert cut.after < cut.before
        before = units([each.ties for each in known[: cut.at + 1]], live=min(live, 1))
        assert cut.dropped.isdisjoint(i for unit in before[:1] + before[-1:] if unit.safe for i in unit.elements)
        if cut.after > budget.low_water:  # nothing more could have gone
            gone = frozenset().union(*(each.dropped for each in found.cuts if each.at <= cut.at))
            rest = [unit for unit in units([each.ties for each in known[: cut.at + 1]], gone, live=live) if not unit.safe]
            assert all((unit.exchange and unit.rounds) or sum(known[i].tokens for i in unit.elements) <= NOTE for unit in rest)
    kept = budget.overhead + sum(each.tokens for i, each in enumerate(known) if i not in found.dropped)
    assert kept <= found.tokens <= kept + NOTE * len(plan) * max(1, len(found.cuts))


@pytest.mark.parametrize("name", WRITERS)
@settings(deadline=None, max_examples=25)
@given(plan=ROUGH_PLANS, budget=BUDGETS, order=ORDERS, fold=st.booleans())
def test_every_later_turn_comes_to_the_same_cuts(name: str, plan: list[Exchange], budget: Budget, order: Order, fold: bool) -> None:
    values = WRITERS[name](plan)
    known = read(name, values)
    policy = Policy(order, {"Read": 0.3}, (lambda at, low: dict.fromkeys(range(0, at, 3), 10)) if fold else None, live=1)
    whole = fit(known, budget, policy)
    assert read(name, values[: len(values) // 2]) == known[: len(values) // 2]
    for end in range(0, len(values) + 1, 1 + len(values) // 8):
        part: Fit = fit(known[:end], budget, policy)
        assert part.cuts == tuple(cut for cut in whole.cuts if cut.at < end)
        assert fit(known, budget, policy, part.cuts) == whole


@pytest.mark.parametrize("name", WRITERS)
@settings(deadline=None, max_examples=40)
@given(plan=ROUGH_PLANS, budget=BUDGETS, order=ORDERS)
def test_a_conversation_that_breaks_a_rule_breaks_no_other(name: str, plan: list[Exchange], budget: Budget, order: Order) -> None:
    values = WRITERS[name](plan)
    found = fit(read(name, values), budget, Policy(order, live=1))
    left = [value for i, value in enumerate(values) if i not in found.dropped]
    assert len(breaches(name, left)) <= len(breaches(name, values))


def test_a_long_session_is_cut_seldom() -> None:
    values = WRITERS["anthropic"]([Exchange(tuple(Round((4000,)) for _ in range(200)))])
    known = read("anthropic", values)
    found = fit(known, Budget(60_000, 4_000))
    assert found.fits
    assert 3 <= len(found.cuts) <= most_cuts(sum(each.tokens for each in known), Budget(60_000, 4_000))
    assert all(cut.after <= Budget(60_000, 4_000).low_water for cut in found.cuts)
