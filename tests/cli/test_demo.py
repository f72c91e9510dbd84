"""`headroom demo` from end to end: the real proxy, real sockets, all recorded sessions."""

from __future__ import annotations

import json
from io import StringIO

import pytest

from headroom.cli.demo import run


def test_the_demo_shows_what_it_should() -> None:
    out = StringIO()
    assert run(["--json"], {}, out) == 0
    value = json.loads(out.getvalue())
    assert {session["name"] for session in value["sessions"]} == {"claude-code", "codex", "gemini", "openai-chat"}
    assert all(session["prefix_kept"] == session["prefix_turns"] for session in value["sessions"])
    assert all(session["tokens_after"] < session["tokens_before"] for session in value["sessions"])
    assert value["retrieved"]["equal"] is True
    assert (value["refused"], value["dropped_reasoning"]) == (0, 0)


def test_its_text_fits_a_terminal() -> None:
    out = StringIO()
    assert run([], {}, out) == 0
    assert max(map(len, out.getvalue().splitlines())) <= 100
    assert "headroom proxy" in out.getvalue()


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(["--help"], {}, StringIO())
    assert ended.value.code == 0
    assert "--json" in capsys.readouterr().out
