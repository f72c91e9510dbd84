"""What a running proxy learns: counted when a request is done, asked for over HTTP, kept over a restart, nothing of it content."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headroom.ccr import MARKER
from tests.live.test_proxy import LOG, Running, provider, proxy, result

pytestmark = pytest.mark.live

__all__ = ["provider"]


def view(running: Running, day: int) -> str:
    """Send a long log of that day; answers the key of its original."""
    log = "\n".join(LOG.replace("2026-11-20T12:", f"2026-10-{day:02d}T{hour}:") for hour in range(10, 20))
    data = running.ask("POST", "/v1/messages", result(log))[2]
    marker = MARKER.match(json.loads(json.loads(data)["got"])["messages"][1]["content"][0]["content"])
    assert marker is not None
    return marker["key"]


def asked(running: Running) -> Any:
    status, _, data = running.ask("GET", "/v1/toin/patterns")
    assert status == 200
    return json.loads(data)


def test_what_is_asked_for_again_is_learned_and_survives_a_restart(provider: int, tmp_path: Path) -> None:
    with proxy(provider, tmp_path, "--no-ccr-inject-tool") as running:
        assert asked(running)["patterns"] == []
        for day in range(1, 7):
            running.ask("GET", f"/v1/retrieve/{view(running, day)}")
        running.ask("GET", f"/v1/retrieve/{view(running, 7)}?lines=3")
        (row,) = asked(running)["patterns"]
        assert (row["tool"], row["lossy"], row["whole"], row["lines"], row["policy"]) == ("Bash", 7, 6, 1, "whole")
        assert row["after"] < row["before"]
        assert json.loads(running.ask("GET", "/stats")[2])["toin"]["retrieved"] == 7
        assert json.loads(running.ask("GET", "/v1/toin/patterns", **{"x-api-key": "another"})[2])["patterns"] == []
    with proxy(provider, tmp_path) as running:
        assert asked(running)["patterns"] == [row]


def test_without_state_nothing_is_learned(provider: int, tmp_path: Path) -> None:
    with proxy(provider, tmp_path, "--no-ccr-inject-tool", "--stateless") as running:
        assert running.ask("GET", f"/v1/retrieve/{view(running, 1)}")[0] == 200
        assert asked(running) == {"enabled": False, "patterns": []}
        assert json.loads(running.ask("GET", "/stats")[2])["toin"] == {"enabled": False}
