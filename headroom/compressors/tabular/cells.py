"""How one value, one name or one prefix is written in a table, and read back.

A plain cell is a bare text. What could be mistaken (a string that looks like a number, holds a comma, is empty …)
is written as JSON, so a cell has exactly one reading; an empty cell means that the key is not there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from json.encoder import encode_basestring
from types import NoneType

from headroom.compressors.lines.letters import WORD
from headroom.compressors.tabular.layout import NUMBER, decode_at, encode, encode_all, number
from headroom.conversation import Json


class Missing:
    """The type of MISSING, a value of its own: absent is neither null nor the empty string."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"


MISSING = Missing()

_STRING = r'"(?:[^"\\]|\\.)*"'
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_PLAIN = re.compile(rf'(?!(?:true|false|null|{_NUMBER})\Z)[^\s"\[{{>,\x00-\x1f](?:[^,\x00-\x1f]*[^\s,\x00-\x1f])?\Z')
_IS_NUMBER = re.compile(_NUMBER + r"\Z")
_PLAIN_PREFIX = re.compile(r'[^~(),"\x00-\x1f]*\Z')
_PLAIN_REST = re.compile(r'[^\s"\[{>,\x00-\x1f](?:[^,\x00-\x1f]*[^\s,\x00-\x1f])?\Z')
_PLAIN_SEGMENT = re.compile(rf"[{WORD}$@/:*+#-]+\Z")
_SEGMENT = rf"(?:{_STRING}|[{WORD}$@/:*+#-]+)"
_SEGMENTS = re.compile(rf"\[([0-9]{{1,3}})\]|({_SEGMENT})")
NAME = re.compile(rf"\(key\)|{_SEGMENT}(?:\.{_SEGMENT}|\[[0-9]{{1,3}}\])*")
PREFIX = re.compile(rf'{_STRING}|[^~(),"\x00-\x1f]*')
_CONTAINERS = frozenset({list, dict})
_APART = frozenset({str, bool, NoneType, Missing})
"""Types whose values are equal only if they are the same; 1, 1.0 and True are not."""

_WORDS: dict[str, Json] = {"": MISSING, "null": None, "true": True, "false": False}

Path = tuple[str | int, ...]
"""Keys, and places in lists, from a row down to a value."""

KEY: Path = ()
"""The column that holds the keys of a keyed map."""


def cell(value: Json) -> str:
    """A value as a cell."""
    kind = type(value)
    if kind is str:
        if _PLAIN.match(value):
            return value  # type: ignore[no-any-return]  # a Json that is a str
        return value[1:] if value[:1] == NUMBER else encode_basestring(value)
    if kind is int or kind is float:
        return repr(value)
    if value is MISSING:
        return ""
    return encode(value)


def cells(values: Sequence[Json], kinds: set[type]) -> list[str]:
    """The cells of a column whose values have these types; the loops are kept short where all are alike."""
    if kinds <= {int, float}:
        return list(map(repr, values))
    if kinds <= _APART and 2 * len(different := set(values)) <= len(values):
        written = {value: cell(value) for value in different}
        return [written[value] for value in values]
    if kinds == {str}:
        plain = _PLAIN.match
        return [value if plain(value) else cell(value) for value in values]
    if kinds.isdisjoint(_CONTAINERS):
        return list(map(cell, values))
    encoded = iter(encode_all([value for value in values if type(value) in _CONTAINERS]))
    return [next(encoded) if type(value) in _CONTAINERS else cell(value) for value in values]


def read_cell(line: str, start: int) -> tuple[Json, int]:
    """The value of the cell that starts at `start`, and where the cell ends."""
    if line[start : start + 1] in ('"', "[", "{"):
        return decode_at(line, start)
    end = line.find(",", start)
    end = len(line) if end < 0 else end
    text = line[start:end]
    if text in _WORDS:
        return _WORDS[text], end
    return (number(text) if _IS_NUMBER.match(text) else text), end


def rests(values: Sequence[Json], before: int, behind: int = 0) -> list[str]:
    """What stands between so many characters of each value, always a string; empty where nothing is."""
    plain = _PLAIN_REST.match
    end = -behind or None
    found = ["" if value is MISSING else value[before:end] for value in values]
    return [
        text if plain(text) or value is MISSING else encode_basestring(text)
        for text, value in zip(found, values, strict=True)
    ]


def read_rest(line: str, start: int) -> tuple[Json, int]:
    """The counterpart of `rests`; MISSING for an empty cell."""
    if line[start : start + 1] == '"':
        return decode_at(line, start)
    end = line.find(",", start)
    end = len(line) if end < 0 else end
    return line[start:end] if end > start else MISSING, end


def name(path: Path) -> str:
    """A column's name: `a.b[0]` for the first value listed in member b of member a; keys with unusual characters are quoted."""
    if path == KEY:
        return "(key)"
    found = "".join(f"[{key}]" if type(key) is int else f".{_segment(str(key))}" for key in path)
    return found[1:]


def _segment(key: str) -> str:
    return key if _PLAIN_SEGMENT.match(key) else encode_basestring(key)


def read_name(text: str) -> Path:
    """The counterpart of `name`, for a text that NAME matched."""
    if text == "(key)":
        return KEY
    return tuple(int(place) if place else decode_at(key, 0)[0] if key[0] == '"' else key for place, key in _SEGMENTS.findall(text))


def prefix(text: str) -> str:
    """A prefix as it stands in a column's name."""
    return text if _PLAIN_PREFIX.match(text) else encode_basestring(text)


def read_prefix(text: str) -> str:
    """The counterpart of `prefix`, for a text that PREFIX matched."""
    return str(decode_at(text, 0)[0]) if text[:1] == '"' else text
