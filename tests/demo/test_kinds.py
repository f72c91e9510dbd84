"""Names for kinds of output."""

from __future__ import annotations

import pytest

from headroom.conversation import Json, Part
from headroom.demo.kinds import kind_of


@pytest.mark.parametrize(("tool", "call", "expected"), [
    ("Bash", {"command": "git log --stat -n 20"}, "git log"),
    ("Bash", {"command": "cd /srv/app && ls -la | head"}, "ls"),
    ("Bash", {"command": "python -m pytest -v 2>&1 | tail"}, "pytest"),
    ("Bash", {"command": "/usr/bin/grep -rn x ."}, "grep"),
    ("exec_command", {"cmd": "tail -n 100 logs/service.log"}, "tail .log"),
    ("exec_command", {"cmd": "cat Makefile"}, "cat"),
    ("Read", {"file_path": "/srv/app/orders/pricing.py"}, "Read .py"),
    ("Read", {"file_path": "/srv/app/Makefile"}, "Read"),
    ("Agent", {"prompt": "look"}, "Agent"),
    ("Bash", {"command": "  "}, "Bash"),
    ("", None, "other"),
])
def test_kind_of(tool: str, call: Json, expected: str) -> None:
    assert kind_of(Part("tool", "x", ("messages", 0), tool, call)) == expected
