"""Which rows the question asks for: those that hold its rarest words, an id before a word of every tenth row."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import log

from headroom.compressors.lines.salience import terms
from headroom.compressors.tabular.layout import encode_all
from headroom.conversation import Json

MOST = 10
"""Rows shown because the question names them."""

COMMON = 0.1
"""Share of rows from which a word tells none of them apart."""


def named(rows: Sequence[Json], query: str, keys: Sequence[Json] = ()) -> list[int]:
    """Indexes of the rows that the question names, those with its rarest words first. `keys`: of a map's rows."""
    wanted = terms(query)
    if not wanted:
        return []
    texts = [text.lower() for text in encode_all(rows)]
    if keys:
        texts = [f"{str(key).lower()} {text}" for key, text in zip(keys, texts, strict=True)]
    ends = list(accumulate(len(text) + 1 for text in texts))
    whole = "\n".join(texts)
    weights: Counter[int] = Counter()
    for term in wanted:
        if whole.count(term) <= MOST + len(rows) // 2:
            found = {bisect_right(ends, at) for at in _places(term, whole)}
            if 0 < len(found) <= max(1, COMMON * len(rows)):
                weights.update(dict.fromkeys(found, round(1000 * log(len(rows) / len(found)))))
    ranked = sorted(weights.items(), key=lambda pair: (-pair[1], pair[0]))
    return [i for i, _ in ranked[:MOST]]


def _places(term: str, text: str) -> Iterator[int]:
    """Where a word starts with the term; where a term with digits stands as a whole, so that 123 is not found in 1234."""
    exact = any(map(str.isdigit, term))
    at = text.find(term)
    while at >= 0:
        end = at + len(term)
        if not text[at - 1 : at].isalnum() and not (exact and text[end : end + 1].isalnum()):
            yield at
        at = text.find(term, end)
