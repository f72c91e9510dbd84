"""Hand each long tool output to the compressor that shortens it most, and believe none of them unchecked."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from headroom import ccr
from headroom.compressors.base import Compressed, Compressor, Goal, TooCostly
from headroom.compressors.sample import sample
from headroom.conversation import Part, Skip
from headroom.transforms.base import Short
from headroom.transforms.reading import is_file_read

SHORT = 500
"""Characters, about 150 tokens: below it the line that explains a form costs what the form saves."""

PLAUSIBLE = 0.2
"""How sure a compressor must be to compete. Sniffing only rules out; the competition decides."""

UNPROVEN = 0.5
"""Expected saving, per unit of sureness, of a compressor that cannot show it on a sample because it needs the whole
text: JSON cut in two is no JSON. Tables, which this is for, save about half."""

GAIN, SHARE = 16, 0.03
"""Tokens, and share of the text, that a form must save: below it the reader's effort is not paid for, and the
estimate's own error (5 %) would decide."""

_FORM = re.compile(r"\[[A-Za-z][^\n]*\]\n")
"""Every form opens with a line of words in brackets."""


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
        if ccr.MARKER.search(part.text) or self._is_form(part.text):
            return "marked"
        goal = Goal(part.tool, part.call)
        sure = [(c.sniff(part.text, goal), c) for c in self._compressors]
        candidates = [(sureness, c) for sureness, c in sure if sureness >= PLAUSIBLE]
        if not candidates:
            return "no_kind"
        return self._best(part, goal, self._ranked(part.text, goal, candidates))

    def _is_form(self, text: str) -> bool:
        return _FORM.match(text) is not None and any(c.expand(text) not in (None, text) for c in self._compressors)

    def _best(self, part: Part, goal: Goal, candidates: Sequence[Compressor]) -> Short | Skip:
        before = self._tokens(part.text)
        reason: Skip = "no_gain"
        for compressor in candidates:
            try:
                made = compressor.compress(part.text, goal)
            except TooCostly:
                reason = "too_costly"
                continue
            if made is None or not _may_stand(made, compressor, part):
                continue
            saved = before - self._tokens(made.text)
            if saved >= max(GAIN, SHARE * before):
                return Short(made.text, compressor.name, made.grade)
        return reason

    def _ranked(self, text: str, goal: Goal, candidates: Sequence[tuple[float, Compressor]]) -> list[Compressor]:
        """The one that saves most on a sample first; of equals the earlier in the family."""
        if len(candidates) == 1:
            return [candidates[0][1]]
        piece = sample(text)
        before = self._tokens(piece)
        gains = [(self._gain(c, piece, before, goal) or UNPROVEN * sureness, c) for sureness, c in candidates]
        return [compressor for _, compressor in sorted(gains, key=lambda pair: -pair[0])]

    def _gain(self, compressor: Compressor, piece: str, before: int, goal: Goal) -> float | None:
        """Share of the sample's tokens that is saved; None if nothing came of it."""
        try:
            made = compressor.compress(piece, goal)
        except TooCostly:
            return None
        return None if made is None else max(before - self._tokens(made.text), 0) / before


def _may_stand(made: Compressed, compressor: Compressor, part: Part) -> bool:
    """An exact form is one whose inverse gives the text, which is looked at each time; where an edit may follow
    nothing less will do. The pipeline looks at what lossy forms owe."""
    if made.grade == "exact":
        return compressor.expand(made.text) == part.text
    return not is_file_read(part)
