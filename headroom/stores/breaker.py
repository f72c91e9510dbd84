"""A circuit breaker: after a failure nothing is asked for a while, then one call tries on behalf of all.

Pure: `now` is in seconds of a clock that does not jump.
"""

from __future__ import annotations

FIRST = 0.2
"""Seconds after which a first failure is tried again: most are hiccups, and what could not be written waits to be."""

LONGEST = 5.0
"""Seconds; the wait doubles up to here. One call in so long waits for a time-out while the other side is down."""


class Breaker:
    """Closed while things work. Whoever is admitted while it is open is the one who tries."""

    def __init__(self, first: float = FIRST, longest: float = LONGEST) -> None:
        self._first, self._longest = first, longest
        self._wait = first
        self._until: float | None = None

    @property
    def open(self) -> bool:
        return self._until is not None

    def admits(self, now: float) -> bool:
        if self._until is None:
            return True
        if now < self._until:
            return False
        # The next one may try a wait later even if this one never reports, because its client has left.
        self._wait = min(self._wait * 2, self._longest)
        self._until = now + self._wait
        return True

    def succeeded(self) -> bool:
        """Whether this closed it."""
        was, self._until = self.open, None
        return was

    def failed(self, now: float) -> bool:
        """Whether this opened it. Those that were under way when it opened fail too, and change nothing."""
        if self.open:
            return False
        self._wait = self._first
        self._until = now + self._wait
        return True
