"""Whom the supervisor starts, drains and kills, and when."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.proxy.crew import DRAIN_SECONDS, LONGEST_WAIT, START_SECONDS, STEADY_SECONDS, Crew


class Told:
    """A crew and its clock, driven by words."""

    def __init__(self, size: int) -> None:
        self.crew, self.now = Crew(size), 0.0

    def __call__(self, words: str) -> str:
        """r3: worker 3 is ready; x3 and x3:7: it ended with 0 or 7; +5: so many seconds pass; hup; stop; due: what then is to
        be done, as s4 (start), d1 (drain), k1 (kill)."""
        told: list[str] = []
        for word in words.split():
            if word == "due":
                told.append(" ".join(f"{action.do[0]}{action.worker}" for action in self.crew.due(self.now)) or "-")
            elif word == "hup":
                self.crew.reload()
            elif word == "stop":
                self.crew.stop()
            elif word[0] == "+":
                self.now += float(word)
            elif word[0] == "r":
                self.crew.became_ready(int(word[1:]), self.now)
            else:
                number, _, code = word[1:].partition(":")
                self.crew.exited(int(number), int(code or 0), self.now)
        return ", ".join(told)


@pytest.mark.parametrize(
    ("size", "words", "due"),
    [
        (2, "due due r1 r2 due", "s1 s2, -, -"),
        # A death is made good: at once after a long life, later after a short one, later still after the next.
        (2, "due r1 r2 +11 x1 due", "s1 s2, s3"),
        (2, "due r1 r2 +1 x1 due +0.05 due +0.06 due", "s1 s2, -, -, s3"),
        (2, "due r1 r2 +1 x1 +0.1 due r3 x3 +0.15 due +0.06 due", "s1 s2, s3, -, s4"),
        (1, "due r1 +1 x1 +0.1 due r2 +11 x2 due r3 +1 x3 due +0.1 due", "s1, s2, s3, -, s4"),
        # A reload: one more, then one less, until all are new.
        (2, "due r1 r2 hup due due r3 due x1 due r4 due x2 due", "s1 s2, s3, -, d1 s4, -, d2, -"),
        (1, "due r1 hup due r2 due x1 due", "s1, s2, d1, -"),
        # In the middle of a reload another one: what was about to be new is old.
        (1, "due r1 hup due hup due r2 due r3 due", "s1, s2, d2 s3, -, d1"),
        # A reload that cannot start keeps what there is, and fills what is missing later.
        (2, "due r1 r2 hup due x3:1 due +1 due", "s1 s2, s3, -, -"),
        # One of the old dies while its successor starts.
        (2, "due r1 r2 +11 hup due x1 due r3 due r4 due", "s1 s2, s3, -, s4, d2"),
        # Whoever does not start, or does not end, is killed.
        (1, "due +59 due +2 due x1:9 due", "s1, -, k1, -"),
        (1, "due r1 stop due +44 due +2 due x1 due", "s1, d1, -, k1, -"),
        (2, "due r1 stop due", "s1 s2, d1 d2"),
    ],
)
def test_what_is_due(size: int, words: str, due: str) -> None:
    assert Told(size)(words) == due


@pytest.mark.parametrize(
    ("words", "failure", "ended"),
    [
        ("due x1:2 due", 2, False),
        ("due x1:2 due x2:2 due", 2, True),
        ("due x1 due x2 due", 1, True),
        ("due r1 x2:2 due", None, False),
        ("due r1 r2 stop due x1 x2:1", None, True),
    ],
)
def test_when_none_could_ever_start_we_end_as_they_did(words: str, failure: int | None, ended: bool) -> None:
    told = Told(2)
    told(words)
    assert (told.crew.failure, told.crew.ended) == (failure, ended)


def test_the_wait_grows_and_is_bounded() -> None:
    told, waits = Told(1), []
    for number in range(1, 20):
        told("due")
        told.crew.became_ready(number, told.now)
        wait = told.crew.exited(number, 1, told.now)
        assert wait is not None
        waits.append(wait)
        told.now += wait
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (0.1, LONGEST_WAIT)


@given(st.lists(st.tuples(st.sampled_from(["ready", "exit", "hup", "wait"]), st.integers(0, 5)), max_size=80), st.integers(1, 4))
@settings(max_examples=150, deadline=None)
def test_whatever_happens_the_crew_comes_to_its_size(events: list[tuple[str, int]], size: int) -> None:
    """And while it reloads, no more than one more than its size serves; less only where some died."""
    crew, now = Crew(size), 0.0
    starting: list[int] = []
    ready: list[int] = []
    draining: list[int] = []

    def act() -> None:
        for action in crew.due(now):
            if action.do == "start":
                starting.append(action.worker)
            else:
                for where in (starting, ready):
                    if action.worker in where:
                        where.remove(action.worker)
                        draining.append(action.worker)

    act()
    for number in list(starting):
        starting.remove(number)
        ready.append(number)
        crew.became_ready(number, now)
    for what, pick in events:
        if what == "ready" and starting:
            number = starting.pop(pick % len(starting))
            ready.append(number)
            crew.became_ready(number, now)
        elif what == "exit" and (alive := starting + ready + draining):
            number = alive[pick % len(alive)]
            for where in (starting, ready, draining):
                if number in where:
                    where.remove(number)
            crew.exited(number, 1, now)
        elif what == "hup":
            crew.reload()
        elif what == "wait":
            now += pick
        act()
        assert len(starting) + len(ready) <= size + 1
    for _ in range(4 * size + 4):
        now += LONGEST_WAIT
        act()
        for number in list(starting):
            starting.remove(number)
            ready.append(number)
            crew.became_ready(number, now)
    act()
    assert (len(ready), crew.reloading, crew.failure) == (size, False, None)


def test_it_says_when_to_ask_again() -> None:
    told = Told(1)
    assert told.crew.next(0) == STEADY_SECONDS
    told("due")
    assert told.crew.next(0) == START_SECONDS
    told("r1 stop due")
    assert told.crew.next(0) == DRAIN_SECONDS
    told("x1")
    assert told.crew.next(0) == 0, "it has ended"
