"""Exact token counts, where the o200k_base vocabulary already is on this machine.

Nothing here downloads but `fetch`, which only `headroom tokenizer fetch` calls. tiktoken.get_encoding is never used: it
downloads what it does not find, without a time-out, and deletes a cached file whose hash it does not like. So the file
is found, verified, parsed and given to tiktoken.Encoding here. Loading takes about half a second and 80 MB: do it in a
thread, after start-up.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import importlib.util
import os
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from headroom.errors import OurError

if TYPE_CHECKING:
    from http.client import HTTPResponse

ENCODING = "o200k_base"
URL = "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"
SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
"""As published in tiktoken_ext/openai_public.py, and that of the copies in litellm and bpe-openai."""
NAME = hashlib.sha1(URL.encode(), usedforsecurity=False).hexdigest()
"""tiktoken names its cache files by the SHA-1 of their URL; ours has the same name, so each finds the other's."""

# The published pattern and special tokens of o200k_base (tiktoken_ext/openai_public.py, MIT).
PATTERN = "|".join((
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}",
    r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
    r"\s*[\r\n]+",
    r"\s+(?!\S)",
    r"\s+",
))
SPECIAL = {"<|endoftext|>": 199999, "<|endofprompt|>": 200018}

BUNDLES = (
    ("litellm", f"litellm_core_utils/tokenizers/{NAME}"),
    ("bpe_openai", f"data/{ENCODING}.tiktoken.gz"),
)
"""Installed packages that carry the file, and where in them it is."""

CHUNK = 1 << 16
"""Bytes read at once while downloading: the time-out is looked at between two of them."""
LARGEST = 64 << 20
"""Bytes; a download that goes on beyond this is not a vocabulary."""


class VocabularyError(OurError):
    """The vocabulary could not be fetched, or is not what it should be."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file whose hash matches, and who had it."""

    path: Path
    source: str


def own_folder(environ: Mapping[str, str]) -> Path:
    """Where `headroom tokenizer fetch` puts the file: beside the rest of Headroom's state."""
    home = environ.get("HOME")
    return (Path(home) if home else Path.home()) / ".headroom" / "vocabulary"


def find(environ: Mapping[str, str], own: Path | None = None, *, sha256: str = SHA256) -> Found | None:
    """The first verified copy: tiktoken's own cache, our cache folder, an installed package; never a download."""
    for path, source in candidates(environ, own):
        try:
            data = read(path)
        except (OSError, EOFError, zlib.error):
            continue  # not there, not ours to read, or a broken archive: the next may do
        if hashlib.sha256(data).hexdigest() == sha256:
            return Found(path, source)
    return None


def candidates(environ: Mapping[str, str], own: Path | None) -> Iterator[tuple[Path, str]]:
    for variable in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"):
        if folder := environ.get(variable):
            yield Path(folder, NAME), variable
    if own is not None:
        yield own / NAME, "headroom"
    for package, inside in BUNDLES:
        if (root := package_folder(package)) is not None:
            yield root / inside, package


def package_folder(package: str) -> Path | None:
    """Where a top-level package is installed; find_spec of such a one imports nothing."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return None  # half-removed packages and modules made by hand have no proper spec
    places = spec.submodule_search_locations if spec is not None else None
    return Path(next(iter(places))) if places else None


def read(path: Path) -> bytes:
    """The vocabulary in a file, unpacked if it is packed; empty if its size shows that it is another file."""
    if path.suffix == ".gz":
        with gzip.open(path) as packed:
            return packed.read(LARGEST)
    return path.read_bytes() if path.stat().st_size <= LARGEST else b""


PIECE = 100_000
"""Characters counted at a time: tiktoken's pattern overflows its stack on a million equal ones, and a cut in a
hundred thousand costs a token at most."""


def load(path: Path, *, sha256: str = SHA256) -> Callable[[str], int]:
    """A function that counts tokens exactly; slow to make, cheap to call, safe to call from any thread."""
    import tiktoken  # noqa: PLC0415  # 60 ms and 20 MB that only exact counts need; start-up must not pay them

    data = read(path)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise VocabularyError(f"{path} is not the published {ENCODING} vocabulary")
    encoding = tiktoken.Encoding(ENCODING, pat_str=PATTERN, mergeable_ranks=dict(ranks(data)), special_tokens=SPECIAL)

    def count(text: str) -> int:
        # Special tokens are plain text here, as in a chat message. Lone surrogates become U+FFFD inside tiktoken.
        return sum(len(encoding.encode_ordinary(text[at : at + PIECE])) for at in range(0, len(text), PIECE))

    return count


def ranks(data: bytes) -> Iterator[tuple[bytes, int]]:
    """The lines of a .tiktoken file: a token in base64, a space, its rank."""
    for line in data.splitlines():
        token, _, rank = line.partition(b" ")
        if token:
            yield base64.b64decode(token), int(rank)


def fetch(url: str, destination: Path, timeout: float, *, sha256: str = SHA256, now: Callable[[], float] = monotonic) -> None:
    """Download to `destination`, which is only ever absent, what it was, or complete and verified.

    `timeout` (seconds) bounds each wait and the whole.
    """
    data = download(url, timeout, now)
    if (got := hashlib.sha256(data).hexdigest()) != sha256:
        raise VocabularyError(f"{url} gave {len(data)} bytes with SHA-256 {got[:12]}…, expected {sha256[:12]}…; nothing was written")
    try:
        write(destination, data)
    except OSError as error:
        raise VocabularyError(f"{destination} cannot be written: {error.strerror or error}") from error


def download(url: str, timeout: float, now: Callable[[], float]) -> bytes:
    import http.client  # noqa: PLC0415  # 40 ms that only this command needs; the proxy imports this module too
    import urllib.error  # noqa: PLC0415  # likewise
    import urllib.request  # noqa: PLC0415  # likewise

    deadline = now() + timeout
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return b"".join(chunks(answer, url, lambda: now() > deadline))
    except (OSError, ValueError, http.client.HTTPException) as error:
        # urllib's own errors are OSErrors; a URL it does not understand is a ValueError.
        said = str(error.reason if type(error) is urllib.error.URLError else error)  # it wraps itself in angle brackets
        raise VocabularyError(f"{url} could not be fetched: {said}; without it, tokens in reports are estimated") from error


def chunks(answer: HTTPResponse, url: str, late: Callable[[], bool]) -> Iterator[bytes]:
    size = 0
    while chunk := answer.read1(CHUNK):
        size += len(chunk)
        if size > LARGEST:
            raise VocabularyError(f"{url} goes on beyond {LARGEST >> 20} MiB")
        if late():
            raise VocabularyError(f"{url} took too long; try again with a longer --timeout")
        yield chunk


def write(destination: Path, data: bytes) -> None:
    """A neighbour is written, flushed to the disk and renamed: a crash leaves no half vocabulary."""
    destination.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=destination.parent, prefix=f".{destination.name}.")  # made with mode 0600
    try:
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, destination)
    except BaseException:
        os.unlink(name)
        raise
