"""Records as JSON lines in a file, written by a thread of their own so that no request ever waits for a disk.

Several processes may append to one file. It can be renamed, deleted or truncated under us at any time.
"""

from __future__ import annotations

import json
import logging
import os
import stat
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import anyio
import anyio.to_thread

from headroom.ccr import key_of
from headroom.conversation import Edit, Json
from headroom.errors import SettingsError
from headroom.record import NANO, Record
from headroom.redaction import redact

if sys.platform != "win32":
    import fcntl

log = logging.getLogger(__name__)

QUEUE_BYTES = 16 << 20
"""Lines waiting for a slow disk; beyond it they are dropped and counted."""

LINE_BYTES = 1000
"""A line without bodies, about; for QUEUE_BYTES."""

LOOK_SECONDS = 1.0
"""How often, at most, we look whether our file is still the one at its path."""

FLUSH_SECONDS = 5.0
"""How long closing waits for the disk."""

TAIL_BYTES = 4 << 20
"""How far back lines of a process that was killed are looked for: it left a second's worth in doubt, which is a tenth of it."""

MAX_TEXT = 300
"""Characters of a name that a client chose (model, path)."""


@dataclass(slots=True)
class _Queue:
    """What passes between those who write records and the thread that writes lines. Guarded by `change`."""

    change: threading.Condition = field(default_factory=threading.Condition)
    rows: deque[tuple[Json, int]] = field(default_factory=deque)
    waiting: int = 0
    """Bytes, about, of `rows` and of what the thread took from it and has not written yet."""
    thread: threading.Thread | None = None
    closing: bool = False


class RequestLog:
    """`steady` in seconds since whenever. The thread starts with the first record, in the process that writes it."""

    def __init__(self, path: str | os.PathLike[str], steady: Callable[[], float], flush: float = FLUSH_SECONDS) -> None:
        self._file = _File(path, steady)
        self._file.check()
        self._flush = flush
        self._pid, self._queue = os.getpid(), _Queue()
        self._unqueued = 0

    @property
    def dropped(self) -> int:
        """Lines that were not written, since the start."""
        return self._unqueued + self._file.dropped

    @property
    def waiting(self) -> int:
        """Bytes, about, that are not written yet."""
        return self._queue.waiting

    def write(self, record: Record) -> None:
        """Takes microseconds. Of the record only what the line needs is held, not the originals."""
        self._notice_fork()
        queue, size = self._queue, LINE_BYTES + len(record.request) + len(record.response)
        with queue.change:
            if queue.closing or queue.waiting + size > QUEUE_BYTES:
                self._unqueued += 1
                return
            if queue.thread is None:
                queue.thread = threading.Thread(target=self._run, args=(queue,), name="request log", daemon=True)
                queue.thread.start()
            queue.rows.append((row(record), size))
            queue.waiting += size
            queue.change.notify()

    def restore(self, rows: Sequence[Json]) -> None:
        """Write those lines of a process that was killed which it had not written yet. Before our own, and blocks."""
        if rows:
            self._file.restore(rows)

    def reopen(self) -> None:
        """For SIGHUP: the next line goes to whatever file is at the path by then."""
        self._file.look_again = True

    async def aclose(self) -> None:
        """Write what waits, for a few seconds at most."""
        self._notice_fork()
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._finish)

    def _notice_fork(self) -> None:
        """Threads do not survive a fork, locks may stay held, and a descriptor from before it would share its lock."""
        if self._pid != os.getpid():
            self._pid, self._queue = os.getpid(), _Queue()
            self._file.forget()

    def _finish(self) -> None:
        queue = self._queue
        with queue.change:
            queue.closing = True
            queue.change.notify()
        if queue.thread is None:
            return
        queue.thread.join(self._flush)
        if queue.thread.is_alive():  # the disk hangs; the thread is a daemon and ends with the process
            with queue.change:
                self._unqueued += len(queue.rows)
                queue.rows.clear()

    def _run(self, queue: _Queue) -> None:
        while True:
            with queue.change:
                while not queue.rows and not queue.closing:
                    queue.change.wait()
                taken = list(queue.rows)
                queue.rows.clear()
            if not taken:
                self._file.close()
                return
            self._file.append([fields for fields, _ in taken])
            with queue.change:
                queue.waiting -= sum(size for _, size in taken)


class _File:
    """The file behind the log. Used by the log's thread alone, but for `dropped` and `look_again`."""

    def __init__(self, path: str | os.PathLike[str], steady: Callable[[], float]) -> None:
        self._path, self._steady = os.path.abspath(os.path.expanduser(path)), steady
        self._handle: int | None = None
        self._looked = 0.0
        self._failing = False
        self.look_again = False
        self.dropped = 0

    def check(self) -> None:
        try:
            os.close(self._open())
        except OSError as error:
            raise SettingsError(f"cannot write the log file {self._path}: {error.strerror}") from None

    def append(self, rows: list[Json]) -> None:
        try:
            lines = [line(fields) for fields in rows]
            written = _append(self._current(), lines)
        except Exception as error:  # whatever it is, the thread lives and requests go on
            self._lost(len(rows), error)
            return
        if written < len(rows):
            self._lost(len(rows) - written, OSError("there was room for a part of the lines only"))
        else:
            self._failing = False

    def restore(self, rows: Sequence[Json]) -> None:
        """What no file can tell, whether they were written, is left as it is."""
        try:
            tail = _tail(self._current())
        except OSError as error:
            self._lost(len(rows), error)
            return
        missing = [row for row in rows if tail is not None and _head(row) not in tail]
        if missing:
            self.append(missing)

    def forget(self) -> None:
        self._handle = None

    def close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _current(self) -> int:
        now = self._steady()
        if self._handle is None:
            self._handle, self._looked = self._open(), now
        elif self.look_again or now - self._looked >= LOOK_SECONDS:
            self.look_again, self._looked = False, now
            if not self._is_at_path(self._handle):
                self._handle = self._successor(self._handle)
        return self._handle

    def _is_at_path(self, handle: int) -> bool:
        try:
            return os.path.samestat(os.fstat(handle), os.stat(self._path))
        except FileNotFoundError:
            return False

    def _successor(self, handle: int) -> int:
        """A renamed file still takes lines when its successor cannot be opened; a deleted one would swallow them."""
        try:
            successor = self._open()
        except OSError:
            if os.fstat(handle).st_nlink == 0:
                self.look_again = True
                raise
            return handle
        os.close(handle)
        return successor

    def _open(self) -> int:
        # O_APPEND: every write goes to the end, also after another process wrote or a rotation truncated.
        return os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)

    def _lost(self, lines: int, error: Exception) -> None:
        self.dropped += lines
        if not self._failing:  # once per spell: a full disk must not flood the other log
            self._failing = True
            log.warning("the request log %s cannot be written (%s); lines are dropped and counted", self._path, error)


def keys(record: Record) -> tuple[str, ...]:
    """Of the originals of its edits, under which they are kept (see headroom.ccr)."""
    return tuple(key_of(edit.original) for edit in record.report.edits)


def row(record: Record, known: Sequence[str] | None = None) -> Json:
    """The fields of a line, in order. A field whose subject does not exist yet is null. `known`: its keys, where the originals
    are not at hand."""
    usage, before, unpriced = record.usage, record.tokens_before, record.cost.unpriced or not record.model
    skipped: dict[str, int] = {}
    for skip in record.report.skipped:
        skipped[skip.reason] = skipped.get(skip.reason, 0) + skip.tokens
    fields: dict[str, Json] = {
        "ts": round(record.ts, 3), "request_id": record.request_id, "provider": record.provider,
        "model": record.model[:MAX_TEXT], "path": record.path[:MAX_TEXT], "stream": record.stream, "status": record.status,
        "tokens_before": before, "tokens_after": record.tokens_after, "tokens_saved": record.tokens_saved,
        "savings_percent": round(100 * record.tokens_saved / before, 2) if before else 0.0,
        "input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_tokens, "cache_write_tokens": usage.cache_write_tokens,
        "cost_usd": None if unpriced else record.cost.spent / NANO, "saved_usd": None if unpriced else record.cost.saved / NANO,
        "overhead_ms": round(record.overhead_ms, 3),
        "ttfb_ms": None if record.ttfb_ms is None else round(record.ttfb_ms, 3),
        "total_ms": round(record.total_ms, 3), "cache": record.cache,
        "edits": [told(e, key) for e, key in zip(record.report.edits, keys(record) if known is None else known, strict=True)],
        "skipped": skipped, "error": record.error or None, "session": record.session or None, "project": record.project or None,
    }
    if record.request or record.response:
        fields["request"], fields["response"] = record.request, record.response
    return fields


def told(edit: Edit, key: str = "") -> Json:
    """What is said of an edit. `key`: of its original, where that is not at hand."""
    return {
        "by": edit.by, "tool": edit.tool[:MAX_TEXT], "before": edit.before, "after": edit.after, "grade": edit.grade,
        "key": key or key_of(edit.original),
    }


def line(fields: Json) -> bytes:
    """One line, in ASCII: control characters, line separators and lone surrogates are escaped."""
    for name in ("request", "response"):
        if name in fields:
            fields[name] = redact(fields[name])
    return json.dumps(fields, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"


def _head(fields: Json) -> bytes:
    """How the line of an exchange begins, and no other's: clients choose ids, and some send one again."""
    return line({"ts": fields["ts"], "request_id": fields["request_id"]})[:-2] + b","


def _tail(handle: int) -> bytes | None:
    """The end of the file; None of what cannot be read again, as a pipe."""
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        return None
    os.lseek(handle, max(status.st_size - TAIL_BYTES, 0), os.SEEK_SET)
    return os.read(handle, TAIL_BYTES)


def _append(handle: int, lines: list[bytes]) -> int:
    """Append whole lines in one write; answers how many fit."""
    data = b"".join(lines)
    if not stat.S_ISREG(os.fstat(handle).st_mode):  # a pipe or a terminal
        _write_all(handle, data)
        return len(lines)
    with _Turn(handle):
        end = os.fstat(handle).st_size
        torn = end > 0 and _byte_at(handle, end - 1) != b"\n"  # a process was killed in the middle of a line
        try:
            written = os.write(handle, b"\n" + data if torn else data) - torn
        except OSError:
            os.ftruncate(handle, end)
            raise
        if written == len(data):
            return len(lines)
        whole = data.rfind(b"\n", 0, max(written, 0)) + 1
        os.ftruncate(handle, end + torn + whole if whole else end)
        return data.count(b"\n", 0, whole)


def _write_all(handle: int, data: bytes) -> None:
    while data:
        data = data[os.write(handle, data) :]


def _byte_at(handle: int, position: int) -> bytes:
    os.lseek(handle, position, os.SEEK_SET)
    return os.read(handle, 1)


class _Turn:
    """One process at a time, so that a short write can be cut back to whole lines. Not every file system offers it."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def __enter__(self) -> None:
        self._lock(True)

    def __exit__(self, *error: object) -> None:
        self._lock(False)

    def _lock(self, take: bool) -> None:
        if sys.platform == "win32":
            return
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX if take else fcntl.LOCK_UN)
        except OSError:
            return  # appends alone do not interleave either, on any local file system
