"""Content codings: request bodies are decoded to be read, a copy of each answer to be watched.

Both with a limit on what comes out, kept while decompressing: a bomb never exists in memory.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any, Protocol

from headroom.errors import extra

try:
    import zstandard

    zstd: Any = zstandard
except ImportError:  # it comes with the extra "zstd"
    zstd = None

GZIP = 16 + zlib.MAX_WBITS
"""wbits for a gzip header and nothing else (zlib manual, inflateInit2)."""

STEP = 64 * 1024
"""Bytes decompressed between two looks at the limit."""

WATCHED = 32 << 20
"""Bytes of one answer that are decoded to be watched; a larger one is only relayed."""


MAX_MEMBERS = 1000
"""Of a gzip body; real ones have one, or one for each file that was put together."""


class Undecodable(ValueError):
    """A body whose coding we cannot undo."""


class UnknownCoding(Undecodable):
    """A coding we do not know, or have no decoder for."""


class Corrupt(Undecodable):
    """Not what its Content-Encoding says, or cut short."""


class Oversized(Undecodable):
    """It would be larger than the limit."""


class _Inflating(Protocol):
    """What zlib's decompression objects are."""

    @property
    def eof(self) -> bool: ...

    @property
    def unconsumed_tail(self) -> bytes: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def decode(data: bytes, encoding: str, cap: int) -> bytes:
    """The body as it was before `encoding` (a Content-Encoding; "" is identity). Raises Undecodable."""
    for name in reversed([name.strip().lower() for name in encoding.split(",") if name.strip()]):
        decoder = DECODERS.get(name)
        if decoder is None:
            raise UnknownCoding(f"no decoder for {name!r}")
        data = decoder(data, cap)
    if len(data) > cap:
        raise Oversized(f"more than {cap} bytes")
    return data


def _identity(data: bytes, cap: int) -> bytes:
    return data


def _gzip(data: bytes, cap: int) -> bytes:
    """All members (RFC 1952 §2.2)."""
    pieces: list[bytes] = []
    at = total = 0
    for _ in range(MAX_MEMBERS):
        piece, at = _inflate(zlib.decompressobj(GZIP), data, cap - total, at)
        pieces.append(piece)
        total += len(piece)
        if at >= len(data) or (data[at] == 0 and not data[at:].strip(b"\0")):  # some writers pad with zeros
            return b"".join(pieces)
    raise Corrupt(f"more than {MAX_MEMBERS} gzip members")


def _deflate(data: bytes, cap: int) -> bytes:
    """zlib's format as RFC 9110 §8.4.1.2 says; raw deflate as others say."""
    try:
        return _inflate(zlib.decompressobj(), data, cap)[0]
    except Corrupt:
        return _inflate(zlib.decompressobj(-zlib.MAX_WBITS), data, cap)[0]


def _inflate(inflating: _Inflating, data: bytes, cap: int, at: int = 0) -> tuple[bytes, int]:
    """What a stream that starts at `at` holds, and where it ends. Small bites both ways: zlib copies what it leaves."""
    pieces: list[bytes] = []
    total = 0
    try:
        ended = False
        while not ended:
            bite = data[at : at + STEP]
            piece = inflating.decompress(bite, STEP)
            ended = inflating.eof
            at += len(bite) - len(inflating.unused_data if ended else inflating.unconsumed_tail)
            total += len(piece)
            if total > cap:
                raise Oversized(f"more than {cap} bytes")
            if not piece and not bite and not ended:
                raise Corrupt("the compressed body is cut short")
            pieces.append(piece)
    except zlib.error as error:
        raise Corrupt(str(error)) from None
    return b"".join(pieces), at


def reads_zstd() -> bool:
    """What cannot be read passes through as it came, and nobody would know why nothing is saved."""
    return zstd is not None


def _zstd(data: bytes, cap: int) -> bytes:
    if zstd is None:
        raise UnknownCoding(f"zstd needs the package zstandard: {extra('zstd')}")
    # Frames may ask for a window of gigabytes; RFC 8878 §3.1.1.1.2 lets a decoder stop at 8 MB.
    context = zstd.ZstdDecompressor(max_window_size=8 << 20)
    try:
        _measure(context.stream_reader(BytesIO(data), read_across_frames=True), cap)
        pieces: list[bytes] = []
        while data:
            frame = context.decompressobj()
            pieces.append(frame.decompress(data))
            if not frame.eof:
                raise Corrupt("the compressed body is cut short")
            data = frame.unused_data
    except zstd.ZstdError as error:
        raise Corrupt(str(error)) from None
    return b"".join(pieces)


def _measure(reader: Any, cap: int) -> None:
    """A pass that keeps nothing: of zstandard's two interfaces one can stop early, the other knows a cut frame."""
    total = 0
    while piece := reader.read(STEP):
        total += len(piece)
        if total > cap:
            raise Oversized(f"more than {cap} bytes")


DECODERS: dict[str, Callable[[bytes, int], bytes]] = {
    "identity": _identity, "gzip": _gzip, "x-gzip": _gzip, "deflate": _deflate, "zstd": _zstd,
}


class Decoder:
    """Decodes a copy of an answer as it passes. What it cannot decode it gives up silently: the client gets the bytes
    that came, whatever we can make of them."""

    __slots__ = ("_inflating", "_left", "_passes")

    def __init__(self, encoding: str, cap: int = WATCHED) -> None:
        """`cap`: bytes of decoded text after which it gives up, at least 1."""
        name = encoding.strip().lower()
        self._passes = name in ("", "identity")
        self._inflating: _Inflating | None = zlib.decompressobj(GZIP) if name in ("gzip", "x-gzip") else None
        self._left = cap

    def feed(self, chunk: bytes) -> bytes:
        """What `chunk` adds to the decoded text; b"" once given up."""
        if self._passes:
            return chunk
        if self._inflating is None:
            return b""
        try:
            text = self._inflating.decompress(chunk, self._left)
        except zlib.error:
            text, self._left = b"", 0
        self._left -= len(text)
        # Also at its end: what follows would pile up in unused_data.
        if self._left <= 0 or self._inflating.eof:
            self._inflating = None
        return text


def accept_encoding(client: bytes | None) -> bytes:
    """What to ask the upstream for: gzip or identity, of which we can watch a copy, if the client takes them."""
    if client is None:
        return b"identity"  # RFC 9110 §12.5.3 would let us send anything; clients that do not ask do not decode
    weights = dict(_weight(item) for item in client.lower().split(b",") if item.strip())
    anything = weights.get(b"*", 0.0)
    gzip = weights.get(b"gzip", anything) > 0
    identity = weights.get(b"identity", 0.0 if b"*" in weights and not anything else 1.0) > 0
    if gzip:
        return b"gzip" if identity else b"gzip, identity;q=0"
    return b"identity"


def _weight(item: bytes) -> tuple[bytes, float]:
    name, _, parameters = item.partition(b";")
    key, _, value = parameters.partition(b"=")
    try:
        return name.strip(), float(value) if key.strip() == b"q" else 1.0
    except ValueError:
        return name.strip(), 0.0
