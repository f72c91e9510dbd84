from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from headroom.http.pool import Pool, PoolFull, Ticket


@dataclass(eq=False)
class Line:
    """A connection without a network."""

    key: str
    gone: bool = False
    closed: bool = False

    def dead(self) -> bool:
        return self.gone


@dataclass
class Office:
    """Does what the pool decides."""

    pool: Pool[Line]
    now: float = 0.0
    woken: list[Ticket[Line]] = field(default_factory=list)

    def ask(self, key: str = "a", *, fresh: bool = False) -> Ticket[Line]:
        ticket: Ticket[Line] = Ticket(key, fresh)
        ticket.wake = lambda: self.woken.append(ticket)
        self.close(self.pool.ask(ticket, self.now))
        return ticket

    def connect(self, ticket: Ticket[Line]) -> Line:
        assert ticket.granted
        return ticket.connection or Line(str(ticket.key))

    def use(self, key: str = "a") -> Line:
        """A whole exchange."""
        ticket = self.ask(key)
        line = self.connect(ticket)
        self.give_back(ticket, line)
        return line

    def give_back(self, ticket: Ticket[Line], line: Line) -> None:
        self.close(self.pool.give_back(ticket, line, self.now))

    def close(self, lines: list[Line]) -> None:
        for line in lines:
            assert not line.closed
            line.closed = True


def office(connections: int = 2, keepalive: int = 2, expiry: float = 10.0, waiting: int = 3) -> Office:
    return Office(Pool(connections, keepalive, expiry, waiting))


def test_an_idle_connection_is_used_again() -> None:
    ours = office()
    first = ours.use()
    assert ours.use() is first
    assert (ours.pool.open, ours.pool.idle) == (1, 1)


def test_another_key_gets_its_own() -> None:
    ours = office()
    assert ours.use("a") is not ours.use("b")
    assert ours.pool.open == 2


def test_the_one_used_last_is_used_first() -> None:
    ours = office()
    one, two = ours.ask(), ours.ask()
    first, second = ours.connect(one), ours.connect(two)
    ours.give_back(one, first)
    ours.give_back(two, second)
    assert ours.ask().connection is second


def test_an_idle_connection_expires() -> None:
    ours = office()
    line = ours.use()
    ours.now = 9
    assert ours.use() is line
    ours.now = 19
    assert ours.ask().connection is None
    assert line.closed
    assert ours.pool.open == 1


def test_a_dead_connection_is_not_used_and_the_next_one_is_tried() -> None:
    ours = office()
    one, two = ours.ask(), ours.ask()
    first, second = ours.connect(one), ours.connect(two)
    ours.give_back(one, first)
    ours.give_back(two, second)
    second.gone = True
    assert ours.ask().connection is first
    assert second.closed
    assert ours.pool.open == 1


def test_a_fresh_connection_is_never_an_idle_one_even_if_that_costs_one() -> None:
    ours = office(connections=1)
    line = ours.use()
    ticket = ours.ask(fresh=True)
    assert ticket.granted
    assert ticket.connection is None
    assert line.closed


def test_those_who_wait_are_served_in_the_order_they_came() -> None:
    ours = office(connections=1)
    first = ours.ask()
    line = ours.connect(first)
    second, third = ours.ask("b"), ours.ask("a")
    assert ours.woken == [first]
    ours.give_back(first, line)
    assert ours.woken == [first, second]
    assert line.closed, "it leads to another origin, and there is room for one only"
    ours.close(ours.pool.release(ours.now))
    assert ours.woken == [first, second, third]


def test_the_queue_is_bounded() -> None:
    ours = office(connections=1, waiting=2)
    ours.ask(), ours.ask(), ours.ask()
    with pytest.raises(PoolFull):
        ours.ask()


def test_who_leaves_the_queue_takes_nothing_along() -> None:
    ours = office(connections=1)
    first, second, third = ours.ask(), ours.ask(), ours.ask()
    ours.close(ours.pool.withdraw(second, ours.now))
    ours.close(ours.pool.release(ours.now))
    assert third.granted
    assert not second.granted
    assert first.granted


def test_who_leaves_in_the_moment_of_being_served_passes_it_on() -> None:
    ours = office(connections=1)
    first, second, third = ours.ask(), ours.ask(), ours.ask()
    line = ours.connect(first)
    ours.give_back(first, line)
    assert second.connection is line
    ours.close(ours.pool.withdraw(second, ours.now))
    assert line.closed
    assert third.granted


def test_more_idle_connections_than_wanted_are_closed_the_oldest_first() -> None:
    ours = office(connections=5, keepalive=1)
    one, two = ours.ask(), ours.ask()
    first, second = ours.connect(one), ours.connect(two)
    ours.give_back(one, first)
    ours.give_back(two, second)
    assert first.closed
    assert not second.closed
    assert office(keepalive=0).use().closed


def test_clear_closes_what_is_idle() -> None:
    ours = office()
    line = ours.use()
    busy = ours.ask("b")
    ours.close(ours.pool.clear())
    assert line.closed
    assert ours.pool.open == 1
    assert busy.granted


class Days(RuleBasedStateMachine):
    """Whatever happens: the limits hold, nothing is handed to two, nothing is lost, nobody starves."""

    def __init__(self) -> None:
        super().__init__()
        self.office = office(connections=3, keepalive=2, expiry=10.0, waiting=4)
        self.tickets: list[Ticket[Line]] = []
        self.in_use: dict[int, Line] = {}

    def granted(self) -> list[Ticket[Line]]:
        return [ticket for ticket in self.tickets if ticket.granted]

    @rule(key=st.sampled_from("ab"), fresh=st.booleans(), seconds=st.integers(0, 6))
    def ask(self, key: str, fresh: bool, seconds: int) -> None:
        self.office.now += seconds
        try:
            self.tickets.append(self.office.ask(key, fresh=fresh))
        except PoolFull:
            assert sum(not ticket.granted for ticket in self.tickets) == 4

    @precondition(lambda self: bool(self.granted()))
    @rule(data=st.data(), how=st.sampled_from(["back", "lost", "withdrawn"]))
    def finish(self, data: st.DataObject, how: str) -> None:
        ticket = data.draw(st.sampled_from(self.granted()))
        line = self.in_use.pop(id(ticket))
        self.tickets.remove(ticket)
        pool, now = self.office.pool, self.office.now
        if how == "back":
            self.office.give_back(ticket, line)
        elif how == "lost":
            line.closed = True
            self.office.close(pool.release(now))
        else:
            self.office.close(pool.withdraw(ticket, now))

    @precondition(lambda self: any(not ticket.granted for ticket in self.tickets))
    @rule()
    def leave_the_queue(self) -> None:
        ticket = next(ticket for ticket in self.tickets if not ticket.granted)
        self.tickets.remove(ticket)
        self.office.close(self.office.pool.withdraw(ticket, self.office.now))

    @invariant()
    def sound(self) -> None:
        for ticket in self.granted():
            if id(ticket) not in self.in_use:
                line = self.office.connect(ticket)
                assert line.key == ticket.key
                assert not line.closed
                assert not (ticket.fresh and ticket.connection)
                self.in_use[id(ticket)] = line
        lines = list(self.in_use.values())
        assert len(set(map(id, lines))) == len(lines)
        pool = self.office.pool
        assert pool.open == len(lines) + pool.idle <= 3
        assert pool.idle <= 2
        if any(not ticket.granted for ticket in self.tickets):
            assert len(lines) == 3, "somebody waits although there is room"


TestDays = Days.TestCase
TestDays.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
