from __future__ import annotations

import io
import json

import pytest

from headroom import __version__
from headroom.cli import COMMANDS, dispatch


def run(*argv: str, environ: dict[str, str] | None = None) -> tuple[int, str]:
    out = io.StringIO()
    return dispatch(argv, environ or {}, out), out.getvalue()


@pytest.mark.parametrize("argv", [(), ("--help",), ("-h",), ("help",)])
def test_help_lists_every_command(argv: tuple[str, ...]) -> None:
    code, out = run(*argv)
    assert code == 0
    for name, text in COMMANDS.items():
        assert name in out
        assert text in out


def test_version() -> None:
    assert run("--version") == (0, f"headroom {__version__}\n")


def test_an_unknown_command_is_two(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("prxoy")[0] == 2
    assert "prxoy" in capsys.readouterr().err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_of_its_own(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(name, "--help")
    assert caught.value.code == 0
    assert f"headroom {name}" in capsys.readouterr().out


def test_a_wrong_setting_is_one_line_and_two(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("settings", environ={"HEADROOM_PORT": "x"})[0] == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "HEADROOM_PORT" in err


def test_settings_say_where_values_come_from_and_hide_secrets() -> None:
    environ = {"HEADROOM_PORT": "9999", "HEADROOM_PROXY_TOKEN": "s3cret", "HEADROOM_PROT": "1"}
    code, out = run("settings", environ=environ)
    assert code == 0
    assert "9999  (environment: HEADROOM_PORT)" in out
    assert "s3cret" not in out
    assert "did you mean HEADROOM_PORT?" in out
    rows = json.loads(run("settings", "--json", environ=environ)[1])["settings"]
    assert {"option": "--port", "environment": "HEADROOM_PORT", "value": "9999", "from": "environment"}.items() <= rows[1].items()
    assert run("settings", "--markdown")[1].startswith("| option |")


class Gone(io.StringIO):
    """A pipe whose reader has left."""

    def write(self, text: str, /) -> int:
        raise BrokenPipeError


@pytest.mark.parametrize("argv", [(), ("--version",), ("settings",), ("prices",)])
def test_a_reader_that_has_seen_enough_is_no_fault(argv: tuple[str, ...]) -> None:
    assert dispatch(argv, {}, Gone()) == 1
