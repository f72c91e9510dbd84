from __future__ import annotations

import io
import json
import socket
import threading
import time
from pathlib import Path

import anyio
import pytest

from headroom import ccr
from headroom.cli import dispatch
from headroom.proxy.choices import originals_space
from headroom.settings import Settings
from headroom.stores import open_store

TEXT = "one\ntwo é\nthree\n"
KEY = ccr.key_of(TEXT)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """State with one original in it; a port on which nobody answers."""
    url = f"sqlite:{tmp_path / 'state.db'}"

    async def fill() -> None:
        store = open_store(url, time.time)
        await store.put(originals_space(Settings()), "tenant", {KEY: TEXT.encode()})
        await store.aclose()

    anyio.run(fill)
    return {"HEADROOM_STATE": url, "HEADROOM_PORT": "1"}


def run(environ: dict[str, str], *argv: str) -> tuple[int, str]:
    out = io.StringIO()
    return dispatch(["retrieve", *argv], environ, out), out.getvalue()


def test_an_original_comes_from_the_state_when_no_proxy_runs(environ: dict[str, str]) -> None:
    assert run(environ, KEY) == (0, TEXT)
    assert run(environ, KEY, "--lines", "2-2") == (0, "two é\n")
    assert run(environ, KEY, "--lines", "2-3", "--query", "two") == (0, "[1 best of 1 matching lines, of lines 2-3]\n2:two é\n3-three\n")
    assert json.loads(run(environ, KEY, "--json")[1]) == {"key": KEY, "text": TEXT}


def test_a_proxy_that_was_named_and_does_not_answer_is_told_of(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(environ, KEY, "--url", "http://127.0.0.1:1") == (0, TEXT)
    assert capsys.readouterr().err == "headroom: nothing answers at http://127.0.0.1:1; the state here is asked instead\n"


def test_a_key_that_nobody_knows_is_one(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(environ, "0" * 24)[0] == 1
    assert run({**environ, "HEADROOM_STATE": "memory:"}, KEY)[0] == 1
    assert "no original" in capsys.readouterr().err


def test_what_is_no_key_is_two(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(environ, "../../etc/passwd")[0] == 2
    assert run(environ, KEY, "--lines", "x")[0] == 2
    assert run(environ, KEY, "--lines", "90-99")[0] == 2
    assert "24 hex digits" in capsys.readouterr().err


def test_whoever_holds_the_port_and_is_no_proxy_of_ours_is_passed_over(environ: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"220 smtp ready\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        assert run({**environ, "HEADROOM_PORT": str(server.getsockname()[1])}, KEY) == (0, TEXT)
        thread.join()
