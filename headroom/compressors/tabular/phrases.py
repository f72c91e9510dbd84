"""Columns of messages: what they say again and again stands once above the rows, the cells hold what varies.

    message                              >>message {} A=job {} is done in {} ms
    job 7 is done in 31 ms        →      A 7 31
    job 8 is done in 40 ms               A 8 40

A message that no template covers stands as it is; one that could be mistaken has ~ before it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat

from headroom.compressors.lines.templates import CODES, MASK, mine
from headroom.conversation import Json

GAP = "{}"
MIN_MESSAGES, MIN_LENGTH, MAX_LENGTH, MIN_WORDS = 16, 20, 400, 2
"""Messages of a column, and their average characters and blanks, from which a look for templates may pay."""

MIN_SHARE = 0.3
"""Share of a column's characters that templates must save: a message in two places is harder to read."""

_DIGITS = re.compile("[0-9]+")
_PEEK, _PEEK_SHARE = 40, 0.1
"""Messages that are looked at first, and the share they must save: few show fewer templates than many."""


@dataclass(frozen=True, slots=True)
class Phrases:
    """Messages by their templates."""

    cells: list[str]
    templates: dict[str, str]


def phrases_of(texts: Sequence[str], shared: int) -> Phrases | None:
    """The messages by templates, if they are messages and that pays. May raise TooCostly.

    `shared`: characters that all have at their ends, which need no templates to be said once.
    """
    size = len(texts)
    if size < MIN_MESSAGES:
        return None
    whole = "\n".join(texts)
    if not (MIN_LENGTH + shared) * size <= len(whole) <= MAX_LENGTH * size or whole.count(" ") < MIN_WORDS * size or MASK in whole or GAP in whole or whole.count("\n") >= size:
        return None
    if not _begin_or_end_alike(texts):
        return None
    if size > _PEEK and _worded(texts[size // 2 :][:_PEEK], shared, _PEEK_SHARE) is None:
        return None
    return _worded(texts, shared, MIN_SHARE)


def _begin_or_end_alike(texts: Sequence[str]) -> bool:
    """Whether messages have few first or few last words, numbers aside: cheaper than looking for templates, and rules out prose."""
    few = len(texts) / 3
    return len({_DIGITS.sub("0", text.split(" ", 1)[0]) for text in texts}) <= few or len({_DIGITS.sub("0", text.rsplit(" ", 1)[-1]) for text in texts}) <= few


def _worded(texts: Sequence[str], shared: int, least: float) -> Phrases | None:
    whole = "\n".join(texts)
    cells: list[str] = ["" for _ in texts]
    templates: dict[str, str] = {}
    for code, template in zip(CODES, mine(whole, texts, len(CODES)), strict=False):
        templates[code] = GAP.join(template.parts)
        rows = zip(*template.columns, strict=True) if template.columns else repeat((), len(template.lines))
        for i, values in zip(template.lines, rows, strict=True):
            cells[i] = " ".join([code, *values])
    found = [cell or set_off(text, templates) for cell, text in zip(cells, texts, strict=True)]
    after = sum(map(len, found)) + sum(map(len, templates.values())) + 4 * len(templates)
    return Phrases(found, templates) if templates and after <= (1 - least) * (len(whole) - shared * len(texts)) else None


def set_off(text: str, templates: Mapping[str, object]) -> str:
    """A message that no template covers, so that it is taken for none."""
    return "~" + text if text[:1] == "~" or text.split(" ", 1)[0] in templates else text


def read_phrase(cell: str, templates: Mapping[str, Json]) -> str:
    """The message of a cell. ValueError if it has another number of values than gaps."""
    code, *values = cell.split(" ")
    if cell[:1] == "~" or code not in templates:
        return cell.removeprefix("~")
    parts = str(templates[code]).split(GAP)
    if len(parts) != len(values) + 1:
        raise ValueError("another number of values than gaps")
    return "".join(f"{part}{value}" for part, value in zip(parts, [*values, ""], strict=True))
