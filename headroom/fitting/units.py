"""Which elements of a conversation can only be taken away together.

    user    fix the build          exchange 1
    model   run make                   round     ┐ one unit: the calls of a turn with all their results
    tool    error: …                   round     ┘
    model   done                   exchange 1
    user    now the tests          exchange 2

A round goes by itself. The user's words and the model's last turn on them are one unit, and go only when all rounds
between them are gone. So what is left never holds a call without its result or a result without its call, and
whoever took turns before still does.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain

from headroom.dialects.ties import Ties

LIVE = 4
"""Steps at the end that stay: what the model is at work on. An edit and its check take two to four."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Elements that go together."""

    elements: tuple[int, ...]
    rounds: tuple[int, ...] = ()
    """Of an exchange: indexes of the units between its words, which have to go first."""
    exchange: bool = False
    safe: bool = False
    """It stays."""


@dataclass(slots=True)
class _Exchange:
    """The user's words, and the steps of the model on them, each with its results."""

    opener: list[int]
    steps: list[list[int]]


def units(ties: Sequence[Ties], gone: Collection[int] = (), foreign: int = 0, live: int = LIVE) -> tuple[Unit, ...]:
    """The units of the elements but those that are `gone`, in order; each element is in one.

    Elements before `foreign` stay: they were sent before we saw the conversation.
    """
    kept = [i for i in range(len(ties)) if i not in gone]
    exchanges = _exchanges(ties, kept)
    steps = [step for exchange in exchanges for step in exchange.steps]
    stay = set(chain.from_iterable(steps[max(0, len(steps) - live) :])) | _stuck(ties, kept, foreign)
    if not any(is_anchor(ties[i]) for i in (exchanges[0].opener if exchanges else ())):
        stay.update(kept)  # a note of what is gone would have no place
    found: list[Unit] = []
    for n, exchange in enumerate(exchanges):
        first = len(found)
        found += (Unit(tuple(step), safe=not stay.isdisjoint(step)) for step in exchange.steps[:-1])
        own = (*exchange.opener, *(exchange.steps[-1] if exchange.steps else ()))
        after = exchanges[n + 1].opener[:1] if n + 1 < len(exchanges) else []
        # A system message inside a conversation must follow the user's (Anthropic), so its neighbour stays too.
        safe = n == 0 or not after or ties[after[0]].side == "system" or not exchange.opener or not stay.isdisjoint(own)
        found.append(Unit(own, tuple(range(first, len(found))), True, safe))
    return tuple(found)


def is_anchor(ties: Ties) -> bool:
    """Whether an element can carry a note: the user's words, beside which no results stand."""
    return ties.side == "user" and ties.words and not ties.fixed


def _exchanges(ties: Sequence[Ties], kept: Sequence[int]) -> list[_Exchange]:
    found: list[_Exchange] = []
    reach, answers = -1, _answers(ties, kept)
    last = ""
    for i in kept:
        side, inside = ties[i].side, reach >= i  # inside: between a call and its result
        asks = side in ("user", "system") and not inside
        if not found or (asks and found[-1].steps):
            found.append(_Exchange([], []))
        if asks:
            found[-1].opener.append(i)
        else:
            _step(found[-1], new=side == "assistant" and last != "assistant" and not inside).append(i)
        reach, last = max(reach, answers.get(i, -1)), "tool" if inside else side
    return found


def _step(exchange: _Exchange, *, new: bool) -> list[int]:
    if new or not exchange.steps:
        exchange.steps.append([])
    return exchange.steps[-1]


def _answers(ties: Sequence[Ties], kept: Sequence[int]) -> dict[int, int]:
    """Element with a call → the last element with a result of it. An id that is made anew means the new call."""
    made: dict[str, int] = {}
    answers: dict[int, int] = {}
    for i in kept:
        made.update(dict.fromkeys(ties[i].made, i))
        for id in ties[i].answered:
            if id in made:
                answers[made[id]] = i
    return answers


def _stuck(ties: Sequence[Ties], kept: Sequence[int], foreign: int) -> set[int]:
    """Elements that stay by their own nature: results of calls that are nowhere to be seen among them."""
    made: set[str] = set()
    stuck: set[int] = set()
    for i in kept:
        made.update(ties[i].made)
        if i < foreign or ties[i].fixed or ties[i].side == "system" or not made.issuperset(ties[i].answered):
            stuck.add(i)
    return stuck
