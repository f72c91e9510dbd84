"""The figures of all processes of this proxy, whichever is asked: its own as they are, and what the others have posted.

Each posts its figures now and then, and adds each exchange that ends to them before the answer's last byte leaves. So figures of
exchanges are never late, and whoever takes over from a process that was killed has all that it had finished. What is counted
beside exchanges (mishaps, gauges) is as it was when it was last posted.
"""

from __future__ import annotations

import json
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio

from headroom.conversation import Json
from headroom.metrics import Metrics
from headroom.proxy import finished
from headroom.proxy.account import Account, learn
from headroom.proxy.board import Board, Posted, in_folder
from headroom.proxy.finished import Finished
from headroom.record import Record
from headroom.tokens import Learned
from headroom.totals import Totals

log = logging.getLogger(__name__)

POST_SECONDS = 0.25
"""At most so often figures are posted. A post takes about half a millisecond."""


def board_of(given: int | None, environ: Mapping[str, str], folder: Path | None) -> Board | None:
    """The board we were given; under gunicorn, whose workers have one parent, one in `folder`; None: we are alone."""
    if given is None and folder is not None and environ.get("SERVER_SOFTWARE", "").startswith("gunicorn/"):
        try:
            given = in_folder(folder, os.getppid())
        except OSError as error:
            log.warning("each worker shows its own figures only: %s", error)
    return None if given is None else Board(given)


class Siblings:
    """Alone until it joins a board. `elsewhere`: counters of the metrics that are not counted there, by name. `waiting`: how
    many exchanges are not in the ledger yet. `version`: while one replaces another, each counts for itself, since they may not
    understand each other's figures."""

    def __init__(
        self, account: Account, version: str, elsewhere: Callable[[], Mapping[str, int]], waiting: Callable[[], int] = lambda: 0
    ) -> None:
        self._account, self._version, self._counted, self._waiting = account, version, elsewhere, waiting
        self._inherited: Counter[str] = Counter()
        self._board: Board | None = None
        self._resets = self._clears = 0
        self._posted = b""
        self._kept = self._kept_before = 0
        """Exchanges that were added to the board, in all and before the last post."""

    def join(self, board: Board) -> Sequence[Record]:
        """Take part, and take over what the process counted whose slot we have, and what it had no time to log. What may not
        be in the ledger is answered."""
        self._board, self._resets = board, board.resets
        left: list[Finished] = []
        inherited = None if board.inherited is None else self._figures(board.inherited)
        if board.inherited is not None and inherited is not None:
            left = [*map(finished.load, board.inherited.before), *inherited.since]
            self._take_over(inherited)
        self.post()
        self._account.keep = self.keep
        self._account.restore(left)
        return [one.record for one in left]

    def _take_over(self, figures: _Figures) -> None:
        account, told = self._account, figures.told
        account.metrics.absorb(told["metrics"], live=False)
        account.learned.absorb(told["learned"])
        self._inherited.update(told["elsewhere"])
        if told["resets"] == self._resets:
            account.totals.absorb(told["totals"])
        for one in figures.since:
            account.metrics.observe(one.record)
            learn(account.learned, one.record)
            if told["resets"] == self._resets:
                account.totals.observe(one.record, _ended(one.record))

    def keep(self, one: Finished) -> None:
        """So that it counts whatever becomes of us. Takes some twenty microseconds."""
        if self._board is None:
            return
        if self._board.resets != self._resets:
            self.post()
        text = finished.dump(one)
        if not self._board.add(text):
            self.post()
            if not self._board.add(text):
                self._account.mishap("board")
        self._kept += 1

    def totals(self) -> Totals:
        """Of all."""
        self._follow()
        if self._board is None:
            return self._account.totals
        sums, others = Totals(), [figures for figures in self._others() if figures.told["resets"] == self._resets]
        for dumped in (self._account.totals.dump(), *(figures.told["totals"] for figures in others)):
            sums.absorb(dumped)
        for record in sorted(_since(others), key=_ended):
            sums.observe(record, _ended(record))
        return sums

    def metrics(self) -> Metrics:
        """Of all."""
        sums, others = self._account.metrics.copy(), self._others()
        for figures in others:
            sums.absorb(figures.told["metrics"], live=figures.live)
        for record in _since(others):
            sums.observe(record)
        for name, n in self._summed(others).items():
            sums.set(name, n)
        return sums

    def factors(self) -> Mapping[str, float]:
        """Those that all have learned, by model (see Learned)."""
        sums, others = Learned(), self._others()
        for dumped in (self._account.learned.dump(), *(figures.told["learned"] for figures in others)):
            sums.absorb(dumped)
        for record in _since(others):
            learn(sums, record)
        return sums.factors()

    def elsewhere(self) -> Mapping[str, int]:
        """Of all, by name of the metric."""
        return self._summed(self._others())

    def reset(self) -> None:
        """Everybody's totals; counters of metrics only ever grow."""
        self._account.totals.reset()
        if self._board is not None:
            self._resets = self._board.reset()
            self.post()

    def clear(self) -> None:
        """Tell everybody to forget all kept answers."""
        self._clears += 1
        if self._board is not None:
            self._board.clear()

    def cleared(self) -> tuple[int, int]:
        """Another value each time after somebody was told so."""
        return self._clears, 0 if self._board is None else self._board.clears

    async def keep_posting(self) -> None:
        """Until cancelled."""
        while self._board is not None:
            if self.due():
                self.post()
            await anyio.sleep(POST_SECONDS)

    def due(self) -> bool:
        """Whether we may post: that drops what was added before the last post, which has to be in the ledger by then. While
        the ledger cannot be written we add, until the board is full."""
        return self._kept - self._waiting() >= self._kept_before

    def post(self) -> None:
        self._follow()
        account = self._account
        dumped = {
            "version": self._version, "resets": self._resets, "elsewhere": self._elsewhere(),
            "totals": account.totals.dump(), "metrics": account.metrics.dump(), "learned": account.learned.dump(),
        }
        text = json.dumps(dumped, separators=(",", ":")).encode()
        if self._board is not None and text != self._posted and self._board.post(text):
            self._posted, self._kept_before = text, self._kept

    def close(self) -> None:
        """Our last figures stay. All is written down: nobody has to do that for us."""
        if self._board is not None:
            self.post()
            for _ in range(2):  # what was added stands beside a post and the one before it
                self._board.post(self._posted)
            self._board.close()
            self._board = None

    def _follow(self) -> None:
        """Another process may have been told to reset."""
        if self._board is not None and (resets := self._board.resets) != self._resets:
            self._resets = resets
            self._account.totals.reset()

    def _elsewhere(self) -> Counter[str]:
        sums = self._inherited.copy()
        sums.update(self._counted())
        return sums

    def _summed(self, others: Sequence[_Figures]) -> Counter[str]:
        sums = self._elsewhere()
        for figures in others:
            sums.update(figures.told["elsewhere"])
        return sums

    def _others(self) -> list[_Figures]:
        found = () if self._board is None else map(self._figures, self._board.others())
        return [figures for figures in found if figures is not None]

    def _figures(self, posted: Posted) -> _Figures | None:
        told = json.loads(posted.text)
        return _Figures(told, tuple(map(finished.load, posted.since)), posted.live) if told["version"] == self._version else None


@dataclass(frozen=True, slots=True)
class _Figures:
    """Of one process."""

    told: Json
    """As `post` makes it."""
    since: Sequence[Finished]
    live: bool


def _since(others: Sequence[_Figures]) -> Iterator[Record]:
    return (one.record for figures in others for one in figures.since)


def _ended(record: Record) -> float:
    return record.ts + record.total_ms / 1000
