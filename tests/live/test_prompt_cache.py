"""A running proxy follows the provider's prompt cache: what is read, what that saves, and whose doing it is when it is not."""

from __future__ import annotations

import hashlib
import json
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from headroom.demo.model import Model, Rules
from headroom.demo.serving import application
from headroom.http.asgi import ASGIApp
from headroom.options import load
from headroom.proxy.server import App
from headroom.settings import Settings

pytestmark = pytest.mark.live

Servers = Callable[[ASGIApp], str]

SYSTEM = "You look after the orders of a small shop. " * 120
KNOWN, UNKNOWN = "claude-sonnet-4-6", "scripted-1"


def log(turn: int) -> str:
    return "\n".join(
        f"2026-11-{turn + 1:02d}T12:{i // 60:02d}:{i % 60:02d}Z INFO [worker-{i % 4}] request id={i * 7919 + turn:09d} path=/api/items/{i % 9} status=200"
        for i in range(150)
    )


def request(turns: int, *, model: str = KNOWN, system: str = SYSTEM, go: str = "go") -> Any:
    """An agent's request after so many tool calls; all of it is to be cached."""
    messages: list[Any] = [{"role": "user", "content": go}]
    for n in range(turns):
        messages += [
            {"role": "assistant", "content": [{"type": "tool_use", "id": f"t{n}", "name": "Bash", "input": {"command": f"journalctl -n {n}"}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": f"t{n}", "content": log(n)}]},
        ]
    if turns:
        messages[-1]["content"][0]["cache_control"] = {"type": "ephemeral"}
    tools = [{"name": "Bash", "description": "Runs a command.", "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}}}]
    blocks = [{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}]
    return {"model": model, "max_tokens": 100, "system": blocks, "tools": tools, "messages": messages}


def proxy(upstream: str, *options: str) -> App:
    return App(load(Settings, ["--quiet", "--state=memory:", f"--anthropic-api-url={upstream}", *options], {}).settings, {})


def ask(url: str, *bodies: Any) -> None:
    for body in bodies:
        fields = {"content-type": "application/json", "x-api-key": "sk-planted"}
        with urllib.request.urlopen(urllib.request.Request(f"{url}/v1/messages", json.dumps(body).encode(), fields)) as answer:
            assert answer.status == 200
            answer.read()


def figures(url: str) -> Any:
    with urllib.request.urlopen(f"{url}/stats") as answer:
        return json.loads(answer.read())["prefix_cache"]


def exposed(url: str, name: str) -> Sequence[str]:
    with urllib.request.urlopen(f"{url}/metrics") as answer:
        return [line for line in answer.read().decode().splitlines() if line.startswith(name + "{")]


@pytest.fixture
def model() -> Model:
    return Model({}, Rules(bound=False))


def test_what_is_appended_to_is_read_from_the_cache_more_and_more(servers: Servers, model: Model) -> None:
    url = servers(proxy(servers(application(model))))
    rates = []
    for turns in range(6):
        ask(url, request(turns))
        rates.append(figures(url)["hit_rate"])
    found = figures(url)
    assert rates == sorted(set(rates))
    assert (found["answers"], found["busts"], found["bust_tokens"]) == ({"first": 1, "hit": 5}, 0, 0)
    assert found["saved_usd"] == pytest.approx(found["read_tokens"] * (3.0 - 0.3) / 1e6, abs=1e-6)
    assert found["unpriced_read_tokens"] == 0
    assert not exposed(url, "headroom_cache_busts_total")


def test_a_model_without_a_price_saves_no_dollars_that_we_know_of(servers: Servers, model: Model) -> None:
    url = servers(proxy(servers(application(model))))
    ask(url, *(request(turns, model=UNKNOWN) for turns in range(3)))
    found = figures(url)
    assert found["saved_usd"] == 0.0
    assert found["unpriced_read_tokens"] == found["read_tokens"] > 0


@pytest.mark.parametrize(("other", "cause"), [
    ({"system": SYSTEM.replace("small", "large")}, "client"), ({"model": UNKNOWN}, "first"), ({"go": "go on"}, "first"),
])
def test_what_the_client_changes_is_not_our_doing(servers: Servers, model: Model, other: dict[str, str], cause: str) -> None:
    url = servers(proxy(servers(application(model))))
    ask(url, request(2), request(3, **other))
    found = figures(url)
    assert found["busts"] == 0
    assert found["answers"] == {cause: 2} if cause == "first" else {"first": 1, cause: 1}


def test_forms_that_change_are_our_doing(servers: Servers, model: Model) -> None:
    """A proxy that passed all through is replaced by one that shortens, and no journal says how history was sent."""
    upstream = servers(application(model))
    before, after = proxy(upstream, "--no-optimize"), proxy(upstream)
    after.proxy.caching.guard = before.proxy.caching.guard
    first, second = servers(before), servers(after)
    ask(first, request(2), request(3))
    assert figures(first)["busts"] == 0
    ask(second, request(4), request(5))
    found = figures(second)
    assert found["answers"] == {"bust": 1, "hit": 1}
    lost = found["bust_tokens"]
    sent = [len(kept.body) // 4 for kept in model.requests]
    assert sent[1] / 3 < lost < sent[1]
    assert found["bust_usd"] == pytest.approx(lost * (3.75 - 0.3) / 1e6, abs=1e-6)
    who = 'provider="anthropic",model="claude-sonnet-4-6"'
    assert exposed(second, "headroom_cache_busts_total") == [f"headroom_cache_busts_total{{{who}}} 1"]
    assert exposed(second, "headroom_cache_bust_tokens_total") == [f"headroom_cache_bust_tokens_total{{{who}}} {lost}"]


def test_what_is_left_out_so_that_it_fits_is_meant_to_be_and_no_bust(servers: Servers, model: Model, tmp_path: Path) -> None:
    prices = tmp_path / "prices.json"
    prices.write_text(json.dumps({"models": {"small": {"input": 1, "output": 1, "read": 0.1, "window": 24_000, "max_output": 1_000, "cache_min": 1_000}}}), "utf-8")
    url = servers(proxy(servers(application(model)), f"--prices={prices}"))
    turns = [request(turns, model="small") for turns in range(16)]
    for turn in turns:
        for n, message in enumerate(turn["messages"][2::2]):
            message["content"][0]["content"] = " ".join(hashlib.sha256(b"%d/%d" % (n, i)).hexdigest() for i in range(40))
    ask(url, *turns)
    found = figures(url)
    assert (found["busts"], found["bust_tokens"]) == (0, 0)
    assert found["rewrites"] >= 1
    assert found["rewritten_tokens"] > 0
    assert found["answers"] == {"first": 1, "rewritten": found["rewrites"], "hit": 15 - found["rewrites"]}
