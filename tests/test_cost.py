from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.conversation import Edit, Report, Usage
from headroom.cost import cost
from headroom.prices import Model, Rates
from headroom.record import Cost, PromptCache, Record

RATES = Rates(input=10, output=50, read=1, write_short=12, write_long=20)
MODEL = Model("m", RATES, None, None, 200_000, 8000, 1024, binds=False, clears=False, batch=0.5, source="", effective_from="2026-01-01")
TIERED = replace(MODEL, tier_from=10_000, tier=Rates(20, 100, 2, 24, 40))
USD = 1_000_000_000


def edit(tool: str, before: int, after: int) -> Edit:
    return Edit("logs", tool, "", "", "lossy", before, after)


def record(
    usage: Usage, before: int = 0, after: int = 0, edits: tuple[Edit, ...] = (), cause: str = "", lost: int = 0, status: int = 200
) -> Record:
    report = Report(before, after, edits)
    return Record(
        ts=0.0, request_id="r", provider="anthropic", dialect="anthropic", model="m", path="/v1/messages", stream=False,
        status=status, report=report, tokens_before=before, tokens_after=after, usage=usage, overhead_ms=1.0,
        prompt_cache=PromptCache(cause=cause, lost=lost),
    )


PLAIN = Usage(1000, 100, 0, 0)
CACHED = Usage(0, 0, 9000, 1000)
NEW = (edit("Bash", 600, 100),)


@pytest.mark.parametrize(("told", "model", "expected"), [
    # spent: 1000 × $10/M + 100 × $50/M. All that was saved is new: at the price of input.
    (record(PLAIN, 1500, 1000, NEW), MODEL, Cost(15_000_000, 5_000_000, {"Bash": 5_000_000})),
    # New text is written to the cache: 500 tokens at $12/M.
    (record(CACHED, 1500, 1000, NEW, "hit"), MODEL, Cost(21_000_000, 6_000_000, {"Bash": 6_000_000})),
    # It was saved in turns sent before, which the provider reads: at a tenth.
    (record(CACHED, 1500, 1000, (), "hit"), MODEL, Cost(21_000_000, 500_000)),
    (record(CACHED, 1500, 1000, ()), MODEL, Cost(21_000_000, 500_000)),
    # Nothing was read, so what was sent before was paid anew, and so would have been what we left out of it.
    (record(Usage(1000, 0, 0, 0), 1500, 1000, (), "expired"), MODEL, Cost(10_000_000, 5_000_000)),
    # Half of the request was read.
    (record(Usage(500, 0, 500, 0), 1100, 1000, (), "client"), MODEL, Cost(5_500_000, 50 * 10_000 + 50 * 1000)),
    # Our change made the provider read 800 tokens anew, which costs more than we saved.
    (record(Usage(1000, 0, 0, 0), 1100, 1000, (), "bust", 800), MODEL, Cost(10_000_000, 100 * 1000 - 800 * 9000)),
    # Written for the long lifetime.
    (record(Usage(0, 0, 0, 1000, cache_write_long_tokens=1000), 1500, 1000, NEW), MODEL, Cost(20_000_000, 10_000_000, {"Bash": 10_000_000})),
    # A tool definition was added: a loss.
    (record(PLAIN, 1000, 1060, (edit("", 0, 60),)), MODEL, Cost(15_000_000, -600_000, {"": -600_000})),
    # Without us the whole request would have been in the higher tier: 10,100 × $20/M + 100 × $100/M.
    (record(Usage(9600, 100), 1500, 1000, NEW), TIERED, Cost(101_000_000, 212_000_000 - 101_000_000, {"Bash": 5_000_000})),
    # Two rounds, of which there would have been one: the first, with 500 tokens more.
    (record(Usage(3000, 20, rounds=(Usage(1000, 10), Usage(2000, 10))), 1500, 1000, NEW), MODEL,
     Cost(31_000_000, 15_500_000 - 31_000_000, {"Bash": 5_000_000})),
    # Answered from our own cache: nothing was spent.
    (replace(record(Usage(), 1500, 1000, NEW), cache="hit", spared=PLAIN), MODEL, Cost(0, 20_000_000)),
    (record(PLAIN, 1500, 1000, NEW), None, Cost(unpriced=True)),
    # Refused by the provider, or only counted: free.
    (record(Usage(), 1500, 1000, NEW, status=429), MODEL, Cost()),
    (replace(record(Usage(), 1500, 1000), path="/v1/messages/count_tokens"), MODEL, Cost()),
    # It did not say, or not to the end.
    (record(Usage(), 1500, 1000, NEW), MODEL, Cost(10_000_000, 5_000_000, {"Bash": 5_000_000}, estimated=True)),
    (replace(record(PLAIN, 1000, 1000), error="client left"), MODEL, Cost(15_000_000, estimated=True)),
    (replace(record(Usage(), 1500, 1000, NEW, status=0), overhead_ms=0.0), MODEL, Cost()),
    (replace(record(Usage(), 0, 0), dialect=""), MODEL, Cost()),
])
def test_what_an_exchange_cost(told: Record, model: Model | None, expected: Cost) -> None:
    assert cost(told, model) == expected


def test_edits_are_brought_to_the_measure_of_an_exact_count() -> None:
    told = replace(record(PLAIN, 1500, 1000, NEW), tokens_before=1000, tokens_after=600)  # 400 exact for 500 estimated
    assert cost(told, MODEL) == Cost(15_000_000, 4_000_000, {"Bash": 4_000_000})


counts = st.integers(0, 100_000)


@settings(deadline=None, max_examples=200)
@given(usage=st.builds(Usage, counts, counts, counts, counts), cause=st.sampled_from(["", "hit", "bust", "client", "expired"]), lost=counts)
def test_nothing_saved_and_nothing_lost_is_no_saving(usage: Usage, cause: str, lost: int) -> None:
    found = cost(record(usage, 1000, 1000, (), cause, lost if cause == "bust" else 0), MODEL)
    assert found.spent == round(MODEL.cost(usage) * USD)
    assert found.saved == 0 if cause != "bust" else found.saved <= 0


@settings(deadline=None, max_examples=200)
@given(usage=st.builds(Usage, counts, counts, counts, counts), saved=st.integers(0, 50_000), new=st.integers(0, 50_000), cause=st.sampled_from(["", "hit", "client"]))
def test_a_saved_token_is_worth_between_a_read_and_a_write(usage: Usage, saved: int, new: int, cause: str) -> None:
    edits = (edit("Bash", min(new, saved), 0),)
    found = cost(record(usage, 60_000 + saved, 60_000, edits, cause), MODEL)
    rounding = 2 * 12_000
    assert saved * 1000 - rounding <= found.saved <= saved * 12_000 + rounding
