"""Logs, and whatever else says the same thing line after line: each template once, then what varies.

    [templates: "A x y" = A with x, y for its {}; …]
    A=Jun 9 {} host sshd[{}]: session opened
    --
    A 06:06:20 1071

A line that no template covers stands as it is; one that could be mistaken is set off by a tab.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat

from headroom.compressors.base import Compressed, Goal, TooCostly
from headroom.compressors.lines.letters import LETTER, WORD
from headroom.compressors.lines.sample import sample
from headroom.compressors.lines.stamps import share_stamped
from headroom.compressors.lines.templates import CODES, MASK, Template, mine

MAX_CHARS = 8_000_000
"""About half a second of work."""

MIN_LINES = 5
"""Lines below which too little repeats to pay for templates above it."""

MIN_GAIN = 0.05
"""Share of its characters a text must lose: a template is a little harder to read than its lines."""

_HALF = 700
"""Characters of each half of the sample by which we tell what a text is."""

_NEW = 0.64
"""Share of new runs of three words beyond which nothing repeats enough: code and prose have 0.7 to 1, logs 0.1 to 0.6."""

_LONG = 4
"""Characters from which a mark for "as above" is shorter than what it stands for, in tokens."""

_GAPS = ("{}", "<>", "{_}", "⟨⟩")
_AGAIN = "×"
_OPENING = '[templates: "A x y" = A with x, y for its '
_HEADER = re.compile(re.escape(_OPENING) + r"([^;\]\n]+)[^\n]*\]\n")
_LEGEND = '; " = as above; ~ = nothing; ×2 = line above 2 more times]'
_CODED = re.compile(r"(\t*)(?:([A-Z]{1,2})(?: (.*))?|×([1-9][0-9]*))\Z", re.S)
_WORDS = re.compile(rf"[{LETTER}]+|[^{WORD}\s]")


@dataclass(frozen=True, slots=True)
class LogTemplates:
    """Kept for certain: every byte. A template is a line with gaps, said once; each line is then its letter and the values for them."""

    name: str = "logs"
    lossy: bool = False

    def sniff(self, text: str, goal: Goal) -> float:
        """How much of a sample says again what was said before, numbers aside; or whether its lines have times."""
        piece = sample(text, _HALF)
        if piece.count("\n") < MIN_LINES or MASK in piece:
            return 0.0
        words = _WORDS.findall(piece)
        new = len(set(zip(words, words[1:], words[2:], strict=False))) / max(1, len(words))
        if new <= _NEW:
            return 1 - new
        return 0.4 if share_stamped(text) > 0.5 else 0.0  # lines that vary too much to repeat in a sample may do so in the whole

    def compress(self, text: str, goal: Goal) -> Compressed | None:
        if len(text) > MAX_CHARS:
            raise TooCostly("too long for templates")
        gap = next((gap for gap in _GAPS if gap not in text), None)
        if gap is None or MASK in text or text.count("\n") < MIN_LINES or text.startswith(_OPENING):
            return None
        lines = text.split("\n")
        templates = mine(text, lines, len(CODES))
        if not templates:
            return None
        heads = [f"{name}={gap.join(template.parts)}" for name, template in zip(CODES, templates, strict=False)]
        short = "\n".join([_OPENING + gap + _LEGEND, *heads, "--", *_print(lines, templates)])
        return Compressed(short, "exact") if len(short) < (1 - MIN_GAIN) * len(text) else None

    def expand(self, short: str) -> str | None:
        header = _HEADER.match(short)
        heads, found, body = short[header.end() :].partition("\n--\n") if header else ("", "", "")
        if not header or not found:
            return None
        templates: dict[str, list[str]] = {}
        for head in heads.split("\n"):
            name, _, template = head.partition("=")
            templates[name] = template.split(header[1])
        try:
            return "\n".join(_read(body.split("\n"), templates))
        except (IndexError, ValueError):
            return None


_Row = tuple[str, Sequence[str]]
"""A line's template and values."""


def _print(lines: Sequence[str], templates: Sequence[Template]) -> Iterator[str]:
    """The lines, as their templates have it."""
    rows: list[_Row | None] = [None] * len(lines)
    for name, template in zip(CODES, templates, strict=False):
        columns = [_visible(column) for column in template.columns]
        for i, values in zip(template.lines, zip(*columns, strict=True) if columns else repeat(()), strict=False):
            rows[i] = (name, values)
    names = frozenset(CODES[: len(templates)])
    above: str | None = None
    values_above: Sequence[str] = ()
    again = 0
    for line, row in zip(lines, rows, strict=True):
        if line == above and len(line) >= _LONG:
            again += 1
            continue
        if again:
            yield f"{_AGAIN}{again}"
            again = 0
        above = line
        if row is None:
            yield _set_off(line, names)
            values_above = ()
            continue
        yield " ".join([row[0], *_as_above(row[1], values_above)])
        values_above = row[1]
    if again:
        yield f"{_AGAIN}{again}"


def _visible(column: Sequence[str]) -> Sequence[str]:
    """Values as they are printed: what is empty or could be taken for a sign starts with ~."""
    if min(column) and max(column) < "~" and '"' not in column:
        return column
    return ["~" + v if not v or v == '"' or v[0] == "~" else v for v in column]


def _as_above(values: Sequence[str], above: Sequence[str]) -> list[str]:
    """The values, those that stand at the same place in the line above by a mark."""
    marked = ['"' if v == a and len(v) >= _LONG else v for v, a in zip(values, above, strict=False)]
    return [*marked, *values[len(marked) :]]


def _set_off(line: str, names: frozenset[str]) -> str:
    coded = _CODED.match(line)
    return "\t" + line if coded and (coded[4] or coded[2] in names) else line


def _read(body: Sequence[str], templates: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The counterpart of `_print`."""
    above = ""
    values: list[str] = []
    room = MAX_CHARS
    for line in body:
        coded = _CODED.match(line)
        if not coded or not (coded[4] or coded[2] in templates):
            above, values = line, []
        elif coded[1]:
            above, values = line[1:], []
        elif coded[2]:
            printed = coded[3].split(" ") if coded[3] is not None else []
            if '"' in printed:
                printed = [values[i] if v == '"' else v for i, v in enumerate(printed)]
            values = printed
            above = _fill(templates[coded[2]], values)
        else:
            times = int(coded[4])
            room -= times * (len(above) + 1)
            if room < 0:
                raise ValueError("more lines than any text of ours has")
            yield from repeat(above, times)
            continue
        yield above


def _fill(parts: Sequence[str], values: Sequence[str]) -> str:
    if len(values) != len(parts) - 1:
        raise ValueError("another number of values than gaps")
    filled = [""] * (len(parts) + len(values))
    filled[::2] = parts
    filled[1::2] = [v[1:] if v[:1] == "~" else v for v in values]
    return "".join(filled)
