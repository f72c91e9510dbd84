"""The SQLite store and its file: broken, foreign, locked, full, shared, killed, forked."""

# ruff: noqa: ASYNC240 - a test has nothing else to do while the disk answers

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anyio
import pytest

from headroom.errors import StoreError
from headroom.stores.base import Size, Space
from headroom.stores.sqlite import SQLite
from headroom.stores.sqlitefile import NAMES, TABLES

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes and signals"),
]

SPACE = Space("ccr", ttl=1600.0, max_bytes=1 << 20)
NOW = 1_000_000.0
EVENTUALLY = 30
"""Seconds after which a test is broken rather than slow."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SQLite]:
    opened = SQLite(path, lambda: NOW, busy=0.05)
    try:
        yield opened
    finally:
        await opened.aclose()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def aside(path: Path) -> list[str]:
    return sorted(p.name for p in path.parent.iterdir() if ".corrupt-" in p.name and not p.name.endswith(("-wal", "-shm")))


async def test_nothing_is_created_before_the_first_use(store: SQLite, path: Path) -> None:
    assert not path.parent.exists()
    await store.size(SPACE)
    assert path.exists()


async def test_only_the_owner_may_read(store: SQLite, path: Path) -> None:
    await store.put(SPACE, "t", {"k": b"v"})
    assert mode(path.parent) == 0o700
    assert {mode(p) for p in path.parent.iterdir()} == {0o600}


@pytest.mark.parametrize(("was", "becomes"), [(0o644, 0o600), (0o600, 0o600), (0o400, 0o400), (0o440, 0o400)])
async def test_an_existing_mode_is_only_ever_made_stricter(store: SQLite, path: Path, was: int, becomes: int) -> None:
    path.parent.mkdir(mode=0o755)
    path.parent.chmod(0o755)
    await store.put(SPACE, "t", {"k": b"v"})
    await store.aclose()
    path.chmod(was)
    await store.get(SPACE, "t", ["k"])
    assert (mode(path), mode(path.parent)) == (becomes, 0o755)


async def test_closing_leaves_one_file_that_opens_again(store: SQLite, path: Path) -> None:
    await store.put(SPACE, "t", {"k": b"v"})
    await store.aclose()
    assert os.listdir(path.parent) == ["db"]
    assert await store.get(SPACE, "t", ["k"]) == {"k": b"v"}


async def test_closing_while_cancelled_still_closes(store: SQLite, path: Path) -> None:
    await store.put(SPACE, "t", {"k": b"v"})
    with anyio.CancelScope() as scope:
        scope.cancel()
        await store.aclose()
    assert os.listdir(path.parent) == ["db"]


def not_sqlite(path: Path) -> None:
    path.write_text("my notes\n" * 1000)


def broken_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\xff" * 64)


def broken_pages(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xa5" * (path.stat().st_size - 100))


def truncated(path: Path) -> None:
    os.truncate(path, 5000)


def emptied(path: Path) -> None:
    os.truncate(path, 0)


def other_version(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()


def somebody_elses(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE songs (name TEXT)")
    db.close()


def missing_tables(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("DROP TABLE sizes")
    db.close()


@pytest.mark.parametrize(
    "harm", [not_sqlite, broken_header, broken_pages, truncated, other_version, somebody_elses, missing_tables]
)
async def test_a_file_we_cannot_use_is_set_aside(
    store: SQLite, path: Path, harm: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    await store.put(SPACE, "t", {f"{i}": b"v" * 1000 for i in range(50)})
    await store.aclose()
    harm(path)
    was = path.read_bytes()
    with caplog.at_level(logging.WARNING):
        assert await store.get(SPACE, "t", ["1"]) == {}
    assert aside(path) == ["db.corrupt-1000000"]
    assert (path.parent / "db.corrupt-1000000").read_bytes()[:16] == was[:16]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    await store.put(SPACE, "t", {"k": b"v"})
    assert await store.size(SPACE) == Size(1, 2)


async def test_an_emptied_file_is_a_fresh_start(store: SQLite, path: Path) -> None:
    await store.put(SPACE, "t", {"k": b"v"})
    await store.aclose()
    emptied(path)
    assert await store.get(SPACE, "t", ["k"]) == {}
    assert aside(path) == []


async def test_a_page_that_breaks_later_costs_one_failed_call(store: SQLite, path: Path) -> None:
    """Not an empty answer: what was asked for may well have been there."""
    await store.put(SPACE, "t", {f"{i}": os.urandom(1000) for i in range(200)})
    await store.aclose()
    pages = path.stat().st_size // 4096
    with path.open("r+b") as file:  # all but the first, which holds what is looked at when opening
        file.seek(4096)
        file.write(b"\xa5" * 4096 * (pages - 1))
    with pytest.raises(StoreError):
        await store.get(SPACE, "t", ["1"])
    await store.put(SPACE, "t", {"k": b"v"})
    assert await store.get(SPACE, "t", ["k"]) == {"k": b"v"}
    assert len(aside(path)) == 1


async def test_files_set_aside_do_not_overwrite_each_other(store: SQLite, path: Path) -> None:
    for _ in range(3):
        await store.put(SPACE, "t", {"k": b"v"})
        await store.aclose()
        not_sqlite(path)
    await store.size(SPACE)
    assert aside(path) == ["db.corrupt-1000000", "db.corrupt-1000001", "db.corrupt-1000002"]


async def test_a_value_that_does_not_unpack_is_an_error(store: SQLite, path: Path) -> None:
    await store.put(SPACE, "t", {"k": b"line\n" * 2000})
    await store.aclose()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE entries SET value = x'00'")
    db.close()
    with pytest.raises(StoreError):
        await store.get(SPACE, "t", ["k"])


async def test_a_lock_held_by_another_is_an_error_soon(store: SQLite, path: Path) -> None:
    await store.put(SPACE, "t", {"k": b"v"})
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="locked"):
        await store.put(SPACE, "t", {"k": b"w"})
    assert await store.get(SPACE, "t", ["k"]) == {"k": b"v"}, "readers do not wait for writers"
    other.execute("ROLLBACK")
    other.close()
    await store.put(SPACE, "t", {"k": b"w"})
    assert await store.get(SPACE, "t", ["k"]) == {"k": b"w"}


async def test_a_read_never_waits_to_note_that_it_read(path: Path) -> None:
    now = NOW
    store = SQLite(path, lambda: now, busy=EVENTUALLY)
    await store.put(SPACE, "t", {"k": b"v"})
    now += SPACE.ttl / 2
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with anyio.fail_after(EVENTUALLY / 2):
        assert await store.get(SPACE, "t", ["k"]) == {"k": b"v"}
    other.close()
    await store.aclose()


async def test_most_reads_write_nothing(path: Path) -> None:
    now = NOW
    store = SQLite(path, lambda: now)
    await store.put(SPACE, "t", {"k": b"v"})
    other = sqlite3.connect(path)

    def version() -> int:
        (seen,) = other.execute("PRAGMA data_version").fetchone()
        return int(seen)

    before = version()
    now += SPACE.ttl / 20
    await store.get(SPACE, "t", ["k"])
    await store.add(SPACE, "t", {"k": b"v"})
    assert version() == before
    now += SPACE.ttl / 20
    await store.get(SPACE, "t", ["k"])
    assert version() != before
    other.close()
    await store.aclose()


async def test_what_expired_is_deleted_in_time(path: Path) -> None:
    now = NOW
    store = SQLite(path, lambda: now)
    await store.put(SPACE, "t", {"old": b"v"})
    now += 2 * SPACE.ttl
    await store.put(SPACE, "t", {"new": b"v"})
    await store.aclose()
    db = sqlite3.connect(path)
    assert db.execute("SELECT key FROM entries").fetchall() == [("new",)]
    db.close()


@pytest.mark.parametrize("where", ["a file/db", "a folder"])
async def test_a_place_that_cannot_hold_a_file(tmp_path: Path, where: str) -> None:
    (tmp_path / "a file").write_text("x")
    (tmp_path / "a folder").mkdir(mode=0o755)
    store = SQLite(tmp_path / where, lambda: NOW)
    for _ in range(2):
        with pytest.raises(StoreError) as raised:
            await store.size(SPACE)
        assert "\n" not in raised.value.message
    await store.aclose()
    assert mode(tmp_path / "a folder") == 0o755


async def test_a_file_deleted_under_us_is_replaced(store: SQLite, path: Path) -> None:
    await store.put(SPACE, "t", {"k": b"v"})
    path.unlink()
    assert await store.get(SPACE, "t", ["k"]) == {}
    await store.put(SPACE, "t", {"l": b"v"})
    assert path.exists()


async def test_two_stores_agree_on_who_was_first(store: SQLite, path: Path) -> None:
    second = SQLite(path, lambda: NOW)
    assert await store.add(SPACE, "", {"k": b"first"}) == {"k": b"first"}
    assert await second.add(SPACE, "", {"k": b"second", "l": b"mine"}) == {"k": b"first", "l": b"mine"}
    assert await store.get(SPACE, "", ["k", "l"]) == {"k": b"first", "l": b"mine"}
    await second.aclose()


def test_the_names_are_those_of_the_tables() -> None:
    db = sqlite3.connect(":memory:")
    db.executescript(TABLES)
    names = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    db.close()
    assert names >= NAMES


# In other processes ---------------------------------------------------------------------------------------


def started(script: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", f"import anyio, os, sys, resource\n{IMPORTS}\n{script}", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


IMPORTS = """
from pathlib import Path
from headroom.errors import StoreError
from headroom.stores.base import Space
from headroom.stores.sqlite import SQLite
SPACE = Space("ccr", ttl=1600.0, max_bytes=1 << 24)
store = SQLite(Path(sys.argv[1]), lambda: 1_000_000.0)
"""

RACE = """
async def main():
    mine = {f"{i}": sys.argv[2].encode() for i in range(200)}
    stands = {}
    for i in range(0, 200, 10):
        stands |= await store.add(SPACE, "", {f"{k}": sys.argv[2].encode() for k in range(i, i + 10)})
    print(" ".join(stands[f"{i}"].decode() for i in range(200)))
    await store.aclose()
anyio.run(main)
"""


@pytest.mark.parametrize("harm", [None, not_sqlite])
def test_processes_that_race_agree_on_every_row(path: Path, harm: Callable[[Path], None] | None) -> None:
    if harm is not None:
        path.parent.mkdir()
        harm(path)
    racers = [started(RACE, str(path), name) for name in "abcd"]
    told = [racer.communicate(timeout=EVENTUALLY) for racer in racers]
    assert len({out for out, _ in told}) == 1, told
    assert set(told[0][0].split()) <= set("abcd")
    assert len(aside(path)) == (harm is not None)


WRITE = """
async def main():
    i = 0
    while True:
        await store.put(SPACE, "t", {f"{i}": os.urandom(9000)})
        print(i, flush=True)
        i += 1
anyio.run(main)
"""


async def test_killed_while_writing_nothing_said_to_be_kept_is_lost(path: Path) -> None:
    last = 0
    for round_ in range(3):
        writer = started(WRITE, str(path))
        assert writer.stdout is not None
        for line in writer.stdout:
            last = int(line)
            if last >= 5 * (round_ + 1):
                break
        writer.send_signal(signal.SIGKILL)
        rest, _ = writer.communicate(timeout=EVENTUALLY)
        last = max([last, *(int(line) for line in rest.splitlines() if line.strip())])
        space = Space("ccr", ttl=1600.0, max_bytes=1 << 24)
        store = SQLite(path, lambda: NOW)
        assert len(await store.get(space, "t", [f"{i}" for i in range(last + 1)])) == last + 1
        await store.aclose()
    assert aside(path) == []
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()


FULL = """
async def main():
    await store.put(SPACE, "t", {"first": b"v"})
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
    failed = 0
    for i in range(60):
        try:
            await store.put(SPACE, "t", {f"{i}": os.urandom(10_000)})
        except StoreError:
            failed += 1
    print(failed > 0, await store.get(SPACE, "t", ["first"]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await store.put(SPACE, "t", {"later": b"w"})
    print(await store.get(SPACE, "t", ["first", "later"]))
    await store.aclose()
anyio.run(main)
"""


def test_a_full_disk_fails_writes_and_nothing_else(path: Path) -> None:
    out, err = started(FULL, str(path)).communicate(timeout=EVENTUALLY)
    assert out.splitlines() == ["True {'first': b'v'}", "{'first': b'v', 'later': b'w'}"], err
    assert aside(path) == []


FORK = """
async def parent():
    await store.put(SPACE, "t", {"parent": b"p"})
async def child():
    await store.put(SPACE, "t", {"child": b"c"})
    print(sorted(await store.get(SPACE, "t", ["parent", "child"])), flush=True)
    await store.aclose()
async def after():
    print(sorted(await store.get(SPACE, "t", ["parent", "child"])), flush=True)
    await store.put(SPACE, "t", {"parent": b"q"})
    await store.aclose()
anyio.run(parent)
if (pid := os.fork()) == 0:
    anyio.run(child)
    sys.exit(0)
print(os.waitpid(pid, 0)[1], flush=True)
anyio.run(after)
"""


def test_a_forked_child_opens_its_own_connection(path: Path) -> None:
    out, err = started(FORK, str(path)).communicate(timeout=EVENTUALLY)
    both = "['child', 'parent']"
    assert out.splitlines() == [both, "0", both], err
    assert aside(path) == []
