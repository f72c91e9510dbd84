"""The lab itself: alone means alone, and what goes wrong there is seen here."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.live.lab import alone, codex_config, folder

pytestmark = pytest.mark.live


def reaches_outside() -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # a documentation address (RFC 5737); UDP connects without sending
        except OSError:
            return False
    return True


def loopback_works() -> bool:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        return True


def test_alone_has_loopback() -> None:
    assert alone(loopback_works)


def test_alone_has_nothing_else() -> None:
    outside, inside = reaches_outside(), alone(reaches_outside)
    if outside and inside:
        pytest.skip("this user may not make a network namespace; clients run in the machine's own")
    assert not inside


def test_a_failure_alone_is_raised_here() -> None:
    def fail() -> None:
        raise ValueError("as it was")

    with pytest.raises(ValueError, match="as it was"):
        alone(fail)


@pytest.mark.parametrize(("environ", "expected"), [
    ({"HEADROOM_TEST_CLIENTS": "/a"}, "/a"),
    ({"XDG_CACHE_HOME": "/b"}, "/b/headroom-test-clients"),
])
def test_folder(environ: dict[str, str], expected: str) -> None:
    assert folder(environ) == Path(expected)


def test_codex_takes_its_base_url_from_a_file() -> None:
    assert 'base_url = "http://x/v1"' in codex_config("http://x/v1")
    assert 'openai_base_url = "http://x/v1"' in codex_config("http://x/v1", builtin=True)
