from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.budget import (
    NAMED,
    OUTPUT,
    PERIODS,
    Asked,
    Period,
    Seen,
    Window,
    asked,
    charge,
    dollars,
    estimate,
    moment,
    named,
    nanos,
    resets_at,
    used,
    window,
)
from headroom.conversation import Usage
from headroom.prices import Model, Rates

UTC = timezone.utc
ZONES = [UTC, ZoneInfo("Europe/Berlin"), ZoneInfo("America/Sao_Paulo"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/Havana"),
         ZoneInfo("Pacific/Apia"), timezone(timedelta(hours=-11))]
BERLIN = ZoneInfo("Europe/Berlin")
MOMENTS = st.integers(1_200_000_000, 2_000_000_000).map(float)


def at(text: str, zone: ZoneInfo | timezone = BERLIN) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


@pytest.mark.parametrize(("period", "now", "slot", "resets"), [
    ("daily", "2026-11-21T00:00:00", date(2026, 11, 21).toordinal(), "2026-11-22T00:00:00"),
    ("daily", "2026-11-21T23:59:59", date(2026, 11, 21).toordinal(), "2026-11-22T00:00:00"),
    ("daily", "2026-03-29T12:00:00", date(2026, 3, 29).toordinal(), "2026-03-30T00:00:00"),  # 23 hours
    ("daily", "2026-10-25T12:00:00", date(2026, 10, 25).toordinal(), "2026-10-26T00:00:00"),  # 25 hours
    ("daily", "2026-12-31T12:00:00", date(2026, 12, 31).toordinal(), "2027-01-01T00:00:00"),
    ("monthly", "2026-11-30T23:59:59", 2026 * 12 + 10, "2026-12-01T00:00:00"),
    ("monthly", "2026-12-01T00:00:00", 2026 * 12 + 11, "2027-01-01T00:00:00"),
    ("monthly", "2028-02-29T10:00:00", 2028 * 12 + 1, "2028-03-01T00:00:00"),
])
def test_days_and_months_are_those_of_the_calendar(period: Period, now: str, slot: int, resets: str) -> None:
    assert window(period, at(now), BERLIN) == Window(slot, 1)
    assert resets_at(period, slot, None, BERLIN) == at(resets)


@pytest.mark.parametrize(("usd", "said"), [
    (0, "$0.00"), (20, "$20.00"), (0.5, "$0.50"), (1234.5678, "$1,234.57"), (0.001, "$0.0010"), (0.0255, "$0.0255"), (0.07, "$0.07"),
])
def test_no_amount_is_said_to_be_nothing(usd: float, said: str) -> None:
    assert dollars(usd) == said


def test_a_day_that_begins_at_one_begins_there() -> None:
    """Brazil put its clocks forward at midnight."""
    zone = ZoneInfo("America/Sao_Paulo")
    begins = resets_at("daily", date(2018, 11, 3).toordinal(), None, zone)
    assert datetime.fromtimestamp(begins, zone).isoformat() == "2018-11-04T01:00:00-02:00"


def test_an_hour_rolls() -> None:
    assert window("hourly", 7200.0 + 59.9, UTC) == Window(120, 60)
    assert resets_at("hourly", 120, 90, UTC) == 150 * 60
    assert resets_at("hourly", 120, None, UTC) == 180 * 60


@pytest.mark.parametrize(("ends", "words"), [
    ("2026-11-22T00:00:00", "at 00:00 CET on Sunday, 22 November (in 3 hours 20 minutes)"),
    ("2026-12-01T00:00:00", "at 00:00 CET on Tuesday, 1 December (in 9 days 3 hours)"),
    ("2026-11-21T20:40:01", "at 20:40 CET on Saturday, 21 November (in 1 minute)"),
    ("2026-11-21T20:39:00", "at 20:39 CET on Saturday, 21 November (in 1 minute)"),
    ("2026-11-21T22:40:00", "at 22:40 CET on Saturday, 21 November (in 2 hours)"),
])
def test_a_time_in_words(ends: str, words: str) -> None:
    assert moment(at(ends), at("2026-11-21T20:40:00"), BERLIN) == words


def test_the_machines_own_zone() -> None:
    now = at("2026-11-21T20:40:00")
    day = datetime.fromtimestamp(now).date()
    assert window("daily", now, None) == Window(day.toordinal(), 1)
    assert datetime.fromtimestamp(resets_at("daily", day.toordinal(), None, None)).date() == day + timedelta(days=1)
    assert moment(now + 60, now, None).endswith("(in 1 minute)")


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(PERIODS), MOMENTS, st.sampled_from(ZONES))
def test_a_period_ends_where_the_next_begins(period: Period, now: float, zone: timezone | ZoneInfo) -> None:
    current = window(period, now, zone)
    ends = resets_at(period, current.slot, None, zone)
    assert ends > now
    assert ends - now <= {"hourly": 3600, "daily": 50 * 3600, "monthly": 32 * 86400}[period]
    assert window(period, ends, zone).slot > current.slot
    if period != "hourly":
        assert window(period, ends - 1, zone).slot == current.slot


MODEL = Model("m", Rates(5, 25, 0.5, 6.25, 10), None, None, 200_000, 64_000, 0, False, False, 0.5, "", "2026-01-01")


@pytest.mark.parametrize(("body", "known", "expected"), [
    (b'{"max_tokens": 50}', 1000, Asked(1000, 50)),
    (b'{"max_completion_tokens":32000}', 1000, Asked(1000, OUTPUT)),
    (b'{"generationConfig":{"maxOutputTokens" : 7}}', 1, Asked(1, 7)),
    (b'{"max_output_tokens":9,"input":"say \\"max_tokens\\":3"}', 1, Asked(1, 9)),
    (b'{"max_tokens":3,"messages":[{"input":{"max_tokens":40}}]}', 1, Asked(1, 40)),  # which is which, only a parser knows
    (b'{"max_tokens":12345678901}', 1, Asked(1, OUTPUT)),
    (b"{}", 1, Asked(1, OUTPUT)),
    (b"x" * 400, 0, Asked(100, OUTPUT)),
])
def test_what_is_reserved(body: bytes, known: int, expected: Asked) -> None:
    assert asked(body, known) == expected


@pytest.mark.parametrize(("body", "names"), [
    (b'{"model":"a","messages":[]}', ["a"]),
    (b'{"model": "a", "model" : "b"}', ["a", "b"]),
    (b'{"messages":["x \\"model\\":\\"no\\""],"model":"a"}', ["a"]),
    (b'{"model":7,"model":""}', []),
    (b'{"model":"a",' * 20, ["a"] * NAMED),
    (b'{"model":7,' * 500 + b'{"model":"a"}', []),
    (b"\x1f\x8b", []),
    (b"", []),
])
def test_what_a_body_that_nobody_read_may_name(body: bytes, names: list[str]) -> None:
    assert named(body) == names


def test_nothing_larger_than_the_window_is_reserved() -> None:
    assert estimate(MODEL, Asked(10**9, 10**9)) == nanos(0.2 * 5 + 0.064 * 25)


def test_an_estimate_is_in_billionths_of_a_dollar() -> None:
    assert estimate(MODEL, Asked(100_000, 1000)) == nanos(0.525)
    assert Asked(3, 4).tokens == 7


SAID = Usage(100, 20, 1000, 50)


@pytest.mark.parametrize(("seen", "expected"), [
    (Seen(200, SAID, True, 30), SAID),
    (Seen(200, Usage(0, 0), True, 3), Usage(0, 0)),
    (Seen(200, Usage(0, 0, 0, 50, cache_write_long_tokens=50), True, 3), Usage(0, 0, 0, 50, cache_write_long_tokens=50)),
    (Seen(200, Usage(100, 1, 1000, 50), False, 300), Usage(100, 300, 1000, 50)),  # broke before it said how much
    (Seen(200, SAID, False, 5), SAID),
    (Seen(200, Usage(), True, 40), Usage(777, 40)),   # a chat stream without include_usage
    (Seen(200, Usage(), False, 0), Usage(777, 88)),   # an answer in one piece that broke
    (Seen(200, Usage(None, 4, 10), True, 0), Usage(None, 4, 10)),
    (Seen(429, SAID, True, 0), Usage()),
    (Seen(0, Usage(), False, 0), Usage(777, 0)),
])
def test_what_an_exchange_used(seen: Seen, expected: Usage) -> None:
    assert used(Asked(777, 88), seen) == expected


TIERED = replace(MODEL, tier_from=200_000, tier=Rates(10, 50, 1, 12.5, 20))
ROUNDS = Usage(300_000, 30, rounds=(Usage(150_000, 10), Usage(150_000, 20)))


@pytest.mark.parametrize(("seen", "long", "usd"), [
    (Seen(200, Usage(150_000, 30), True, 0), False, 0.75 + 0.00075),
    (Seen(200, Usage(300_000, 30), True, 0), False, 3.0 + 0.0015),
    (Seen(200, ROUNDS, True, 0), False, 1.5 + 0.00075),              # neither of the two reaches the tier
    (Seen(200, ROUNDS, False, 130), False, 1.5 + 0.00325),           # a hundred more than was said
    (Seen(200, Usage(0, 0, 0, 1000), True, 0), False, 0.00625),
    (Seen(200, Usage(0, 0, 0, 1000), True, 0), True, 0.01),
    (Seen(200, Usage(0, 0, 0, 1000, cache_write_long_tokens=0), True, 0), True, 0.00625),
    (Seen(200, Usage(0, 0, 0, 1000, cache_write_long_tokens=400), True, 0), False, 0.00775),
    (Seen(529, ROUNDS, True, 0), False, 0.0),
])
def test_what_an_exchange_cost(seen: Seen, long: bool, usd: float) -> None:
    assert charge(TIERED, Asked(7, 7), seen, long=long) == nanos(usd)
