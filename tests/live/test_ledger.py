"""One account of it all: what the client saw, /stats, /metrics, the request log, the ledger and `headroom savings` agree."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.live.test_limits import PRICES, provider  # noqa: F401  # the scripted provider: the same usage each time
from tests.live.test_proxy import LOG, Running, proxy, result

pytestmark = pytest.mark.live

N = 24
SPENT = 0.15
"""US dollars for one answer of that provider at PRICES."""


def body(i: int, kind: str) -> Any:
    asked = result(f"{LOG}\nrun {i}")
    return {**asked, "model": "priced" if i % 6 else "unheard-of", "system": kind}


def send(running: Running, i: int) -> None:
    asked = body(i, ("plain", "stream", "fail", "break")[i % 4])
    fields = {"x-api-key": "sk-planted-secret", "user-agent": f"agent-{i % 2}/1.0", "x-headroom-project-id": "shop"}
    with closing(http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)) as connection:
        connection.request("POST", "/v1/messages", json.dumps(asked), fields)
        with closing(connection.getresponse()) as answer, suppress(http.client.HTTPException):  # some break, as they should
            answer.read()


def counted(text: str, name: str) -> float:
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith((f"{name}{{", f"{name} ")))


def saved_and_spent(lines: list[dict[str, Any]]) -> tuple[int, int, float, float]:
    dollars = [(line["cost_usd"], line["saved_usd"]) for line in lines if line["cost_usd"] is not None]
    return len(lines), sum(line["tokens_saved"] for line in lines), sum(s for s, _ in dollars), sum(s for _, s in dollars)


def savings(home: Path) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "headroom", "savings", "--json"], capture_output=True, text=True, check=True, env={**os.environ, "HOME": str(home)}, timeout=60,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("workers", [1, 2])
def test_every_figure_is_the_same_figure(provider: int, tmp_path: Path, workers: int) -> None:  # noqa: F811
    prices, log = tmp_path / "prices.json", tmp_path / "log.jsonl"
    prices.write_text(json.dumps(PRICES), "utf-8")
    with proxy(provider, tmp_path, "--prices", str(prices), "--log-file", str(log), "--workers", str(workers)) as running:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda i: send(running, i), range(N)))
        stats, text, periods = settled(running)
        os.kill(running.process.pid, signal.SIGTERM)
        assert running.process.wait(40) == 0
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    requests, saved_tokens, spent, saved = saved_and_spent(lines)
    assert requests == N
    assert saved_tokens > 0
    assert saved > 0
    whole = [line for line in lines if line["cost_usd"] and not line["error"]]
    assert {line["cost_usd"] for line in whole} == {SPENT}
    figures = [
        (stats["requests"]["total"], stats["tokens"]["saved"], stats["cost"]["spent_usd"], stats["cost"]["saved_usd"]),
        tuple(stats["persistent_savings"][name] for name in ("requests", "tokens_saved", "spent_usd", "saved_usd")),
        (counted(text, "headroom_requests_total"), counted(text, "headroom_tokens_saved_total") - counted(text, "headroom_tokens_lost_total"),
         counted(text, "headroom_cost_usd_total"),
         counted(text, "headroom_saved_usd_total") - counted(text, "headroom_loss_usd_total")),
        tuple(sum(row[name] for row in periods) for name in ("requests", "tokens_saved", "spent_usd", "saved_usd")),
    ]
    found = savings(tmp_path)
    for window in found["windows"]:
        figures.append(tuple(window[name] for name in ("requests", "tokens_saved", "spent_usd", "saved_usd")))
        for dimension in ("model", "project", "client", "tool"):
            rows_of = window[f"by_{dimension}"]
            assert sum(row["tokens_saved"] for row in rows_of) == saved_tokens
            assert round(sum(row["saved_usd"] for row in rows_of), 9) == round(saved, 9)
    for requests_, tokens, spent_, saved_ in figures:
        assert (requests_, tokens, round(spent_, 9), round(saved_, 9)) == (requests, saved_tokens, round(spent, 9), round(saved, 9))
    assert {row["name"] for row in found["windows"][0]["by_client"]} >= {"agent-0", "agent-1"}
    assert stats["cost"]["by_model"].keys() == {"priced"}
    unpriced = sum(line["cost_usd"] is None for line in lines)
    assert stats["cost"]["unpriced_requests"] == counted(text, "headroom_unpriced_requests_total") == unpriced == stats["persistent_savings"]["unpriced"] > 0
    assert "sk-planted-secret" not in (tmp_path / ".headroom" / "state-ledger.db").read_bytes().decode("latin-1")


def settled(running: Running) -> tuple[Any, str, Any]:
    """All figures, once the other workers have posted theirs, which they do four times a second. Each may be another worker's."""
    for _ in range(10_000):
        stats = json.loads(running.ask("GET", "/stats")[2])
        text = running.ask("GET", "/metrics")[2].decode()
        history = json.loads(running.ask("GET", "/stats-history?series=hourly")[2])["rows"]
        told = (stats["requests"]["total"], stats["persistent_savings"]["requests"], counted(text, "headroom_requests_total"))
        if {*told, sum(row["requests"] for row in history)} == {N}:
            break
    return stats, text, history


def test_the_account_survives_a_kill_and_goes_on(provider: int, tmp_path: Path) -> None:  # noqa: F811
    for turn in (1, 2, 3):
        with proxy(provider, tmp_path) as running:
            for i in range(4):
                assert running.ask("POST", "/v1/messages", body(i, "plain"))[0] == 200
            assert json.loads(running.ask("GET", "/stats")[2])["persistent_savings"]["requests"] == 4 * turn
            running.process.kill()
            running.process.wait()


def test_a_ledger_that_cannot_be_written_stops_no_request(provider: int, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / ".headroom" / "state-ledger.db").mkdir(parents=True)
    with proxy(provider, tmp_path) as running:
        for i in range(4):
            assert running.ask("POST", "/v1/messages", body(i, "plain"))[0] == 200
        stats = json.loads(running.ask("GET", "/stats")[2])
        assert stats["requests"]["total"] == 4
        assert "cannot be used" in stats["persistent_savings"]["error"]
        assert running.ask("GET", "/stats-history")[0] == 503
        assert running.ask("GET", "/readyz")[0] == 200


def test_stateless_writes_no_ledger(provider: int, tmp_path: Path) -> None:  # noqa: F811
    with proxy(provider, tmp_path, "--stateless") as running:
        assert running.ask("POST", "/v1/messages", body(1, "plain"))[0] == 200
        assert json.loads(running.ask("GET", "/stats")[2])["persistent_savings"]["requests"] == 1
        assert running.ask("GET", "/stats-history?format=csv")[0] == 200
    assert not (tmp_path / ".headroom").exists()
