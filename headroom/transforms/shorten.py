"""Hand each long tool output to the compressor that shortens it most, and believe none of them unchecked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from headroom import ccr
from headroom.compressors.base import Compressed, Compressor, Goal, TooCostly
from headroom.conversation import Part, Skip
from headroom.transforms.base import Short
from headroom.transforms.reading import is_file_read

SHORT = 500
"""Characters, about 150 tokens: below it a header costs what a form saves."""

SAMPLE = 6000
"""Characters on which candidates compete: enough for a form to repay its header, a millisecond at most."""

SURE_ENOUGH = 0.2
"""Sniffing only rules out; the competition decides."""

GAIN, SHARE = 16, 0.03
"""Tokens, and share of the text, that a form must save: below it the reader's effort is not paid for."""


class Shorten:
    """The transform over all compressors. `tokens` is the estimate that every machine shares."""

    name = "shorten"
    local = True

    def __init__(self, compressors: Sequence[Compressor], tokens: Callable[[str], int]) -> None:
        self._compressors, self._tokens = tuple(compressors), tokens

    def __call__(self, part: Part, past: Sequence[Part]) -> Short | Skip:
        if part.error:
            return "error"
        if len(part.text) < SHORT:
            return "short"
        if ccr.MARKER.search(part.text) or any(c.expand(part.text) is not None for c in self._compressors):
            return "marked"
        goal = Goal(part.tool, part.call)
        candidates = self._ranked(part.text, goal)
        if not candidates:
            return "no_kind"
        return self._best(part, goal, candidates)

    def _best(self, part: Part, goal: Goal, candidates: Sequence[Compressor]) -> Short | Skip:
        exact_only = is_file_read(part)
        before, reason = self._tokens(part.text), "no_gain"
        for compressor in candidates:
            try:
                made = compressor.compress(part.text, goal)
            except TooCostly:
                reason = "too_costly"
                continue
            if made is None or (exact_only and made.grade != "exact") or not _holds(compressor, made, part.text):
                continue
            saved = before - self._tokens(made.text)
            if saved >= GAIN and saved >= SHARE * before:
                return Short(made.text, compressor.name, made.grade)
        return "too_costly" if reason == "too_costly" else "no_gain"

    def _ranked(self, text: str, goal: Goal) -> list[Compressor]:
        """Those that may know the text, the one that does best on a sample first."""
        plausible = [c for c in self._compressors if c.sniff(text, goal) >= SURE_ENOUGH]
        if len(plausible) < 2 or len(text) <= SAMPLE:
            return sorted(plausible, key=lambda c: -c.sniff(text, goal)) if len(text) > SAMPLE else self._raced(text, goal, plausible)
        return self._raced(_sample(text), goal, plausible)

    def _raced(self, sample: str, goal: Goal, plausible: Sequence[Compressor]) -> list[Compressor]:
        sizes = {c.name: self._size(c, sample, goal) for c in plausible}
        return sorted(plausible, key=lambda c: sizes[c.name])  # stable: the earlier in the family wins a draw

    def _size(self, compressor: Compressor, sample: str, goal: Goal) -> int:
        try:
            made = compressor.compress(sample, goal)
        except TooCostly:
            made = None
        return self._tokens(sample if made is None else made.text)


def _holds(compressor: Compressor, made: Compressed, text: str) -> bool:
    """An exact form is one whose inverse gives the text, which is looked at each time."""
    return made.grade != "exact" or compressor.expand(made.text) == text


def _sample(text: str) -> str:
    """Whole lines from the start, for most forms depend on what comes first."""
    end = text.rfind("\n", 0, SAMPLE) + 1
    return text[: end or SAMPLE]
