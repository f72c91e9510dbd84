"""Agent sessions drawn from dice: what the user says, what the model says, seen and unseen, and what happens between turns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from headroom import ccr, retrieval
from headroom.conversation import Json
from headroom.demo.script import Call, Step
from headroom.dialects.hidden.base import NAME
from headroom.fitting.scores import Order
from headroom.proxy.rounds import BAD_KEY, MISS, MOST
from tests.laws.outputs import WORDS, Output, drawn, log

WINDOWS = (6_000, 9_000, 14_000)
"""Tokens: outgrown by most sessions, once or often."""

Before = Literal["", "restart", "emptied", "lost"]
"""What happens before a turn: nothing, the processes start anew, the store is emptied under them, both."""


@dataclass(frozen=True, slots=True)
class Options:
    """What an operator may change between two starts of the proxy."""

    lossless: bool = False
    compact_tools: bool = False
    code_aware: bool = False
    intercept: bool = False
    protect: tuple[str, ...] = ()
    order: Order = "scores"
    fold: bool = True
    lifecycle: bool = True


@dataclass(frozen=True, slots=True)
class Ask:
    """A call of our tool, and what has to be given back."""

    given: Mapping[str, Json]
    expected: str
    real: bool
    """Of a text that there is."""


@dataclass(frozen=True, slots=True)
class Round:
    """One answer of the model's. `asks` are calls of our tool, which the client never sees; `calls` are its own."""

    thinking: str
    text: str
    asks: tuple[Ask, ...] = ()
    calls: tuple[Output, ...] = ()

    def step(self, thinks: bool) -> Step:
        made = [Call(call.tool, dict(call.given)) for call in self.calls]
        asked = [Call(NAME, dict(ask.given)) for ask in self.asks]
        return Step(self.text, self.thinking if thinks else "", calls=(*made, *asked))


@dataclass(frozen=True, slots=True)
class Turn:
    """One request of the client's, and all that the model says to it."""

    says: str
    """The user's words; unused where results of calls are due."""
    rounds: tuple[Round, ...]
    stream: bool = False
    worker: int = 0
    before: Before = ""
    cold: bool = False
    """The provider has nothing of the conversation cached by now."""
    held: float | None = None
    """So many tokens of it are known to be cached."""
    options: Options | None = None
    """Other than until now; the processes start anew with these."""

    @property
    def calls(self) -> tuple[Output, ...]:
        return self.rounds[-1].calls

    def plain(self) -> Round:
        """The same where our tool is not offered: one answer with all that the client is to see."""
        return Round("".join(each.thinking for each in self.rounds), "".join(each.text for each in self.rounds), (), self.calls)


@dataclass(frozen=True, slots=True)
class Session:
    dialect: str
    turns: tuple[Turn, ...]
    options: Options = Options()
    thinks: bool = True
    foreign: int = 0
    """So many first turns go past the proxy."""
    marked: bool = False
    """The client moves a cache mark along, where its API has one."""
    spaced: bool = False
    """The client writes JSON as Python does, not in the compact form."""
    durable: bool = True
    """The store is one that outlives processes, as far as they know."""
    window: int = 0
    """Tokens the model can read; 0: without end."""
    earlier: Output | None = None
    """Printed in another conversation of the same user's: of it the store alone knows."""

    @property
    def loses(self) -> set[Before]:
        """In which ways it loses its store."""
        return {turn.before for turn in self.turns} & {"emptied", "lost"}

    def undisturbed(self) -> Session:
        """The same on one worker that never stops."""
        return replace(self, turns=tuple(replace(turn, worker=0, before="") for turn in self.turns))


class Drawing:
    """One session as it is being drawn: what was printed, here or `earlier`, can be asked for, and printed again."""

    def __init__(self, dice: Random, earlier: Output | None) -> None:
        self._dice = dice
        self._earlier = [] if earlier is None else [earlier]
        self._printed: list[Output] = []

    def turns(self, count: int) -> list[Turn]:
        found = [self._turn(number) for number in range(count)]
        # A last word, so that nothing is left to be answered.
        return [*found, Turn("That is all.", (Round("", "Goodbye."),)), Turn("Thanks.", (Round("", "You are welcome."),))]

    def _turn(self, number: int) -> Turn:
        dice = self._dice
        known = [*self._earlier, *(each for each in self._printed if each.text)]  # nothing is left out of an empty text, so no marker names it
        deep = dice.choices(range(MOST + 2), [50, 25, 12, 8, 8])[0] if known else 0
        rounds = [self._round(known, hidden=True) for _ in range(deep)]
        if deep <= MOST:  # beyond it the last call of ours ends the answer
            rounds.append(self._round(known, hidden=False))
        return Turn(f"{dice.choice(['Look', 'Go on', 'Fix it'])}, {number}.", tuple(rounds), stream=dice.random() < 0.5)

    def _round(self, known: list[Output], *, hidden: bool) -> Round:
        dice = self._dice
        thinking = f"Hm, {dice.choice(WORDS)}? " * dice.choice([0, 2, 9])
        calls = () if hidden else tuple(self._output() for _ in range(dice.choices([0, 1, 2, 3], [1, 5, 2, 1])[0]))
        mixed = bool(known and calls and dice.random() < 0.25)
        asks = tuple(self._ask(known) for _ in range(dice.choice([1, 1, 2]) if hidden or mixed else 0))
        text = dice.choice(["", f"Let me see the {dice.choice(WORDS)}. ", " And so\n\n on: é😀 "])
        return Round(thinking, text if text or calls else "So. ", asks, calls)

    def _output(self) -> Output:
        made = drawn(self._dice, self._printed)
        self._printed.append(made)
        return made

    def _ask(self, known: list[Output]) -> Ask:
        dice = self._dice
        if dice.random() < 0.12:
            return dice.choice([Ask({"key": "f" * 24}, MISS, False), Ask({"key": "what?"}, BAD_KEY, False), Ask({"line": 3}, BAD_KEY, False)])
        text = dice.choice(known).text
        key, rows = ccr.key_of(text), text.split("\n")
        kind = dice.choice(["whole", "whole", "lines", "query"])
        if kind == "lines":
            first = dice.randrange(len(rows))
            last = dice.randrange(first, len(rows))
            return Ask({"key": key, "lines": f"{first + 1}-{last + 1}"}, "\n".join(rows[first : last + 1]), True)
        if kind == "query":
            query = dice.choice(WORDS[:7])
            return Ask({"key": key, "query": query}, retrieval.part(text, None, query), True)
        return Ask({"key": key}, text, True)


def options(dice: Random) -> Options:
    return Options(
        lossless=dice.random() < 0.15, compact_tools=dice.random() < 0.4, code_aware=dice.random() < 0.3, intercept=dice.random() < 0.3,
        protect=("Gr*",) if dice.random() < 0.2 else (),
    )


def draw(dice: Random, dialect: str, *, workers: int = 3, options_change: bool = True, mid_way: bool = True, loss: bool = False, most: int = 7) -> Session:
    """A session of 3 to `most` + 2 turns in which anything of this may happen."""
    earlier = log(dice, 200) if not loss and dice.random() < 0.2 else None
    turns = Drawing(dice, earlier).turns(dice.randint(1, most))
    for n, turn in enumerate(turns):
        before: Before = "restart" if dice.random() < 0.15 else ""
        changed = options(dice) if options_change and n and dice.random() < 0.15 else None
        turns[n] = replace(turn, worker=dice.randrange(workers), before=before, options=changed)
    if loss:
        at = dice.randrange(1, len(turns))
        turns[at] = replace(turns[at], before=dice.choice(["lost", "emptied"]))
    foreign = dice.randrange(len(turns) - 1) if mid_way and dice.random() < 0.3 else 0
    return Session(
        dialect, tuple(turns), options(dice) if options_change else Options(), thinks=dice.random() < 0.75, foreign=foreign,
        marked=dice.random() < 0.5, spaced=dice.random() < 0.5, durable=not loss or dice.random() < 0.7, earlier=earlier,
    )


def outgrowing(session: Session, dice: Random) -> Session:
    """The same, and its model cannot read all of it; some turns find the provider's cache cold, of others it is known how warm."""
    turns = tuple(
        replace(turn, cold=dice.random() < 0.2, held=dice.choice([None, 0.0, 0.2, 1.0]), options=turn.options and _means(turn.options, dice))
        for turn in session.turns
    )
    return replace(session, turns=turns, options=_means(session.options, dice), window=dice.choice(WINDOWS))


def _means(options: Options, dice: Random) -> Options:
    order: Order = dice.choice(["scores", "scores", "position", "oldest"])
    return replace(options, order=order, fold=dice.random() < 0.8, lifecycle=dice.random() < 0.8)
