from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from headroom.agents import AGENTS
from headroom.agents.base import Agent, McpServer
from headroom.agents.registration import Registration
from headroom.errors import OurError

FIRST, SECOND = (McpServer("ours", ("python", "-m", "x", f"--port={port}")) for port in (1, 2))
BEFORE = {"claude": '{\n  "userID": "x"\n}', "codex": '# mine\nmodel = "m"\n'}

each = pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.name)


def ours(server: McpServer) -> bool:
    return server.command[:3] == ("python", "-m", "x")


def at(home: Path, agent: Agent, path: str = "", *, dry_run: bool = False) -> Registration:
    return Registration(agent, {"HOME": str(home), "PATH": path}, ours, dry_run=dry_run)


@each
def test_without_the_agents_command_its_file_is_edited_and_given_back(tmp_path: Path, agent: Agent) -> None:
    file = agent.config(tmp_path, {})
    assert not at(tmp_path, agent).present
    file.parent.mkdir(exist_ok=True)
    file.write_text(BEFORE[agent.name], "utf-8")
    assert at(tmp_path, agent).present
    assert list(at(tmp_path, agent).install(FIRST)) == [f"edits: {file}", "registered; its next session has the tools"]
    assert list(at(tmp_path, agent).install(FIRST)) == ["already registered"]
    list(at(tmp_path, agent).install(SECOND))
    assert agent.registered(file.read_text("utf-8"), "ours") == SECOND
    assert list(at(tmp_path, agent).uninstall("ours")) == [f"edits: {file}", "taken off"]
    assert list(at(tmp_path, agent).uninstall("ours")) == ["not registered"]
    assert file.read_text("utf-8") == BEFORE[agent.name]
    assert list(file.parent.glob(f"{file.name}*")) == [file]


@each
def test_a_file_that_was_not_there_is_gone_again(tmp_path: Path, agent: Agent) -> None:
    list(at(tmp_path, agent).install(FIRST))
    list(at(tmp_path, agent).uninstall("ours"))
    assert not agent.config(tmp_path, {}).exists()


@each
def test_a_dry_run_writes_nothing(tmp_path: Path, agent: Agent) -> None:
    file = agent.config(tmp_path, {})
    lines = list(at(tmp_path, agent, dry_run=True).install(FIRST))
    assert lines[0] == f"edits: {file}"
    assert any("--port=1" in line for line in lines)
    assert not file.exists()
    list(at(tmp_path, agent).install(FIRST))
    written = file.read_bytes()
    for lines in (list(at(tmp_path, agent, dry_run=True).uninstall("ours")), list(at(tmp_path, agent, dry_run=True).install(SECOND))):
        assert lines[0] == f"edits: {file}"
    assert file.read_bytes() == written


@each
def test_an_entry_of_somebody_else_is_left_alone(tmp_path: Path, agent: Agent) -> None:
    file = agent.config(tmp_path, {})
    file.parent.mkdir(exist_ok=True)
    file.write_text(agent.insert("", McpServer("ours", ("theirs",))), "utf-8")
    before = file.read_bytes()
    for lines in (at(tmp_path, agent).install(FIRST), at(tmp_path, agent).uninstall("ours")):
        with pytest.raises(OurError, match="another MCP server named ours"):
            list(lines)
    assert file.read_bytes() == before


@each
def test_a_file_that_cannot_be_read_is_left_alone(tmp_path: Path, agent: Agent) -> None:
    file = agent.config(tmp_path, {})
    file.parent.mkdir(exist_ok=True)
    file.write_text("{ = broken", "utf-8")
    with pytest.raises(OurError, match="left alone"):
        list(at(tmp_path, agent).install(FIRST))
    assert file.read_text("utf-8") == "{ = broken"


@each
@pytest.mark.parametrize(("script", "says"), [("echo sorry >&2; exit 3", "sorry"), ("exit 0", "did not keep")])
def test_a_command_of_the_agent_that_fails_is_said(tmp_path: Path, agent: Agent, script: str, says: str) -> None:
    program = tmp_path / "bin" / agent.program
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    assert list(at(tmp_path, agent, str(program.parent), dry_run=True).install(FIRST)) == [
        f"runs: {shlex.join([str(program), *agent.add(FIRST)])}",
    ]
    with pytest.raises(OurError, match=says):
        list(at(tmp_path, agent, str(program.parent)).install(FIRST))
