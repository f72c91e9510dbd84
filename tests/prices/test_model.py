"""Tiers and costs of one model."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.conversation import Usage
from headroom.prices import Model, Rates

RATES = Rates(input=2, output=10, read=0.2, write_short=2.5, write_long=4)
TIER = Rates(input=4, output=15, read=0.4, write_short=5, write_long=8)
MODEL = Model("m", RATES, 200_000, TIER, 1_000_000, 64_000, 1024, False, False, 0.5, "", "2026-01-01")
MILLION = 1_000_000


@pytest.mark.parametrize(("usage", "long", "dollars"), [
    (Usage(), False, 0),
    (Usage(100_000), False, 0.2),
    (Usage(None, 100_000), False, 1.0),
    (Usage(0, 0, 100_000), False, 0.02),
    (Usage(0, 0, 0, 100_000), False, 0.25),
    (Usage(0, 0, 0, 100_000), True, 0.4),
    (Usage(0, 0, 0, 100_000, cache_write_long_tokens=40_000), False, 0.6 * 0.25 + 0.4 * 0.4),
    (Usage(0, 0, 0, 100_000, cache_write_long_tokens=200_000), False, 0.4),
    (Usage(1000, 2000, 3000, 4000), False, 0.002 + 0.02 + 0.0006 + 0.01),
    (Usage(200_000, 1000), False, 0.41),           # up to the tier, it included
    (Usage(200_001, 1000), False, 0.815004),       # above it everything is dearer, the output too
    (Usage(1, 0, 150_000, 50_000), False, 0.000004 + 0.06 + 0.25),  # all input counts, however it is charged
])
def test_cost(usage: Usage, long: bool, dollars: float) -> None:
    assert MODEL.cost(usage, long=long) == pytest.approx(dollars)


@pytest.mark.parametrize(("tokens", "rates"), [(0, RATES), (200_000, RATES), (200_001, TIER)])
def test_tiers(tokens: int, rates: Rates) -> None:
    assert MODEL.at(tokens) is rates
    assert replace(MODEL, tier=None, tier_from=None).at(tokens) is RATES


counts = st.integers(0, 10**7)


@settings(deadline=None, max_examples=60)
@given(counts, counts, counts, counts)
def test_more_tokens_never_cost_less(fresh: int, out: int, read: int, written: int) -> None:
    usage = Usage(fresh, out, read, written)
    for more in (replace(usage, input_tokens=fresh + 1), replace(usage, output_tokens=out + 1),
                 replace(usage, cache_read_tokens=read + 1), replace(usage, cache_write_tokens=written + 1)):
        assert MODEL.cost(more) >= MODEL.cost(usage) >= 0
    assert MODEL.cost(usage, long=True) >= MODEL.cost(usage)
