from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from headroom.cli import dispatch
from headroom.cli.compress import WHY
from headroom.compressors import COMPRESSORS

LOG = "".join(f"2026-11-21 10:{i // 60:02}:{i % 60:02} INFO worker {i % 7} handled request {i * 37} in {i % 90} ms\n" for i in range(200))


@pytest.fixture
def log(tmp_path: Path) -> str:
    path = tmp_path / "app.log"
    path.write_text(LOG, encoding="utf-8")
    return str(path)


def run(*argv: str) -> tuple[int, str]:
    out = io.StringIO()
    return dispatch(["compress", *argv], {"HOME": "/nonexistent"}, out), out.getvalue()


def test_a_report_says_by_whom_how_much_and_what_was_left_out(log: str) -> None:
    code, text = run(log, "--lossless")
    first, tokens, left = text.splitlines()
    assert (code, first) == (0, f"{log}: logs, exact")
    assert "% saved (" in tokens
    assert left == "  left out  nothing: the form gives back every byte"


def test_the_short_form_alone_can_be_expanded_to_the_very_bytes(log: str) -> None:
    short = run(log, "--lossless", "--text")[1]
    assert len(short) < len(LOG) / 2
    assert [c.expand(short) for c in COMPRESSORS if c.name == "logs"] == [LOG]


def test_an_explanation_names_every_compressor_and_the_winner(log: str) -> None:
    text = run(log, "--lossless", "--explain")[1]
    assert all(c.name in text for c in COMPRESSORS)
    assert [line.split()[0] for line in text.splitlines() if line.endswith(" chosen")] == ["logs"]


def test_machines_get_the_same(log: str) -> None:
    told = json.loads(run(log, "--lossless", "--json", "--explain")[1])
    assert (told["by"], told["grade"], told["reason"], told["marker"]) == ("logs", "exact", None, None)
    assert told["tokens_after"] < told["tokens_before"]
    assert {c["name"] for c in told["candidates"]} == {c.name for c in COMPRESSORS}


def test_both_sides_stand_beside_each_other(log: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "103")
    rows = run(log, "--lossless", "--diff")[1].splitlines()[4:]
    assert {row.index("│") for row in rows} == {51}
    assert sum(row.startswith("2026-11-21") for row in rows) == 200


def test_what_is_left_alone_says_why(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    path.write_text("short", encoding="utf-8")
    assert run(str(path))[1].splitlines()[0] == f"{path}: left as it is, {WHY['short']}"
    told = json.loads(run(str(path), "--json")[1])
    assert (told["by"], told["reason"], told["tokens_before"]) == (None, "short", told["tokens_after"])
    assert run(str(path), "--text")[1] == "short"


def test_standard_input_and_bytes_that_are_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    class Input:
        buffer = io.BytesIO(b"\xff\xfe" + LOG.encode())

    monkeypatch.setattr(sys, "stdin", Input)
    assert run("-", "--lossless")[1].startswith("-: logs, exact")


def test_a_file_that_cannot_be_read_is_said_plainly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(tmp_path / "none"))[0] == 1
    assert "cannot read" in capsys.readouterr().err


@pytest.mark.parametrize("more", [(), ("--text",), ("--json",), ("--explain", "--diff")])
def test_a_locale_of_few_signs_is_no_error(log: str, more: tuple[str, ...]) -> None:
    data = io.BytesIO()
    stdout = io.TextIOWrapper(data, encoding="ascii")
    assert dispatch(["compress", log, *more], {"HOME": "/nonexistent"}, stdout) == 0
    stdout.flush()
    if more in (("--text",), ("--json",)):
        assert data.getvalue().decode() == run(log, *more)[1]


def test_a_share_that_cannot_be_says_what_can(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(log, "--ratio", "7")
    assert "must be a number from 0.1 to 1" in capsys.readouterr().err
