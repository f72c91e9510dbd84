"""Finding, verifying, loading and fetching a vocabulary; the network here is a server on the loopback."""

from __future__ import annotations

import base64
import gzip
import hashlib
import importlib.util
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from headroom import vocabulary
from headroom.errors import OurError
from headroom.vocabulary import (
    NAME,
    PATTERN,
    SHA256,
    SPECIAL,
    URL,
    Found,
    VocabularyError,
    fetch,
    find,
    load,
    own_folder,
)

RANKS = [bytes([byte]) for byte in range(256)] + [b"he", b"ll", b"hell", b"hello", b" w"]
DATA = b"".join(base64.b64encode(token) + b" %d\n" % rank for rank, token in enumerate(RANKS))
HASH = hashlib.sha256(DATA).hexdigest()


def test_the_published_figures() -> None:
    """They must be those of the tiktoken that is installed, or exact counts would be exact counts of something else."""
    spec = importlib.util.find_spec("tiktoken_ext.openai_public")
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).read_text(encoding="utf-8")
    assert URL in source
    assert SHA256 in source
    assert all(part in source for part in PATTERN.split("|\\p{N}")[0].split("|[^"))
    assert str(SPECIAL["<|endoftext|>"]) in source
    assert NAME == "fb374d419588a4632f3f557e76b4b70aebbca790"


def put(path: Path, data: bytes = DATA) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that Python imports from, and none of the packages that may really be installed."""
    monkeypatch.setattr(vocabulary, "BUNDLES", (("hv_litellm", f"tokenizers/{NAME}"), ("hv_bpe", "data/o200k_base.tiktoken.gz")))
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    return site


def test_nothing_found(tmp_path: Path, site: Path) -> None:
    assert find({}, sha256=HASH) is None
    assert find({"TIKTOKEN_CACHE_DIR": "", "DATA_GYM_CACHE_DIR": str(tmp_path / "none")}, tmp_path, sha256=HASH) is None


def test_places_in_their_order(tmp_path: Path, site: Path) -> None:
    environ = {"TIKTOKEN_CACHE_DIR": str(tmp_path / "t"), "DATA_GYM_CACHE_DIR": str(tmp_path / "d")}
    for package in ("hv_litellm", "hv_bpe"):
        put(site / package / "__init__.py", b"raise RuntimeError('looking must not import')")
    places = [
        (site / "hv_bpe/data/o200k_base.tiktoken.gz", "hv_bpe"),
        (site / f"hv_litellm/tokenizers/{NAME}", "hv_litellm"),
        (tmp_path / "own" / NAME, "headroom"),
        (tmp_path / "d" / NAME, "DATA_GYM_CACHE_DIR"),
        (tmp_path / "t" / NAME, "TIKTOKEN_CACHE_DIR"),
    ]
    for path, source in places:
        put(path, gzip.compress(DATA) if path.suffix == ".gz" else DATA)
        assert find(environ, tmp_path / "own", sha256=HASH) == Found(path, source)


@pytest.mark.parametrize("data", [b"", DATA[:-1], DATA + b"\n", b"\xff" * 100], ids=["empty", "cut", "longer", "other"])
def test_another_file_is_passed_over_and_left_alone(tmp_path: Path, site: Path, data: bytes) -> None:
    wrong, right = put(tmp_path / "t" / NAME, data), put(tmp_path / "own" / NAME)
    assert find({"TIKTOKEN_CACHE_DIR": str(tmp_path / "t")}, tmp_path / "own", sha256=HASH) == Found(right, "headroom")
    assert wrong.read_bytes() == data


@pytest.mark.parametrize("packed", [b"", b"no gzip", gzip.compress(DATA)[:-40], gzip.compress(DATA)[:40] + b"\0" * 99])
def test_a_broken_archive_is_passed_over(site: Path, packed: bytes) -> None:
    put(site / "hv_bpe/__init__.py", b"")
    put(site / "hv_bpe/data/o200k_base.tiktoken.gz", packed)
    assert find({}, sha256=HASH) is None


def test_a_folder_in_place_of_the_file(tmp_path: Path, site: Path) -> None:
    (tmp_path / NAME).mkdir()
    assert find({}, tmp_path, sha256=HASH) is None


def test_own_folder() -> None:
    assert own_folder({"HOME": "/home/ada"}) == Path("/home/ada/.headroom/vocabulary")
    assert own_folder({}).name == "vocabulary"


@pytest.mark.parametrize(
    ("text", "want"),
    [("", 0), ("hello", 1), ("hello hello", 3), ("he ll", 3), ("hello world", 6), ("é", 2), ("\ud800", 3), ("<|endoftext|>", 13), ("123456", 6)],
)
def test_counting(tmp_path: Path, text: str, want: int) -> None:
    count = load(put(tmp_path / NAME), sha256=HASH)
    assert count(text) == want


def test_packed_counts_alike(tmp_path: Path) -> None:
    assert load(put(tmp_path / "x.gz", gzip.compress(DATA)), sha256=HASH)("hello world") == 6


def test_what_changed_since_it_was_found_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VocabularyError, match="is not the published"):
        load(put(tmp_path / NAME, DATA[:-1]), sha256=HASH)


def test_the_real_vocabulary_counts_as_published() -> None:
    """Where it is at hand: known counts of o200k_base."""
    found = find(os.environ, own_folder(os.environ))
    if found is None:
        pytest.skip("no o200k_base vocabulary on this machine")
    count = load(found.path)
    assert [count(text) for text in ("hello world", "─" * 80, " " * 64, "3f2c1b9a-7d64-4e0b-9a51-2b6f0c8d9e77")] == [2, 5, 1, 33]


def test_importing_loads_no_tokenizer_and_no_http() -> None:
    """The proxy imports this module at start-up and must answer soon."""
    code = "import sys, headroom.vocabulary; print(*sorted({'tiktoken', 'regex', 'http.client', 'urllib.request'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


class Page(BaseHTTPRequestHandler):
    """Answers by path, as good and bad servers do."""

    release = threading.Event()

    def do_GET(self) -> None:
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("content-length", str(len(DATA)))
        self.end_headers()
        if self.path == "/silent":
            self.release.wait(30)
        elif self.path == "/cut":
            self.wfile.write(DATA[:100])
        else:
            self.wfile.write(DATA)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Callable[[str], str]]:
    Page.release.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield lambda path: f"http://127.0.0.1:{server.server_port}{path}"
    Page.release.set()
    server.shutdown()
    thread.join()
    server.server_close()


def test_fetching(tmp_path: Path, server: Callable[[str], str]) -> None:
    destination = tmp_path / "a" / "b" / NAME
    fetch(server("/good"), destination, 10, sha256=HASH)
    assert destination.read_bytes() == DATA
    assert stat.S_IMODE(destination.stat().st_mode) == 0o600
    assert stat.S_IMODE(destination.parent.stat().st_mode) == 0o700
    assert find({}, destination.parent, sha256=HASH) == Found(destination, "headroom")


@pytest.mark.parametrize(
    ("path", "timeout", "message"),
    [
        ("/missing", 10, "404"),
        ("/silent", 0.1, "could not be fetched: .*timed out"),
        ("/cut", 10, "could not be fetched|100 bytes"),
    ],
)
def test_a_failed_fetch_leaves_what_was(tmp_path: Path, server: Callable[[str], str], path: str, timeout: float, message: str) -> None:
    destination = put(tmp_path / NAME, b"what was")
    with pytest.raises(VocabularyError, match=message):
        fetch(server(path), destination, timeout, sha256=HASH)
    assert [p.name for p in tmp_path.iterdir()] == [NAME]
    assert destination.read_bytes() == b"what was"


def test_a_trickle_is_given_up(tmp_path: Path, server: Callable[[str], str]) -> None:
    """Each wait may be short and the whole too long."""
    clock = iter([0.0, 10.5])
    with pytest.raises(VocabularyError, match="took too long"):
        fetch(server("/good"), tmp_path / NAME, 10, sha256=HASH, now=lambda: next(clock))


def test_another_file_is_not_written(tmp_path: Path, server: Callable[[str], str]) -> None:
    with pytest.raises(VocabularyError, match=r"SHA-256 .* expected 446a9538cb6c…; nothing was written"):
        fetch(server("/good"), tmp_path / NAME, 10)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x", "gopher://127.0.0.1/x", "no url", "http://[::1/x"])
def test_addresses_nobody_answers(tmp_path: Path, url: str) -> None:
    with pytest.raises(OurError, match="could not be fetched"):
        fetch(url, tmp_path / NAME, 2)


def test_a_place_that_cannot_be_written(tmp_path: Path, server: Callable[[str], str]) -> None:
    blocked = put(tmp_path / "file", b"not a folder")
    with pytest.raises(VocabularyError, match="cannot be written"):
        fetch(server("/good"), blocked / NAME, 10, sha256=HASH)


def test_an_endless_answer_is_cut_off(tmp_path: Path, server: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "LARGEST", 1000)
    with pytest.raises(VocabularyError, match="goes on beyond"):
        fetch(server("/good"), tmp_path / NAME, 10, sha256=HASH)
