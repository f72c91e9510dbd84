"""What it takes to shorten one kind of text.

A compressor is a pure function of the text and the goal. It promises a grade; the caller checks
what can be checked (never longer; for "exact", that `expand` gives the bytes back) and
throws the result away where the promise does not hold. A wrong guess costs savings, never correctness.
Lossy forms carry no marker of their own: they say what they left out, and the pipeline, which knows the key, writes it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from headroom.conversation import Grade, Json


class TooCostly(Exception):
    """A work limit was passed. Limits count bytes or steps, never time, so every machine decides alike."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What is known about the text, and what the caller allows."""

    tool: str = ""
    """Name of the tool that printed it ("Read", "Bash" …), empty if unknown."""
    call: Json = None
    """The tool call's input: a command line, a path."""
    query: str = ""
    """What was asked before the tool printed it: the user's last text and the texts of the call. Lossy forms keep what it names."""
    ratio: float | None = None
    """Share of the tokens that lossy forms of prose keep; None: as they see fit."""


@dataclass(frozen=True, slots=True)
class Compressed:
    """A shorter form of a text."""

    text: str
    grade: Grade
    omitted: str = ""
    """Lossy only: what is not shown, by units and number, e.g. "812 of 1000 lines"; the marker quotes it."""
    lines: str = ""
    """Lossy only: "41-180" if what is not shown is one range of lines."""


class Compressor(Protocol):
    """One kind of text. Stateless; one instance serves all threads."""

    @property
    def name(self) -> str: ...

    @property
    def lossy(self) -> bool:
        """Whether its forms leave something out. Such a form is used only where the reader can get the original back."""
        ...

    def sniff(self, text: str, goal: Goal) -> float:
        """How sure we are, 0 to 1, that the text is ours. Looks at a bounded sample, linear time."""
        ...

    def compress(self, text: str, goal: Goal) -> Compressed | None:
        """A shorter text of the promised grade, or None if there is none to be had.

        Must be deterministic across processes and Python versions, linear in len(text), idempotent
        (its own output, fed again, gives None or itself), and must not alter any entity (path, URL,
        id, number, version). May raise TooCostly. Long single `re` calls are sliced (see `slices`).
        """
        ...

    def expand(self, short: str) -> str | None:
        """The inverse: the original bytes for "exact", an equal text for "equal"; None if `short` is not ours or lossy."""
        ...


FORM = re.compile(r"\[(?:[0-9]{1,9} )?[A-Za-z][^\n]*\]\n")
"""Every form opens with a line of words in brackets, maybe behind a count; what does may be one that came back to us."""

SLICE = 64 * 1024
"""Characters one C-level `re` call may chew on: it holds the GIL, and 64 KiB keep the loop's lag in milliseconds."""


def slices(text: str, size: int = SLICE) -> list[str]:
    """`text` cut at line ends into pieces of about `size` characters; "".join gives it back."""
    pieces: list[str] = []
    start = 0
    while len(text) - start > size:
        end = text.rfind("\n", start, start + size) + 1
        if end <= start:
            end = text.find("\n", start + size) + 1 or len(text)
        pieces.append(text[start:end])
        start = end
    pieces.append(text[start:])
    return pieces


def read_back(
    short: str, header: re.Pattern[str], lines: Callable[[list[str], re.Match[str]], Iterable[str]]
) -> str | None:
    """The text behind a form that opens with a header and ends as the text did, with a newline or without.

    `lines` makes the lines of the text from those of the form; ValueError says that the form is none of ours.
    """
    opening = header.match(short)
    if not opening:
        return None
    rest = short[opening.end() :]
    body = rest[:-1] if rest.endswith("\n") else rest
    try:
        found = list(lines(body.split("\n"), opening))
    except ValueError:
        return None
    return "\n".join(found) + rest[len(body) :]
