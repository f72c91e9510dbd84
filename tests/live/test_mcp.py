"""Real Claude Code and Codex take our MCP server in, show it, reach it, and let it go."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import anyio
import pytest

from headroom import ccr
from headroom.agents import AGENTS
from headroom.agents.base import Agent
from headroom.agents.claude import Claude
from headroom.agents.codex import Codex
from headroom.cli import dispatch
from headroom.demo.model import Model
from headroom.demo.script import Call, Step
from headroom.demo.serving import application, serving
from headroom.mcp.server import available
from headroom.options import load
from headroom.proxy.choices import originals_space
from headroom.proxy.server import App
from headroom.settings import Settings
from tests.live.lab import (
    CLAUDE_CODE,
    CODEX,
    RUN_SECONDS,
    Place,
    alone,
    client,
    codex_config,
    run_claude_code,
    run_codex,
)
from tests.live.stage import proxy

pytestmark = [pytest.mark.live, pytest.mark.skipif(not available(), reason="the extra mcp (the official SDK) is not installed")]

ROOT = Path(__file__).parents[2]
PACKAGES = {"claude": CLAUDE_CODE, "codex": CODEX}
SHOWS = {"claude": "✔ Connected", "codex": "enabled"}
"""Claude Code starts each server and asks for its tools; Codex only lists what it is configured with."""

LOG = "".join(f"2026-03-02T09:{i // 60:02d}:{i % 60:02d}Z INFO [worker-{i % 3}] GET /orders/{i * 7 % 97} 200 {i % 40}ms\n" for i in range(400))

each = pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.name)


def environment(agent: Agent, home: Path) -> dict[str, str]:
    program = client(os.environ, PACKAGES[agent.name], agent.program)
    (home / ".codex").mkdir(parents=True)
    return {
        "HOME": str(home), "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}", "LANG": "C.UTF-8", "TERM": "dumb",
        "PYTHONPATH": str(ROOT),  # where the tests run from a checkout that is not installed
        "DISABLE_AUTOUPDATER": "1", "DISABLE_TELEMETRY": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }


def ours(environ: Mapping[str, str], action: str, agent: Agent, *more: str) -> str:
    out = io.StringIO()
    assert dispatch(["mcp", action, f"--client={agent.name}", *more], environ, out) == 0
    return out.getvalue()


def listed(environ: Mapping[str, str], agent: Agent) -> str:
    done = subprocess.run(
        [agent.program, "mcp", "list"], env=dict(environ), cwd=environ["HOME"], capture_output=True, text=True, timeout=RUN_SECONDS,
        check=True, stdin=subprocess.DEVNULL,
    )
    return done.stdout


@each
def test_by_the_agents_own_command(tmp_path: Path, agent: Agent) -> None:
    environ = environment(agent, tmp_path / "home")

    def story() -> None:
        assert "runs: " in ours(environ, "install", agent, "--port=1")
        assert "already registered" in ours(environ, "install", agent, "--port=1")
        ours(environ, "install", agent, "--port=2")
        shown = listed(environ, agent)
        assert f"{sys.executable}" in shown
        assert "--port=2" in shown
        assert SHOWS[agent.name] in shown
        assert "taken off" in ours(environ, "uninstall", agent)
        assert "headroom" not in listed(environ, agent)

    alone(story)


@each
def test_by_an_edit_of_its_file(tmp_path: Path, agent: Agent) -> None:
    environ = environment(agent, tmp_path / "home")
    without = {**environ, "PATH": ""}

    def story() -> None:
        listed(environ, agent)  # Claude Code writes its file at its first start
        file = agent.config(tmp_path / "home", environ)
        before = file.read_bytes() if file.exists() else None
        assert "edits: " in ours(without, "install", agent)
        assert SHOWS[agent.name] in listed(environ, agent)
        ours(without, "uninstall", agent)
        assert "headroom" not in listed(environ, agent)
        if before is None:
            assert not file.exists()

    alone(story)


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The installed script of a checkout that is not installed: agents get no PYTHONPATH."""
    path = tmp_path / "headroom"
    path.write_text(f"#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m headroom \"$@\"\n")
    path.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(path)])


@pytest.mark.usefixtures("script")
def test_claude_code_gets_an_original_back_in_a_session(tmp_path: Path) -> None:
    program = client(os.environ, CLAUDE_CODE, "claude")
    place = Place.fresh(tmp_path / "desk")
    state = f"sqlite:{tmp_path}/state.db"
    calls = [Call("mcp__headroom__headroom_retrieve", {"key": ccr.key_of(LOG), **more}) for more in ({}, {"lines": "7-9"})]
    model = Model({"main": (Step(calls=(calls[0],)), Step(calls=(calls[1],)), Step(text="Seen."))})

    async def story() -> None:
        async with serving(application(model)) as upstream:
            app = App(load(Settings, ["--quiet", f"--state={state}", f"--anthropic-api-url={upstream}"], {}).settings, {})
            async with serving(app) as url:
                await app.proxy.store.put(originals_space(Settings()), "somebody", {ccr.key_of(LOG): LOG.encode()})
                config = {"HOME": str(place.home), "CLAUDE_CONFIG_DIR": str(place.home / ".claude"), "PATH": ""}
                ours(config, "install", Claude(), f"--url={url}", "--state=memory:")
                ended = await run_claude_code(program, url, place, "Look. [[script:main]]")
        assert ended.result["result"] == "Seen."

    alone(lambda: anyio.run(story))
    assert texts(model) == [LOG, "\n".join(LOG.split("\n")[6:9])]
    assert all(b'"mcp__headroom__headroom_retrieve"' in request.body for request in model.requests if b"[[script:main]]" in request.body)
    assert model.refused == []


@pytest.mark.usefixtures("script")
def test_codex_starts_our_server_in_a_session(tmp_path: Path) -> None:
    """It defers MCP tools behind a search by the model, so what it can be made to do by script is to ask for resources,
    of which we have none: the answer is ours."""
    program = client(os.environ, CODEX, "codex")
    place = Place.fresh(tmp_path / "desk")
    model = Model({"main": (Step(calls=(Call("list_mcp_resources", {"server": "headroom"}),)), Step(text="Seen."))})

    async def story() -> None:
        async with serving(application(model)) as upstream, serving(proxy(upstream, "memory:")) as url:
            config = Codex().config(place.home, {})
            config.parent.mkdir()
            config.write_text(codex_config(url + "/v1"), "utf-8")
            ours({"HOME": str(place.home), "PATH": ""}, "install", Codex(), f"--url={url}", "--state=memory:")
            ended = await run_codex(program, url + "/v1", place, "Look. [[script:main]]")
        assert "Seen." in ended.output

    alone(lambda: anyio.run(story))
    (answer,) = [item["output"] for item in json.loads(model.requests[-1].body)["input"] if item.get("type") == "function_call_output"]
    assert "-32601" in answer


def texts(model: Model) -> list[str]:
    """What the tools said, as the model got it."""
    blocks = [block for message in json.loads(model.requests[-1].body)["messages"] if message["role"] == "user" for block in message["content"]]
    results = [block["content"] for block in blocks if block["type"] == "tool_result"]
    return [result if isinstance(result, str) else "".join(block["text"] for block in result) for result in results]
