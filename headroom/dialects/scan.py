"""Find the spans of a JSON object's members, and of the elements of its arrays, in one pass over its bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from headroom.conversation import Json, Skip
from headroom.dialects.document_memo import DocumentMemo, Link, Run
from headroom.dialects.spans import Array, Value
from headroom.dialects.strict import Repeated, shallow, value_at

SAMPLE = 16 * 1024
"""Bytes by which arrays are told apart. Conversations of one team open with the same few KB of instructions; an
array that is shorter than this may not be recognised, and costs some 30 µs to parse."""

ITEMS = 20_000
"""Members of the body, or elements of one of its arrays, beyond which it is left alone: some 0.3 s of reading. The longest
conversations have some thousands."""

GLIMPSE = 64
"""Bytes by which other members are told apart."""

WORTH = 1024
"""Bytes from which a member is worth remembering: below, parsing costs as much as looking it up."""

NAME = re.compile(rb'"([^"\\\x00-\x1f\x80-\xff]*)"')
PLAIN = re.compile(rb'"[^"\\\x00-\x1f\x80-\xff]*"|-?[0-9][0-9.eE+-]*|true|false|null')
"""Most members are such; they are read without decoding all that follows them."""

GAP = re.compile(rb"[ \t\n\r]*")


class Unreadable(Exception):
    """The body is not one we can edit; it leaves as it came."""

    def __init__(self, reason: Skip) -> None:
        super().__init__(reason)
        self.reason: Skip = reason


class Scan:
    """One pass over a body. Text is decoded from the first byte on that no memo knows."""

    def __init__(self, raw: bytes, memo: DocumentMemo | None) -> None:
        self._raw, self._memo, self._at = raw, memo, 0
        self._text: str | None = None
        self._ascii = False
        self._char = 0
        """Where `_at` is in `_text`."""

    def read(self, members: dict[str, Value], arrays: dict[str, Array]) -> None:
        try:
            if self._next() != b"{":
                self._other()
            for _ in self._items(b"}"):
                name = self._name()
                if name in members or name in arrays:
                    raise Repeated
                if self._next() == b"[":
                    arrays[name] = self._array(name)
                else:
                    members[name] = self._member(name)
            self._end()
        except UnicodeDecodeError:
            raise Unreadable("not_utf8") from None
        except Repeated:
            raise Unreadable("duplicate_keys") from None
        except RecursionError:
            raise Unreadable("too_deep") from None
        except ValueError:
            raise Unreadable("not_json") from None

    def _array(self, name: str) -> Array:
        at, memo = self._at, self._memo
        key = (name, self._raw[at : at + SAMPLE])
        old, known = memo.longest(key, self._raw, at) if memo is not None else (None, 0)
        run = Run(at) if old is None else old.head(known, at)
        self._leap(run)
        array = Array(run)
        end = self._at if known else at + 1
        for _ in self._items(b"]", known):
            start = self._at
            value, chars = self._checked()
            # The end of a number depends on what follows, so bytes that were one once may be part of another.
            if memo is not None and len(array) == len(run.links) and isinstance(value, (dict, list, str)):
                run.add(start, self._at, Link(self._raw[start : self._at], chars), self._raw[end:start])
                array.know(value)
            else:
                array.add(Value(start, self._at, None, [value]))
            end = self._at
        if memo is None or self._at - at < WORTH or len(array) > len(run.links):  # what is read of the rest is not charged for
            return array
        if old is None or len(run.links) > known or (known == len(old.links) and at != old.at):
            memo.keep(key, run, old if old is not None and 2 * known >= len(old.links) else None)
        elif known == len(old.links):
            array.run = old
        return array

    def _leap(self, run: Run) -> None:
        """To the end of what is known."""
        if run.ends:
            self._char -= sum(len(link.raw) - link.chars for link in run.links) if self._text is not None else 0
            self._step(run.ends[-1] - self._at)

    def _items(self, close: bytes, known: int = 0) -> Iterator[None]:
        """Steps through an object or array that opens here, from the start of one item to the start of the next; or goes on at
        the end of the last of `known` items."""
        if not known:
            self._step(1)
            if self._next() == close:
                self._step(1)
                return
            yield
            known = 1
        while True:
            mark = self._next()
            self._step(1)
            if mark == close:
                return
            if mark != b",":
                raise ValueError("a comma")
            self._next()
            if known == ITEMS:
                raise Unreadable("too_costly")
            yield
            known += 1

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

    def _member(self, name: str) -> Value:
        """A value that is no array."""
        start, memo = self._at, self._memo
        key = (name, self._raw[start : start + GLIMPSE])
        link = memo.follow(key, self._raw, start) if memo is not None else None
        if link is not None:
            self._at += len(link.raw)
            self._char += link.chars
            return Value(start, self._at, link)
        value, chars = self._checked()
        if memo is not None and self._at - start >= WORTH and isinstance(value, (dict, list, str)):
            link = Link(self._raw[start : self._at], chars)
            memo.learn(key, link)
        return Value(start, self._at, link, [value])

    def _checked(self) -> tuple[Json, int]:
        value, chars = self._decoded()
        if not shallow(value):
            raise RecursionError
        if chars > 2 * ITEMS and _wide(value):
            raise Unreadable("too_costly")  # here, since who takes an element out of the body reads it as a body of its own
        return value, chars

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


def _wide(value: Json) -> bool:
    """Whether it would be too costly as a body."""
    return isinstance(value, dict) and max(len(value), *(len(each) for each in value.values() if isinstance(each, list)), 0) > ITEMS
