from __future__ import annotations

import io
import json
import sys
import time
from pathlib import Path
from typing import Any

import anyio
import pytest

from headroom.budget import NANO, Period, window
from headroom.cli import dispatch
from headroom.cli.proxy import banner
from headroom.http import coding
from headroom.layers.budget import account
from headroom.settings import Settings
from headroom.stores import open_counters, open_store
from headroom.stores.counters import Cap


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """State with a budget a month, of which something is spent and something in flight, and one an hour."""
    url = f"sqlite:{tmp_path / 'state.db'}"

    async def fill() -> None:
        store = open_store(url, time.time)
        counters = open_counters(store, time.time)
        periods: list[Period] = ["monthly", "hourly"]
        for period in periods:
            now = window(period, time.time(), None)
            for id, amount in (("a", 1_250_000_000), ("b", 10_000_000)):
                assert (await counters.reserve(account(period), id, amount, Cap(now, 20 * NANO, 3600.0))).granted
            await counters.settle(account(period), {"a": 1_200_000_000}, now)
        await store.aclose()

    anyio.run(fill)
    return {"HEADROOM_STATE": url}


def run(environ: dict[str, str], *argv: str) -> tuple[int, str]:
    out = io.StringIO()
    return dispatch(["budget", *argv], environ, out), out.getvalue()


def told(environ: dict[str, str], *argv: str) -> list[dict[str, Any]]:
    code, text = run(environ, *argv, "--json")
    assert code == 0
    rows: list[dict[str, Any]] = json.loads(text)["budgets"]
    return rows


def test_every_budget_that_was_used_is_shown(environ: dict[str, str]) -> None:
    code, text = run(environ)
    assert code == 0
    hourly, monthly = text.splitlines()
    assert hourly.startswith("hourly: $1.2000 of $20.00 an hour spent, $0.0100 in flight, $18.8000 left; there is more at ")
    assert monthly.startswith("monthly: $1.2000 of $20.00 a month spent, $0.0100 in flight, $18.8000 left; begins anew at 00:00 ")


def test_for_machines(environ: dict[str, str]) -> None:
    assert [row["period"] for row in told(environ)] == ["hourly", "monthly"]
    (row,) = told(environ, "show", "--period", "monthly")
    assert row.pop("resets_at") > time.time()
    assert row == {"period": "monthly", "limit": 20.0, "spent": 1.2, "reserved": 0.01, "remaining": 18.8}


def test_reset_begins_anew_and_keeps_what_is_in_flight(environ: dict[str, str]) -> None:
    assert [row["spent"] for row in told(environ, "reset", "--period", "monthly")] == [0.0]
    assert [(row["spent"], row["reserved"]) for row in told(environ)] == [(1.2, 0.01), (0.0, 0.01)]


def test_no_budget_at_all(tmp_path: Path) -> None:
    environ = {"HEADROOM_STATE": f"sqlite:{tmp_path / 'state.db'}"}
    assert run(environ) == (0, "no budget was ever used on this state: headroom proxy --budget USD\n")
    assert told(environ) == []


def test_state_in_memory_is_the_proxys_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert run({"HEADROOM_STATE": "memory:"})[0] == 1
    assert "GET /stats" in capsys.readouterr().err


@pytest.mark.parametrize(("settings", "state", "row"), [
    (Settings(), "sqlite:x", "600 requests a minute for each credential"),
    (Settings(tpm=100_000, budget=10.0), "sqlite:x", "600 requests and 100,000 tokens a minute for each credential; $10.00 a day for all"),
    (Settings(no_rate_limit=True, budget=2.5, budget_period="hourly", workers=4), "sqlite:x", "$2.50 an hour for all"),
    (Settings(workers=4), "memory:", "600 requests a minute for each credential; each worker has its share, since in memory they cannot count together"),
    (Settings(no_rate_limit=True, workers=4), "memory:", "none"),
    (Settings(rpm=0), "memory:", "none"),
])
def test_the_banner_tells_of_limits(settings: Settings, state: str, row: str) -> None:
    assert f"\n  limits       {row}\n" in banner(settings, state, 1)


def test_the_banner_says_what_reads_codex(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "zstd" not in banner(Settings(), "sqlite:x", 1)
    monkeypatch.setattr(coding, "zstd", None)
    assert f"{sys.executable} -m pip install 'headroom[zstd]'" in banner(Settings(), "sqlite:x", 1)
