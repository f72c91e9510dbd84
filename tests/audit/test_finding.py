from __future__ import annotations

import os
from pathlib import Path

import pytest

from headroom.audit.finding import find, own_folders
from headroom.errors import OurError
from tests.audit.transcripts import codex, lines, said, session


def write(path: Path, *values: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(lines(*values)))
    return path


def test_transcripts_are_known_by_what_is_in_them(tmp_path: Path) -> None:
    write(tmp_path / "p" / "one.jsonl", {"type": "queue-operation"}, *session(2))
    write(tmp_path / "q" / "rollout-two.jsonl", codex("session_meta"), codex("turn_context", model="m"), said("user", "Go."), said("assistant", "Yes."))
    write(tmp_path / "q" / "empty.jsonl")
    found = list(find([tmp_path]))
    assert [(r.client, len(list(r.requests())), r.whole) for r in found] == [("Claude Code", 2, False), ("Claude Code", 0, False), ("Codex", 1, False)]


def test_a_folder_without_transcripts_holds_bodies(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "1.json").write_text('{"input": "Hi."}', "utf-8")
    assert [r.client for r in find([tmp_path])] == ["requests"]


def test_what_a_resumed_session_took_along_is_counted_once(tmp_path: Path) -> None:
    write(tmp_path / "1.jsonl", *session(2))
    write(tmp_path / "2.jsonl", *session(3))
    assert [[request.again for request in r.requests()] for r in find([tmp_path])] == [[False, False], [True, True, False]]


def test_old_files_are_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path / "one.jsonl", *session(1))
    os.utime(path, (1000.0, 1000.0))
    assert len(list(find([path], 1000.0))) == 1
    assert list(find([path], 1001.0)) == []


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(OurError, match="no such file"):
        list(find([tmp_path / "none"]))


def test_the_users_own_folders(tmp_path: Path) -> None:
    assert own_folders({}, tmp_path) == []
    for name in (".claude/projects", "elsewhere/sessions"):
        (tmp_path / name).mkdir(parents=True)
    assert own_folders({"CODEX_HOME": str(tmp_path / "elsewhere")}, tmp_path) == [tmp_path / ".claude/projects", tmp_path / "elsewhere/sessions"]
