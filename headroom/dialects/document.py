"""A JSON body as spans over its own bytes, so that one string can be replaced and all else leaves as it came.

Chat clients send the whole conversation each turn, its head byte for byte the same. A memo therefore knows which value
followed a known run of them last time, and comparing bytes proves it: what was read once is neither decoded nor parsed
again, and what a dialect made of it is at hand. Results are the same with and without a memo.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from headroom.conversation import Address, Json, Skip
from headroom.dialects.document_memo import OVERHEAD, DocumentMemo, Link
from headroom.dialects.literals import Literal, literal, locate
from headroom.dialects.strict import Repeated, shallow, value_at

F = TypeVar("F")

SAMPLE = 16 * 1024
"""Bytes by which arrays are told apart. Conversations of one team open with the same few KB of instructions; an
array that is shorter than this may not be recognised, and costs some 30 µs to parse."""

ITEMS = 20_000
"""Members of the body, or elements of one of its arrays, beyond which it is left alone: some 0.3 s of reading. The longest
conversations have some thousands."""

GLIMPSE = 64
"""Bytes by which other members are told apart."""

WORTH = 1024
"""Bytes from which a member that is no array is worth remembering: below, parsing costs as much as looking it up."""

NAME = re.compile(rb'"([^"\\\x00-\x1f\x80-\xff]*)"')
PLAIN = re.compile(rb'"[^"\\\x00-\x1f\x80-\xff]*"|-?[0-9][0-9.eE+-]*|true|false|null')
"""Most members are such; they are read without decoding all that follows them."""

GAP = re.compile(rb"[ \t\n\r]*")
_LITERALS, _WRITTEN, _SOURCE = " literals", " written", " source"
"""Names under which facts of our own are remembered; no reader has a blank in its name."""


class Unreadable(Exception):
    """The body is not one we can edit; it leaves as it came."""

    def __init__(self, reason: Skip) -> None:
        super().__init__(reason)
        self.reason: Skip = reason


class Reader(Protocol[F]):
    """What a dialect makes of one value, given what it absorbed of all those before it, and of nothing else."""

    @property
    def name(self) -> str:
        """Under which facts are remembered: one name, one meaning."""
        ...

    def read(self, at: Address, value: Json) -> F:
        """The fact of a value never seen before; not None."""
        ...

    def absorb(self, fact: F) -> None:
        """Called with every fact in order, new or remembered."""
        ...


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Elements of a top-level array, to be replaced by others."""

    member: str
    start: int
    stop: int
    """Exclusive. Both the number of elements: put in behind the last."""
    make: Callable[[Sequence[str]], Sequence[str]]
    """JSON of the elements, their texts edited → JSON of what stands there instead."""


class _Value:
    """A span of the body, and its value as far as anybody asked for it."""

    __slots__ = ("end", "link", "parsed", "start")

    def __init__(self, start: int, end: int, link: Link | None, parsed: list[Json] | None) -> None:
        self.start, self.end, self.link, self.parsed = start, end, link, parsed


class Document:
    """A JSON object. Used by one thread at a time."""

    __slots__ = ("_arrays", "_members", "_memo", "_raw")

    def __init__(self, raw: bytes, memo: DocumentMemo | None) -> None:
        self._raw, self._memo = raw, memo
        self._members: dict[str, _Value] = {}
        self._arrays: dict[str, list[_Value]] = {}

    @classmethod
    def parse(cls, raw: bytes, memo: DocumentMemo | None = None) -> Document:
        """Raises Unreadable, and nothing else."""
        document = cls(raw, memo)
        try:
            _Scan(raw, memo).read(document._members, document._arrays)
        except Unreadable:
            if memo is None:
                raise
            # Which of several faults is found first may depend on what is known; without a memo it does not.
            return cls.parse(raw)
        return document

    def get(self, name: str) -> Json:
        """A top-level member, parsed; None if it is absent."""
        if name in self._arrays:
            return [self._parsed(value) for value in self._arrays[name]]
        return self._parsed(self._members[name]) if name in self._members else None

    def elements(self, name: str) -> tuple[Json, ...]:
        """The elements of a top-level array; () if the member is absent or no array."""
        return tuple(self._parsed(value) for value in self._arrays.get(name, ()))

    def count(self, name: str) -> int:
        """How many elements a top-level array has."""
        return len(self._arrays.get(name, ()))

    def sources(self, name: str) -> tuple[tuple[Address, str], ...]:
        """Address and JSON of each element of a top-level array, or of the member as a whole where it is no array."""
        found: list[tuple[Address, str]] = []
        for at, value in self._units(name):
            source = self._known(value, _SOURCE)
            if source is None:
                source = self._source(value)
                self._keep(value, _SOURCE, source, len(source))
            found.append((at, source))
        return tuple(found)

    def facts(self, name: str, reader: Reader[F], weight: int = 2) -> list[F]:
        """What `reader` makes of each element of a top-level array, or of the member as a whole where it is no array.
        `weight`: bytes to remember for each byte of the element, as most facts hold its texts."""
        found: list[F] = []
        for at, value in self._units(name):
            fact = self._known(value, reader.name)
            if fact is None:
                fact = reader.read(at, self._parsed(value))
                self._keep(value, reader.name, fact, weight * (value.end - value.start))
            reader.absorb(fact)
            found.append(fact)
        return found

    def splice(self, edits: Mapping[Address, str], rewrites: Sequence[Rewrite] = ()) -> bytes:
        """The body with the strings at these addresses replaced, an element that is an object by the JSON that the text is;
        then elements as the rewrites say, which must not overlap. ValueError if something else stands there."""
        cuts = sorted(self._cuts(edits))
        for rewrite in rewrites:
            self._rewrite(cuts, rewrite)
        return _spliced(self._raw, 0, len(self._raw), cuts) if cuts else self._raw

    def _rewrite(self, cuts: list[tuple[int, int, bytes]], rewrite: Rewrite) -> None:
        """Put one cut for a run of elements in the place of those within them."""
        array, start, stop = self._arrays.get(rewrite.member, []), rewrite.start, rewrite.stop
        if not (0 <= start < stop <= len(array) or (array and start == stop == len(array))):
            raise ValueError(f"no elements {start} to {stop} in {rewrite.member!r}")
        sources: list[str] = []
        first = last = bisect_left(cuts, (array[start].start if start < stop else array[-1].end,))
        for value in array[start:stop]:
            here, last = last, bisect_left(cuts, (value.end,))
            sources.append(_spliced(self._raw, value.start, value.end, cuts[here:last]).decode())
        new = _run(array, start, stop, b",".join(source.encode() for source in rewrite.make(sources)))
        before, within, behind = cuts[first - 1 : first], cuts[max(first, last - 1) : last], cuts[last : last + 1]
        if any(cut[1] > new[0] for cut in before) or any(cut[1] > new[1] for cut in within) or any(cut[0] < new[1] for cut in behind):
            raise ValueError("two rewrites of one element, or two beside each other that leave nothing")
        cuts[first:last] = [new]

    def _cuts(self, edits: Mapping[Address, str]) -> Iterator[tuple[int, int, bytes]]:
        grouped: dict[Address, dict[Address, str]] = {}
        for address, text in edits.items():
            cut = 2 if address and address[0] in self._arrays else 1
            grouped.setdefault(address[:cut], {})[address[cut:]] = text
        for at, texts in grouped.items():
            value = self._at(at)
            if () in texts and self._raw.startswith(b"{", value.start):
                yield value.start, value.end, texts[()].encode()
                continue
            written = self._written(value, texts)
            for address, found in self._literals(value, texts).items():
                start, end = value.start + found.start, value.start + found.end
                # A text of the same length may be the same text: then its spelling stays as it came.
                text = texts[address]
                if found.chars != len(text) or json.loads(self._raw[start:end]) != text:
                    yield start, end, written[address][1]

    def _at(self, at: Address) -> _Value:
        match at:
            case (str(name), int(i)) if 0 <= i < len(self._arrays.get(name, ())):
                return self._arrays[name][i]
            case (str(name),) if name in self._members:
                return self._members[name]
        raise ValueError(f"nothing at {at}")

    def _literals(self, value: _Value, texts: Mapping[Address, str]) -> Mapping[Address, Literal]:
        known: Mapping[Address, Literal] = self._known(value, _LITERALS) or {}
        if not texts.keys() <= known.keys():
            known = locate(self._source(value), texts.keys() | known.keys())
            self._keep(value, _LITERALS, known, len(known) * OVERHEAD)
        return {address: known[address] for address in texts}

    def _written(self, value: _Value, texts: Mapping[Address, str]) -> Mapping[Address, tuple[str, bytes]]:
        """Texts as JSON. The same ones replace the same ones each turn, and escaping costs 4 ms a MB."""
        known: Mapping[Address, tuple[str, bytes]] = self._known(value, _WRITTEN) or {}
        if any(address not in known or known[address][0] != text for address, text in texts.items()):
            known = {address: (text, literal(text)) for address, text in texts.items()}
            self._keep(value, _WRITTEN, known, sum(2 * len(text) + OVERHEAD for text in texts.values()))
        return known

    def _units(self, name: str) -> Iterator[tuple[Address, _Value]]:
        if name in self._arrays:
            for i, value in enumerate(self._arrays[name]):
                yield (name, i), value
        elif name in self._members:
            yield (name,), self._members[name]

    def _source(self, value: _Value) -> str:
        return self._raw[value.start : value.end].decode()

    def _parsed(self, value: _Value) -> Json:
        if value.parsed is None:
            value.parsed = [value_at(self._source(value), 0)[0]]
        return value.parsed[0]

    def _known(self, value: _Value, name: str) -> Any:
        return self._memo.recall(value.link, name) if self._memo is not None and value.link is not None else None

    def _keep(self, value: _Value, name: str, fact: object, size: int) -> None:
        if self._memo is not None and value.link is not None:
            self._memo.remember(value.link, name, fact, size)


class _Scan:
    """One pass over a body. Text is decoded from the first byte on that no memo knows."""

    def __init__(self, raw: bytes, memo: DocumentMemo | None) -> None:
        self._raw, self._memo, self._at = raw, memo, 0
        self._text: str | None = None
        self._ascii = False
        self._char = 0
        """Where `_at` is in `_text`."""

    def read(self, members: dict[str, _Value], arrays: dict[str, list[_Value]]) -> None:
        try:
            if self._next() != b"{":
                self._other()
            for _ in self._items(b"}"):
                name = self._name()
                if name in members or name in arrays:
                    raise Repeated
                if self._next() == b"[":
                    arrays[name] = list(self._array(name))
                else:
                    members[name] = self._value((name, self._raw[self._at : self._at + GLIMPSE]), WORTH)
            self._end()
        except UnicodeDecodeError:
            raise Unreadable("not_utf8") from None
        except Repeated:
            raise Unreadable("duplicate_keys") from None
        except RecursionError:
            raise Unreadable("too_deep") from None
        except ValueError:
            raise Unreadable("not_json") from None

    def _array(self, name: str) -> Iterator[_Value]:
        key: Hashable = (name, self._raw[self._at : self._at + SAMPLE])
        for _ in self._items(b"]"):
            value = self._value(key)
            yield value
            key = value.link

    def _items(self, close: bytes) -> Iterator[None]:
        """Steps through an object or array that opens here, from the start of one item to the start of the next."""
        self._step(1)
        if self._next() == close:
            self._step(1)
            return
        for _ in range(ITEMS):
            yield
            mark = self._next()
            self._step(1)
            if mark == close:
                return
            if mark != b",":
                raise ValueError("a comma")
            self._next()
        raise Unreadable("too_costly")

    def _name(self) -> str:
        """The name of a member, and on to its value."""
        match = NAME.match(self._raw, self._at)
        if match is not None:
            name = match[1].decode("ascii")
            self._step(match.end() - self._at)
        elif self._raw[self._at : self._at + 1] == b'"':
            name, _ = self._decoded()
        else:
            raise ValueError("a name")
        if self._next() != b":":
            raise ValueError("a colon")
        self._step(1)
        self._next()
        return name

    def _value(self, key: Hashable, worth: int = 0) -> _Value:
        """The value that starts here behind the run `key`, None if that is not known.

        It is learnt for next time if it has at least `worth` bytes.
        """
        start, memo = self._at, self._memo if key is not None else None
        link = memo.follow(key, self._raw, start) if memo is not None else None
        if link is not None:
            self._at += len(link.raw)
            self._char += link.chars
            return _Value(start, self._at, link, None)
        value, chars = self._decoded()
        if not shallow(value):
            raise RecursionError
        # The end of a number depends on what follows, so bytes that were one once may be part of another.
        if memo is not None and self._at - start >= worth and isinstance(value, (dict, list, str)):
            link = Link(self._raw[start : self._at], chars)
            memo.learn(key, link)
        return _Value(start, self._at, link, [value])

    def _decoded(self) -> tuple[Json, int]:
        """Parse the value that starts here, and go to its end; its length in characters."""
        if self._text is None:
            token = PLAIN.match(self._raw, self._at)
            if token is not None:
                value, end = value_at(token[0].decode(), 0)
                if end == len(token[0]):
                    self._step(end)
                    return value, end
            self._text, self._char = self._raw[self._at :].decode(), 0
            self._ascii = self._text.isascii()
        start = self._char
        value, self._char = value_at(self._text, start)
        chars = self._char - start
        self._at += chars if self._ascii else _octets(self._text[start : self._char])
        return value, chars

    def _next(self) -> bytes:
        """The next byte that is not white space; b"" at the end."""
        byte = self._raw[self._at : self._at + 1]
        if byte > b" ":  # as it is nearly always
            return byte
        match = GAP.match(self._raw, self._at)
        assert match is not None  # it may match nothing, but it always matches
        self._step(match.end() - self._at)
        return self._raw[self._at : self._at + 1]

    def _step(self, octets: int) -> None:
        """On by that many ASCII bytes."""
        self._at += octets
        self._char += octets

    def _end(self) -> None:
        if self._next():
            raise ValueError("more behind the end")

    def _other(self) -> None:
        """Not an object: some other JSON, or none."""
        self._decoded()
        self._end()
        raise Unreadable("not_an_object")


def _octets(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _spliced(raw: bytes, start: int, end: int, cuts: Sequence[tuple[int, int, bytes]]) -> bytes:
    pieces: list[bytes] = []
    for begin, until, text in cuts:
        pieces += [raw[start:begin], text]
        start = until
    return b"".join([*pieces, raw[start:end]])


def _run(array: Sequence[_Value], start: int, stop: int, new: bytes) -> tuple[int, int, bytes]:
    """The cut that puts `new` (elements with commas between them) in the place of a run, with the comma that it needs or takes along."""
    if start == stop:
        return array[-1].end, array[-1].end, b"," + new if new else b""
    if new:
        return array[start].start, array[stop - 1].end, new
    if start:
        return array[start - 1].end, array[stop - 1].end, b""
    return array[0].start, array[stop].start if stop < len(array) else array[-1].end, b""
