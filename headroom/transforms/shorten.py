"""Hand each long tool output to the compressor that shortens it most, and believe none of them unchecked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from headroom import ccr
from headroom.compressors.base import FORM, Compressed, Compressor, Goal, TooCostly
from headroom.compressors.lines.sample import sample
from headroom.conversation import Part, Skip
from headroom.transforms.base import Sent, Short
from headroom.transforms.reading import is_excerpt, is_file_read, texts_of
from headroom.transforms.references import is_reference

SHORT = 500
"""Characters, about 150 tokens: below it the line that explains a form costs what the form saves."""

PLAUSIBLE = 0.2
"""How sure a compressor must be to compete. Sniffing only rules out; the competition decides."""

UNPROVEN = 0.5
"""Expected saving, per unit of sureness, of a compressor that cannot show it on a sample because it needs the whole
text: JSON cut in two is no JSON. Tables, which this is for, save about half."""

CERTAIN = 0.8
"""One that is so sure, and shows on the sample what tables save, wins outright: the race costs more than it would gain."""

CLOSE = 0.15
"""Share by which a sample may err, cut as it is in the middle: who is no further behind the best is tried on the whole text too."""

GAIN, SHARE = 16, 0.03
"""Tokens, and share of the text, that a form must save: below it the reader's effort is not paid for, and the
estimate's own error (5 %) would decide."""

LARGE = 600
"""Tokens a text must still have after the best lossless form before a lossy one is thought of: small results are
read whole, and what is left out of them is missed."""

LOSSY_SHARE = 0.3
"""Share of what the lossless form leaves that a lossy one must save, its marker paid: less is not worth a possible second call."""

MARKER = 45
"""Tokens of the marker line that a lossy form gets."""

SURE = 0.5
"""How sure a lossy compressor must be: it is chosen by kind and not by size, since the shortest view of a wrong kind is the worst."""


IDLE = "finds nothing to shorten"


@dataclass(frozen=True, slots=True)
class Candidate:
    """How one compressor fared with a text; for people who ask why."""

    name: str
    lossy: bool
    sureness: float
    made: Compressed | None = None
    tokens: int = 0
    verdict: str = ""
    """"" if the form may be used, else why not."""


class Shorten:
    """The transform over all compressors. `tokens` is the estimate that every machine shares."""

    name = "shorten"

    def __init__(self, compressors: Sequence[Compressor], tokens: Callable[[str], int], ratio: float | None = None) -> None:
        self._lossless = tuple(c for c in compressors if not c.lossy)
        self._lossy = tuple(c for c in compressors if c.lossy)
        self._tokens, self._ratio = tokens, ratio

    def context(self, part: Part, past: Sequence[Sent], lossy: bool) -> str:
        return past[-1].question if lossy and past else ""

    def __call__(self, part: Part, past: Sequence[Sent], lossy: bool) -> Short | Skip:
        reason = self._verbatim(part)
        if reason is not None:
            return reason
        goal = self.goal(part, past)
        best = self._shortest(part, goal)
        left = self._tokens(best.text if isinstance(best, Short) else part.text)
        if left < LARGE or (isinstance(best, Short) and not lossy):
            return best
        ranked = self._surest(part, goal)
        if not ranked or (is_file_read(part) and not is_excerpt(part)):
            return best
        if not lossy:
            return "no_way_back" if best in ("no_kind", "no_gain") else best
        for compressor in ranked:
            made = _try(compressor, part.text, goal).made
            if made is not None and self._tokens(made.text) + MARKER <= (1 - LOSSY_SHARE) * left:
                return Short(made.text, compressor.name, "lossy", made.omitted, made.lines)
        return best

    def goal(self, part: Part, past: Sequence[Sent]) -> Goal:
        question = past[-1].question if past else ""
        return Goal(part.tool, part.call, "\n".join([question, *texts_of(part)]), self._ratio)

    def candidates(self, part: Part, past: Sequence[Sent]) -> list[Candidate]:
        """What every compressor makes of the whole text, the shortest first; costs as much as all of them together."""
        goal, before = self.goal(part, past), self._tokens(part.text)
        found: list[Candidate] = []
        for compressor in (*self._lossless, *self._lossy):
            sureness = compressor.sniff(part.text, goal)
            trial = _try(compressor, part.text, goal)
            tokens = self._tokens(trial.made.text) if trial.made else before
            found.append(Candidate(compressor.name, compressor.lossy, sureness, trial.made, tokens, self._verdict(trial, part, sureness)))
        return sorted(found, key=lambda c: (c.made is None, c.lossy, c.tokens))

    def _verdict(self, trial: _Trial, part: Part, sureness: float) -> str:
        if trial.costly:
            return "too much work"
        if trial.made is None:
            return IDLE
        if sureness < (SURE if trial.compressor.lossy else PLAUSIBLE):
            return "not its kind of text"
        if not self._pays(self._tokens(part.text), trial.made):
            return "saves too little"
        if not trial.compressor.lossy and not _may_stand(trial.made, trial.compressor, part):
            return "its inverse does not give the bytes back" if trial.made.grade == "exact" else "not on what may be a file"
        return ""

    def _verbatim(self, part: Part) -> Skip | None:
        """Why the part stays as it is without a look at its kind."""
        if part.error:
            return "error"
        if len(part.text) < SHORT:
            return "short"
        if ccr.MARKER.search(part.text) or is_reference(part.text) or self._is_form(part.text):
            return "marked"
        return None

    def _is_form(self, text: str) -> bool:
        return FORM.match(text) is not None and any(c.expand(text) not in (None, text) for c in self._lossless)

    def _shortest(self, part: Part, goal: Goal) -> Short | Skip:
        """The best lossless form, by size."""
        ranked = self._ranked(part.text, goal)
        if not ranked:
            return "no_kind"
        before = fewest = self._tokens(part.text)
        reason: Skip = "no_gain"
        best, lead = None, 0.0
        for gain, trial in ranked:
            if best is not None and gain < lead - CLOSE:
                break
            promised = gain if trial.made is not None else 1.0  # a guess says nothing of those behind it
            if trial.piece != part.text:
                trial = _try(trial.compressor, part.text, goal)
            if trial.costly:
                reason = "too_costly"
            elif trial.made is not None and self._pays(before, trial.made) and self._tokens(trial.made.text) < fewest:
                if _may_stand(trial.made, trial.compressor, part):
                    fewest = self._tokens(trial.made.text)
                    lead = min(promised, 1 - fewest / before) if best is None else lead  # it may have promised more than it kept
                    best = trial
                elif trial.made.grade == "equal":
                    reason = "file_read"
        if best is None or best.made is None:
            return reason
        return Short(best.made.text, best.compressor.name, best.made.grade)

    def _pays(self, before: int, made: Compressed) -> bool:
        return before - self._tokens(made.text) >= max(GAIN, SHARE * before)

    def _surest(self, part: Part, goal: Goal) -> list[Compressor]:
        """The lossy compressors whose kind this is, the surest first; of equals the earlier in the family."""
        sure = [(compressor.sniff(part.text, goal), compressor) for compressor in self._lossy]
        return [c for sureness, c in sorted(sure, key=lambda pair: -pair[0]) if sureness >= SURE]

    def _ranked(self, text: str, goal: Goal) -> list[tuple[float, _Trial]]:
        """Those that may know the text, and the share each saves on a sample, the best first; of equals the earlier in
        the family."""
        sure = [(compressor, compressor.sniff(text, goal)) for compressor in self._lossless]
        plausible = [(compressor, sureness) for compressor, sureness in sure if sureness >= PLAUSIBLE]
        if len(plausible) == 1:
            return [(0.0, _Trial(plausible[0][0], ""))]  # nobody to race
        piece = sample(text)
        before = self._tokens(piece)
        ranked: list[tuple[float, _Trial]] = []
        for compressor, sureness in plausible:
            trial = _try(compressor, piece, goal)
            gain = UNPROVEN * sureness if trial.made is None else 1 - self._tokens(trial.made.text) / before
            ranked.append((gain, trial))
            if sureness >= CERTAIN and trial.made is not None and gain >= UNPROVEN:
                break
        return sorted(ranked, key=lambda pair: -pair[0])


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
