"""Real clients on demand: installs Claude Code and Codex into a cache folder and runs them in a network of their own.

A test that needs them skips, saying why, where npm or its registry is missing. `alone` runs servers and
clients together in a network namespace that has nothing but loopback, so no client can reach the outside.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import anyio
import pytest

T = TypeVar("T")

CLAUDE_CODE = "@anthropic-ai/claude-code@2.1.197"
CODEX = "@openai/codex@0.169.0"
"""Pinned: a new release may change what it sends, and that should be seen as a change of this line."""

CLAUDE_MODEL = "claude-opus-4-8"
"""Named, because with its default model this version words the system prompt of a --continue differently."""

INSTALL_SECONDS = 600
RUN_SECONDS = 180
"""A scripted session takes seconds; one with back-off after faults up to a minute."""

CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
IFF_UP = 1


def folder(environ: Mapping[str, str]) -> Path:
    """Where the clients live: HEADROOM_TEST_CLIENTS, else the user's cache."""
    given = environ.get("HEADROOM_TEST_CLIENTS")
    if given:
        return Path(given)
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "headroom-test-clients"


def client(environ: Mapping[str, str], package: str, program: str) -> Path:
    """The program of an npm package, installed when it is not there yet; skips where that cannot be."""
    home = folder(environ)
    name = package.rpartition("@")[0]
    found = home / "node_modules" / ".bin" / program
    manifest = home / "node_modules" / name / "package.json"
    if not (found.exists() and _version(manifest) == package.rpartition("@")[2]):
        _install(home, package)
    return found


def _version(manifest: Path) -> str:
    return str(json.loads(manifest.read_text("utf-8"))["version"]) if manifest.exists() else ""


def _install(home: Path, package: str) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip(f"npm is not installed, so {package} cannot be fetched")
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests may run in several processes, and npm writes to one folder
        _fetch(npm, home, package)


def _fetch(npm: str, home: Path, package: str) -> None:
    command = [npm, "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(home), package]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not fetch {package} in {INSTALL_SECONDS} s")
    if done.returncode:
        pytest.skip(f"npm cannot fetch {package}: {(done.stderr or done.stdout).strip()[-300:]}")


def alone(work: Callable[[], T]) -> T:
    """Run `work` in a thread with a network namespace of its own, or, where that is not allowed, as it is.

    A namespace belongs to a thread, and what the thread starts inherits it.
    """
    results: list[T] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            _leave_the_network()
            results.append(work())
        except BaseException as error:
            failures.append(error)
            raise

    thread = threading.Thread(target=lambda: _quietly(run), name="alone")
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return results[0]


def _quietly(run: Callable[[], None]) -> None:
    """The failure is raised again in the thread that waits, where pytest sees it."""
    try:
        run()
    except BaseException:  # noqa: BLE001  # reported by `alone`
        return


def _leave_the_network() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "unshare") or libc.unshare(CLONE_NEWNET):
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", IFF_UP, b""))


@dataclass(frozen=True, slots=True)
class Place:
    """A home and a working directory for one client."""

    home: Path
    work: Path

    @staticmethod
    def fresh(root: Path) -> Place:
        place = Place(root / "home", root / "work")
        place.home.mkdir(parents=True)
        place.work.mkdir(parents=True)
        return place


@dataclass(frozen=True, slots=True)
class Ended:
    """How a client ended."""

    code: int
    output: str
    errors: str

    @property
    def result(self) -> Any:
        """The JSON object Claude Code prints at its end."""
        return json.loads(self.output)


def _environment(place: Place, more: Mapping[str, str]) -> dict[str, str]:
    """Nothing of the machine's own but where programs are."""
    return {"PATH": os.environ["PATH"], "TERM": "dumb", "LANG": "C.UTF-8", "HOME": str(place.home), **more}


async def run_claude_code(program: Path, base_url: str, place: Place, prompt: str, more: Sequence[str] = ()) -> Ended:
    """One `claude -p` session; `more` may hold "--continue"."""
    environment = _environment(place, {
        "ANTHROPIC_BASE_URL": base_url, "ANTHROPIC_API_KEY": "sk-ant-scripted", "IS_SANDBOX": "1",
        "CLAUDE_CONFIG_DIR": str(place.home / ".claude"), "DISABLE_TELEMETRY": "1", "DISABLE_AUTOUPDATER": "1",
        "DISABLE_ERROR_REPORTING": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        # Its git snapshot in the system prompt changes with the work tree, so a --continue breaks its own prefix.
        "CLAUDE_CODE_DISABLE_GIT_INSTRUCTIONS": "1",
    })
    command = [str(program), "-p", prompt, "--output-format", "json", "--model", CLAUDE_MODEL,
               "--dangerously-skip-permissions", *more]
    return await _run(command, place, environment)


async def run_codex(program: Path, base_url: str, place: Place, prompt: str, more: Sequence[str] = ()) -> Ended:
    """One `codex exec` session with a provider of our own; `more` may begin with "resume", "--last".

    `place.home/.codex/config.toml` is written unless it is there.
    """
    config = place.home / ".codex" / "config.toml"
    if not config.exists():
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text(codex_config(base_url), "utf-8")
    environment = _environment(place, {"CODEX_HOME": str(config.parent), "SCRIPTED_KEY": "sk-scripted"})
    command = [str(program), "exec", *more, "--dangerously-bypass-approvals-and-sandbox", "--skip-git-repo-check",
               "--json", prompt]
    return await _run(command, place, environment)


def codex_config(base_url: str, *, builtin: bool = False, model: str = "gpt-5.5") -> str:
    """Codex takes a base URL from its configuration only. `builtin`: its own provider, which tries WebSocket first."""
    quiet = 'check_for_update_on_startup = false\n'
    tail = "[analytics]\nenabled = false\n"
    if builtin:
        return f'model = "{model}"\n{quiet}openai_base_url = "{base_url}"\n{tail}'
    provider = f'[model_providers.scripted]\nname = "scripted"\nbase_url = "{base_url}"\nwire_api = "responses"\nenv_key = "SCRIPTED_KEY"\n'
    return f'model = "{model}"\nmodel_provider = "scripted"\n{quiet}{provider}{tail}'


async def _run(command: Sequence[str], place: Place, environment: Mapping[str, str]) -> Ended:
    with anyio.fail_after(RUN_SECONDS):
        done = await anyio.run_process(
            command, cwd=place.work, env=environment, check=False, stdin=subprocess.DEVNULL
        )
    return Ended(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))
