from __future__ import annotations

import json
from dataclasses import replace

import pytest

from headroom.audit.account import as_json, break_even, brought, saved, text, worst_first
from headroom.audit.bill import Bill, Scale
from headroom.audit.passage import Mode
from headroom.audit.replay import Outcome
from headroom.audit.tally import Row, Tally, total
from headroom.audit.way import Way

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
                 "Prices hold since 2026-10-01.", "4,000 to 4,000 tokens", "Could not be read: 3 lines or files.", "nothing was sent anywhere"):
        assert part in told


@pytest.mark.parametrize(("fetching", "beside", "expected"), [
    (0.0, "lossless", None), (0.5, "lossless", 1.0), (1.0, "lossless", 0.5), (2.0, "lossless", 0.25), (2.0, "direct", 0.75),
])
def test_up_to_which_share_of_fetched_originals_views_pay(fetching: float, beside: str, expected: float | None) -> None:
    one = outcome("a/b", 1.0)
    token = replace(one.ways["lossless"], bill=replace(DIRECT, input_usd=0.5), views=4, fetching=Bill(1, input_usd=fetching))
    modes: tuple[Mode, ...] = ("token", "lossless") if beside == "lossless" else ("token",)
    both = replace(one, ways={"token": token, **(one.ways if beside == "lossless" else {})})
    assert break_even([both], "token") == expected
    told = text([both], modes, 5)
    assert told.count("each output once") == 1
    assert f"each output once, {' and '.join(modes)}, estimated tokens:" in told
    assert "none of the 4 originals again" in told
    assert (f"Cheaper than {beside} up to" in told) is (expected is not None)


@pytest.mark.parametrize(("without", "told"), [
    (None, ""),
    (3.0, "past rewritten, token: 3 times (1 cold, 2 fit), 700 bytes sent anew; that saved $1.5000"),
    (1.0, "past rewritten, token: 3 times (1 cold, 2 fit), 700 bytes sent anew; that cost $0.5000"),
])
def test_what_rewriting_the_past_brought(without: float | None, told: str) -> None:
    one = outcome("a/b", 1.0)
    rewrites = {"fit": 2, "cold": 1} if without else {}
    bill = None if without is None else replace(DIRECT, input_usd=without - DIRECT.output_usd)
    way = replace(one.ways["lossless"], rewrites=rewrites, rewritten=700, unrewritten=bill, outgrown=0)
    found = [replace(one, ways={"token": way}, outgrown=5)]
    assert brought([way]) == (0.0 if without is None else without - 1.5)
    lines = text(found, ("token",), 5).splitlines()
    assert any(line.startswith("past rewritten") for line in lines) is bool(told)
    assert not told or told in lines
    assert "5 requests direct, which a provider refuses (0 token)" in "\n".join(lines)
    assert json.loads(json.dumps(as_json(found, ("token",))))["modes"]["token"]["rewrites"] == rewrites


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
