"""--stateless writes not one byte: all opens are traced, and on a file system that cannot be written everything goes on."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.debian import program
from tests.live.test_proxy import banner_of
from tests.live.traffic import Client, Provider, everything, providing, request

pytestmark = [pytest.mark.live, pytest.mark.skipif(sys.platform != "linux", reason="strace and mount namespaces are Linux's")]

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 60.0
"""Seconds; under strace on a busy machine a start takes several."""

OPENS = ("open", "openat", "openat2", "creat")
CHANGES = (
    "mkdir", "mkdirat", "mknod", "mknodat", "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat", "unlink", "unlinkat",
    "rmdir", "truncate", "ftruncate", "fallocate", "chmod", "fchmod", "fchmodat", "chown", "lchown", "fchown", "fchownat", "utime", "utimes",
    "utimensat", "setxattr", "lsetxattr", "fsetxattr",
)
"""What changes a file system without a file that was opened for writing. A name that this machine has not is skipped ("?")."""

CALL = re.compile(r"^\d+\s+(\w+)\((.*)$")
WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND|O_TMPFILE")
NO_FILES = re.compile(r'"/dev/(?:null|tty|pts/\d+)"')
BOARD = re.compile(r"^ftruncate\(\d+</memfd:")
"""The board of figures that workers share: memory without a name in any file system."""

READ_ONLY = """
awk '{print $5}' /proc/self/mountinfo | while read -r at; do mount -o remount,bind,ro "$at" 2>/dev/null; done
if touch "$HOME/probe" 2>/dev/null || touch /tmp/probe 2>/dev/null; then echo "still writable" >&2; exit 77; fi
exec "$@"
"""
"""For `unshare -rm`: every mount becomes read-only, for the program that is started then and nobody else."""


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with providing() as server:
        yield server


def environment(home: Path) -> dict[str, str]:
    """Without what would keep Python itself from writing, or make it write elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HEADROOM", "PYTHONDONTWRITE", "PYTHONPYCACHE", "XDG"))}
    return {**kept, "HOME": str(home), "PYTHONUNBUFFERED": "1"}


def compiled(home: Path) -> None:
    """As an installer leaves it: what Python imports before our first line runs, it caches where that is still to be done."""
    subprocess.run([sys.executable, "-c", "import headroom.cli, py_compile; py_compile.compile('headroom/__main__.py')"], cwd=ROOT, env=environment(home), check=True)


@contextmanager
def stateless(provider: Provider, home: Path, before: Sequence[str], *options: str, cwd: Path = ROOT) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`headroom proxy --stateless` behind another program; a group of its own, which ends with the test."""
    command = [*before, sys.executable, "-m", "headroom", "proxy", "--port", "0", "--stateless", "--budget", "1000", "--rpm", "100", *options]
    command += [f"--{name}-api-url=http://127.0.0.1:{provider.server_port}" for name in ("anthropic", "openai", "gemini")]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd, start_new_session=True, env=environment(home),
    )
    try:
        assert process.stdout is not None
        lines = banner_of(process.stdout)
        assert any("in memory (--stateless)" in line for line in lines)
        yield process, int(lines[0].rpartition(":")[2])
    finally:
        with suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def all_there_is(port: int) -> None:
    client = Client(port, {"x-api-key": "sk-one"})
    everything(client)
    limited = Client(port, {"x-api-key": "sk-two"})
    assert 429 in [limited.ask("/v1/messages", request("short", "fail")) for _ in range(140)]
    stats = client.look("/stats")
    assert stats["cost"]["budget"]["spent"] > 0
    assert stats["requests"]["rate_limited"] > 0


def first(trace: Path) -> int:
    """The traced program itself, which strace starts."""
    return int(trace.read_text("utf-8", "replace").split(None, 1)[0])


def until(true: Callable[[], object]) -> None:
    limit = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < limit
        time.sleep(0.02)


def strace() -> str:
    found = program("strace", "strace")
    tried = subprocess.run([found, "-f", "-qq", "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"strace may not trace here: {tried.stderr.strip()[-200:]}")
    return found


def written(trace: Path) -> list[str]:
    """The calls that would have changed a file, failed ones included."""
    found = []
    for line in trace.read_text("utf-8", "replace").splitlines():
        call = CALL.match(line)
        if call is None:
            continue
        name, arguments = call.groups()
        wrote = WRITES.search(arguments) is not None and NO_FILES.search(arguments) is None if name in OPENS else name in CHANGES
        if wrote and not BOARD.match(f"{name}({arguments}"):
            found.append(line)
    return found


TRACED = [
    ('7 openat(AT_FDCWD, "/etc/hosts", O_RDONLY|O_CLOEXEC) = 3', False),
    ('7 openat(AT_FDCWD, "/dev/null", O_RDWR) = 3</dev/null>', False),
    ('7 openat(AT_FDCWD, "/root/x", O_WRONLY|O_CREAT|O_CLOEXEC, 0666) = -1 EROFS (Read-only file system)', True),
    ('7 open("/root/x", O_RDWR <unfinished ...>', True),
    ('7 mkdir("/root/.headroom", 0700) = 0', True),
    ("7 ftruncate(3</memfd:headroom-board (deleted)>, 65536) = 0", False),
    ("7 ftruncate(3</root/x>, 65536) = 0", True),
    ("7 --- SIGTERM {si_signo=SIGTERM} ---", False),
]


@pytest.mark.parametrize(("line", "counts"), TRACED)
def test_what_counts_as_written(line: str, counts: bool, tmp_path: Path) -> None:
    (tmp_path / "trace").write_text(line + "\n", "utf-8")
    assert written(tmp_path / "trace") == [line] * counts


@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one process", "workers"])
def test_nothing_is_opened_for_writing(provider: Provider, tmp_path: Path, options: tuple[str, ...]) -> None:
    """From the start to the end, reopening and draining included."""
    home, trace = tmp_path / "home", tmp_path / "trace"
    home.mkdir()
    compiled(home)
    calls = ",".join(f"?{name}" for name in (*OPENS, *CHANGES))
    before = [strace(), "-f", "-qq", "-y", "-s", "300", "-o", str(trace), "-e", f"trace={calls}", "-e", "signal=none"]
    with stateless(provider, home, before, *options) as (process, port):
        all_there_is(port) if not options else everything_by_any(port)
        for number in (signal.SIGHUP, signal.SIGTERM):
            os.kill(first(trace), number)
        until(lambda: process.poll() is not None)
    assert "/headroom/proxy/" in trace.read_text("utf-8", "replace"), "reading is traced too"
    assert written(trace) == []
    assert not list(home.iterdir())


def everything_by_any(port: int) -> None:
    """Each worker has a state of its own, so what one shortened another cannot give back by HTTP."""
    client = Client(port, {"x-api-key": "sk-one"})
    for turn in range(8):
        for told in ("", "retrieve own", "fail"):
            assert client.converse("\n".join(f"{turn} {i} some words of a log" for i in range(500)), told) in (200, 529)
        client.look("/stats")
        client.look("/metrics")


def test_on_a_file_system_that_cannot_be_written_all_goes_on(provider: Provider, tmp_path: Path) -> None:
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no mount namespace of our own can be had here (unshare -rm)")
    home = tmp_path / "home"
    home.mkdir()
    probe = subprocess.run(["unshare", "-rm", "sh", "-c", READ_ONLY, "sh", "true"], capture_output=True, check=False, env={**os.environ, "HOME": str(home)})
    if probe.returncode:
        pytest.skip("the mounts of this machine cannot be made read-only")
    with stateless(provider, home, ["unshare", "-rm", "sh", "-c", READ_ONLY, "sh"]) as (_, port):
        all_there_is(port)
    assert not list(home.iterdir())


def test_no_module_is_compiled_to_disk_once_we_know(provider: Provider, tmp_path: Path) -> None:
    """Python itself caches what it imports before our first line runs; where an installer left that undone, the rest is not cached either."""
    shutil.copytree(ROOT / "headroom", tmp_path / "app" / "headroom", ignore=shutil.ignore_patterns("__pycache__"))
    home = tmp_path / "home"
    home.mkdir()
    with stateless(provider, home, [], cwd=tmp_path / "app") as (_, port):
        all_there_is(port)
    cached = {path.parent.parent.name for path in (tmp_path / "app").rglob("*.pyc")}
    assert not cached & {"proxy", "stores", "http", "layers", "learning", "ledger"}
