"""String literals in a JSON text: where they stand, and how a text is written as one."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from headroom.conversation import Address
from headroom.dialects.strict import skip, value_at

Wanted = dict[Any, Any]
"""Addresses as a tree: step → the same below it; empty where an address ends."""

Found = tuple[int, int, int, Address]
"""Start, end, length of the text and address of a literal."""

CLOSES = {"{": "}", "[": "]"}

_QUOTE = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class Literal:
    """A string literal, quotes included: byte positions in its value's JSON."""

    start: int
    end: int
    chars: int
    """Length of the text it stands for."""


def literal(text: str) -> bytes:
    """A text as a JSON string. Lone surrogates have no UTF-8: a text that holds one is written in ASCII."""
    try:
        return _QUOTE(text).encode()
    except UnicodeEncodeError:
        return json.dumps(text).encode()


def locate(source: str, addresses: Collection[Address]) -> dict[Address, Literal]:
    """The literals at these addresses of a valid JSON text, in order. ValueError if one is not a string."""
    wanted: Wanted = {}
    for address in addresses:
        branch = wanted
        for step in address:
            branch = branch.setdefault(step, {})
    found: list[Found] = []
    _walk(source, 0, wanted, (), found)
    if len(found) != len(set(addresses)):
        raise ValueError("an address leads through another one")
    return dict(_in_bytes(source, found))


def _walk(text: str, at: int, wanted: Wanted, address: Address, found: list[Found]) -> int:
    """Find what is wanted of the value at `at`; where that value ends."""
    if not wanted:
        value, end = value_at(text, at)
        if not isinstance(value, str):
            raise ValueError(f"{address} is not a string")
        found.append((at, end, len(value), address))
        return end
    close = CLOSES.get(text[at])
    if close is None:
        raise ValueError(f"nothing below {address}")
    left, index = dict(wanted), 0
    at = skip(text, at + 1)
    while text[at] != close:
        step: str | int = index
        if close == "}":
            step, at = value_at(text, at)
            at = skip(text, skip(text, at) + 1)
        at = _walk(text, at, left.pop(step), (*address, step), found) if step in left else value_at(text, at)[1]
        at = skip(text, at)
        at = skip(text, at + 1) if text[at] == "," else at
        index += 1
    if left:
        raise ValueError(f"nothing at {address} {next(iter(left))}")
    return at + 1


def _in_bytes(text: str, found: Iterable[Found]) -> Iterator[tuple[Address, Literal]]:
    """Positions in the text, in rising order, as positions in its UTF-8."""
    if text.isascii():
        yield from ((address, Literal(start, end, length)) for start, end, length, address in found)
        return
    chars = octets = 0
    for start, end, length, address in found:
        first = octets + len(text[chars:start].encode())
        octets = first + len(text[start:end].encode())
        chars = end
        yield address, Literal(first, octets, length)
