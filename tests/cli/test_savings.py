from __future__ import annotations

import io
import json
import time
from pathlib import Path

import pytest

from headroom.cli.savings import run
from headroom.errors import OurError
from headroom.ledger.book import Book
from headroom.ledger.entry import entry
from headroom.proxy.booking import ledger_path
from tests.ledger.records import record


def said(*argv: str, **environ: str) -> str:
    out = io.StringIO()
    assert run(argv, environ, out) == 0
    return out.getvalue()


@pytest.mark.parametrize(("url", "expected"), [
    ("memory:", None),
    ("sqlite:/a/b.db", "/a/b-ledger.db"),
    ("sqlite:/a/b", "/a/b-ledger"),
    ("redis://host", "/home/state-ledger.db"),
])
def test_where_the_ledger_lies(url: str, expected: str | None) -> None:
    found = ledger_path(url, Path("/home"))
    assert found == (None if expected is None else Path(expected))


def test_nothing_yet_and_nothing_is_created(tmp_path: Path) -> None:
    assert "nothing is in the ledger yet" in said(HOME=str(tmp_path))
    assert json.loads(said("--json", HOME=str(tmp_path)))["windows"] == []
    assert list(tmp_path.iterdir()) == []


def test_state_in_memory_is_nobody_elses() -> None:
    with pytest.raises(OurError, match="GET /stats"):
        said(HEADROOM_STATE="memory:")


def test_all_that_share_a_redis_or_what_is_known_here_while_it_is_away(tmp_path: Path) -> None:
    """With Redis: see tests/live/test_two_nodes.py."""
    environ = {"HOME": str(tmp_path)}
    state = ("--state", "redis://someone:secret@127.0.0.1:1/0")
    text = said(*state, **environ)
    assert "Redis cannot be read now" in text
    assert "nothing is in the ledger yet" in text
    (tmp_path / ".headroom").mkdir()
    book = Book(tmp_path / ".headroom" / "state-ledger.db", time.time)
    book.append([entry(record("a", time.time(), spent=10**9))], 0)
    book.close()
    assert "$1.0000" in said(*state, **environ)
    found = json.loads(said(*state, "--json", **environ))
    assert (found["windows"][2]["requests"], found["nodes"], found["current"], found["ledger"]) == (1, 1, False, "redis://127.0.0.1:1/0")


def test_windows_and_breakdowns(tmp_path: Path) -> None:
    state, now = tmp_path / "state.db", time.time()
    book = Book(tmp_path / "state-ledger.db", time.time)
    day = 86400
    rows = [
        entry(record(f"{i}", now - age * day, model=model, project="shop", tools=("Bash",), spent=2 * 10**9, saved=-(10**9)))
        for i, (age, model) in enumerate([(0, "m1"), (3, "m1"), (30, "m2")])
    ]
    book.append(rows, 4)
    book.close()
    text = said(HEADROOM_STATE=f"sqlite:{state}")
    assert "-$1.0000" in text
    assert "$6.0000" in text
    assert "by project" in text
    assert [line.split()[-2] for line in text.splitlines() if line.startswith("  Bash")] == ["-"]
    assert "missing here, since the ledger could not be written: 4 requests" in text
    found = json.loads(said("--json", HEADROOM_STATE=f"sqlite:{state}"))
    assert [(w["window"], w["requests"], w["saved_usd"]) for w in found["windows"]] == [("today", 1, -1.0), ("7_days", 2, -2.0), ("all_time", 3, -3.0)]
    assert {row["name"]: row["requests"] for row in found["windows"][2]["by_model"]} == {"m1": 2, "m2": 1}
