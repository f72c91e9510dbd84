"""Which connection a request gets: an idle one, leave to open one, or a place in the queue.

Pure: no I/O and no clock. Every operation returns the connections that the caller must close. A request holds a
Ticket from `ask` until it calls exactly one of `give_back`, `release` or `withdraw`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from math import inf
from typing import Generic, Protocol, TypeVar


class Pooled(Protocol):
    def dead(self) -> bool:
        """Whether the connection, idle, has been closed or spoken on by the peer."""
        ...


C = TypeVar("C", bound=Pooled)


class PoolFull(Exception):
    """Even the queue is full."""


def _nobody_waits() -> None:
    pass


@dataclass(slots=True, eq=False)
class Ticket(Generic[C]):
    """One request's claim to one connection."""

    key: Hashable
    """Connections of one key are interchangeable."""
    fresh: bool = False
    """Only a new connection will do."""
    granted: bool = False
    connection: C | None = None
    """None when granted: open one."""
    wake: Callable[[], None] = field(default=_nobody_waits)
    """Called once when it is granted later than asked."""


class Pool(Generic[C]):
    def __init__(self, max_connections: int, max_keepalive: int, expiry: float, max_waiting: int) -> None:
        self._max_connections, self._max_keepalive = max_connections, max_keepalive
        self._expiry, self._max_waiting = expiry, max_waiting
        self._open = 0
        """Connections in use, idle, or being opened."""
        self._idle: dict[C, tuple[Hashable, float]] = {}
        """Key, and since when; longest idle first."""
        self._waiting: deque[Ticket[C]] = deque()

    @property
    def open(self) -> int:
        return self._open

    @property
    def idle(self) -> int:
        return len(self._idle)

    def ask(self, ticket: Ticket[C], now: float) -> list[C]:
        """Grant it now, or queue it behind those who asked before. Raises PoolFull."""
        if len(self._waiting) >= self._max_waiting:
            raise PoolFull
        self._waiting.append(ticket)
        return self._serve(now)

    def give_back(self, ticket: Ticket[C], connection: C, now: float) -> list[C]:
        """The answer was read to its end and the connection can carry another."""
        self._idle[connection] = (ticket.key, now)
        closing: list[C] = []
        while len(self._idle) > self._max_keepalive or now - self._oldest() >= self._expiry:
            self._evict(closing)
        return closing + self._serve(now)

    def release(self, now: float) -> list[C]:
        """A granted connection was closed, or could not be opened."""
        self._open -= 1
        return self._serve(now)

    def withdraw(self, ticket: Ticket[C], now: float) -> list[C]:
        """The request is no longer wanted; it may have been granted this very moment."""
        if not ticket.granted:
            self._waiting.remove(ticket)
            return []
        # Not put back: it would look freshly used, and it is not.
        unused = [] if ticket.connection is None else [ticket.connection]
        return unused + self.release(now)

    def clear(self) -> list[C]:
        """Let go of everything that is idle."""
        closing = list(self._idle)
        self._idle.clear()
        self._open -= len(closing)
        return closing

    def _serve(self, now: float) -> list[C]:
        """First come, first served, as far as it goes. Whoever is first can only fail to be served if nothing is
        idle at all, so nobody behind could be served instead."""
        closing: list[C] = []
        while self._waiting:
            ticket = self._waiting[0]
            found = None if ticket.fresh else self._reuse(ticket.key, now, closing)
            if found is None:
                if self._open >= self._max_connections and not self._evict(closing):
                    break
                self._open += 1
            self._waiting.popleft()
            ticket.connection, ticket.granted = found, True
            ticket.wake()
        return closing

    def _reuse(self, key: Hashable, now: float, closing: list[C]) -> C | None:
        """The one used last: the others age until they expire, and a smaller set stays warm."""
        while (connection := next((c for c, (k, _) in reversed(self._idle.items()) if k == key), None)) is not None:
            _, since = self._idle.pop(connection)
            if now - since < self._expiry and not connection.dead():
                return connection
            self._open -= 1
            closing.append(connection)
        return None

    def _oldest(self) -> float:
        return next((since for _, since in self._idle.values()), inf)

    def _evict(self, closing: list[C]) -> bool:
        """Close the connection that was idle for longest, whomever it leads to."""
        oldest = next(iter(self._idle), None)
        if oldest is None:
            return False
        del self._idle[oldest]
        self._open -= 1
        closing.append(oldest)
        return True
