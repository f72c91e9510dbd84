"""Make a decision true in a body: elements left out, notes behind words, reasoning taken out, what was woven in kept in place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from headroom.dialects.base import Dialect
from headroom.dialects.document import Rewrite
from headroom.fitting.decision import Decision


def rewrites(decision: Decision, dialect: Dialect, others: Sequence[Rewrite] = ()) -> list[Rewrite]:
    """`others` are made as well: hidden rounds woven into the conversation, our tool."""
    touched = decision.touched
    if not touched:
        return list(others)
    ours = [each for each in others if each.member == dialect.turns and not touched.isdisjoint(range(each.start, each.stop))]
    spans = _joined([*((i, i + 1) for i in touched), *((each.start, each.stop) for each in ours)])
    starts = {each.start: each for each in ours}
    kept = [each for each in others if each not in ours]
    return [*kept, *(Rewrite(dialect.turns, start, stop, _make(decision, dialect, start, starts)) for start, stop in spans)]


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans that touch become one: two beside each other that leave nothing could not be told apart in a list."""
    found: list[tuple[int, int]] = []
    for start, stop in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(stop, found[-1][1]))
        else:
            found.append((start, stop))
    return found


def _make(
    decision: Decision, dialect: Dialect, first: int, woven: Mapping[int, Rewrite]
) -> Callable[[Sequence[str]], Sequence[str]]:
    dropped = decision.dropped

    def make(sources: Sequence[str]) -> Sequence[str]:
        made: list[str] = []
        i, end = first, first + len(sources)
        while i < end:
            weave = woven.get(i)
            stop = i + 1 if weave is None else weave.stop
            rows = [_noted(decision, dialect, j, sources[j - first]) for j in range(i, stop) if j not in dropped]
            if weave is not None and i not in dropped:  # an answer stays or goes as a whole
                rows = list(weave.make(rows))
            bare = not decision.bare.isdisjoint(range(i, stop))
            made += [row for row in map(dialect.bare, rows) if row is not None] if bare else rows
            i = stop
        return made

    return make


def _noted(decision: Decision, dialect: Dialect, i: int, source: str) -> str:
    return dialect.noted(source, decision.notes[i]) if i in decision.notes else source
