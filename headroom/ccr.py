"""Compress, cache, retrieve: keys, the one marker grammar, and how a request carries its own originals.

The key is a hash of the original, so the same text has the same marker today and tomorrow, on
every machine, and the provider's prompt cache keeps hitting.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from headroom.conversation import Part

KEY = re.compile(r"[0-9a-f]{24}")

RANGE = re.compile(r"\s*(\d{1,9})(?:-(\d{1,9}))?\s*")
"""Lines of an original: "41-180" or "41"."""

MARKER = re.compile(
    r"\[view shortened by proxy; source unchanged\. (?P<what>[^\]\n]{1,200}) not shown\. "
    r'headroom_retrieve\(key="(?P<key>[0-9a-f]{24})"(?:, lines="(?P<lines>\d+-\d+)")?\)\]'
)
"""One line, the only thing we ever write into a text that is not the text itself."""

DECLARED = re.compile(r'"name"\s*:\s*"(?:[\w.-]{1,64}__)?headroom_retrieve"')
"""In the JSON of a tool definition: the client offers the model our tool, as it is or by the name it gives tools of MCP servers."""


def key_of(text: str) -> str:
    """First 24 hex digits of the SHA-256 of the text's UTF-8."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def marker(key: str, what: str, lines: str = "") -> str:
    """`what` names the units and where: "lines 41-180 of 412"."""
    wanted = f', lines="{lines}"' if lines else ""
    return f'[view shortened by proxy; source unchanged. {what} not shown. headroom_retrieve(key="{key}"{wanted})]'


def find(parts: Iterable[Part], key: str) -> str | None:
    """The original behind `key`, if the request carries it itself: where a retrieval in the stream looks first."""
    return next((p.text for p in parts if p.role == "tool" and key_of(p.text) == key), None)


@dataclass(frozen=True, slots=True)
class Slice:
    """Some lines of an original."""

    text: str
    first: int
    last: int
    total: int


def lines(text: str, wanted: str) -> Slice:
    """Lines "A-B" or "A" (1-based, inclusive) of `text`; ValueError if `wanted` is neither."""
    match = RANGE.fullmatch(wanted)
    if match is None:
        raise ValueError(f"lines must look like 41-180, not {wanted[:40]!r}")
    rows = text.split("\n")
    first = max(1, int(match[1]))
    last = min(len(rows), int(match[2] or match[1]))
    return Slice("\n".join(rows[first - 1 : last]), first, last, len(rows))
