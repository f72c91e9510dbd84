from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import anyio
import pytest

from headroom.cli import dispatch
from headroom.learning.toin import Toin
from headroom.patterns import Counts
from headroom.stores import open_store

KIND = "json-0123456789abcdef"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """State in which two tenants have learned something."""
    url = f"sqlite:{tmp_path / 'state.db'}"

    async def fill() -> None:
        store = open_store(url, time.time)
        toin = Toin(store, "w", 3600.0)
        toin.count("a", ("Bash\x1b", KIND), Counts(compressed=6, lossy=6, whole=6, before=9000, after=500))
        toin.count("b", ("Bash\x1b", KIND), Counts(compressed=1))
        await toin.flush()
        await store.aclose()

    anyio.run(fill)
    return {"HEADROOM_STATE": url}


def run(environ: dict[str, str], *argv: str) -> tuple[int, str]:
    out = io.StringIO()
    return dispatch(["toin", *argv], environ, out), out.getvalue()


def shown(environ: dict[str, str]) -> Any:
    code, text = run(environ, "show", "--json")
    assert code == 0
    return json.loads(text)


def test_what_was_learned_is_listed(environ: dict[str, str]) -> None:
    code, text = run(environ, "show")
    assert code == 0
    head, first, second = text.splitlines()
    assert head.split()[:3] == ["tool", "signature", "compressed"]
    assert first.split() == ["Bash?", KIND, "6", "6", "0", "0", "6", "6", "8,500", "untouched"]
    assert second.split()[-1] == "shortened"
    assert [row["compressed"] for row in shown(environ)["patterns"]] == [6, 1]


def test_counts_travel_and_are_added_up(environ: dict[str, str], tmp_path: Path) -> None:
    file, there = tmp_path / "counts.json", {"HEADROOM_STATE": f"sqlite:{tmp_path / 'other.db'}"}
    file.write_text(run(environ, "export")[1])
    assert run(there, "merge", str(file), str(file)) == (0, "1 kinds of output are known now\n")
    (row,) = shown(there)["patterns"]
    assert (row["compressed"], row["whole"], row["policy"], row["shared"]) == (14, 12, "whole", True)
    assert run(there, "import", str(file))[0] == 0
    (row,) = shown(there)["patterns"]
    assert row["compressed"] == 7
    assert json.loads(run(there, "export")[1]) == json.loads(file.read_text())
    assert run(there, "reset", "--json")[0] == 0
    assert run(there, "show") == (0, "nothing was learned yet: no output was shortened and counted on this state\n")


@pytest.mark.parametrize("content", [b"{", b"\xff", b"x" * (5 << 20), None])
def test_a_file_that_is_none_of_ours_changes_nothing(environ: dict[str, str], tmp_path: Path, content: bytes | None, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "counts.json"
    if content is not None:
        file.write_bytes(content)
    before = shown(environ)
    assert run(environ, "import", str(file))[0] == 2
    assert str(file) in capsys.readouterr().err
    assert shown(environ) == before


@pytest.mark.parametrize("more", [{"HEADROOM_STATELESS": "1"}, {"HEADROOM_STATE": "memory:"}])
def test_without_state_there_is_nothing_to_read(environ: dict[str, str], more: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run({**environ, **more}, "show")[0] == 1
    assert "/v1/toin/patterns" in capsys.readouterr().err
