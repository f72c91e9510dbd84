"""`headroom tokenizer`: what it says and how it exits."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import pytest

from headroom import vocabulary
from headroom.cli import dispatch
from headroom.cli.tokenizer import run
from headroom.vocabulary import NAME

DATA = b"aGVsbG8= 0\n"


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A home of its own, and a vocabulary of one word whose address is a file."""
    (tmp_path / "published").write_bytes(DATA)
    digest = hashlib.sha256(DATA).hexdigest()
    real_find, real_fetch = vocabulary.find, vocabulary.fetch
    monkeypatch.setattr(vocabulary, "BUNDLES", ())
    monkeypatch.setattr(vocabulary, "URL", (tmp_path / "published").as_uri())
    monkeypatch.setattr(vocabulary, "find", lambda environ, own: real_find(environ, own, sha256=digest))
    monkeypatch.setattr(vocabulary, "fetch", lambda url, place, timeout: real_fetch(url, place, timeout, sha256=digest))
    return {"HOME": str(tmp_path / "home")}


def said(environ: dict[str, str], *argv: str) -> str:
    out = io.StringIO()
    assert run(argv, environ, out) == 0
    return out.getvalue()


def test_show_then_fetch_then_show(environ: dict[str, str]) -> None:
    path = f"{environ['HOME']}/.headroom/vocabulary/{NAME}"
    assert "counter: estimated" in said(environ, "show")
    assert "headroom tokenizer fetch" in said(environ, "show")
    assert json.loads(said(environ, "show", "--json")) == {"counter": "estimated", "source": None, "path": None}
    assert f"verified and written: {path}" in said(environ, "fetch", "--timeout", "5")
    assert said(environ, "show") == f"counter: tiktoken o200k_base exact\nvocabulary: {path} (headroom)\n"
    assert json.loads(said(environ, "show", "--json")) == {"counter": "tiktoken o200k_base exact", "source": "headroom", "path": path}
    assert said(environ, "fetch").startswith("already here")


def test_a_failed_fetch_exits_with_1(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(vocabulary, "URL", "file:///nothing/here")
    assert dispatch(["tokenizer", "fetch"], environ, io.StringIO()) == 1
    told = capsys.readouterr().err
    assert "file:///nothing/here could not be fetched" in told
    assert "<urlopen" not in told


@pytest.mark.parametrize(
    "argv",
    [[], ["sing"], ["fetch", "--timeout", "0"], ["fetch", "--timeout", "nan"], ["fetch", "--timeout", "soon"], ["show", "--loud"]],
    ids=" ".join,
)
def test_what_was_asked_wrongly_exits_with_2(environ: dict[str, str], argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        run(argv, environ, io.StringIO())
    assert stopped.value.code == 2
    assert "usage: headroom tokenizer" in capsys.readouterr().err
