"""JSON: lists and maps of like objects become tables, everything else is minified.

The form is one line of explanation, the minified value with `<3 rows>` in place of each table, then the
tables in order. If the text is laid out in a usual way, the form names the layout and is exact.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from headroom.compressors.base import Compressed, Goal, TooCostly
from headroom.compressors.logs import LogTemplates
from headroom.compressors.tabular import reading, tables
from headroom.compressors.tabular.layout import (
    COMPACT,
    NUMBER,
    Document,
    decode,
    encode,
    encode_all,
    named,
    read,
)
from headroom.compressors.tabular.phrases import GAP
from headroom.conversation import Json

MAX_CHARS = 4_000_000
"""The C parser cannot be interrupted and holds the interpreter for about 6 ms per million characters."""

MIN_ROWS = 3
"""Objects that make a table; with two the line of names costs what it saves."""

MAX_TABLE_DEPTH = 4
"""Levels below the top at which tables are looked for; each level costs at most one more pass."""

MIN_GAIN = 0.07
"""A table must be shorter than the minified value by this share: it is a little harder to read."""

MIN_TEMPLATE_GAIN = 0.25
"""Share that templates must take off the tables: two forms in one are harder to read than one."""

_WORDS_PER_ROW, _PEEK = 3, 4096
"""Blanks of a row on average from which it may be a sentence, and characters of the tables that show whether templates pay."""

_TAIL = 64
"""Characters at the end in which the last bracket stands, whatever blanks follow it."""

_ENOUGH, _CLEARLY = 20, 0.7
"""Rows that tell the usual length of all, and the share of it below which nobody needs to measure the whole value."""

_TEMPLATES = LogTemplates()
_OPENED = re.compile(r"\s{0,64}(?:\{\s{0,64}[\"}]|\[\s{0,64}[\"\[\]{0-9tfn-])")
_HEADER = re.compile(r"\[JSON(?: minified|, tables below[^\]\n]*?)(?:; original: ([^\]\n]*))?\]\n")
_PLACE = re.compile(r'("(?:[^"\\]|\\.)*")|<([1-9][0-9]*) (keyed )?rows>')
_SURROGATE = re.compile("[\ud800-\udfff]")
_LEGEND = (
    (re.compile(r"~\)"), "a(p~): p starts every a"),
    (re.compile(r"~~"), "a(p~~s): and s ends it"),
    (re.compile(r"~[^~),]+[~)]"), "a(p~b): p, then b"),
    (re.compile(r"\[\{"), "a[{b,c}: lists b, c of each item"),
    (re.compile(r"="), "a=v: a is v in all rows"),
    (re.compile(r"\?"), "a?: named in the rows that have it"),
)
"""What may stand in a line of names, and how it reads."""


@dataclass(frozen=True, slots=True)
class JsonTables:
    """JSON and JSON lines. Kept for certain: every byte, or every value where only the layout was odd. Lists of like objects become
    tables: names once, what a column shares in its name."""

    name: str = "json"
    lossy: bool = False

    def sniff(self, text: str, goal: Goal) -> float:
        closed = text[-_TAIL:].rstrip()[-1:] in ("]", "}")
        return 0.95 if closed and _OPENED.match(text) else 0.0

    def compress(self, text: str, goal: Goal) -> Compressed | None:
        if len(text) > MAX_CHARS:
            raise TooCostly("JSON too large to be parsed in one go")
        document = read(text)
        if document is None:
            return None
        short = _form(document)
        if len(short) >= len(text):
            return None
        if "\\u" in text and _SURROGATE.search(short):
            return None  # JSON can spell half a surrogate pair, UTF-8 cannot
        return Compressed(short, "exact" if document.layout else "equal")

    def expand(self, short: str) -> str | None:
        short = _TEMPLATES.expand(short) or short
        header = _HEADER.match(short)
        try:
            if not header:
                return encode(decode(short)) if short[:1] in ("[", "{") else None
            layout = named(header[1]) if header[1] is not None else COMPACT
            return None if layout is None else encode(_restore(short[header.end() :]), layout)
        except (ValueError, IndexError, KeyError):
            return None


def _form(document: Document) -> str:
    """The short form of a document. Rows that are long and say much alike, as log records do, become templates as wholes,
    or else their messages by themselves."""
    found = Tables([], [])
    short = _printed(document, found)
    if not found.has_messages or sum(line.count(" ") for line in found.lines) < _WORDS_PER_ROW * len(found.lines):
        return short
    plain = _printed(document, Tables([], [], messages=False))
    middle = plain[len(plain) // 2 :][:_PEEK]
    if len(plain) > _PEEK and _templates(middle) is None:
        return short
    whole = _templates(plain)
    return whole if whole is not None and len(whole) < (1 - MIN_TEMPLATE_GAIN) * len(short) else short


def _templates(text: str) -> str | None:
    """A text by its templates, if that pays."""
    found = _TEMPLATES.compress(text, Goal())
    return found.text if found and len(found.text) < (1 - MIN_TEMPLATE_GAIN) * len(text) else None


def _printed(document: Document, found: Tables) -> str:
    """The form of a document, its tables as found."""
    skeleton = encode(found.take(document.value, 0), COMPACT)
    if not found.lines and (document.layout is None or document.layout == COMPACT):
        return skeleton
    original = "" if document.layout is None else f"; original: {document.layout}"
    if not found.lines:
        return f"[JSON minified{original}]\n{skeleton}"
    notes = f" ({found.legend})" if found.legend else ""
    return "\n".join([f"[JSON, tables below{notes}{original}]", skeleton, *found.lines])


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables found in a value, in reading order."""

    lines: list[str]
    heads: list[str]
    messages: bool = True
    """Whether columns of messages become templates."""

    def take(self, value: Json, depth: int) -> Json:
        """The value with a bare `<3 rows>` in place of each table."""
        if type(value) not in (list, dict) or depth > MAX_TABLE_DEPTH:
            return value
        keyed = type(value) is dict
        items = value.values() if keyed else value
        kinds = set(map(type, items))
        if kinds == {dict} and len(value) >= MIN_ROWS:
            table = tables.encode(list(items), list(value) if keyed else None, self.messages)
            if table and _pays(sum(map(len, table)) + len(table), value, items):
                self.lines.extend(table)
                self.heads.append(table[0])
                return f"{NUMBER}<{len(value)} {'keyed ' if keyed else ''}rows>"
        if kinds.isdisjoint((list, dict)):
            return value
        if keyed:
            return {key: self.take(v, depth + 1) for key, v in value.items()}
        return [self.take(v, depth + 1) for v in value]

    @property
    def has_messages(self) -> bool:
        return any(line[:2] == ">>" and f" {GAP} " in line for line in self.lines)

    @property
    def legend(self) -> str:
        """How the tables are to be read, as far as they need it."""
        heads = "\n".join(self.heads)
        notes = [words for sign, words in _LEGEND if sign.search(heads)]
        if any(line[:2] == ">>" for line in self.lines):
            notes.append(">>a: codes in column a")
        if self.has_messages:
            notes.append("A 1 2: A with 1, 2 for its {}")
        if any(line[:1] == ">" != line[1:2] for line in self.lines):
            notes.append("row ends in >2: see >2 below for its last keys and the order of all")
        if any(",," in line or line[:1] == "," for line in self.lines):
            notes.append("empty cell: no such key")
        return "; ".join(notes)


def _pays(size: int, value: Json, items: Iterable[Json]) -> bool:
    """Whether a table of this size is enough shorter than the value minified: by the usual row if that leaves no doubt, or all."""
    some = sorted(map(len, encode_all(list(islice(items, 0, None, max(1, len(value) // _ENOUGH))))))
    if size < _CLEARLY * some[len(some) // 2] * len(value):
        return True
    return size < (1 - MIN_GAIN) * len(encode(value))


def _restore(text: str) -> Json:
    """The value of skeleton and tables."""
    skeleton, _, rest = text.partition("\n")
    lines = rest.split("\n") if rest else []
    found: list[Json] = []
    at = 0

    def place(match: re.Match[str]) -> str:
        nonlocal at
        if match[1]:
            return match[1]
        table, at = reading.decode(lines, int(match[2]), bool(match[3]), at)
        found.append(table)
        return f'"\\u0000{len(found) - 1}<"'

    value = _fill(decode(_PLACE.sub(place, skeleton)), found)
    if at != len(lines):
        raise ValueError("lines behind the last table")
    return value


def _fill(value: Json, found: list[Json]) -> Json:
    if type(value) is str and value[:1] == NUMBER and value[-1:] == "<":
        return found[int(value[1:-1])]
    if type(value) is list:
        return [_fill(v, found) for v in value]
    if type(value) is dict:
        return {key: _fill(v, found) for key, v in value.items()}
    return value
