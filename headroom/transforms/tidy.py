"""What a terminal would not show: colours, overwritten progress bars, trailing blanks, runs of empty lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from headroom.compressors.base import slices
from headroom.conversation import Part, Skip
from headroom.transforms.base import Short
from headroom.transforms.reading import is_file_read

ESCAPE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]"          # CSI: colours, cursor
    r"|\][^\x07\x1b]*(?:\x07|\x1b\\)"      # OSC: titles, hyperlinks
    r"|[PX^_][^\x1b]*\x1b\\"               # strings
    r"|[ -/]*[0-~])"                       # two characters
)
BLANKS = re.compile(r"[ \t]+$", re.MULTILINE)
EMPTY = re.compile(r"\n{4,}")
"""Three blank lines and more become two."""


class Tidy:
    name = "tidy"
    local = True

    def __call__(self, part: Part, past: Sequence[Part]) -> Short | Skip:
        if part.error:
            return "error"
        if is_file_read(part):
            return "no_kind"
        text = tidied(part.text)
        return "no_gain" if len(text) >= len(part.text) or not text.strip() else Short(text, "tidy", "equal")


def tidied(text: str) -> str:
    """The text as a reader of the terminal would have copied it."""
    if "\x1b" in text:
        text = "".join(ESCAPE.sub("", piece) for piece in slices(text))
    if "\b" in text or "\r" in text:
        text = "\n".join(map(_overwritten, text.split("\n")))
    if " \n" in text or "\t\n" in text or text.endswith((" ", "\t")):
        text = "\n".join([line.rstrip(" \t") for line in text.split("\n")])
    if "\n\n\n\n" in text:
        text = EMPTY.sub("\n\n\n", text)
    return text


def _overwritten(line: str) -> str:
    """What is left of a line after carriage returns; the one of CRLF stays."""
    end = "\r" if line.endswith("\r") else ""
    body = line[: len(line) - len(end)]
    if "\b" in body:
        shown: list[str] = []
        for character in body:
            if character != "\b":
                shown.append(character)
            elif shown:
                shown.pop()
        body = "".join(shown)
    if "\r" in body:
        # Only where each writing covers the one before: else the terminal shows both, and so do we.
        writings = body.split("\r")
        if all(len(a) <= len(b) for a, b in pairwise(writings)):
            body = writings[-1]
    return body + end
