"""The ledger as the proxy uses it: a record is queued at once, and a thread writes what has come in groups.

Who is killed has not committed what was queued: what came in the last GATHER_SECONDS, and while one group was written. A
process that has siblings keeps that on their board, and its successor writes it (see headroom.proxy.siblings); of one that
is alone it is lost. The file stays whole, and what was committed stays in it.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import anyio
import anyio.to_thread

from headroom.errors import StoreError
from headroom.ledger.book import Book
from headroom.ledger.entry import Entry, entry
from headroom.record import Record

log = logging.getLogger(__name__)

T = TypeVar("T")

GATHER_SECONDS = 0.05
"""How long the first entry of a group waits for more."""

GROUP = 256
"""Entries from which a group does not wait, and at most in one transaction: some 15 ms of work."""

QUEUE = 10_000
"""Entries that wait while the disk is slow, full or locked, some 10 MB; those that come beyond are lost, and counted."""

RETRY_SECONDS = 1.0
"""Between two attempts while nothing can be written."""

CLOSE_SECONDS = 5.0
"""How long closing, and who asks for figures, waits for what is queued."""


@dataclass(slots=True)
class _Queue:
    """Between those who write records and the thread. Guarded by `change`."""

    change: threading.Condition = field(default_factory=threading.Condition)
    entries: deque[Entry] = field(default_factory=deque)
    taken: int = 0
    """Entries that the thread holds now."""
    queued: int = 0
    done: int = 0
    """Entries that were ever queued, and those of them that were committed or given up."""
    thread: threading.Thread | None = None
    hurry: bool = False
    closing: bool = False


class Ledger:
    """The thread starts with the first record, in the process that writes it."""

    def __init__(self, book: Book, most: int = QUEUE) -> None:
        self._book, self._most = book, most
        self._pid, self._queue = os.getpid(), _Queue()
        self._unsaid = 0
        """Lost entries of which the file does not know yet."""
        self.lost = 0
        """Entries that this process could not write."""
        self.failing = False

    @property
    def where(self) -> str:
        return self._book.where

    @property
    def waiting(self) -> int:
        """Entries that are not committed yet."""
        return self._queue.queued - self._queue.done

    @property
    def committed(self) -> int:
        return self._queue.done - self.lost

    def write(self, record: Record) -> None:
        """Takes microseconds."""
        self._notice_fork()
        row, queue = entry(record), self._queue
        with queue.change:
            queue.queued += 1
            if queue.closing or len(queue.entries) + queue.taken >= self._most:
                self._lose(queue, 1)
                return
            queue.entries.append(row)
            if queue.thread is None:
                queue.thread = threading.Thread(target=self._run, args=(queue,), name="ledger", daemon=True)
                queue.thread.start()
            # The thread wakes for the first of a group, and when there is a whole one.
            if len(queue.entries) in (1, GROUP):
                queue.change.notify_all()

    async def ask(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` reads, in a thread of its own, once all is written that was queued by now. Raises StoreError."""
        return await anyio.to_thread.run_sync(lambda: self._after_queued(work))

    async def aclose(self) -> None:
        """Write what waits, for a few seconds at most."""
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self.close)

    def close(self) -> None:
        self._notice_fork()
        queue = self._queue
        with queue.change:
            queue.closing = True
            queue.change.notify_all()
        if queue.thread is not None:
            queue.thread.join(CLOSE_SECONDS)
            if queue.thread.is_alive():  # the disk hangs; the thread is a daemon and ends with the process
                with queue.change:
                    self._lose(queue, len(queue.entries))
                    queue.entries.clear()
                return
        self._book.close()

    def _after_queued(self, work: Callable[[sqlite3.Connection], T]) -> T:
        queue = self._queue
        with queue.change:
            until = queue.queued
            if queue.done < until and not self.failing:
                queue.hurry = True
                queue.change.notify_all()
                queue.change.wait_for(lambda: queue.done >= until or self.failing, CLOSE_SECONDS)
        return self._book.run(work)

    def _notice_fork(self) -> None:
        """Threads do not survive a fork, and locks may stay held. What was queued, the parent writes."""
        if self._pid != os.getpid():
            self._pid, self._queue, self._unsaid, self.lost = os.getpid(), _Queue(), 0, 0

    def _lose(self, queue: _Queue, n: int) -> None:
        self.lost += n
        self._unsaid += n
        queue.done += n

    def _run(self, queue: _Queue) -> None:
        while True:
            with queue.change:
                queue.change.wait_for(lambda: queue.entries or queue.closing)
                queue.change.wait_for(lambda: len(queue.entries) >= GROUP or queue.closing or queue.hurry, GATHER_SECONDS)
                group = [queue.entries.popleft() for _ in range(min(len(queue.entries), GROUP))]
                queue.taken, lost = len(group), self._unsaid
                queue.hurry = queue.hurry and bool(queue.entries)
            if not group:
                return
            self._commit(queue, group, lost)

    def _commit(self, queue: _Queue, group: list[Entry], lost: int) -> None:
        """Until it is written. When we are closing, once."""
        while True:
            try:
                self._book.append(group, lost)
            except StoreError as error:
                if self._gave_up(queue, group, error):
                    return
                continue
            with queue.change:
                self._unsaid -= lost
                self.failing = False
                queue.done += len(group)
                queue.taken = 0
                queue.change.notify_all()
            return

    def _gave_up(self, queue: _Queue, group: list[Entry], error: StoreError) -> bool:
        if not self.failing:  # once per spell
            log.warning("%s; requests go on, and their accounts wait, up to %d of them", error.message, self._most)
        with queue.change:
            self.failing = True
            queue.change.notify_all()
            if not queue.closing:
                queue.change.wait_for(lambda: queue.closing, RETRY_SECONDS)
                return False
            self._lose(queue, len(group) + len(queue.entries))
            queue.entries.clear()
            queue.taken = 0
            queue.change.notify_all()
            return True
