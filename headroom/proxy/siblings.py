"""The figures of all processes of this proxy, whichever is asked: its own as they are, the others' as they last posted them."""

from __future__ import annotations

import json
import logging
import os
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import anyio

from headroom.conversation import Json
from headroom.metrics import Metrics
from headroom.proxy.account import Account
from headroom.proxy.board import Board, in_folder
from headroom.totals import Totals

log = logging.getLogger(__name__)

POST_SECONDS = 0.25
"""At most so often figures are posted, and at most so much is lost of them when a process is killed. A post takes about
half a millisecond."""


def board_of(given: int | None, environ: Mapping[str, str], folder: Path | None) -> Board | None:
    """The board we were given; under gunicorn, whose workers have one parent, one in `folder`; None: we are alone."""
    if given is None and folder is not None and environ.get("SERVER_SOFTWARE", "").startswith("gunicorn/"):
        try:
            given = in_folder(folder, os.getppid())
        except OSError as error:
            log.warning("each worker shows its own figures only: %s", error)
    return None if given is None else Board(given)


class Siblings:
    """Alone until it joins a board. `elsewhere`: counters of the metrics that are not counted there, by name. `version`:
    while one replaces another, each counts for itself, since they may not understand each other's figures."""

    def __init__(self, account: Account, version: str, elsewhere: Callable[[], Mapping[str, int]]) -> None:
        self._account, self._version, self._counted = account, version, elsewhere
        self._inherited: Counter[str] = Counter()
        self._board: Board | None = None
        self._resets = self._clears = 0
        self._posted = b""

    def join(self, board: Board) -> None:
        """Take part, and take over what the process counted whose slot we have."""
        self._board, self._resets = board, board.resets
        if board.inherited is not None:
            inherited = json.loads(board.inherited)
            if inherited["version"] == self._version:
                self._account.metrics.absorb(inherited["metrics"], live=False)
                self._inherited.update(inherited["elsewhere"])
                if inherited["resets"] == self._resets:
                    self._account.totals.absorb(inherited["totals"])
        self.post()

    def totals(self) -> Totals:
        """Of all."""
        self._follow()
        if self._board is None:
            return self._account.totals
        sums = Totals()
        sums.absorb(self._account.totals.dump())
        for posted, _ in self._others(self._board):
            if posted["resets"] == self._resets:
                sums.absorb(posted["totals"])
        return sums

    def metrics(self) -> Metrics:
        """Of all."""
        sums = self._account.metrics.copy()
        for posted, live in self._others(self._board) if self._board is not None else ():
            sums.absorb(posted["metrics"], live=live)
        for name, n in self.elsewhere().items():
            sums.set(name, n)
        return sums

    def elsewhere(self) -> Mapping[str, int]:
        """Of all, by name of the metric."""
        sums = self._elsewhere()
        for posted, _ in self._others(self._board) if self._board is not None else ():
            sums.update(posted["elsewhere"])
        return sums

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
            self.post()
            await anyio.sleep(POST_SECONDS)

    def post(self) -> None:
        self._follow()
        dumped = {
            "version": self._version, "resets": self._resets, "elsewhere": self._elsewhere(),
            "totals": self._account.totals.dump(), "metrics": self._account.metrics.dump(),
        }
        text = json.dumps(dumped, separators=(",", ":")).encode()
        if self._board is not None and text != self._posted:
            self._board.post(text)
            self._posted = text

    def close(self) -> None:
        """Our last figures stay."""
        if self._board is not None:
            self.post()
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

    def _others(self, board: Board) -> list[tuple[Json, bool]]:
        posts = [(json.loads(text), live) for text, live in board.others()]
        return [(post, live) for post, live in posts if post["version"] == self._version]
