"""What is given back of an original: all of it, some of its lines, or what in them matches a query best.

    query "timeout"     [1 best of 3 matching lines, of lines 1-412]
                        40-connect to db
                        41:timeout after 30 s          as grep -n writes it: hits "41:", what stands around them "40-"
                        42-retry
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from math import fsum, log

from headroom import ccr
from headroom.compressors.language.wording import FUNCTION

AROUND = 2
"""Lines shown on either side of a hit."""

MOST_HITS = 30
"""With what stands around them at most 150 lines: a few thousand tokens, where the whole would be tens of thousands."""

MAX_LINE = 1000
"""Characters; of a longer line the stretch around the first hit is shown, between ellipses."""

MAX_WORDS = 32
"""Words of a query that are looked for: each costs a pass over the text."""

PHRASE = 2.0
"""A line that has the query word for word counts so many times its words."""

WORD = re.compile(r"\w+(?:[.:/-]\w+)*")
"""A word, or a name put together of several: a path, a version, a host with its port."""


def part(text: str, lines: str | None = None, query: str | None = None) -> str:
    """`lines` as ccr.lines takes them; a query looks in these lines only. ValueError says what is wrong with `lines`."""
    first = 1
    if lines is not None:
        found = ccr.lines(text, lines)
        if found.first > found.last:
            raise ValueError(f"the original has {found.total} lines; there is no line {found.first} to begin with")
        text, first = found.text, found.first
    return text if query is None else best(text, query, first)


def best(text: str, query: str, first: int = 1) -> str:
    """The best-matching ranges of `text`, whose lines count from `first`."""
    lines = text.split("\n")
    words = _words(query)
    found = {i: hits for i, line in enumerate(map(str.lower, lines)) if (hits := [w for w in words if w in line])}
    if not found:
        last = first + len(lines) - 1
        return f"no line holds any word of the query; there are lines {first}-{last}, ask for some by number or with other words"
    scores = _scores(lines, found, query.strip().lower())
    chosen = sorted(scores, key=lambda i: (-scores[i], i))[:MOST_HITS]
    head = f"[{len(chosen)} best of {len(found)} matching lines, of lines {first}-{first + len(lines) - 1}]"
    return "\n".join([head, *_shown(lines, sorted(chosen), found, first)])


def _words(query: str) -> list[str]:
    """The words of a query, and the parts of those that are put together; words like "the" only if there are no others."""
    whole = WORD.findall(query.lower())
    parts = [part for word in whole for part in re.findall(r"\w+", word) if len(part) > 1]
    words = list(dict.fromkeys((*whole, *parts)))
    return ([word for word in words if word not in FUNCTION] or words)[:MAX_WORDS]


def _scores(lines: Sequence[str], found: Mapping[int, Collection[str]], phrase: str) -> dict[int, float]:
    """Rare words count more, as in TF-IDF. From Python 3.12 on `sum` rounds floats otherwise than before; fsum is exact on all."""
    number = Counter(word for hits in found.values() for word in hits)
    weights = {word: log(1 + len(lines) / n) for word, n in number.items()}
    return {
        i: fsum(map(weights.__getitem__, hits)) * (PHRASE if phrase in lines[i].lower() else 1.0) for i, hits in found.items()
    }


def _shown(lines: Sequence[str], chosen: Sequence[int], found: Mapping[int, Sequence[str]], first: int) -> Iterator[str]:
    """Grep's form: ranges that touch are one, "--" stands between others."""
    done = -1
    for i in chosen:
        start = max(done + 1, i - AROUND)
        if done >= 0 and start > done + 1:
            yield "--"
        for j in range(start, min(len(lines), i + AROUND + 1)):
            yield f"{first + j}{':' if j in found else '-'}{_cut(lines[j], found.get(j, ()))}"
        done = max(done, min(len(lines), i + AROUND + 1) - 1)


def _cut(line: str, hits: Sequence[str]) -> str:
    if len(line) <= MAX_LINE:
        return line
    low = line.lower()
    start = max(0, min((at for hit in hits if (at := low.find(hit)) >= 0), default=0) - MAX_LINE // 2)
    piece = line[start : start + MAX_LINE]
    return f"{'…' if start else ''}{piece}{'…' if start + MAX_LINE < len(line) else ''} ({len(line):,} characters)"
