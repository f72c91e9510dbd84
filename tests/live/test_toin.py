"""What a running proxy learns: counted when a request is done, asked for over HTTP, kept over a restart, nothing of it content."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headroom import ccr
from headroom.ccr import MARKER
from headroom.demo.model import Model
from headroom.demo.script import Call, Step
from headroom.demo.serving import application
from headroom.dialects.hidden.base import NAME
from headroom.http.asgi import ASGIApp
from tests.live.sdks import agent
from tests.live.test_proxy import LOG, Running, provider, proxy, result

pytestmark = pytest.mark.live

__all__ = ["provider"]


def log_of(day: int) -> str:
    return "\n".join(LOG.replace("2026-11-20T12:", f"2026-10-{day:02d}T{hour}:") for hour in range(10, 20))


def sent(running: Running, *days: int) -> list[str]:
    """What becomes of the long logs of these days in one conversation."""
    body = result(log_of(days[0]))
    for day in days[1:]:
        body["messages"] += result(log_of(day))["messages"]
    got = json.loads(json.loads(running.ask("POST", "/v1/messages", body)[2])["got"])
    return [message["content"][0]["content"] for message in got["messages"][1::2]]


def is_view(text: str) -> bool:
    return MARKER.match(text) is not None


def view(running: Running, day: int) -> str:
    """Send a long log of that day; answers the key of its original."""
    (text,) = sent(running, day)
    marker = MARKER.match(text)
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


def test_what_is_missed_is_left_whole_in_the_next_conversation_and_in_no_other(provider: int, tmp_path: Path) -> None:
    with proxy(provider, tmp_path, "--no-ccr-inject-tool") as running:
        begun = sent(running, 1)
        for day in range(2, 8):
            running.ask("GET", f"/v1/retrieve/{view(running, day)}")
        (row,) = asked(running)["patterns"]
        assert (row["policy"], row["evidence"]) == ("whole", {"trials": 7, "asked": 6, "whole": 6})
        first, second = sent(running, 1, 20)  # the conversation had begun
        assert [first] == begun
        assert is_view(second)
        assert sent(running, 8) == [log_of(8)]
        running.ask("GET", "/v1/retrieve/" + view(running, 2) + "?by=person")
        (row,) = asked(running)["patterns"]
        assert (row["spared"], row["retrieved"], row["lossy"]) == (1, 6, 8)
    with proxy(provider, tmp_path, "--no-ccr-inject-tool") as running:
        assert sent(running, 8, 9) == [log_of(8), log_of(9)]
        assert sent(running, 1, 20, 21)[:2] == [first, second]
        assert sent(running, 10) == [log_of(10)]
        (row,) = asked(running)["patterns"]
        assert row["spared"] == 3
        headroom(tmp_path, "toin", "reset")
        assert asked(running)["patterns"] == []
        assert is_view(*sent(running, 11))
        assert sent(running, 8, 9, 12) == [log_of(8), log_of(9), log_of(12)]


def headroom(home: Path, *argv: str) -> None:
    environ = {**os.environ, "HOME": str(home)}
    subprocess.run([sys.executable, "-m", "headroom", *argv], env=environ, capture_output=True, check=True)


def script(day: int, *, asks: bool) -> tuple[Step, ...]:
    asking = (Step(calls=(Call(NAME, {"key": ccr.key_of(log_of(day))}),)),) if asks else ()
    return (Step(calls=(Call("Bash", {"command": "journalctl"}),)), *asking, Step(text="Done."))


def talk(url: str, day: int) -> None:
    """An agent's session, which ends when the model calls nothing more."""
    messages: list[Any] = [{"role": "user", "content": f"Look. [[script:day{day}]]"}]
    while True:
        body = {"model": "claude-opus-4-8", "max_tokens": 1000, "tools": [{"name": "Bash", "input_schema": {"type": "object"}}], "messages": messages}
        content = json.loads(post(url + "/v1/messages", body))["content"]
        called = [block["id"] for block in content if block["type"] == "tool_use"]
        if not called:
            return
        results = [{"type": "tool_result", "tool_use_id": each, "content": log_of(day)} for each in called]
        messages += [{"role": "assistant", "content": content}, {"role": "user", "content": results}]


def post(url: str, body: Any = None) -> bytes:
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json", "x-api-key": "k", "anthropic-version": "2023-06-01"}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers)) as answer:
        read: bytes = answer.read()
    return read


def test_a_model_that_asks_in_the_stream_need_not_ask_again(servers: Callable[[ASGIApp], str], tmp_path: Path) -> None:
    model = Model({f"day{day}": script(day, asks=day < 7) for day in range(1, 8)})
    url = servers(agent.proxy(servers(application(model)), f"--state=sqlite:{tmp_path}/state.db"))
    for day in range(1, 7):
        talk(url, day)
    (row,) = json.loads(post(url + "/v1/toin/patterns"))["patterns"]
    assert (row["tool"], row["lossy"], row["whole"], row["policy"]) == ("Bash", 6, 6, "whole")
    assert model.refused == []
    asked_before = len(model.requests)
    talk(url, 7)
    assert len(model.requests) == asked_before + 2
    assert json.dumps(log_of(7))[1:-1].encode() in model.requests[-1].body


def test_without_state_nothing_is_learned(provider: int, tmp_path: Path) -> None:
    with proxy(provider, tmp_path, "--no-ccr-inject-tool", "--stateless") as running:
        assert running.ask("GET", f"/v1/retrieve/{view(running, 1)}")[0] == 200
        assert asked(running) == {"enabled": False, "patterns": []}
        assert json.loads(running.ask("GET", "/stats")[2])["toin"] == {"enabled": False}
