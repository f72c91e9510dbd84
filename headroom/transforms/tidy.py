"""Take off what a terminal would not show: colours, overwritten progress, blanks at line ends.

Never on what may be a file: there every blank counts. What is overwritten is worked out line by line; movements
between lines are dropped with the other escapes, so that all lines which were ever written stay, each under its number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from headroom import ccr
from headroom.compressors.base import FORM, slices
from headroom.conversation import Part, Skip
from headroom.transforms.base import Sent, Short
from headroom.transforms.reading import is_file_read

_ESCAPE = re.compile(
    r"\x1b(?:\[(?![0-2]?K|1?G|[0-9;]{0,15}[CHf])[0-?]*[ -/]*[@-~]"  # CSI: colours, modes; what moves within a line comes later
    r"|\][^\x07\x1b\n]*(?:\x07|\x1b\\)"           # OSC: titles, the addresses of links
    r"|[PX^_][^\x1b\n]*\x1b\\"                    # DCS, SOS, PM, APC: texts for the terminal
    r"|[ -/]+[0-~]|[0-OQ-WYZ\\`-~])"              # ESC and one or more characters
)
"""ECMA-48, 7-bit forms; the 8-bit ones are letters in UTF-8 text. None reaches over the end of a line: one that is cut
off, or bytes that only look like one, would take lines with it."""

_RIGHT = re.compile(r"\x1b\[([0-9]{0,3})C")
_APART = re.compile(r"(?<=[^\s])\x1b\[[0-9;]{0,15}[CHf](?=[^\s])")
_PLACE = re.compile(r"\x1b\[[0-9;]{0,15}[CHf]")
"""Movements that may stand for blanks between words, as the console of Windows writes them."""

_MOVE = re.compile(r"(\r|\x08|\x1b\[[0-2]?K|\x1b\[1?G)")


@dataclass(frozen=True, slots=True)
class Tidy:
    """The transform."""

    name: str = "tidy"

    def context(self, part: Part, past: Sequence[Sent], lossy: bool) -> str:
        return ""

    def __call__(self, part: Part, past: Sequence[Sent], lossy: bool) -> Short | Skip:
        if part.error:
            return "error"
        if ccr.MARKER.search(part.text) or FORM.match(part.text):
            return "marked"  # in a form of ours every blank counts
        if is_file_read(part):
            return "no_kind"
        text = tidied(part.text)
        return "no_gain" if len(text) >= len(part.text) or not text.strip() else Short(text, self.name, "equal")


def tidied(text: str) -> str:
    """The text as a reader of the terminal would have copied it."""
    if "\x1b" in text:
        text = "".join([_spaced(_ESCAPE.sub("", piece)) for piece in slices(text)])
    if "\x08" in text or "\x1b" in text or ("\r" in text and "\n" in text):  # lines that end in \r alone are lines
        lines = text.split("\n")
        text = "\n".join([*map(_shown, lines[:-1], [True] * len(lines)), _shown(lines[-1], False)]).replace("\x1b", "")
    if " \n" in text or "\t\n" in text or text.endswith((" ", "\t")):
        text = "\n".join([line.rstrip(" \t") for line in text.split("\n")])
    return text


def _spaced(text: str) -> str:
    """The text with blanks where movements leave some, so that no two words become one."""
    if "\x1b[" not in text:
        return text
    widths = [int(width or 1) for width in _RIGHT.findall(text)]
    wide = sum(widths) > len(text)  # nobody's table: a few bytes that make thousands of blanks
    text = _RIGHT.sub(lambda found: " " if wide else " " * int(found[1] or 1), text)
    return _PLACE.sub("", _APART.sub(" ", text))


def _shown(line: str, followed: bool) -> str:
    """What is left of a line after all that was written over it. A carriage return before its end (`followed`) stays."""
    end = "\r" if followed and line.endswith("\r") else ""
    body = line[: len(line) - len(end)]
    if "\r" not in body and "\x08" not in body and "\x1b" not in body:
        return line
    screen: list[str] = []
    at = blank = 0  # `blank`: up to there nothing stands, so that erasing again costs nothing
    for piece in _MOVE.split(body):
        if piece == "\x08":
            at = max(at - 1, 0)
        elif piece == "\r" or (piece[:2] == "\x1b[" and piece[-1:] == "G"):
            at = 0
        elif piece[:2] == "\x1b[" and piece[-1:] == "K":
            if piece[2:-1] == "1":  # from the line's start up to here
                here = min(at + 1, len(screen))
                screen[blank:here] = " " * max(here - blank, 0)
                blank = max(blank, here)
            else:  # to its end; or all of it, where a return to the start comes before or after
                at = at if piece[2:-1] in ("", "0") else 0
                del screen[at:]
                blank = min(blank, at)
        else:
            blank = min(blank, at)
            screen[at : at + len(piece)] = piece
            at += len(piece)
    return "".join(screen) + end
