"""What earlier bodies taught: which values stood at the head of an array or as a member, and what was made of them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from headroom.memo import Memo
from headroom.traces import Traces

MEMO_BYTES = 32 << 20
"""A body of an agent's long session has 1 MB, and weighs about three times that here."""

SHARE_OF_RUNS = 3 / 4
"""The rest is for members that are no arrays, such as a system prompt, and for what is known of single values."""

FORKS = 4
"""Continuations remembered behind one beginning: retries and sub-agents branch a little."""

OVERHEAD = 400
"""What an entry costs beside its texts, in bytes: dict slots, tuples, a Link, as sys.getsizeof sees them."""

WEIGHT, ELEMENT = 3, 1500
"""What an array comes to for each byte and for each element: its bytes, its texts, the forms they leave in; and the objects
that all steps made of an element."""


Head = tuple[str, bytes]
"""Name of a member, and the bytes that its array begins with."""


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """A value behind a known run of values. Its identity stands for the whole run."""

    raw: bytes
    chars: int
    """Length of its text, which is less than that of `raw` where it is not all ASCII."""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Values at the head of an array. What is left with it may be replaced; the values are added while it is made."""

    at: int = 0
    """Where the array opened."""
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    raws: list[bytes] = field(default_factory=list)
    """Those of the links."""
    gaps: list[bytes] = field(default_factory=list)
    """What stands before each value: a comma, white space."""
    columns: dict[str, list[Any]] = field(default_factory=dict)
    """By the name of a reader: what it made of the values, from the first on. Lists are replaced, not changed."""
    traces: Traces = field(default_factory=Traces)

    def known(self, raw: bytes, at: int) -> int:
        """How many of the values stand in an array that opens at `at`."""
        starts, ends = _moved(self.starts, at - self.at), _moved(self.ends, at - self.at)
        count = len(list(takewhile(bool, map(raw.startswith, self.raws, starts))))
        return len(list(takewhile(bool, map(raw.startswith, self.gaps[:count], [at + 1, *ends]))))

    def head(self, count: int, at: int) -> Run:
        """The first so many, in an array that opens at `at`."""
        starts, ends = _moved(self.starts[:count], at - self.at), _moved(self.ends[:count], at - self.at)
        columns = {name: column[:count] for name, column in self.columns.copy().items()}
        return Run(at, starts, ends, self.links[:count], self.raws[:count], self.gaps[:count], columns, self.traces.copy())

    def add(self, start: int, end: int, link: Link, gap: bytes) -> None:
        self.starts.append(start)
        self.ends.append(end)
        self.links.append(link)
        self.raws.append(link.raw)
        self.gaps.append(self.gaps[-1] if self.gaps and self.gaps[-1] == gap else gap)

    @property
    def size(self) -> int:
        return WEIGHT * (self.ends[-1] - self.at) + ELEMENT * len(self.ends) + self.traces.foreign if self.ends else 0


class DocumentMemo:
    """What earlier bodies taught; safe to share between threads."""

    def __init__(self, max_bytes: int = MEMO_BYTES) -> None:
        self._room = int(max_bytes * SHARE_OF_RUNS)
        self._runs: Memo[Head, tuple[Run, ...]] = Memo(self._room)
        self._next: Memo[Hashable, tuple[Link, ...]] = Memo((max_bytes - self._room) // 2)
        self._facts: Memo[tuple[Link, str], Any] = Memo((max_bytes - self._room) // 2)

    def longest(self, key: Head, raw: bytes, at: int) -> tuple[Run | None, int]:
        """The run of which most stands in an array that opens at `at` and begins with `key`, and how many values that are."""
        best: Run | None = None
        most = 0
        for run in self._runs.get(key) or ():
            count = run.known(raw, at)
            if count > most:
                best, most = run, count
            if count == len(run.links):
                break
        return best, most

    def keep(self, key: Head, run: Run, instead: Run | None) -> None:
        """`instead`: a run that this one goes on from, and that is not needed beside it."""
        runs = [run, *(each for each in self._runs.get(key) or () if each is not instead)][:FORKS]
        while len(runs) > 1 and _size(key, runs) > self._room // 2:
            runs.pop()
        self._runs.put(key, tuple(runs), _size(key, runs))

    def charge(self, key: Head, run: Run) -> None:
        """What is left with a run takes more than when it was kept. One that has become too large is forgotten."""
        runs = self._runs.get(key) or ()
        if run in runs:
            others = tuple(each for each in runs if each is not run)
            self._runs.put(key, others, _size(key, others))
            self.keep(key, run, None)

    def follow(self, key: Hashable, raw: bytes, at: int) -> Link | None:
        """The link that stands at `at` behind `key`, if it stood there before."""
        for link in self._next.get(key) or ():
            if raw.startswith(link.raw, at):
                return link
        return None

    def learn(self, key: Hashable, link: Link) -> None:
        links = (link, *(self._next.get(key) or ())[: FORKS - 1])
        self._next.put(key, links, sum(len(each.raw) + OVERHEAD for each in links))

    def recall(self, link: Link, name: str) -> Any:
        return self._facts.get((link, name))

    def remember(self, link: Link, name: str, fact: object, size: int) -> None:
        self._facts.put((link, name), fact, size + OVERHEAD)


def _size(key: Head, runs: Sequence[Run]) -> int:
    return len(key[1]) + sum(run.size + OVERHEAD for run in runs)


def _moved(places: list[int], by: int) -> list[int]:
    return [place + by for place in places] if by else places
