"""A running proxy changes the past where that pays, and the bill at the provider, prompt cache and all, comes out lower for it."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from headroom.conversation import Usage
from headroom.demo.model import Model, Rules
from headroom.demo.serving import application
from headroom.http.asgi import ASGIApp
from headroom.prices import load
from tests.fitting.conversations import text
from tests.live.test_prompt_cache import figures, proxy

pytestmark = pytest.mark.live

Servers = Callable[[ASGIApp], str]

TURNS = 60
PRICES = {"models": {
    "flat": {"input": 3, "output": 15, "read": 0.3, "write_short": 3.75, "window": 1_000_000, "max_output": 1_000, "cache_min": 1_000, "binds": False},
    "binding": {"input": 3, "output": 15, "read": 0.3, "write_short": 3.75, "window": 1_000_000, "max_output": 1_000, "cache_min": 1_000, "binds": True},
    "tiered": {
        "input": 2, "output": 12, "read": 0.2, "write_short": 2.5, "window": 1_000_000, "max_output": 1_000, "cache_min": 1_000, "binds": False,
        "tier": {"from": 40_000, "input": 4, "output": 18, "read": 0.4, "write_short": 5},
    },
}}
TABLE = load(json.dumps(PRICES))
TOOLS = [{"name": "Read", "description": "Reads a file.", "input_schema": {"type": "object", "properties": {"file_path": {"type": "string"}}}}]


def request(turns: int, model: str, files: int) -> Any:
    """After so many reads, of so many files in turn, whose contents are others each time."""
    messages: list[Any] = [{"role": "user", "content": [{"type": "text", "text": "Tidy up."}]}]
    for n in range(turns):
        use = {"type": "tool_use", "id": f"t{n}", "name": "Read", "input": {"file_path": f"src/{n % files}.py"}}
        messages += [
            {"role": "assistant", "content": [use]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": f"t{n}", "content": text(1000 * n, 3000)}]},
        ]
    messages[-1]["content"][0]["cache_control"] = {"type": "ephemeral"}
    return {"model": model, "max_tokens": 100, "tools": TOOLS, "messages": messages}


def dollars(url: str, model: str, files: int, mode: str = "token") -> float:
    """What a session costs at the provider."""
    known, total = TABLE.find(model), 0.0
    assert known is not None
    for turns in range(TURNS):
        fields = {"content-type": "application/json", "x-api-key": "sk-planted", "x-headroom-mode": mode}
        with urllib.request.urlopen(urllib.request.Request(f"{url}/v1/messages", json.dumps(request(turns, model, files)).encode(), fields)) as answer:
            usage = json.loads(answer.read())["usage"]
        total += known.cost(Usage(usage["input_tokens"], 0, usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]))
    return total


@pytest.fixture
def prices(tmp_path: Path) -> str:
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(PRICES), "utf-8")
    return f"--prices={path}"


def breaks(model: Model) -> Sequence[int]:
    """Requests that do not begin with all of the one before."""
    sent = [_unmarked(json.loads(kept.body)["messages"]) for kept in model.requests]
    return [n for n in range(1, len(sent)) if sent[n][: len(sent[n - 1])] != sent[n - 1]]


def _unmarked(messages: Any) -> Any:
    """Marks for the cache move."""
    for message in messages:
        for block in message["content"] if isinstance(message["content"], list) else ():
            block.pop("cache_control", None)
    return messages


@pytest.mark.parametrize(("name", "mode", "files", "pays"), [
    pytest.param("flat", "token", 3, True, id="much had its day"),
    pytest.param("flat", "cache", 3, False, id="the cache is to be kept"),
    pytest.param("flat", "token", 100, False, id="nothing had its day"),
    pytest.param("binding", "token", 3, False, id="reasoning is bound"),
    pytest.param("tiered", "cache", 100, True, id="a price tier, whatever the mode"),
])
def test_the_past_is_changed_where_that_pays(servers: Servers, prices: str, name: str, mode: str, files: int, pays: bool) -> None:
    alone, behind = Model({}, Rules(bound=False)), Model({}, Rules(bound=False))
    direct = dollars(servers(application(alone)), name, files)
    url = servers(proxy(servers(application(behind)), prices))
    through = dollars(url, name, files, mode)
    found = figures(url)
    assert (found["busts"], found["bust_tokens"]) == (0, 0)
    assert found["rewrites"] == len(breaks(behind))
    assert len(breaks(behind)) <= 8  # as often as a conversation three times as long as its tier may be cut
    assert bool(breaks(behind)) is pays
    if pays:
        assert through < 0.9 * direct
    else:
        assert through < 1.02 * direct  # our tool's definition
