"""Hand each long tool output to the compressor that shortens it most, and believe none of them unchecked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from headroom import ccr
from headroom.compressors.base import FORM, Compressed, Compressor, Goal, TooCostly
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

CERTAIN = 0.8
"""One that is so sure, and shows on the sample what tables save, wins outright: the race costs more than it would gain."""

GAIN, SHARE = 16, 0.03
"""Tokens, and share of the text, that a form must save: below it the reader's effort is not paid for, and the
estimate's own error (5 %) would decide."""


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
        ranked = self._ranked(part.text, goal)
        return self._best(part, goal, ranked) if ranked else "no_kind"

    def _is_form(self, text: str) -> bool:
        return FORM.match(text) is not None and any(c.expand(text) not in (None, text) for c in self._compressors)

    def _best(self, part: Part, goal: Goal, ranked: Sequence[_Trial]) -> Short | Skip:
        before = self._tokens(part.text)
        reason: Skip = "no_gain"
        for trial in ranked:
            if trial.piece != part.text:
                trial = _try(trial.compressor, part.text, goal)
            if trial.costly:
                reason = "too_costly"
            elif trial.made is not None and self._pays(before, trial.made) and _may_stand(trial.made, trial.compressor, part):
                return Short(trial.made.text, trial.compressor.name, trial.made.grade)
        return reason

    def _pays(self, before: int, made: Compressed) -> bool:
        return before - self._tokens(made.text) >= max(GAIN, SHARE * before)

    def _ranked(self, text: str, goal: Goal) -> list[_Trial]:
        """Those that may know the text, the one that saves most on a sample first; of equals the earlier in the family."""
        sure = [(compressor, compressor.sniff(text, goal)) for compressor in self._compressors]
        plausible = [(compressor, sureness) for compressor, sureness in sure if sureness >= PLAUSIBLE]
        if len(plausible) == 1:
            return [_Trial(plausible[0][0], "")]  # nobody to race
        piece = sample(text)
        before = self._tokens(piece)
        ranked: list[tuple[float, _Trial]] = []
        for compressor, sureness in plausible:
            trial = _try(compressor, piece, goal)
            gain = UNPROVEN * sureness if trial.made is None else 1 - self._tokens(trial.made.text) / before
            ranked.append((gain, trial))
            if sureness >= CERTAIN and trial.made is not None and gain >= UNPROVEN:
                break
        return [trial for _, trial in sorted(ranked, key=lambda pair: -pair[0])]


@dataclass(frozen=True, slots=True)
class _Trial:
    """What a compressor made of a piece of text, or that it would have been too much work."""

    compressor: Compressor
    piece: str
    made: Compressed | None = None
    costly: bool = False


def _try(compressor: Compressor, piece: str, goal: Goal) -> _Trial:
    try:
        return _Trial(compressor, piece, compressor.compress(piece, goal))
    except TooCostly:
        return _Trial(compressor, piece, costly=True)


def _may_stand(made: Compressed, compressor: Compressor, part: Part) -> bool:
    """An exact form is one whose inverse gives the text, which is looked at each time; where an edit may follow
    nothing less will do. The pipeline looks at what lossy forms owe."""
    if made.grade == "exact":
        return compressor.expand(made.text) == part.text
    return not is_file_read(part)
