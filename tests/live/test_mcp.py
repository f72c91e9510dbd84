"""Real Claude Code and Codex take our MCP server in, show it, reach it, and let it go."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from headroom.agents import AGENTS
from headroom.agents.base import Agent
from headroom.cli import dispatch
from headroom.mcp.server import available
from tests.live.lab import CLAUDE_CODE, CODEX, RUN_SECONDS, alone, client

pytestmark = [pytest.mark.live, pytest.mark.skipif(not available(), reason="the extra mcp (the official SDK) is not installed")]

ROOT = Path(__file__).parents[2]
PACKAGES = {"claude": CLAUDE_CODE, "codex": CODEX}
SHOWS = {"claude": "✔ Connected", "codex": "enabled"}
"""Claude Code starts each server and asks for its tools; Codex only lists what it is configured with."""

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
