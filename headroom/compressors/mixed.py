"""Outputs of several kinds in one text: each stretch of one kind in its own short form, the rest as it stands.

    [mixed output: a part between << and >> is a short form]
    $ ls -la
    <<
    [ls -l: 14 entries …]
    …
    >>
    $ curl -s http://localhost/status
    <<
    [JSON, tables below …]
    …
    >>HTTP 200

What stands behind >> on its line followed the part on its last line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from headroom.compressors.base import Compressed, Compressor, Goal, TooCostly
from headroom.compressors.lines.sample import sample
from headroom.compressors.lines.segments import Segment, sections, shapes

LEAST = 400
"""Characters of a stretch: below it the lines that set a short form off cost what the form saves."""

MOST = 40
"""Stretches that are handed on, the longest: sniffing one costs as much as sniffing a text."""

UNIFORM = 0.9
"""Share of a text that is one stretch: then it is for a specialist, who takes a line or two of something else as they are."""

DOCUMENTED = 0.79
"""How sure JSON inside makes us: more than other signs, since a sample cuts it and so shows nothing."""

PLAUSIBLE, ENTRANTS = 0.2, 3
"""How sure a compressor must be to compete for a stretch, and how many do, the surest ones."""

SURE, UNPROVEN = 0.9, 0.5
"""How sure a compressor must be that shows nothing on a sample, and what it is then expected to keep: JSON cut in two is
no JSON."""

RACED, HALF = 3000, 1000
"""Characters of a stretch up to which all entrants compress the whole; of each half of the sample of a longer one."""

GAIN = 16
"""Tokens that a part must save, the lines that set it off paid."""

FRAME = 4
"""Tokens of the two lines that set a part off."""

CLEARLY = 0.1
"""Share of a stretch by which a form that is not exact must be shorter than an exact one: one such part, and the whole
may not stand where an edit may follow."""

ENOUGH = 0.4
"""Share saved by one form of a whole section, above which its stretches are not tried one by one."""

MARKS = (("<<", ">>"), ("<<<", ">>>"), ("⟦", "⟧"))
"""Openers and closers; the first pair that the text leaves unambiguous is used."""

HEAD, PROBE, PEEK = 4000, 600, 6
"""Characters at either end in which separators and JSON are looked for; characters, and lines, whose shapes are compared."""

_HEADER = re.compile(r"\[mixed output: a part between (\S{1,3}) and (\S{1,3}) is a short form\]\n")
_SEPARATED = re.compile(r"\n(?:={3,} [^\n]{1,100} ={3,}|==> [^\n]{1,200} <==|-{3,} [^\n]{1,100} -{3,}|\$ \S|`{3})")
_DOCUMENT = re.compile(r"\n(?:\{\s{0,9}\"|\[\s{0,9}[{\[\"])")
_OPENED = re.compile(r"\s{0,9}(?:\{\s{0,9}\"|\[\s{0,9}[{\[\"])")
_ENDED = re.compile(r"\n[}\]][^\n,;)]")


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch and its short form."""

    start: int
    end: int
    made: Compressed
    saved: int
    """Tokens."""
    worth: float
    """The same, less what an exact form is preferred by."""


class Mixed:
    """Outputs of several commands in one. Kept for certain: every byte, as each part's compressor keeps it. `tokens` is the estimate
    that every machine shares."""

    name = "mixed"
    lossy = False

    def __init__(self, inner: Sequence[Compressor], tokens: Callable[[str], int]) -> None:
        self._inner = tuple(compressor for compressor in inner if not compressor.lossy)
        self._tokens = tokens

    def sniff(self, text: str, goal: Goal) -> float:
        if len(text) < 2 * LEAST or _HEADER.match(text):
            return 0.0
        head, tail = text[:HEAD], text[-HEAD:]
        if _OPENED.match(text):
            return 0.0 if tail.rstrip()[-1:] in ("}", "]") else DOCUMENTED
        if _DOCUMENT.search(head) or _DOCUMENT.search(tail) or _ENDED.search(tail):
            return DOCUMENTED
        if _SEPARATED.search(head):
            return 0.6
        middle = text.find("\n", len(text) // 2, len(text) // 2 + HEAD) + 1
        first, second, last = (set(shapes(piece)[1:-1][-PEEK:]) for piece in (text[:PROBE], text[middle : middle + PROBE], text[-PROBE:]))
        alike = min(len(first), len(second), len(last)) <= PEEK // 3
        return 0.4 if alike and (first.isdisjoint(second) or second.isdisjoint(last)) else 0.0

    def compress(self, text: str, goal: Goal) -> Compressed | None:
        if _HEADER.match(text):
            return None
        found = sections(text)
        size = len(text.strip())
        if any(each.end - each.start >= (1 if each.document else UNIFORM) * size for runs in found for each in runs):
            return None
        parts: list[_Part] = []
        longest = sorted((runs for runs in found if runs[-1].end - runs[0].start >= LEAST), key=lambda runs: runs[0].start - runs[-1].end)
        for runs in longest[:MOST]:
            parts += self._section(text, runs, goal, alone=len(found) == 1)
        return self._form(text, sorted(parts, key=lambda part: part.start)) if parts else None

    def expand(self, short: str) -> str | None:
        header = _HEADER.match(short)
        if not header:
            return None
        opener, closer = f"{header[1]}\n", f"\n{header[2]}"
        pieces: list[str] = []
        at = header.end()
        while (start := short.find(opener, at)) >= 0:
            end = short.find(closer, start + len(opener))
            inner = None if end < 0 else self._expand(short[start + len(opener) : end])
            if inner is None:
                return None
            pieces += [short[at:start], inner]
            at = end + len(closer)
        return "".join([*pieces, short[at:]]) if pieces else None

    def _expand(self, short: str) -> str | None:
        return next((text for compressor in self._inner if (text := compressor.expand(short)) is not None), None)

    def _section(self, text: str, runs: Sequence[Segment], goal: Goal, alone: bool) -> list[_Part]:
        """The better of: the whole section in one form, each of its stretches in its own."""
        whole = None if alone and len(runs) > 1 else self._part(text, runs[0].start, runs[-1].end, goal)
        if len(runs) == 1 or (whole and whole.saved >= ENOUGH * self._tokens(text[whole.start : whole.end])):
            return [whole] if whole else []
        large = sorted((run for run in runs if run.end - run.start >= LEAST), key=lambda run: run.start - run.end)[:MOST]
        parts = [part for run in large if (part := self._part(text, run.start, run.end, goal))]
        return [whole] if whole and whole.saved >= sum(part.saved for part in parts) else parts

    def _part(self, text: str, start: int, end: int, goal: Goal) -> _Part | None:
        """The shortest form of a stretch, an exact one unless another saves much more."""
        piece = text[start:end]
        before = self._tokens(piece)
        best: _Part | None = None
        for compressor in self._entrants(piece, goal):
            made = _try(compressor, piece, goal)
            if made is None or not self._holds(made, compressor, piece):
                continue
            saved = before - self._tokens(made.text) - FRAME
            worth = saved if made.grade == "exact" else saved - CLEARLY * before
            if worth >= GAIN and (best is None or worth > best.worth):
                best = _Part(start, end, made, saved, worth)
        return best

    def _entrants(self, piece: str, goal: Goal) -> list[Compressor]:
        """Those that may know the stretch; of a long one the one that saves most on a sample."""
        sure = [(compressor.sniff(piece, goal), compressor) for compressor in self._inner]
        ranked = sorted((pair for pair in sure if pair[0] >= PLAUSIBLE), key=lambda pair: -pair[0])[:ENTRANTS]
        if len(piece) <= RACED or len(ranked) < 2:
            return [compressor for _, compressor in ranked]
        extract = sample(piece, HALF)
        return [min(ranked, key=lambda pair: _kept(pair[1], pair[0], extract, goal))[1]]

    def _holds(self, made: Compressed, compressor: Compressor, piece: str) -> bool:
        back = self._expand(made.text)
        return back == piece if made.grade == "exact" else back is not None and back == compressor.expand(made.text)

    def _form(self, text: str, parts: Sequence[_Part]) -> Compressed | None:
        """Header, stretches as they stand, parts set off; None if no pair of marks leaves it clear which is which."""
        edges = [0, *(edge for part in parts for edge in (part.start, part.end)), len(text)]
        rest = [text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]
        for opener, closer in MARKS:
            if any(f"{opener}\n" in piece for piece in rest) or any(f"\n{closer}" in part.made.text for part in parts):
                continue
            framed = (f"{opener}\n{part.made.text}\n{closer}{after}" for part, after in zip(parts, rest[1:], strict=True))
            short = "".join([f"[mixed output: a part between {opener} and {closer} is a short form]\n", rest[0], *framed])
            if all(part.made.grade == "exact" for part in parts):
                return Compressed(short, "exact") if self.expand(short) == text and len(short) < len(text) else None
            return Compressed(short, "equal") if len(short) < len(text) else None
        return None


def _kept(compressor: Compressor, sureness: float, extract: str, goal: Goal) -> float:
    """Share of a sample that is left."""
    made = _try(compressor, extract, goal)
    if made is None:
        return UNPROVEN if sureness >= SURE else 1.0
    return len(made.text) / len(extract)


def _try(compressor: Compressor, piece: str, goal: Goal) -> Compressed | None:
    try:
        return compressor.compress(piece, goal)
    except TooCostly:
        return None
