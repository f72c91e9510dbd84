from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from headroom import __version__
from headroom.cli import dispatch
from headroom.cli.mcp import START
from headroom.mcp.server import available

needs_sdk = pytest.mark.skipif(not available(), reason="the extra mcp (the official SDK) is not installed")


def run(home: Path, *argv: str, **environ: str) -> tuple[int, str]:
    out = io.StringIO()
    return dispatch(["mcp", *argv], {"HOME": str(home), "PATH": "", **environ}, out), out.getvalue()


@needs_sdk
@pytest.mark.parametrize("installed", [True, False])
def test_the_entry_starts_this_very_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed: bool) -> None:
    script = tmp_path / "bin" / ("headroom" if installed else "pytest")
    script.parent.mkdir()
    script.touch(0o755)
    monkeypatch.setattr(sys, "argv", [str(script), "mcp", "install"])
    code, out = run(tmp_path, "install", "--client=claude", "--url=http://x:1", HEADROOM_PORT="9", HEADROOM_STATE="sqlite:a b")
    assert (code, out.count("\n")) == (0, 2)
    entry = json.loads((tmp_path / ".claude.json").read_text())["mcpServers"]["headroom"]
    program = [str(script)] if installed else [sys.executable, "-c", START]
    assert [entry["command"], *entry["args"]] == [*program, "mcp", "serve", "--url=http://x:1", "--port=9", "--state=sqlite:a b"]
    assert "taken off" in run(tmp_path, "install", "--client=claude", "--port=8")[1]
    assert run(tmp_path, "install", "--client=claude", "--port=8") == (0, "claude: already registered\n")
    assert run(tmp_path, "uninstall", "--client=claude")[0] == 0
    assert not (tmp_path / ".claude.json").exists()


@needs_sdk
def test_a_folder_called_headroom_in_the_users_project_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "headroom").mkdir()
    (tmp_path / "headroom" / "__init__.py").write_text("raise SystemExit(99)")
    command = [sys.executable, "-c", START, "--version"]
    environ = {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"headroom {__version__}\n")


@needs_sdk
def test_without_a_name_every_agent_that_is_here_is_meant(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "install") == (1, "")
    assert "neither" in capsys.readouterr().err
    (tmp_path / ".codex").mkdir()
    (tmp_path / ".codex" / "config.toml").touch()
    code, out = run(tmp_path, "install")
    assert code == 0
    assert {line.partition(":")[0] for line in out.splitlines()} == {"codex"}


@needs_sdk
def test_a_dry_run_says_what_it_would_do(tmp_path: Path) -> None:
    code, out = run(tmp_path, "install", "--client=codex", "--dry-run")
    assert code == 0
    assert "+[mcp_servers.headroom]" in out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("argv", [(), ("srve",), ("install", "--client=vi"), ("uninstall", "--port=1")])
def test_what_is_asked_wrongly_is_two(tmp_path: Path, argv: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(tmp_path, *argv)
    assert caught.value.code == 2


@needs_sdk
def test_a_wrong_port_is_two(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        run(tmp_path, "serve", "--port=x")
    assert caught.value.code == 2


@pytest.mark.parametrize("action", ["serve", "install"])
def test_without_the_extra_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], action: str) -> None:
    # Without the folders of installed packages nothing is found, as on a machine that never had them.
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    for name in [name for name in sys.modules if name.partition(".")[0] in ("mcp", "mcp_types")]:
        monkeypatch.delitem(sys.modules, name)
    assert run(tmp_path, action)[0] == 2
    assert f"{sys.executable} -m pip install 'headroom[mcp]'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
