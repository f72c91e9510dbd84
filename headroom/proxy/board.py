"""A board on which the processes of one proxy post what they have counted, so that any of them can tell for all.

A file of slots; each process holds one for as long as it lives, by a lock that ends with it, and posts in it whenever
its figures have changed. What a process that died has posted stays there and counts on; whoever takes over its slot
takes over its figures. A slot has two halves, written in turn, each with a check sum: who is killed while writing
leaves the other one. Beside each post stands what was counted since, one exchange after the other: posting all figures
each time would take too long.

Under our own supervisor the file is in memory and has no name; under a foreign one (gunicorn) it lies with the state.
"""

from __future__ import annotations

import os
import struct
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

if os.name == "posix":
    import fcntl

SLOTS = 256
"""Processes at a time, those that drain after a reload included."""

HALF = 1 << 20
"""Bytes for one post: figures take some tens of kilobytes, packed a fifth of it. The file is sparse. As many again for what
was counted since: an exchange takes one kilobyte, and there are a hundred or two of them between two posts."""

FIRST = 65536
"""Where slots begin; before them the number of resets, and one byte for each slot's lock."""

HEADER = struct.Struct(">QII")
"""Number of the post, length, and a check sum of the number and what follows."""

RESETS = struct.Struct(">Q")
CLEARS = RESETS.size
"""Where stands how often all kept answers have been forgotten, in the same form."""

LOCKS = 64
"""Where the bytes for locks begin."""


def in_memory() -> int:
    """A descriptor of an empty board that has no name; no byte of it is written to disk where the system allows that."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("headroom-board")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def in_folder(folder: Path, family: int) -> int:
    """A descriptor of the board of the processes whose parent is `family`. Those of parents that are gone are deleted.
    Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in folder.glob("board-*"):
        if old.name != f"board-{family}" and not _alive(old.name.rpartition("-")[2]):
            old.unlink(missing_ok=True)
    return os.open(folder / f"board-{family}", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)


def _alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


@dataclass(frozen=True, slots=True)
class Posted:
    number: int
    text: bytes
    live: bool
    """The process still is."""
    since: tuple[bytes, ...]
    """What it has added since."""
    before: tuple[bytes, ...] = ()
    """What it had added between the post before that and this one, which therefore tells of it."""

    @property
    def left(self) -> bool:
        """Whether it has anything that it may not have written down; who ends by itself has not."""
        return bool(self.since or self.before)


class Board:
    """Its descriptor belongs to this process alone: a lock ends when any descriptor of the file is closed here."""

    def __init__(self, descriptor: int) -> None:
        """Takes a slot, if there is a free one: first one whose process was killed, for what it left has to be written down."""
        self._file = descriptor
        left = (slot for slot in range(SLOTS) if (found := self._whole(slot)) is not None and found.left)
        self._slot = next((slot for slot in (*left, *range(SLOTS)) if self._lock(slot)), None)
        self.inherited = None if self._slot is None else self._whole(self._slot)
        """What the process posted that had the slot before."""
        self._number = self.inherited.number if self.inherited else 0
        self._place = self._end = 0
        """Where the next one is added, and where none may be any more."""

    def post(self, text: bytes) -> bool:
        """Replace what we posted. False if there is no room for it, here or on the disk."""
        packed = zlib.compress(text, 1)
        if self._slot is None or len(packed) > HALF - HEADER.size:
            return False
        number = self._number + 1
        if not self._written(_framed(number, packed), _place(self._slot, number % 2)):
            return False
        self._number = number
        self._place = _place(self._slot, 2 + number % 2)
        self._end = self._place + HALF
        return True

    def add(self, text: bytes) -> bool:
        """To what we last posted. False if there is no room for it, or nothing was posted. It takes some microseconds, and
        once it has been written our end does not matter to it."""
        framed = _framed(self._number, text)
        if self._place + len(framed) > self._end or not self._written(framed, self._place):
            return False
        self._place += len(framed)
        return True

    def others(self) -> Iterator[Posted]:
        """What the others have posted and added."""
        for slot in range(SLOTS):
            found = None if slot == self._slot else self._whole(slot)
            if found is not None:
                yield replace(found, live=not self._free(slot))

    @property
    def resets(self) -> int:
        """How often all figures have been set back to nothing."""
        return self._number_at(0)

    @property
    def clears(self) -> int:
        """How often everybody was told to forget all kept answers."""
        return self._number_at(CLEARS)

    def clear(self) -> None:
        """Two at the same moment may count as one here as well."""
        os.pwrite(self._file, RESETS.pack(self.clears + 1), CLEARS)

    def _number_at(self, place: int) -> int:
        raw = os.pread(self._file, RESETS.size, place)
        return int(RESETS.unpack(raw)[0]) if len(raw) == RESETS.size else 0

    def reset(self) -> int:
        """Two at the same moment may count as one, which is what both want."""
        number = self.resets + 1
        os.pwrite(self._file, RESETS.pack(number), 0)
        return number

    def close(self) -> None:
        os.close(self._file)

    def _written(self, framed: bytes, place: int) -> bool:
        """Half of it counts as nothing: its check sum is wrong."""
        try:
            return os.pwrite(self._file, framed, place) == len(framed)
        except OSError:
            return False

    def _whole(self, slot: int) -> Posted | None:
        """What it added belongs to what it posted: if it posts meanwhile, we look again."""
        found = self._read(slot)
        while found is not None:
            number, text = found
            since, before = (tuple(self._added(slot, n)) for n in (number, number - 1))
            found = self._read(slot)
            if found is None or found[0] == number:
                return Posted(number, text, live=False, since=since, before=before)
        return None

    def _read(self, slot: int) -> tuple[int, bytes] | None:
        framed = [found for half in (0, 1) if (found := self._framed(_place(slot, half))) is not None]
        number, packed = max(framed, default=(0, b""))
        return (number, zlib.decompress(packed)) if number else None

    def _added(self, slot: int, number: int) -> Iterator[bytes]:
        place = _place(slot, 2 + number % 2)
        end = place + HALF
        while place < end and (found := self._framed(place)) is not None and found[0] == number:
            yield found[1]
            place += HEADER.size + len(found[1])

    def _framed(self, place: int) -> tuple[int, bytes] | None:
        raw = os.pread(self._file, HEADER.size, place)
        if len(raw) < HEADER.size:
            return None
        number, length, check = HEADER.unpack(raw)
        text = os.pread(self._file, min(length, HALF), place + HEADER.size)
        # Of an empty text the check sum would be the number itself, and nobody writes one.
        return (number, text) if number and text and zlib.crc32(text, number & 0xFFFFFFFF) == check else None

    def _lock(self, slot: int) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, LOCKS + slot)
        except OSError:
            return False
        return True

    def _free(self, slot: int) -> bool:
        """Whether nobody holds it. Who looks for a slot at this very moment may pass by this one, and takes the next."""
        if not self._lock(slot):
            return False
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, LOCKS + slot)
        return True


def _framed(number: int, text: bytes) -> bytes:
    return HEADER.pack(number, len(text), zlib.crc32(text, number & 0xFFFFFFFF)) + text


def _place(slot: int, half: int) -> int:
    """Two halves of a slot are for posts, two for what is added to them."""
    return FIRST + (4 * slot + half) * HALF
