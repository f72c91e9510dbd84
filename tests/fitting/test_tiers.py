from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.dialects.ties import Ties
from headroom.dialects.turns import Call
from headroom.fitting.choice import Budget, Cut, Policy, fit, most_cuts
from headroom.fitting.elements import Element
from headroom.fitting.tiers import Bounds, rewrite, steps, tier
from headroom.prices import Model, load
from tests.fitting.conversations import PLANS, WRITERS, Exchange, breaches, read

MODELS = {model.name: model for model in load().models()}
WIDE = Budget(1_000_000, 20_000)


def bounds(model: Model) -> Bounds:
    assert model.tier is not None
    assert model.tier_from is not None
    return Bounds(model.tier_from, model.rates, model.tier)


def agent(*sizes: int, words: int = 100) -> list[Element]:
    """The user's wish, then rounds whose results have these sizes."""
    found = [Element(Ties(words=True), words, "fix it")]
    for n, size in enumerate(sizes):
        found += (Element(Ties("assistant", (Call(f"{n}", "Read", None),), (f"{n}",)), 0), Element(Ties("tool", answered=(f"{n}",)), size))
    return found


def cuts(model: str, elements: Sequence[Element], window: Budget = WIDE) -> Sequence[Cut]:
    return fit(elements, window, Policy("oldest", tier=tier(bounds(MODELS[model]), window))).cuts


@pytest.mark.parametrize(("model", "rounds", "size", "cut"), [
    pytest.param("gemini-2.5-pro", 60, 4_000, True, id="Gemini, 200,000 tokens, twice as much"),
    pytest.param("gemini-2.5-pro", 40, 4_000, False, id="Gemini, not so long"),
    pytest.param("gemini-3.1-pro-preview", 60, 4_000, True, id="the next Gemini"),
    pytest.param("gpt-6-sol", 60, 4_000, False, id="OpenAI, 272,000 tokens: not so long"),
    pytest.param("gpt-6-sol", 80, 4_000, True, id="OpenAI, reads at 0.1"),
    pytest.param("gpt-6.1-sol", 80, 4_000, True, id="OpenAI, reads at 0.05, twice that above"),
    pytest.param("gpt-5.5-pro", 80, 4_000, True, id="without a cache"),
    pytest.param("claude-haiku-5-5", 30, 4_000, True, id="Anthropic, 100,000 tokens, five times as much"),
    pytest.param("gpt-6-sol", 5, 60_000, False, id="few turns to come"),
])
def test_what_is_cut_at_real_prices(model: str, rounds: int, size: int, cut: bool) -> None:
    found = cuts(model, agent(*[size] * rounds))
    assert bool(found) is cut
    limit = bounds(MODELS[model]).limit
    for each in found:
        assert each.before > limit
        assert each.after <= int(0.6 * limit)


@pytest.mark.parametrize("window", [Budget(150_000, 20_000), Budget(220_000, 20_000)])
def test_a_tier_beyond_the_window_is_none(window: Budget) -> None:
    assert tier(bounds(MODELS["gemini-2.5-pro"]), window) is None
    assert tier(None, WIDE) is None


def test_what_could_not_be_brought_below_is_not_cut_until_it_does_not_fit() -> None:
    stuck = agent(4_000, 4_000, *[4_000] * 300, words=195_000)
    found = cuts("gemini-2.5-pro", stuck, Budget(500_000, 20_000))
    assert found
    assert all(cut.before > 480_000 for cut in found)


def test_a_cut_that_leaves_little_room_has_few_turns_to_pay() -> None:
    budget, long = Budget(10_000, 0), agent(*[1_000] * 10)
    sizes = {i: each.tokens for i, each in enumerate(long)}
    low, high = (rewrite(long, (), Cut(20, {}, frozenset(range(1, 2 * n + 1)), 10_100, 10_100 - 1_000 * n), sizes, budget) for n in (5, 1))
    assert low is not None
    assert high is not None
    assert (low.removed, low.after, low.before, low.turns) == (5_000, 5_100, 0, 4)
    assert high.turns == 1
    assert rewrite(long, (), Cut(20, {}, frozenset(), 10_100, 10_100), sizes, budget) is None


def test_only_what_stands_before_the_first_edit_is_not_written_again() -> None:
    long = agent(*[1_000] * 10)
    sizes = {i: each.tokens for i, each in enumerate(long)}
    found = rewrite(long, (), Cut(20, {6: 100}, frozenset(), 10_150, 9_250), sizes, Budget(10_000, 0, 50))
    assert found is not None
    assert (found.removed, found.before, found.after) == (900, 50 + 100 + 2_000, 7_100)


def test_steps_are_answers_of_the_model_not_elements() -> None:
    call = Element(Ties("assistant"))
    assert [steps(each) for each in ([], agent(1, 1), [call, call, *agent(1), call])] == [0, 2, 3]


@pytest.mark.parametrize("name", WRITERS)
@settings(deadline=None, max_examples=25)
@given(plan=PLANS, low=st.integers(500, 4000), more=st.integers(1, 4000))
def test_every_later_turn_comes_to_the_same_cuts_and_their_number_is_bounded(
    name: str, plan: list[Exchange], low: int, more: int,
) -> None:
    cheap, dear = MODELS["gemini-2.5-pro"].rates, MODELS["gemini-2.5-pro"].tier
    assert dear is not None
    window = Budget(low + more, 0)
    values = WRITERS[name](plan)
    known = read(name, values)
    found = tier(Bounds(low, cheap, dear), window)
    assert found is not None
    policy = Policy(tier=found, live=1)
    whole = fit(known, window, policy)
    assert not breaches(name, [value for i, value in enumerate(values) if i not in whole.dropped])
    raw = sum(each.tokens for each in known)
    assert sum(cut.before > low for cut in whole.cuts) <= most_cuts(raw, found.budget) + most_cuts(raw, window)
    for end in range(0, len(values) + 1, 1 + len(values) // 8):
        part = fit(known[:end], window, policy)
        assert part.cuts == tuple(cut for cut in whole.cuts if cut.at < end)
        assert fit(known, window, policy, part.cuts) == whole
