"""JSON text to value and back to the very bytes: number literals, key order and the usual ways of laying it out.

A number whose literal Python would print differently (1e5, -0, 0.10, very long ones) is held as a string that
starts with NUL; no text with an escaped NUL is accepted, so the two cannot be confused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from json.encoder import (  # type: ignore[attr-defined]  # typeshed leaves the C encoder out
    c_make_encoder,
    encode_basestring,
    encode_basestring_ascii,
)

from headroom.conversation import Json

NUMBER = "\x00"
"""First character of a string that stands for a bare literal."""

MAX_DEPTH = 48
"""Containers inside containers. Far below Python's own recursion limit, so that every machine decides alike."""

_LITERAL = re.compile(r'"\\u0000([^"]*)"')
_CONTAINERS = frozenset({dict, list})
_LONGEST_INT = 18
"""Digits up to which an int is worth parsing; Python refuses or crawls on very long ones."""


def _whole(literal: str) -> int | str:
    return int(literal) if len(literal) <= _LONGEST_INT and literal != "-0" else NUMBER + literal


def _real(literal: str) -> float | str:
    value = float(literal)
    return value if repr(value) == literal else NUMBER + literal


def _members(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate keys")
    return members


def _no_constant(literal: str) -> Json:
    raise ValueError(f"{literal} is not JSON")


_decoder = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_whole, parse_float=_real, parse_constant=_no_constant
)


_fast = json.JSONDecoder(parse_constant=_no_constant)


def decode(text: str) -> Json:
    """The value, literals kept. ValueError for what is not JSON, repeats a key or nests too deep."""
    try:
        value = _decoder.decode(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    _check_depth(value)
    return value


def _decode_fast(text: str) -> Json:
    """The value as the standard library has it. Right only if it prints as the text again: literals and repeated keys are lost."""
    try:
        value = _fast.decode(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    _check_depth(value)
    return value


def decode_at(text: str, start: int) -> tuple[Json, int]:
    """The value that starts at `start`, and where it ends."""
    try:
        return _decoder.raw_decode(text, start)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _check_depth(value: Json) -> None:
    level = [value] if type(value) in _CONTAINERS else []
    depth = 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise ValueError("nested too deep")
        inside = chain.from_iterable(v.values() if type(v) is dict else v for v in level)
        level = [v for v in inside if type(v) in _CONTAINERS]


def number(literal: str) -> Json:
    """A number as `decode` would hold it."""
    return _whole(literal) if literal.lstrip("-").isdigit() else _real(literal)


@dataclass(frozen=True, slots=True)
class Layout:
    """One way of writing a value down. Printed in a form's header, so that its text can be rebuilt."""

    indent: str | None = None
    """What one level is indented by; None for a single line."""
    spaced: bool = False
    """On a single line: `", "` and `": "` as Python writes it, instead of `","` and `":"`."""
    lines: bool = False
    """One value a line: the items of a list, without its brackets."""
    ascii: bool = False
    """Characters beyond ASCII are escaped."""
    newline: bool = False
    """The text ends in one newline."""

    def __str__(self) -> str:
        if self.indent is None:
            name = "spaced" if self.spaced else "compact"
        else:
            name = "tab indent" if self.indent == "\t" else f"indent {len(self.indent)}"
        flags = ((self.lines, ", one value a line"), (self.ascii, ", \\u escapes"), (self.newline, ", final newline"))
        return name + "".join(words for flag, words in flags if flag)


def named(name: str) -> Layout | None:
    """The layout that prints as `name`."""
    style, *words = name.split(", ")
    found = re.fullmatch(r"compact|spaced|tab indent|indent ([1-8])", style)
    if not found:
        return None
    indent = "\t" if style == "tab indent" else " " * int(found[1]) if found[1] else None
    layout = Layout(indent, style == "spaced", "one value a line" in words, "\\u escapes" in words,
                    "final newline" in words)
    return layout if str(layout) == name else None


COMPACT = Layout()


def encode(value: Json, layout: Layout = COMPACT) -> str:
    """The text of a value in a layout."""
    if layout.indent is not None:
        text = _Pretty(layout.indent, layout.ascii).text(value, "\n")
    else:
        encoder = _compact if layout is COMPACT else _encoder(", " if layout.spaced else ",", ": " if layout.spaced else ":", layout.ascii)
        text = "\n".join(map(encoder, value)) if layout.lines else encoder(value)
    if "\\u0000" in text:
        text = _LITERAL.sub(r"\1", text)
    return text + "\n" if layout.newline else text


def encode_all(values: Sequence[Json]) -> list[str]:
    """The compact text of each value, in one call: setting up the encoder takes longer than a short value.

    A string of one NUL stands between them, which no value is.
    """
    if not values:
        return []
    parted: list[Json] = [NUMBER] * (2 * len(values) - 1)
    parted[::2] = values
    found = _compact(parted)[1:-1].split(',"\\u0000",')
    return [_LITERAL.sub(r"\1", text) if "\\u0000" in text else text for text in found]


_Encode = Callable[[Json], str]


def _encoder(item: str, key: str, ascii_only: bool) -> _Encode:
    """What `JSONEncoder.encode` does, set up once: it sets itself up anew at each call, which takes longer than a flat object."""
    quote = encode_basestring_ascii if ascii_only else encode_basestring
    if c_make_encoder is None:  # not CPython
        return json.JSONEncoder(ensure_ascii=ascii_only, check_circular=False, separators=(item, key)).encode
    chunks = c_make_encoder(None, None, quote, None, key, item, False, False, True)
    return lambda value: "".join(chunks(value, 0))


_compact = _encoder(",", ":", ascii_only=False)


class _Pretty:
    """Indented JSON. The standard library's indenting encoder is pure Python and ten times slower: flat
    values are left to its C encoder, whose separators may hold the line break and the indent."""

    def __init__(self, indent: str, ascii_only: bool) -> None:
        self._indent = indent
        self._ascii = ascii_only
        self._quote = encode_basestring_ascii if ascii_only else encode_basestring
        self._encoders: dict[str, _Encode] = {}

    def text(self, value: Json, outer: str) -> str:
        """`outer` is the line break, with the indent, of the line that `value` stands on."""
        if type(value) not in _CONTAINERS:
            return self._scalar(value)
        if not value:
            return "{}" if type(value) is dict else "[]"
        inner = outer + self._indent
        if _flat(value):
            flat = self._encode(value, inner)
            return f"{flat[0]}{inner}{flat[1:-1]}{outer}{flat[-1]}"
        if type(value) is list:
            if all(type(row) is dict and row and _flat(row) for row in value):
                return self._flat_rows(value, outer, inner)
            return f"[{inner}{f',{inner}'.join([self.text(v, inner) for v in value])}{outer}]"
        quote = self._quote
        members = [f"{quote(k)}: {quote(v) if type(v) is str else self.text(v, inner)}" for k, v in value.items()]
        return f"{{{inner}{f',{inner}'.join(members)}{outer}}}"

    def _flat_rows(self, rows: list[Json], outer: str, inner: str) -> str:
        """All rows in one call. No line break stands inside a JSON string, so the seams cannot be mistaken."""
        deep = inner + self._indent
        flat = self._encode(rows, deep).replace(f"}},{deep}{{", f"{inner}}},{inner}{{{deep}")
        return f"[{inner}{{{deep}{flat[2:-2]}{inner}}}{outer}]"

    def _encode(self, value: Json, line: str) -> str:
        encoder = self._encoders.get(line)
        if encoder is None:
            encoder = self._encoders[line] = _encoder("," + line, ": ", self._ascii)
        return encoder(value)

    def _scalar(self, value: Json) -> str:
        if type(value) is str:
            return self._quote(value)
        if value is None:
            return "null"
        return repr(value) if type(value) is not bool else "true" if value else "false"


def _flat(value: Json) -> bool:
    return _CONTAINERS.isdisjoint(map(type, value.values() if type(value) is dict else value))


_SAMPLE = 1024
"""Characters within which a spaced layout shows itself; a wrong guess only costs the grade."""

_SPACED = re.compile(r'": |\d, |", "|[el}\]], ')
_INDENTED = re.compile(r"[\[{]\n( {1,8}|\t)(?=\S)")


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON text: its value, and its layout if that is one of the usual ones."""

    value: Json
    layout: Layout | None


def read(text: str) -> Document | None:
    """None if the text is not one JSON container, or one object a line."""
    if not text or text[0] not in "[{" or "\\u0000" in text or NUMBER in text:
        return None
    lines = text[0] == "{" and _is_lines(text)
    joined = f"[{text.rstrip().replace(chr(10), ',')}]" if lines else text
    document = _read(text, joined, lines, _decode_fast)
    if document is None or document.layout is None:
        document = _read(text, joined, lines, decode)
    # Lines are joined before they are parsed; only a text that comes back byte for byte was read rightly.
    return None if document is None or (lines and document.layout is None) else document


def _read(text: str, joined: str, lines: bool, parse: Callable[[str], Json]) -> Document | None:
    try:
        value = parse(joined)
    except ValueError:
        return None
    return Document(value, _layout(text, value, lines))


def _is_lines(text: str) -> bool:
    end = text.find("\n")
    return end > 0 and text[end - 1] == "}" and text[end + 1 : end + 2] == "{"


def _layout(text: str, value: Json, lines: bool) -> Layout | None:
    body = text[:-1] if text.endswith("\n") else text
    base = Layout(lines=lines, ascii="\\u" in text and text.isascii())
    indented = _INDENTED.match(text)
    spaced = _SPACED.search(text, 0, _SAMPLE) is not None
    layout = replace(base, indent=indented[1]) if indented else replace(base, spaced=spaced)
    return replace(layout, newline=len(body) < len(text)) if encode(value, layout) == body else None
