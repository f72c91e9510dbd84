from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.http.coding import Corrupt, Decoder, Oversized, UnknownCoding, accept_encoding, decode

CAP = 1 << 20


def raw_deflate(data: bytes) -> bytes:
    writer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return writer.compress(data) + writer.flush()


def streamed_zstd(data: bytes) -> bytes:
    """Without the content size in its header, as streaming writers do."""
    writer = zstandard.ZstdCompressor().compressobj()
    return bytes(writer.compress(data) + writer.flush())


WRITERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "none": ("", bytes),
    "identity": ("identity", bytes),
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("X-GZIP", gzip.compress),
    "two gzip members": ("gzip", lambda data: gzip.compress(data[:3]) + gzip.compress(data[3:])),
    "padded gzip": ("gzip", lambda data: gzip.compress(data) + b"\0\0"),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw_deflate),
    "zstd": ("zstd", lambda data: bytes(zstandard.ZstdCompressor().compress(data))),
    "streamed zstd": ("zstd", streamed_zstd),
    "two zstd frames": ("zstd", lambda data: streamed_zstd(data[:3]) + streamed_zstd(data[3:])),
    "gzip in deflate": ("gzip, deflate", lambda data: zlib.compress(gzip.compress(data))),
}


@pytest.mark.parametrize("name", WRITERS)
def test_what_was_coded_is_decoded(name: str) -> None:
    encoding, write = WRITERS[name]
    for data in (b"", b"x", b"hello world" * 20_000):
        assert decode(write(data), encoding, CAP) == data


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=5000), st.sampled_from(sorted(WRITERS)))
def test_any_bytes_come_back(data: bytes, name: str) -> None:
    encoding, write = WRITERS[name]
    assert decode(write(data), encoding, CAP) == data


@pytest.mark.parametrize("name", [name for name in WRITERS if name not in ("none", "identity")])
def test_a_body_that_is_cut_short_or_something_else_is_corrupt(name: str) -> None:
    encoding, write = WRITERS[name]
    whole = write(b"hello world" * 100)
    for broken in (whole[: len(whole) // 2], whole[:-5], b"hello world", b""):
        if broken or name not in ("zstd", "streamed zstd", "two zstd frames"):
            with pytest.raises(Corrupt):
                decode(broken, encoding, CAP)


@pytest.mark.parametrize("encoding", ["br", "compress", "gzip, br", "gz ip"])
def test_unknown_codings(encoding: str) -> None:
    with pytest.raises(UnknownCoding):
        decode(b"x", encoding, CAP)


@pytest.mark.parametrize("name", WRITERS)
def test_the_limit_is_the_last_size_that_passes(name: str) -> None:
    encoding, write = WRITERS[name]
    assert decode(write(b"a" * 5000), encoding, 5000) == b"a" * 5000
    with pytest.raises(Oversized):
        decode(write(b"a" * 5001), encoding, 5000)


@pytest.mark.parametrize("name", ["gzip", "deflate", "raw deflate", "zstd", "streamed zstd"])
def test_a_bomb_never_exists_in_memory(name: str) -> None:
    encoding, write = WRITERS[name]
    bomb = write(bytes(100 << 20))
    tracemalloc.start()
    with pytest.raises(Oversized):
        decode(bomb, encoding, CAP)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * CAP


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=3000), st.integers(1, 200))
def test_a_copy_is_decoded_as_it_passes(data: bytes, step: int) -> None:
    for encoding, wire in (("gzip", gzip.compress(data)), ("identity", data), ("", data)):
        decoder = Decoder(encoding)
        assert b"".join(decoder.feed(wire[at : at + step]) for at in range(0, len(wire), step)) == data


def test_the_decoder_gives_up_silently() -> None:
    unknown = Decoder("br")
    assert unknown.feed(b"x") == b""
    corrupt = Decoder("gzip")
    assert corrupt.feed(b"not gzip") == b""
    assert corrupt.feed(gzip.compress(b"x")) == b""
    small = Decoder("gzip", cap=1000)
    assert small.feed(gzip.compress(bytes(100 << 20))) == bytes(1000)
    assert small.feed(b"more") == b""
    ended = Decoder("gzip")
    assert ended.feed(gzip.compress(b"x") + b"trailing") == b"x"
    assert ended.feed(b"more") == b""


@pytest.mark.parametrize(
    ("client", "asked"),
    [
        (None, b"identity"),
        (b"", b"identity"),
        (b"gzip, deflate, br, zstd", b"gzip"),
        (b"GZIP;q=0.5", b"gzip"),
        (b"gzip;q=0", b"identity"),
        (b"gzip; q = 0", b"identity"),
        (b"br", b"identity"),
        (b"*", b"gzip"),
        (b"*;q=0", b"identity"),
        (b"gzip, identity;q=0", b"gzip, identity;q=0"),
        (b"gzip, *;q=0", b"gzip, identity;q=0"),
        (b"gzip;q=x", b"identity"),
        (b"identity", b"identity"),
    ],
)
def test_what_to_ask_for(client: bytes | None, asked: bytes) -> None:
    assert accept_encoding(client) == asked


def test_very_many_members_are_refused_in_little_time() -> None:
    empty = gzip.compress(b"")
    with pytest.raises(Corrupt, match="members"):
        decode(empty * 100_000, "gzip", 1 << 26)
    assert decode(empty * 900 + gzip.compress(b"last"), "gzip", 100) == b"last"
