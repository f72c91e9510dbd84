"""How the cells of a table with bars are padded, in a word for all its columns and a sign for each that differs.

    "<8"   to the left of 8 places      "spaced"   a blank on each side (<0)
    ">8"   to the right                 "padded"   to the left of the room that the longest cell takes; ">" to its right
    "<"    a blank before               ""         not padded
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

SPACED, PADDED = "spaced", "padded"
_PADDING = re.compile(r"[<>][0-9]{0,4}\Z")


def said(columns: Sequence[Sequence[str]], names: Sequence[str]) -> tuple[str, list[str]]:
    """The word, empty if none is true of most columns, and the sign of each column. `names`: of the columns, as they are shown."""
    kinds = [padding(column) for column in columns]
    if not all(kinds):
        return "", kinds
    values = [[cell.strip(" ") for cell in column] for column in columns]
    spaced = kinds
    if "<0" in kinds:
        spaced = ["" if padded(texts, "<0") == list(column) else kind for texts, column, kind in zip(values, columns, kinds, strict=True)]
    rooms = [_room(texts, name) for texts, name in zip(values, names, strict=True)]
    natural = ["" if kind == f"<{room}" else ">" if kind == f">{room}" else kind for kind, room in zip(kinds, rooms, strict=True)]
    word, signs = min(((SPACED, spaced), (PADDED, natural)), key=lambda pair: len("".join(pair[1])))
    return (word, signs) if 2 * signs.count("") + 2 * signs.count(">") >= len(signs) else ("", kinds)


def meant(word: str, sign: str, values: Iterable[str], name: str) -> str:
    """The padding of a column of which a form says so much."""
    if word == PADDED and sign in ("", ">"):
        return f"{sign or '<'}{_room(values, name)}"
    return sign or ("<0" if word == SPACED else "")


def _room(values: Iterable[str], name: str) -> int:
    return max(len(name), *map(len, values)) + 2


def padding(cells: Sequence[str]) -> str:
    """The padding of cells; a width if they all have the same."""
    widths = set(map(len, cells))
    kinds = ["<0", "<"]
    if len(widths) == 1:
        width = widths.pop()
        kinds = [f"<{width}", f">{width}", "<"]
    values = [cell.strip(" ") for cell in cells]
    return next((kind for kind in kinds if padded(values, kind) == list(cells)), "")


def padded(values: Sequence[str], kind: str) -> list[str]:
    """The cells of values. ValueError if there is no such padding."""
    if not kind:
        return list(values)
    if not _PADDING.match(kind):
        raise ValueError("no padding")
    if kind == "<":
        return [" " + value for value in values]
    width = int(kind[1:]) - 1
    if kind[0] == "<":
        return [f" {value}".ljust(width) + " " for value in values]
    return [" " + f"{value} ".rjust(width) for value in values]
