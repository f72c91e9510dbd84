"""Requests that ask for the same at the same time: one goes to the provider, the others wait for what it gets.

They get it at its end and not as it comes: then the one who asked may leave, be slow or see its answer break, and nobody
who waits has half an answer that nobody can complete. Who waits in vain asks anew, one of them first.
"""

from __future__ import annotations

from collections.abc import Callable

import anyio

from headroom.stores.answers import Kept

LOOK_SECONDS = 1.0
"""How often those who wait look whether the one they wait for still takes what it gets."""


class Flight:
    """One call upstream. Ends once: with an answer to give again, or without."""

    def __init__(self) -> None:
        self._ended = anyio.Event()
        self.kept: Kept | None = None
        self.shared = True
        """Whether asking again one by one may help; an answer that is none to keep is so whoever gets it."""
        self.handed: float | None = None
        """Since when the client of the one who asked has a piece of the answer to take; None: the provider is to speak."""

    @property
    def ended(self) -> bool:
        return self._ended.is_set()

    def end(self, kept: Kept | None, *, shared: bool = True) -> None:
        if not self.ended:
            self.kept, self.shared = kept, shared
            self._ended.set()

    async def wait(self, now: Callable[[], float], patience: float) -> Kept | None:
        """What came of it; None as well when its client has taken nothing for so many seconds."""
        while not self.ended:
            with anyio.move_on_after(LOOK_SECONDS):
                await self._ended.wait()
            if self.handed is not None and now() - self.handed > patience:
                break
        return self.kept


class Flights:
    """All that are in the air, by key."""

    def __init__(self) -> None:
        self._flights: dict[str, Flight] = {}

    def __len__(self) -> int:
        return len(self._flights)

    def find(self, key: str) -> Flight | None:
        return self._flights.get(key)

    def start(self, key: str) -> Flight:
        """If there is one already, that one stays the one to find."""
        flight = Flight()
        self._flights.setdefault(key, flight)
        return flight

    def end(self, key: str, flight: Flight, kept: Kept | None, *, shared: bool = True) -> None:
        """Nobody finds it any more, and who waits for it goes on."""
        if self._flights.get(key) is flight:
            del self._flights[key]
        flight.end(kept, shared=shared)
