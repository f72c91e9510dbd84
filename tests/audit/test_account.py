from __future__ import annotations

import json
from dataclasses import replace

import pytest

from headroom.audit.account import as_json, break_even, saved, text, worst_first
from headroom.audit.bill import Bill, Scale
from headroom.audit.replay import Outcome, Way
from headroom.audit.tally import Row, Tally, total

DIRECT = Bill(2, 0, 1000, 500, 50, 2.0, 0.5)
TALLY = Tally({"Bash": Row(3, 900, 400, 0.25)}, {"logs": Row(2, 800, 300, 0.25)}, {"short": Row(1, 100, 100)}, {}, 2000, 700)


def outcome(name: str, usd: float) -> Outcome:
    way = Way(replace(DIRECT, input_usd=usd, written=200), 90, 100, TALLY)
    return Outcome(name, "Codex", 1, {"m-1": "2026-10-01", "m-2": None}, Scale(1.2, 4000, True), DIRECT, DIRECT, {"lossless": way})


FOUND = [outcome("good/one", 1.0), outcome("bad/two", 2.4), outcome("fair/three", 1.5)]


def test_the_worst_session_comes_first_and_a_loss_is_shown() -> None:
    assert [o.name for o in worst_first(FOUND, "lossless")] == ["bad/two", "fair/three", "good/one"]
    rows = text(FOUND, ("lossless",), 2).splitlines()
    assert "-16.0 %" in next(row for row in rows if row.startswith("bad/two"))
    assert "… and 1 that save more" in rows


def test_the_text_says_what_is_estimated_and_what_is_not_known() -> None:
    told = text(FOUND, ("lossless",), 20)
    for part in ("direct, estimated", "billed, as reported", "prefix kept, lossless: 90.0 %", "No price is known of m-2",
                 "Prices hold since 2026-10-01.", "4,000 to 4,000 tokens", "3 lines or files could not be read", "nothing was sent anywhere"):
        assert part in told


@pytest.mark.parametrize(("fetching", "expected"), [(0.0, None), (0.5, 1.0), (1.0, 0.5), (2.0, 0.25)])
def test_up_to_which_share_of_fetched_originals_views_pay(fetching: float, expected: float | None) -> None:
    one = outcome("a/b", 1.0)
    lossy = replace(one.ways["lossless"], bill=replace(DIRECT, input_usd=0.5), views=4, fetching=Bill(1, input_usd=fetching))
    both = replace(one, ways={**one.ways, "lossy": lossy})
    assert break_even([both]) == expected
    told = text([both], ("lossless", "lossy"), 5)
    assert "none of the 4 originals again" in told
    assert ("Cheaper than lossless up to" in told) is (expected is not None)


def test_a_warning_stands_at_the_end() -> None:
    assert text(FOUND, ("lossless",), 20, "prices are old").endswith("\nNote: prices are old.\n")


def test_without_a_price_tokens_are_compared() -> None:
    assert saved(Bill(1, 100), Bill(1, 75)) == 0.25
    assert saved(Bill(), Bill()) == 0.0


def test_machines_get_the_same() -> None:
    value = json.loads(json.dumps(as_json(FOUND, ("lossless",))))
    assert value["direct"]["usd"] == 7.5
    assert value["modes"]["lossless"]["by_tool"]["Bash"] == {"parts": 9, "before": 2700, "after": 1200, "usd": 0.75}
    assert [session["name"] for session in value["sessions"]] == ["bad/two", "fair/three", "good/one"]
    assert value["unpriced_models"] == ["m-2"]


def test_tallies_add_up() -> None:
    summed = total([TALLY, TALLY])
    assert (summed.tools["Bash"], summed.sent) == (Row(6, 1800, 800, 0.5), 4000)
    assert TALLY.tools["Bash"] == Row(3, 900, 400, 0.25)
