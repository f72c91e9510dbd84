"""Transcripts that real clients leave, read back as the requests that they really sent; and those, replayed as a running proxy sends them on."""

from __future__ import annotations

import hashlib
import json
import os
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest

from headroom import dialects
from headroom.audit.cache import Tokens
from headroom.audit.finding import find
from headroom.audit.passage import MODES, Mode, Passage
from headroom.audit.recording import Recording, Request
from headroom.demo.model import Model, Rules
from headroom.demo.serving import application, serving
from headroom.dialects.document import Document
from headroom.http.asgi import ASGIApp
from headroom.options import load
from headroom.pipeline import standard
from headroom.pricefile import prices
from headroom.proxy.server import App
from headroom.settings import Settings
from tests.live import test_claude_code, test_codex
from tests.live.lab import CLAUDE_CODE, CODEX, alone, client
from tests.live.stage import threads

pytestmark = pytest.mark.live


def outputs(target: str, body: bytes) -> list[tuple[str, Any, str]]:
    """Every tool output of a request: tool, call, text."""
    dialect = dialects.find("POST", target)
    assert dialect is not None
    parts = dialect.read(Document.parse(body), target).parts
    return [(part.tool, part.call, part.text) for part in parts if part.role == "tool"]


def check(recording: Recording, sent: list[bytes]) -> None:
    rebuilt = [request.body for request in recording.requests()]
    assert [outputs(recording.target, body) for body in rebuilt] == [outputs(recording.target, body) for body in sent]
    assert outputs(recording.target, rebuilt[-1])
    models = {json.loads(body)["model"] for body in (*rebuilt, *sent)}
    assert len(models) == 1
    assert recording.broken == 0


def test_claude_code_transcripts(tmp_path: Path) -> None:
    desk = test_claude_code.Desk(tmp_path, client(os.environ, CLAUDE_CODE, "claude"))
    model = Model(test_claude_code.scripts(desk.place.work))

    async def story() -> None:
        async with serving(application(model)) as url:
            assert (await desk.ask(url, "main")).code == 0
            assert (await desk.ask(url, "more", "--continue")).code == 0

    alone(lambda: anyio.run(story))
    sent = threads(model.requests, "/v1/messages", test_claude_code.AGENT)
    found = sorted(find([desk.place.home / ".claude" / "projects"]), key=lambda recording: "subagents" in recording.name)
    assert len(found) == len(sent) == 2
    for recording, bodies in zip(found, sent, strict=True):
        assert recording.client == "Claude Code"
        check(recording, bodies)


def test_codex_rollouts(tmp_path: Path) -> None:
    desk = test_codex.Desk(tmp_path, client(os.environ, CODEX, "codex"))
    model = Model(test_codex.SCRIPTS)

    async def story() -> None:
        async with serving(application(model)) as url:
            assert (await desk.ask(url, "main")).code == 0
            assert (await desk.ask(url, "more", "resume", "--last")).code == 0

    alone(lambda: anyio.run(story))
    (sent,) = threads(model.requests, "/v1/responses")
    (recording,) = find([desk.place.home / ".codex" / "sessions"])
    assert recording.client == "Codex"
    check(recording, sent)


NAME, TARGET = "made-up-1", "/v1/messages"
ROW = {
    "input": 4, "output": 20, "read": 0.4, "write_short": 5, "write_long": 8, "window": 30_000, "max_output": 8000, "cache_min": 1024,
    "binds": False, "effective_from": "2026-11-21", "source": "made up",
}


def read_again(n: int) -> list[Any]:
    """One of two files, which are never the same again; now and then another."""
    text = "\n".join(f"{hashlib.sha256(f'{n} {line}'.encode()).hexdigest()} = {line}" for line in range(40))
    return [
        {"role": "assistant", "content": [{"type": "tool_use", "id": f"t{n}", "name": "Read", "input": {"file_path": f"src/m{n % 2 if n % 3 else n}.py"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": f"t{n}", "content": text}]},
    ]


def bodies(turns: int) -> Iterator[bytes]:
    """An agent's requests. For a while it does not ask for a cache, so the provider reports none."""
    messages: list[Any] = [{"role": "user", "content": "Tidy up."}]
    head = {"model": NAME, "max_tokens": 4000, "tools": [{"name": "Read", "description": "Read a file.", "input_schema": {"type": "object"}}]}
    for n in range(turns):
        messages += read_again(n)
        mark = {} if 8 <= n < 12 else {"cache_control": {"type": "ephemeral"}}
        last = {**messages[-1], "content": [{**messages[-1]["content"][0], **mark}]}
        yield json.dumps({**head, "messages": [*messages[:-1], last]}).encode()


def ask(url: str, body: bytes) -> Tokens:
    fields = {"content-type": "application/json", "x-api-key": "sk-planted"}
    with urllib.request.urlopen(urllib.request.Request(url + TARGET, body, fields)) as answer:
        usage = json.loads(answer.read())["usage"]
    return Tokens(usage["input_tokens"], usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"])


async def replayed(sent: Sequence[bytes], heard: Sequence[Tokens], table: Path, mode: Mode) -> tuple[list[bytes], set[str]]:
    dialect = dialects.find("POST", TARGET)
    assert dialect is not None
    recording = Recording("", "", TARGET, "messages", True, lambda: iter(()))
    passage = Passage(recording, dialect, standard(), prices(str(table)).find, mode).fitting(0)
    found: list[bytes] = []
    reasons: set[str] = set()
    for n, (body, tokens) in enumerate(zip(sent, heard, strict=True)):
        request = Request(0, float(n), NAME, body)
        prepared = await passage.send(request)
        await passage.heard(request, prepared, tokens)
        found.append(prepared.body)
        reasons.update(passage.reasons(prepared))
    return found, reasons


@pytest.mark.parametrize("mode", MODES)
def test_the_replay_sends_what_the_proxy_sends(servers: Callable[[ASGIApp], str], tmp_path: Path, mode: Mode) -> None:
    table = tmp_path / "prices.json"
    table.write_text(json.dumps({"models": {NAME: ROW}}), encoding="utf-8")
    model = Model({}, Rules(bound=False))
    options = ["--quiet", "--state=memory:", f"--mode={mode}", f"--prices={table}", f"--anthropic-api-url={servers(application(model))}"]
    url = servers(App(load(Settings, options, {}).settings, {}))
    sent = [*bodies(40)]
    heard = [ask(url, body) for body in sent]
    found, reasons = anyio.run(replayed, sent, heard, table, mode)
    assert found == [kept.body for kept in model.requests]
    assert reasons == ({"fit", "cold", "priced"} if mode == "token" else {"fit"})
