from __future__ import annotations

import pytest

from headroom.errors import SettingsError, Unreachable
from headroom.http.origin import Origin
from headroom.http.tunnel import Proxies, Proxy, connect, parse

HTTPS = Origin(True, "api.example.com", 443)
HTTP = Origin(False, "api.example.com", 80)
ENVIRON = {"HTTPS_PROXY": "http://secure:3128", "http_proxy": "plain:8080"}


def host(proxy: Proxy | None) -> str:
    return "" if proxy is None else proxy.origin.authority


ROUTES = {
    "https": (ENVIRON, "", HTTPS, "secure:3128"),
    "http": (ENVIRON, "", HTTP, "plain:8080"),
    "neither": ({}, "", HTTPS, ""),
    "lower case wins": ({"https_proxy": "http://low:1", "HTTPS_PROXY": "http://up:1"}, "", HTTPS, "low:1"),
    "all": ({"ALL_PROXY": "http://all:1"}, "", HTTP, "all:1"),
    "the option wins": (ENVIRON, "http://option:1", HTTPS, "option:1"),
    "the option is for everything": ({"NO_PROXY": "*"}, "http://option:1", HTTP, "option:1"),
    "localhost never": (ENVIRON, "http://option:1", Origin(False, "localhost", 80), ""),
    "127.0.0.2 never": (ENVIRON, "http://option:1", Origin(True, "127.0.0.2", 443), ""),
    "::1 never": (ENVIRON, "http://option:1", Origin(True, "::1", 443), ""),
    "an address": (ENVIRON, "", Origin(True, "10.0.0.1", 443), "secure:3128"),
}


@pytest.mark.parametrize("name", ROUTES)
def test_which_proxy(name: str) -> None:
    environ, url, origin, expected = ROUTES[name]
    assert host(Proxies.of(environ, url).route(origin)) == expected


@pytest.mark.parametrize(
    ("no_proxy", "origin", "exempt"),
    [
        ("*", HTTPS, True),
        ("api.example.com", HTTPS, True),
        ("API.Example.COM", HTTPS, True),
        ("example.com", HTTPS, True),
        (".example.com", HTTPS, True),
        ("*.example.com", HTTPS, True),
        ("other.com, example.com ,", HTTPS, True),
        ("ple.com", HTTPS, False),
        ("api.example.com.evil", HTTPS, False),
        ("api.example.com:443", HTTPS, True),
        ("api.example.com:8443", HTTPS, False),
        ("10.0.0.0/8", Origin(True, "10.1.2.3", 443), True),
        ("10.0.0.0/8", Origin(True, "11.1.2.3", 443), False),
        ("10.1.2.3", Origin(True, "10.1.2.3", 443), True),
        ("10.1.2.3:443", Origin(True, "10.1.2.3", 443), True),
        ("10.1.2.3:444", Origin(True, "10.1.2.3", 443), False),
        ("[fd00::1]", Origin(True, "fd00::1", 443), True),
        ("fd00::/8", Origin(True, "fd00::1", 443), True),
        ("[fd00::1]:443", Origin(True, "fd00::1", 443), True),
        ("example.com", Origin(True, "10.1.2.3", 443), False),
        ("", HTTPS, False),
    ],
)
def test_no_proxy(no_proxy: str, origin: Origin, exempt: bool) -> None:
    assert (Proxies.of({**ENVIRON, "NO_PROXY": no_proxy}).route(origin) is None) is exempt


def test_credentials_in_the_url_become_a_field_and_are_never_shown() -> None:
    proxy = parse("http://user:p%40ss@proxy:3128")
    assert proxy.fields == [(b"proxy-authorization", b"Basic dXNlcjpwQHNz")]
    assert "dXNl" not in repr(proxy)
    assert parse("proxy:3128") == Proxy(Origin(False, "proxy", 3128))
    assert parse("https://proxy").origin == Origin(True, "proxy", 443)


@pytest.mark.parametrize("url", ["socks5://user:secret@proxy:1080", "http://user:secret@", "http://user:secret@proxy:99999"])
def test_bad_urls_are_refused_without_their_credentials(url: str) -> None:
    with pytest.raises(SettingsError) as raised:
        Proxies.of({}, url)
    assert "secret" not in raised.value.message


class Answers:
    """A wire on which a proxy answers with these bytes."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = [*pieces, b""]
        self.sent = b""

    async def receive(self) -> bytes:
        return self.pieces.pop(0)

    async def send(self, data: bytes | memoryview) -> None:
        self.sent += data

    def dead(self) -> bool:
        return False

    def close(self) -> None:
        pass


@pytest.mark.anyio
async def test_a_tunnel_is_asked_for() -> None:
    wire = Answers(b"HTTP/1.1 200 Connection", b" established\r\nVia: x\r\n\r\n")
    await connect(wire, HTTPS, parse("http://u:p@proxy:1"))
    assert wire.sent == (
        b"CONNECT api.example.com:443 HTTP/1.1\r\nhost: api.example.com:443\r\nproxy-authorization: Basic dTpw\r\n\r\n"
    )


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "url", "told"),
    [
        (b"HTTP/1.1 407 x\r\n\r\n", "http://proxy:1", "the proxy proxy:1 asks for credentials; write them in its URL (407)"),
        (b"HTTP/1.1 407 x\r\n\r\n", "http://u:secret@proxy:1", "does not accept the credentials in its URL"),
        (b"HTTP/1.1 403 x\r\n\r\n", "http://proxy:1", "refused a tunnel to api.example.com:443 (403)"),
        (b"HTTP/1.1 200 x\r\n\r\nmore", "http://proxy:1", "spoke inside the tunnel"),
        (b"HTTP/1.1 20", "http://proxy:1", "did not open a tunnel: it closed the connection"),
        (b"SSH-2.0", "http://proxy:1", "did not open a tunnel: the upstream does not speak HTTP/1.1"),
    ],
)
async def test_a_refused_tunnel_is_told_by_its_cause(answer: bytes, url: str, told: str) -> None:
    with pytest.raises(Unreachable) as raised:
        await connect(Answers(answer), HTTPS, parse(url))
    assert told in raised.value.message
    assert "secret" not in raised.value.message
