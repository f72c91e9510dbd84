"""The file under a SQLite store: opened privately, recognised as ours, set aside if it is broken."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import stat
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

if sys.platform != "win32":
    import fcntl

log = logging.getLogger(__name__)

APPLICATION_ID = 0x48445231
""""HDR1" in the file's header, so that a database of somebody else is known for what it is."""

VERSION = 1
"""Of the tables below. A file of another version is set aside like a broken one."""

WAL_KEPT = 16 << 20
"""Bytes to which the write-ahead log is cut back after a burst; it would keep its largest size otherwise."""

ATTEMPTS, PAUSE = 6, 0.02
"""How often a file that changes under us is opened, and the seconds in between: renaming it takes far less."""

TABLES = """
CREATE TABLE entries (
  space TEXT NOT NULL, key TEXT NOT NULL, tenant TEXT NOT NULL,
  used REAL NOT NULL, packed INTEGER NOT NULL, size INTEGER NOT NULL, value BLOB NOT NULL);
CREATE UNIQUE INDEX entries_by_name ON entries (space, key, tenant);
CREATE INDEX entries_by_age ON entries (space, used, size);
CREATE TABLE sizes (space TEXT PRIMARY KEY, entries INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID;
CREATE TRIGGER entry_added AFTER INSERT ON entries BEGIN
  INSERT INTO sizes VALUES (new.space, 1, new.size)
    ON CONFLICT (space) DO UPDATE SET entries = entries + 1, bytes = bytes + new.size;
END;
CREATE TRIGGER entry_resized AFTER UPDATE OF size ON entries BEGIN
  UPDATE sizes SET bytes = bytes + new.size - old.size WHERE space = new.space;
END;
CREATE TRIGGER entry_removed AFTER DELETE ON entries BEGIN
  UPDATE sizes SET entries = entries - 1, bytes = bytes - old.size WHERE space = old.space;
END;
"""
"""The triggers keep the sums right for every process that writes, so no budget check ever scans the rows."""

NAMES = frozenset(("entries", "entries_by_name", "entries_by_age", "sizes", "entry_added", "entry_resized", "entry_removed"))


@dataclass(frozen=True, slots=True)
class Schema:
    """What a file of ours holds, and by what it is known."""

    what: str
    """In words, for messages."""
    application_id: int
    version: int
    tables: str
    names: frozenset[str]
    """Tables, indexes and triggers without which it is not ours."""


STATE = Schema("the state", APPLICATION_ID, VERSION, TABLES, NAMES)


class Foreign(Exception):
    """A database, but not one of ours."""


@dataclass(frozen=True, slots=True)
class Opened:
    connection: sqlite3.Connection
    inode: int
    """Of the file behind the connection; the path may lead to another one later."""


def open_database(path: Path, busy: float, now: float, schema: Schema = STATE) -> Opened:
    """Raises OSError and sqlite3.Error. A broken or foreign file is set aside, and a fresh one started.

    Another process may do the same at this moment, and take the file and its log away under us: then SQLite reports
    an I/O error, or the file is gone, and we look again.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return _open(path, busy, schema)
        except (Foreign, sqlite3.DatabaseError) as error:
            if broken(error):
                with contextlib.suppress(FileNotFoundError):
                    quarantine(path, path.stat().st_ino, now, error, schema.what)
            elif not _taken_away(error):
                raise
            else:
                time.sleep(PAUSE)
    return _open(path, busy, schema)


def _taken_away(error: sqlite3.DatabaseError | Foreign) -> bool:
    return isinstance(error, sqlite3.OperationalError) and "disk I/O error" in str(error)


def broken(error: Exception) -> bool:
    """SQLITE_CORRUPT and SQLITE_NOTADB are raised as DatabaseError itself, all else as one of its subclasses."""
    return isinstance(error, Foreign) or type(error) is sqlite3.DatabaseError


def quarantine(path: Path, inode: int, now: float, why: Exception, what: str = STATE.what) -> None:
    """Rename a broken file and its log out of the way, unless another process has done so already."""
    with contextlib.suppress(FileNotFoundError), _locked(path) as found:
        if found != inode or path.stat().st_ino != inode:
            return
        stamp = int(now)
        while (aside := path.with_name(f"{path.name}.corrupt-{stamp}")).exists():
            stamp += 1
        # The file itself goes last: a log left behind would be replayed into its successor.
        for suffix in ("-wal", "-shm", ""):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{path}{suffix}", f"{aside}{suffix}")
        log.warning("%s in %s cannot be used (%s); it was kept as %s and a fresh one is started", what, path, why, aside.name)


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; takes the write lock at once, so that no later statement can find it taken."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite has rolled back by itself after some errors, a full disk among them.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _open(path: Path, busy: float, schema: Schema) -> Opened:
    _create(path)
    inode = path.stat().st_ino
    connection = sqlite3.connect(path, timeout=busy, isolation_level=None, check_same_thread=False)
    try:
        _recognise(connection, schema)
        _make_private(path)
        # NORMAL: killing a process loses nothing, a power cut at most the last writes, and never the file.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA journal_size_limit = {WAL_KEPT}")
    except BaseException:
        connection.close()
        raise
    return Opened(connection, inode)


def _create(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Never opened here when it exists: closing any descriptor of a file drops all locks this process has on it.
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(f"{path} is not a file")


def _make_private(path: Path) -> None:
    """For nobody but its owner; a mode that is stricter yet stays."""
    for name in (f"{path}", f"{path}-wal", f"{path}-shm"):
        with contextlib.suppress(FileNotFoundError, PermissionError):
            mode = stat.S_IMODE(os.stat(name).st_mode)
            if mode & 0o077:
                os.chmod(name, mode & 0o700)


def _recognise(connection: sqlite3.Connection, schema: Schema) -> None:
    if _identity(connection) == (0, 0) and not _names(connection):
        with transaction(connection):
            # Another process may have been faster while we waited for the lock.
            if _identity(connection) == (0, 0):
                create_tables(connection, schema)
    identity = _identity(connection)
    if identity != (schema.application_id, schema.version) or not _names(connection) >= schema.names:
        raise Foreign("of another version" if identity[0] == schema.application_id else "not ours")


def create_tables(connection: sqlite3.Connection, schema: Schema) -> None:
    # Not executescript: it would commit the transaction we are in.
    statement = ""
    for line in schema.tables.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""
    connection.execute(f"PRAGMA application_id = {schema.application_id}")
    connection.execute(f"PRAGMA user_version = {schema.version}")


def _identity(connection: sqlite3.Connection) -> tuple[int, int]:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return application, version


def _names(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[int]:
    """Hold the broken file itself, so that of several processes only one renames it; yields its inode."""
    held = os.open(path, os.O_RDONLY)
    try:
        if sys.platform != "win32":  # there a file that others have open cannot be renamed at all
            fcntl.flock(held, fcntl.LOCK_EX)
        yield os.fstat(held).st_ino
    finally:
        os.close(held)
