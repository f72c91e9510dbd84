"""The bundled table, what an override changes, what litellm fills, and what stays unknown."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.errors import SettingsError
from headroom.prices import WINDOW, Prices, Rates, filled, load

BUNDLED = load()
NAMES = [model.name for model in BUNDLED.models()]


def over(models: dict[str, Any], **more: Any) -> Prices:
    return load(json.dumps({"models": models, **more}))


@pytest.mark.parametrize(("name", "found"), [
    ("claude-opus-5-5", "claude-opus-5-5"),
    ("claude-opus-5-5-20260901", "claude-opus-5-5"),
    ("claude-opus-5-5-20260901[1m]", "claude-opus-5-5"),
    ("anthropic/claude-opus-5", "claude-opus-5"),
    ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "claude-haiku-4-5"),
    ("models/gemini-3.8-flash", "gemini-3.8-flash"),
    ("gemini/gemini-2.5-pro", "gemini-2.5-pro"),
    ("gpt-5-2025-08-07", "gpt-5"),
    ("gpt-5-mini-2025-08-07", "gpt-5-mini"),
    ("gpt-5-codex", "gpt-5-codex"),
    # Never another model's price.
    ("gpt-5-maxi", None), ("gpt-5.9", None), ("gpt", None), ("claude-opus", None), ("claude-opus-5-5-fast", None),
    ("claude-opus-5-6", None), ("gemini-2.5-pro-preview-tts", None), ("ft:gpt-4o:acme::x", None), ("opus", None), ("", None),
    ("x" * 10_000, None), ("claude-opus-5" + "[1m]" * 1000, None),
])
def test_find(name: str, found: str | None) -> None:
    model = BUNDLED.find(name)
    assert (model and model.name) == found
    assert BUNDLED.find(name) is model


def test_the_bundled_table_is_complete_and_sane() -> None:
    assert len(NAMES) == len(set(NAMES)) > 50
    for model in BUNDLED.models():
        assert BUNDLED.find(model.name) is model
        assert model.source
        assert model.effective_from <= BUNDLED.as_of
        assert 0 < model.batch <= 1
        assert 0 < model.cache_min <= 4096
        assert model.window >= WINDOW
        for rates in filter(None, (model.rates, model.tier)):
            assert 0 < rates.read <= rates.input <= rates.write_short <= rates.write_long
            assert rates.input < rates.output
        assert (model.tier is None) == (model.tier_from is None)
        assert model.tier is None or model.tier.input > model.rates.input
        assert model.clears == model.name.startswith("claude-")


@pytest.mark.parametrize(("name", "binds"), [
    ("claude-fable-5-2", True), ("claude-opus-5-5", True), ("claude-opus-5", False), ("claude-haiku-4-5", False),
    ("gpt-6.2-astra", True), ("gpt-6.1-sol", False), ("gemini-4-argon", False),
])
def test_whose_reasoning_is_bound(name: str, binds: bool) -> None:
    model = BUNDLED.find(name)
    assert model is not None
    assert model.binds is binds


def test_an_override_lies_over_the_table() -> None:
    prices = over({"claude-opus-5": {"input": 4}, "in-house": {"input": 1, "output": 2, "window": 50_000}})
    opus, bundled = prices.find("claude-opus-5-20260101"), BUNDLED.find("claude-opus-5")
    assert opus is not None
    assert bundled is not None
    assert opus.rates == Rates(4, 25, 0.5, 6.25, 10)
    assert (opus.window, opus.clears, opus.source) == (bundled.window, True, "an override")
    house = prices.find("vllm/in-house")
    assert house is not None
    assert house.window == 50_000
    assert prices.find("claude-sonnet-5") == BUNDLED.find("claude-sonnet-5")
    assert [model.name for model in prices.models()] == [*NAMES, "in-house"]


def test_an_override_under_a_resellers_name_is_for_that_name_only() -> None:
    prices = over({"eu.anthropic.claude-opus-5": {"input": 5.5}})
    here, there = prices.find("eu.anthropic.claude-opus-5"), prices.find("us.anthropic.claude-opus-5")
    assert here is not None
    assert there is not None
    assert (here.rates.input, here.rates.output, there.rates.input) == (5.5, 25, 5)


def test_later_rows_hold_from_their_day_on() -> None:
    prices = over({"claude-opus-5": [{"input": 4, "effective_from": "2030-01-01"}, {"input": 3, "effective_from": "2031-01-01"}]})

    def costs(day: date | None) -> float:
        model = (prices if day is None else prices.on(day)).find("claude-opus-5")
        assert model is not None
        return model.rates.input

    assert [costs(day) for day in (None, date(2029, 12, 31), date(2030, 1, 1), date(2030, 12, 31), date(2031, 1, 1))] == [5, 5, 4, 4, 3]
    assert costs(date(2020, 1, 1)) == 5  # the first row holds before its date too


@pytest.mark.parametrize(("text", "message"), [
    ("", "prices: not JSON"), ("{", "prices: not JSON"), ("[" * 100_000, "prices: "), ("[]", "prices: must be"), ("{}", "prices: must be"),
    ('{"models": []}', "prices: must be"), ('{"models": {}, "x": 1}', "prices: x is not a member"),
    ('{"models": {}, "as_of": "today"}', "prices: as_of: a date must be YYYY-MM-DD, not 'today'"),
    ('{"models": {"gpt-5": {"input": "a"}}}', "prices: gpt-5: input must be a number"),
    ('{"models": {"gpt-5": []}}', "prices: gpt-5: has no row"),
    ('{"models": {"gpt-5": ["a"]}}', "prices: gpt-5: must be an object, not 'a'"),
    ('{"models": {"new": {"output": 1}}}', "prices: new: input is missing"),
    ('{"models": {"new": {"input": NaN, "output": 1}}}', "prices: new: input must be a number"),
])
def test_a_wrong_override_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load(text)


@pytest.mark.parametrize(("days", "warns"), [(-400, False), (0, False), (90, False), (91, True), (1000, True)])
def test_stale(days: int, warns: bool) -> None:
    today = date.fromisoformat(BUNDLED.as_of) + timedelta(days)
    warning = BUNDLED.stale(today)
    assert (warning is not None) is warns
    assert warning is None or (f"{BUNDLED.as_of}, {days} days" in warning and "--prices" in warning)
    assert over({}, as_of=today.isoformat()).stale(today) is None  # newer by its own word; an older one makes nothing older


def test_litellm_fills_only_what_is_unknown() -> None:
    chat = {"mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06}
    prices = filled(BUNDLED, {
        "claude-opus-5": chat, "mistral-large": chat, "gemini/gemini-9": chat, "imagen": {"mode": "image_generation"}, "odd": 5,
    })
    assert prices.find("claude-opus-5") == BUNDLED.find("claude-opus-5")
    for name in ("mistral-large", "mistral/mistral-large", "models/gemini-9", "gemini-9"):
        model = prices.find(name)
        assert model is not None
        assert model.source == "litellm"
        assert model.rates.output == 2
    assert prices.find("imagen") is prices.find("odd") is prices.find("mistral-larger") is None
    assert prices.on(date(2030, 1, 1)).find("gemini-9") == prices.find("gemini-9")
    assert prices.models() == BUNDLED.models()


def dashed(name: str) -> str:
    return name.replace(".", "-")


@settings(deadline=None, max_examples=150)
@given(st.text(max_size=40), st.sampled_from(NAMES), st.sampled_from(["-mini", "-pro", "-fast", "x", "-1", ".1"]))
def test_no_name_gets_a_price_that_is_not_its_own(noise: str, name: str, suffix: str) -> None:
    longer = name + suffix
    found = BUNDLED.find(longer)
    assert found is None or dashed(found.name) == dashed(longer)  # 5.1 and 5-1 are one version
    found = BUNDLED.find(noise)
    assert found is None or found.name in noise.lower().replace(".", "-").strip() or found.name in noise.lower()


def test_the_table_is_read_only_when_asked_for() -> None:
    script = (
        "import json, sys; real = json.loads; calls = []; json.loads = lambda *a: (calls.append(1), real(*a))[1]\n"
        "from headroom import prices; assert not calls; prices.load(); assert len(calls) == 1"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
