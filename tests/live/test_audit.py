"""Transcripts that real clients leave, read back as the requests that they really sent."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import anyio
import pytest

from headroom import dialects
from headroom.audit.finding import find
from headroom.audit.recording import Recording
from headroom.demo.model import Model
from headroom.demo.serving import application, serving
from headroom.dialects.document import Document
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
