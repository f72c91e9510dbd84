"""What the scripted model says, step by step, and which step a request has reached.

The step is read from the request alone: the number of assistant turns after the last `[[script:NAME]]` in
the user's text. So it works behind any proxy, across restarts, and for many conversations at once.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from headroom.conversation import Json

MARK = re.compile(r"\[\[script:(\w+)\]\]")

REMINDER = re.compile(r"<system-reminder>.*?</system-reminder>", re.DOTALL)
"""Agents wrap text of their own in this; a mark quoted there is not a new task."""

FaultKind = Literal["status", "reset", "reset_before", "truncate", "error_event", "stall", "pings"]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong with the answer, the first `times` times its step is reached.

    "reset" breaks the connection after `after` events. "reset_before" raises instead of answering: what that
    looks like from outside is up to whoever called the model.
    """

    kind: FaultKind
    times: int = 1
    after: int = 0
    """Events of the stream that are sent before it happens."""
    status: int = 500
    message: str = "scripted fault"
    retry_after: str = ""
    seconds: float = 0.0
    """How long a stall lasts."""
    count: int = 5
    """How many pings, or unknown events, are put in."""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call. `input` is an object, or a plain string for tools that take free text."""

    name: str
    input: Json


@dataclass(frozen=True, slots=True)
class Step:
    """One assistant turn."""

    text: str = ""
    thinking: str = ""
    redacted: bool = False
    """Follow the thinking with a block only the provider can read."""
    calls: tuple[Call, ...] = ()
    fault: Fault | None = None


Scripts = Mapping[str, Sequence[Step]]

FINISHED = Step(text="The scripted session is complete.")
UNSCRIPTED = Step(text='{"title": "Scripted session", "isNewTopic": true}')
"""Agents ask side questions, such as for a title, without a mark; JSON suits those that parse the answer."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which script a conversation stands."""

    script: str
    index: int

    def tag(self, kind: str, number: int = 0, length: int = 24) -> str:
        """An id that is the same whenever this place is reached again."""
        return hashlib.sha256(f"{self.script}/{self.index}/{kind}/{number}".encode()).hexdigest()[:length]


def place(turns: Iterable[str | None]) -> Place | None:
    """Walk a conversation: user texts, and None for each assistant turn."""
    found: Place | None = None
    for turn in turns:
        if turn is None:
            found = found and Place(found.script, found.index + 1)
        else:
            for mark in MARK.finditer(REMINDER.sub("", turn)):
                found = Place(mark[1], 0)
    return found


def step_at(scripts: Scripts, where: Place | None) -> Step:
    """The step at a place; past the end of a script, a last word."""
    if where is None or where.script not in scripts:
        return UNSCRIPTED
    steps = scripts[where.script]
    return steps[where.index] if where.index < len(steps) else FINISHED


def to_json(scripts: Scripts) -> Json:
    """Faults are for tests and are not written."""
    return {
        name: [
            {
                **({"thinking": step.thinking} if step.thinking else {}),
                **({"redacted": True} if step.redacted else {}),
                **({"text": step.text} if step.text else {}),
                **({"calls": [[call.name, call.input] for call in step.calls]} if step.calls else {}),
            }
            for step in steps
        ]
        for name, steps in scripts.items()
    }


def from_json(value: Json) -> Scripts:
    return {
        name: tuple(
            Step(
                text=step.get("text", ""),
                thinking=step.get("thinking", ""),
                redacted=step.get("redacted", False),
                calls=tuple(Call(called, given) for called, given in step.get("calls", [])),
            )
            for step in steps
        )
        for name, steps in value.items()
    }
