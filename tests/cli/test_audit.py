from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from headroom.cli import dispatch
from tests.audit.transcripts import lines, session


def run(home: Path, *argv: str) -> tuple[int, str]:
    out = io.StringIO()
    return dispatch(["audit", *argv], {"HOME": str(home)}, out), out.getvalue()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / ".claude" / "projects" / "-work"
    folder.mkdir(parents=True)
    (folder / "long.jsonl").write_bytes(b"".join(lines(*session(5))))
    (folder / "short.jsonl").write_bytes(b"".join(lines(*session(2, "ok\n"))).replace(b'"id": "m', b'"id": "n') + b'{"cut')
    return tmp_path


def test_without_paths_it_is_the_users_own_sessions_worst_first(home: Path) -> None:
    code, told = run(home)
    rows = [line.split()[0] for line in told.splitlines() if "Claude Code" in line]
    assert (code, rows) == (0, ["-work/short", "-work/long"])
    assert "2 sessions, 7 requests" in told
    assert "Could not be read: 1 line or file." in told


@pytest.mark.parametrize(("options", "modes"), [
    ((), ["token", "cache"]), (("--mode", "cache"), ["cache"]), (("--mode", "token", "--lossless"), ["token", "lossless"]),
])
def test_both_modes_or_one_beside_direct(home: Path, options: tuple[str, ...], modes: list[str]) -> None:
    rows = [line.split(",")[0] for line in run(home, *options)[1].splitlines() if ", estimated  " in line]
    assert rows == ["direct", *modes]


def test_machines_get_the_same(home: Path) -> None:
    value = json.loads(run(home, "--json")[1])
    assert value["direct"]["requests"] == 7
    for mode in ("token", "cache"):
        assert value["direct"]["usd"] > value["modes"][mode]["usd"] > 0
        assert value["modes"][mode]["prefix_kept_bytes"] == value["modes"][mode]["prefix_bytes"] > 0


def test_where_nothing_is_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path)[0] == 1
    assert "no sessions" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert run(tmp_path, str(tmp_path / "empty"))[0] == 1
    assert "no session with a request" in capsys.readouterr().err


def test_an_audit_of_next_to_nothing_has_no_empty_tables(tmp_path: Path) -> None:
    (tmp_path / "1.json").write_text('{"model": "claude-opus-4-8", "messages": [{"role": "user", "content": "hi"}]}', "utf-8")
    told = run(tmp_path, str(tmp_path))[1]
    assert told.startswith("1 session, 1 request; ")
    assert "with Headroom" not in told
    assert "left alone" not in told
