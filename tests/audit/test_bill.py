from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom import prices
from headroom.audit.bill import Bill, Scale, Seen, bill, reported, scale
from headroom.audit.cache import Tokens
from headroom.conversation import Usage
from headroom.prices import Model

TABLE = prices.load()


def model(name: str) -> Model:
    found = TABLE.find(name)
    assert found is not None
    return found


def test_what_is_read_written_and_charged_in_full_has_its_own_rate() -> None:
    opus = model("claude-opus-4-8")
    rates = opus.at(3_000_000)
    whole = bill(Tokens(1_000_000, 1_000_000, 1_000_000), 1_000_000, opus)
    assert whole.input_usd == pytest.approx(rates.input + rates.read + rates.write_short)
    assert whole.output_usd == pytest.approx(rates.output)
    assert bill(Tokens(0, 0, 1_000_000), 0, opus, hour=True).usd == pytest.approx(rates.write_long)


def test_a_provider_without_a_fee_for_writing_charges_input() -> None:
    gpt = model("gpt-5.5")
    assert bill(Tokens(0, 0, 100_000), 0, gpt).usd == pytest.approx(gpt.at(100_000).input / 10)


def test_a_long_request_is_charged_at_its_tier() -> None:
    gpt = model("gpt-5.5")
    assert gpt.tier is not None
    assert bill(Tokens(1_000_000, 0, 0), 0, gpt).usd == pytest.approx(gpt.tier.input)


def test_no_price_no_dollars() -> None:
    assert bill(Tokens(1, 2, 3), 4, None) == Bill(1, 1, 2, 3, 4, unpriced=1)
    assert reported(Usage(5, None, None, 7), None).input == 12


@pytest.mark.parametrize(("rows", "whole", "expected"), [
    ([], False, Scale(1.0, 0, False)),
    ([Seen(0, "gpt-5.5", None, 900)], False, Scale(1.0, 0, False)),
    ([Seen(0, "gpt-5.5", 9000, 2000)], False, Scale(1.0, 7000, False)),  # nothing grew, so the factor is the table's
    ([Seen(0, "m", 9000, 2000), Seen(0, "m", 10_200, 3000)], False, Scale(1.2, 6600, True)),
    ([Seen(0, "m", 9000, 2000), Seen(0, "m", 10_200, 3000)], True, Scale(1.2, 0, True)),
    ([Seen(0, "m", 9000, 2000), Seen(1, "m", 50_000, 2500), Seen(0, "m", 10_200, 3000)], False, Scale(1.2, 6600, True)),
    ([Seen(0, "m", 9000, 2000), Seen(0, "m", 3000, 1000), Seen(0, "m", 4200, 2000)], False, Scale(1.2, 6600, True)),
    ([Seen(0, "m", 0, 0), Seen(0, "m", 9000, 2000), Seen(0, "m", 99_000, 3000)], False, Scale(3.0, 3000, True)),
    ([Seen(0, "m", 100, 2000), Seen(0, "m", 1100, 3000)], False, Scale(1.0, 0, True)),
], ids=["none", "no usage", "one", "grown", "whole", "threads", "shrunk", "bounded", "more shown than sent"])
def test_what_a_files_own_usage_tells(rows: list[Seen], whole: bool, expected: Scale) -> None:
    found = scale(rows, whole=whole)
    assert found.factor == pytest.approx(expected.factor)
    assert (found.hidden, found.measured) == (expected.hidden, expected.measured)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.builds(Bill, *[st.integers(0, 9)] * 5, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))))
def test_bills_add_up(bills: list[Bill]) -> None:
    total = sum(bills, Bill())
    assert (total.input, total.usd) == (sum(b.input for b in bills), sum(b.usd for b in bills))
