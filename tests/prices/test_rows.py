"""Reading rows: ours say what is wrong with them, litellm's are taken as far as they go."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.errors import SettingsError
from headroom.prices import WINDOW, Rates
from headroom.prices.rows import from_litellm, row

DAY = "2026-01-01"
BASE = row("m", {
    "input": 2, "output": 10, "read": 0.2, "write_short": 2.5, "write_long": 4, "window": 1000, "max_output": 100, "cache_min": 512,
    "binds": False, "clears": True, "tier": {"from": 200, "input": 4, "output": 20}, "source": "a page",
}, None, DAY)


def test_what_a_row_does_not_say() -> None:
    model = row("m", {"input": 2, "output": 10}, None, DAY)
    assert model.rates == Rates(2, 10, 2, 2, 2)
    assert (model.window, model.tier, model.tier_from, model.binds, model.clears) == (WINDOW, None, None, True, False)
    assert (model.batch, model.effective_from) == (0.5, DAY)
    assert row("m", {"input": 2, "output": 10, "write_short": 3}, None, DAY).rates == Rates(2, 10, 2, 3, 3)


def test_a_row_over_another_changes_what_it_says() -> None:
    model = row("n", {"input": 1, "tier": {"input": 3}}, BASE, DAY)
    assert model.name == "n"
    assert model.rates == Rates(1, 10, 0.2, 2.5, 4)
    assert (model.tier_from, model.tier) == (200, Rates(3, 20, 4, 4, 4))
    assert (model.window, model.cache_min, model.binds, model.clears) == (1000, 512, False, True)
    flat = row("m", {"tier": None}, BASE, DAY)
    assert (flat.tier_from, flat.tier) == (None, None)
    assert flat.rates == BASE.rates


@pytest.mark.parametrize(("entry", "message"), [
    ([], r"prices: m: must be an object, not \[\]"),
    ({"output": 1}, "prices: m: input is missing"),
    ({"input": 1}, "prices: m: output is missing"),
    ({"input": "1", "output": 1}, "prices: m: input must be a number of at least 0, not '1'"),
    ({"input": True, "output": 1}, "prices: m: input must be a number"),
    ({"input": -1, "output": 1}, "prices: m: input must be a number"),
    ({"input": float("nan"), "output": 1}, "prices: m: input must be a number"),
    ({"input": float("inf"), "output": 1}, "prices: m: input must be a number"),
    ({"input": 1, "output": 1, "inptu": 1}, "prices: m: inptu is not a member; there are batch, binds,"),
    ({"input": 1, "output": 1, "window": 0}, "prices: m: window must be a whole number of at least 1, not 0"),
    ({"input": 1, "output": 1, "window": 1.5}, "prices: m: window must be a whole number"),
    ({"input": 1, "output": 1, "binds": 1}, "prices: m: binds must be true or false, not 1"),
    ({"input": 1, "output": 1, "batch": None}, "prices: m: batch must be a number"),
    ({"input": 1, "output": 1, "source": 1}, "prices: m: source must be a text"),
    ({"input": 1, "output": 1, "effective_from": "1.2.2026"}, "prices: m: a date must be YYYY-MM-DD, not '1.2.2026'"),
    ({"input": 1, "output": 1, "effective_from": "20260201"}, "prices: m: a date must be YYYY-MM-DD"),
    ({"input": 1, "output": 1, "tier": 5}, "prices: m: tier: must be an object"),
    ({"input": 1, "output": 1, "tier": {"input": 1, "output": 1}}, "prices: m: tier: from is missing"),
    ({"input": 1, "output": 1, "tier": {"from": 5, "input": 1}}, "prices: m: tier: output is missing"),
])
def test_wrong_rows_are_named(entry: Any, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        row("m", entry, None, DAY)


LITELLM: dict[str, Any] = {
    "mode": "chat", "litellm_provider": "anthropic", "input_cost_per_token": 1e-07, "output_cost_per_token": 5e-07,
    "cache_read_input_token_cost": 1e-08, "cache_creation_input_token_cost": 1.25e-07, "cache_creation_input_token_cost_above_1hr": 2e-07,
    "input_cost_per_token_batches": 5e-08, "input_cost_per_token_above_100k_tokens": 5e-07, "output_cost_per_token_above_100k_tokens": 2.5e-06,
    "cache_creation_input_token_cost_above_100k_tokens": 6.25e-07, "cache_creation_input_token_cost_above_1hr_above_100k_tokens": 1e-06,
    "cache_read_input_token_cost_above_100k_tokens": 5e-08, "input_cost_per_token_above_100k_tokens_batches": 2.5e-07,
    "max_input_tokens": 1000000, "max_output_tokens": 128000, "prompt_cache_min_tokens": 512, "supports_reasoning": True,
}


def test_a_row_of_litellm() -> None:
    model = from_litellm("x", LITELLM, DAY)
    assert model is not None
    assert model.rates == Rates(0.1, 0.5, 0.01, 0.125, 0.2)
    assert (model.tier_from, model.tier) == (100_000, Rates(0.5, 2.5, 0.05, 0.625, 1.0))
    assert (model.window, model.max_output, model.cache_min) == (1_000_000, 128_000, 512)
    assert (model.binds, model.clears, model.source) == (True, True, "litellm")


@pytest.mark.parametrize("change", [
    {"mode": "image_generation"}, {"input_cost_per_token": None}, {"output_cost_per_token": "0.1"}, {"input_cost_per_token": -1}, {"input_cost_per_token": True},
])
def test_rows_of_litellm_that_say_too_little(change: dict[str, Any]) -> None:
    assert from_litellm("x", {**LITELLM, **change}, DAY) is None


def test_a_bare_row_of_litellm() -> None:
    model = from_litellm("x", {"mode": "chat", "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6, "max_input_tokens": "many"}, DAY)
    assert model is not None
    assert model.rates == Rates(1, 2, 1, 1, 1)
    assert (model.window, model.cache_min, model.tier, model.binds) == (WINDOW, 0, None, False)


junk = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3), max_leaves=4)


@settings(deadline=None, max_examples=150)
@given(st.dictionaries(st.sampled_from([*LITELLM, "input_cost_per_token_above_9k_tokens"]), junk))
def test_no_row_of_litellm_raises(change: dict[str, Any]) -> None:
    for given_row in (change, {**LITELLM, **change}):
        model = from_litellm("x", given_row, DAY)
        assert model is None or (model.window > 0 and model.rates.input >= 0)


@settings(deadline=None, max_examples=150)
@given(st.dictionaries(st.sampled_from(["input", "output", "read", "tier", "window", "binds", "effective_from", "x"]), junk))
def test_a_row_of_ours_is_read_or_refused(entry: dict[str, Any]) -> None:
    message = ""
    try:
        row("m", entry, BASE, DAY)
    except SettingsError as error:
        message = error.message
    assert message == "" or message.startswith("prices: m: ")
