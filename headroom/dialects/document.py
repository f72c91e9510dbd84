"""A JSON body as spans over its own text, so that one string can be replaced and all else leaves as it came.

Chat clients send the whole conversation each turn, its head byte for byte the same. A memo therefore predicts, after a
known run of elements, how long the next one is, and a hash of its bytes proves it: what was read once is not parsed again.
Results are the same with and without a memo.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from json.decoder import scanstring  # type: ignore[attr-defined]  # the C scanner's string reader; not in typeshed
from typing import Any, TypeVar

from headroom.conversation import Address, Json, Skip
from headroom.memo import Memo

T = TypeVar("T")

ARRAYS = frozenset(("messages", "input", "contents"))
"""The members that hold a conversation: their elements get spans of their own."""

SPACE = re.compile(r"[ \t\n\r]*")
MEMO_BYTES = 24 << 20
VALUE_FACTOR = 3
"""A parsed element weighs about three times its JSON (sys.getsizeof over a coding agent's messages)."""
ELEMENT_BYTES = 600
FORKS = 4
"""Continuations remembered after one prefix: retries and sub-agents branch a little."""


class Unreadable(Exception):
    """The body is not one we can edit; it leaves as it came."""

    def __init__(self, reason: Skip) -> None:
        super().__init__(reason)
        self.reason: Skip = reason


class _Repeated(Exception):
    """An object names a member twice; readers differ in which one counts."""


def _members(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _Repeated
    return value


def _constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


SCAN: Callable[[str, int], tuple[Json, int]] = json.JSONDecoder(
    object_pairs_hook=_members, parse_constant=_constant
).scan_once  # type: ignore[attr-defined]  # the C scanner, which tells where a value ends; not in typeshed


@dataclass(frozen=True, slots=True)
class Element:
    """One message of a conversation, parsed."""

    value: Json
    length: int
    """Characters of its JSON."""
    facts: dict[Any, Any] = field(default_factory=dict)
    """What others derived of it by content alone; see Document.fact."""


class DocumentMemo:
    """What earlier bodies taught; safe to share between threads."""

    def __init__(self, max_bytes: int = MEMO_BYTES) -> None:
        self.elements: Memo[bytes, Element] = Memo(max_bytes)
        self.lengths: Memo[bytes, tuple[int, ...]] = Memo(max_bytes // 8)

    def remember(self, before: bytes, after: bytes, element: Element) -> None:
        self.elements.put(after, element, element.length * VALUE_FACTOR + ELEMENT_BYTES)
        known = self.lengths.get(before) or ()
        if element.length not in known:
            self.lengths.put(before, (element.length, *known[: FORKS - 1]), 150)


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int


class Document:
    """A JSON object. `text` is its whole JSON; spans are positions in it."""

    __slots__ = ("_arrays", "_members", "_raw", "_spans", "text")

    def __init__(self, raw: bytes, text: str) -> None:
        self._raw, self.text = raw, text
        self._members: dict[str, Json] = {}
        self._spans: dict[str, _Span] = {}
        self._arrays: dict[str, list[tuple[int, Element]]] = {}

    @classmethod
    def parse(cls, raw: bytes, memo: DocumentMemo | None = None) -> Document:
        """Raises Unreadable, and nothing else."""
        try:
            document = cls(raw, raw.decode("utf-8"))
            document._read(memo)
        except UnicodeDecodeError:
            raise Unreadable("not_utf8") from None
        except _Repeated:
            raise Unreadable("duplicate_keys") from None
        except RecursionError:
            raise Unreadable("too_deep") from None
        except (ValueError, StopIteration, IndexError):
            raise Unreadable("not_json") from None
        return document

    def get(self, name: str) -> Json:
        """A top-level member, parsed; None if it is absent."""
        if name in self._arrays:
            return [element.value for _, element in self._arrays[name]]
        return self._members.get(name)

    def source(self, name: str) -> str:
        """The JSON of a top-level member as it stands in the body; "" if it is absent."""
        span = self._spans.get(name)
        return self.text[span.start : span.end] if span else ""

    def elements(self, name: str) -> tuple[Json, ...]:
        """The elements of the conversation's array; () if the member is absent or no array."""
        return tuple(element.value for _, element in self._arrays.get(name, ()))

    def facts(self, name: str, kind: str, derive: Callable[[int, Json], T]) -> list[T]:
        """`derive(i, element)` for every element, remembered with it; it must depend on nothing else."""
        found: list[T] = []
        for i, (_, element) in enumerate(self._arrays.get(name, ())):
            key = (kind, i)
            fact = element.facts.get(key)
            if fact is None:
                fact = element.facts[key] = derive(i, element.value)
            found.append(fact)
        return found

    def splice(self, edits: Mapping[Address, str]) -> bytes:
        """The body with the strings at these addresses replaced. ValueError if one is not a string."""
        if not edits:
            return self._raw
        pieces: list[str] = []
        at = 0
        for start, end, text in sorted((*self._locate(address), text) for address, text in edits.items()):
            pieces += [self.text[at:start], json.dumps(text, ensure_ascii=False)]
            at = end
        pieces.append(self.text[at:])
        return "".join(pieces).encode("utf-8")

    def _locate(self, address: Address) -> tuple[int, int]:
        name = str(address[0])
        array = self._arrays.get(name)
        if array is None or len(address) < 2:
            span = self._spans.get(name)
            if span is None:
                raise ValueError(f"no {name}")
            return _string(self.text, span.start, address[1:])
        start, element = array[int(address[1])]
        key = ("span", address[2:])
        found = element.facts.get(key)
        if found is None:
            first, last = _string(self.text, start, address[2:])
            found = element.facts[key] = (first - start, last - start)
        return start + found[0], start + found[1]

    def _read(self, memo: DocumentMemo | None) -> None:
        text = self.text
        at = _skip(text, 0)
        if text[at] != "{":
            end = SCAN(text, at)[1]
            _end(text, end)
            raise Unreadable("not_an_object")
        at = _skip(text, at + 1)
        if text[at] == "}":
            _end(text, at + 1)
            return
        while True:
            if text[at] != '"':
                raise ValueError("a member's name")
            name, at = scanstring(text, at + 1, True)
            at = _skip(text, at)
            if text[at] != ":":
                raise ValueError("a colon")
            at = _skip(text, at + 1)
            if name in self._spans:
                raise _Repeated
            start = at
            if name in ARRAYS and text[at] == "[":
                self._arrays[name], at = _array(text, at, memo, name)
            else:
                self._members[name], at = SCAN(text, at)
            self._spans[name] = _Span(start, at)
            at = _skip(text, at)
            if text[at] == "}":
                _end(text, at + 1)
                return
            if text[at] != ",":
                raise ValueError("a comma")
            at = _skip(text, at + 1)


def _array(text: str, at: int, memo: DocumentMemo | None, name: str) -> tuple[list[tuple[int, Element]], int]:
    elements: list[tuple[int, Element]] = []
    link = hashlib.sha256(name.encode()).digest()
    at = _skip(text, at + 1)
    if text[at] == "]":
        return elements, at + 1
    while True:
        element, link = _element(text, at, memo, link)
        elements.append((at, element))
        at = _skip(text, at + element.length)
        if text[at] == "]":
            return elements, at + 1
        if text[at] != ",":
            raise ValueError("a comma")
        at = _skip(text, at + 1)


def _element(text: str, at: int, memo: DocumentMemo | None, link: bytes) -> tuple[Element, bytes]:
    """The element that starts at `at`, and the chained hash of all of them up to it."""
    if memo is None:
        value, end = SCAN(text, at)
        return Element(value, end - at), link
    for length in memo.lengths.get(link) or ():
        after = hashlib.sha256(link + text[at : at + length].encode()).digest()
        known = memo.elements.get(after)
        if known is not None:
            return known, after
    value, end = SCAN(text, at)
    element, after = Element(value, end - at), hashlib.sha256(link + text[at:end].encode()).digest()
    if text[at] in "{[":  # what ends by itself: a number's end depends on what follows
        memo.remember(link, after, element)
    return element, after


def _string(text: str, at: int, address: Address) -> tuple[int, int]:
    """Start and end of the string literal at an address below the value that starts at `at`."""
    for step in address:
        at = _member(text, at, step) if isinstance(step, str) else _item(text, at, step)
    if text[at] != '"':
        raise ValueError("not a string")
    return at, scanstring(text, at + 1, True)[1]


def _member(text: str, at: int, name: str) -> int:
    if text[at] != "{":
        raise ValueError("not an object")
    at = _skip(text, at + 1)
    while text[at] == '"':
        found, at = scanstring(text, at + 1, True)
        at = _skip(text, _skip(text, at) + 1)
        if found == name:
            return at
        at = _skip(text, SCAN(text, at)[1])
        at = _skip(text, at + 1) if text[at] == "," else at
    raise ValueError(f"no member {name}")


def _item(text: str, at: int, index: int) -> int:
    if text[at] != "[":
        raise ValueError("not an array")
    at = _skip(text, at + 1)
    for _ in range(index):
        at = _skip(text, SCAN(text, at)[1])
        if text[at] != ",":
            raise ValueError(f"no item {index}")
        at = _skip(text, at + 1)
    return at


def _skip(text: str, at: int) -> int:
    match = SPACE.match(text, at)
    assert match is not None  # it may match nothing, but it always matches
    return match.end()


def _end(text: str, at: int) -> None:
    if _skip(text, at) != len(text):
        raise ValueError("more behind the end")
