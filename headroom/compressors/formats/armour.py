"""Armoured blocks, as RFC 7468 (PEM), RFC 9580 (OpenPGP) and RFC 4716 (SSH) write them: keys, certificates, signatures, messages.

    -----BEGIN PGP SIGNATURE-----
    Version: GnuPG v2

    iQIzBAABCgAdFiEE…           the data: what stands below the headers, with the checksum
    -----END PGP SIGNATURE-----

They also stand indented, quoted, in a diff, and in strings with "\\n" for line ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MIN_DATA = 200
"""Characters; shorter ones are read whole."""

DASHES, PREFIX = "----", 24
"""What stands on both sides of a label, and the most characters before a line of data: indents, quotes and signs of diffs."""

MAX_HEADERS = 4000
"""Characters in which the data begin."""

_BEGIN = re.compile(r"BEGIN ([A-Z][A-Z0-9 ]{1,40}[A-Z0-9]) ?-{4,5}")
_DATA = re.compile(rf"(?:\n|\\n)[ \t>|+-]{{0,{PREFIX}}}([A-Za-z0-9+/]{{20,}}={{0,2}})(?=\r?\n|\\r?\\n|\\n)")
_BETWEEN = str.maketrans("", "", " \t\r\n>|-+/=")
_BREAKS = ("\\n", "\\r")


@dataclass(frozen=True, slots=True)
class Block:
    """The data of one block, and the label of it ("CERTIFICATE")."""

    start: int
    end: int
    label: str
    lines: int


def blocks(text: str) -> Iterator[Block]:
    """The blocks that are whole, in order."""
    at = text.find("BEGIN ")
    while at >= 0:
        opened = text[max(0, at - 5) : at].rstrip(" ").endswith(DASHES)
        begin = _BEGIN.match(text, at) if opened else None
        end = text.find(DASHES, begin.end()) if begin else -1
        if begin and end >= 0 and text.startswith((f"-----END {begin[1]}", f"---- END {begin[1]}"), end):
            block = _block(text, begin, end)
            if block:
                yield block
        at = text.find("BEGIN ", max(end, at + 1))


def _block(text: str, begin: re.Match[str], end: int) -> Block | None:
    """The block whose closing line has its dashes at `end`, if only data stand there."""
    first = _DATA.search(text, begin.end(), min(end, begin.end() + MAX_HEADERS))
    if not first:
        return None
    start = first.start(1)
    data = text[start:end].rstrip(" \t\r\n>|+-")
    while data.endswith(_BREAKS):
        data = data[:-2].rstrip(" \t\r\n>|+-")
    bare = data.replace("\\n", "").replace("\\r", "").translate(_BETWEEN)
    if len(bare) < MIN_DATA or not bare.isascii() or not bare.isalnum():
        return None
    return Block(start, start + len(data), begin[1], 1 + data.count("\n") + data.count("\\n"))
