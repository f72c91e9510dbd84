"""Through a company's HTTP proxy: which requests take it, and how.

https goes through a CONNECT tunnel, so that the proxy sees nothing of it. Plain http is asked for in absolute-form
(RFC 9112 §3.2.2), not by CONNECT: many proxies allow CONNECT to port 443 only (Squid's default does).
"""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from headroom.errors import Garbled, SettingsError, Unreachable
from headroom.http.answer import AnswerReader, Head
from headroom.http.message import Fields
from headroom.http.origin import Origin, origin
from headroom.http.wire import Wire

TO_THE_PROXY = b"proxy-authorization"


@dataclass(frozen=True, slots=True)
class Proxy:
    origin: Origin
    authorization: bytes = field(default=b"", repr=False)
    """Value of Proxy-Authorization, b"" for none."""

    @property
    def fields(self) -> Fields:
        return [(TO_THE_PROXY, self.authorization)] if self.authorization else []


@dataclass(frozen=True, slots=True)
class Proxies:
    """Which origin is reached by which proxy. Loopback never is: a proxy elsewhere would reach its own."""

    http: Proxy | None = None
    https: Proxy | None = None
    exempt: tuple[str, ...] = ()
    """Names, suffixes, addresses, networks, each perhaps with a port; "*" exempts everything."""

    @classmethod
    def of(cls, environ: Mapping[str, str], url: str = "") -> Proxies:
        """`url` (--upstream-proxy) is for everything; without it the environment decides, as curl reads it."""
        if url:
            proxy = parse(url)
            return cls(proxy, proxy)
        return cls(
            _from(environ, "http_proxy"),
            _from(environ, "https_proxy"),
            tuple(name.strip().lower() for name in _value(environ, "no_proxy").split(",") if name.strip()),
        )

    def route(self, target: Origin) -> Proxy | None:
        proxy = self.https if target.tls else self.http
        if proxy is None or _is_loopback(target.host) or any(_matches(name, target) for name in self.exempt):
            return None
        return proxy


def _value(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name) or environ.get(name.upper()) or ""


def _from(environ: Mapping[str, str], name: str) -> Proxy | None:
    url = _value(environ, name) or _value(environ, "all_proxy")
    return parse(url) if url else None


def parse(url: str) -> Proxy:
    """A proxy URL; "host:port" means http. Raises SettingsError, without the credentials in it."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in ("http", "https"):
        raise SettingsError(f"upstream proxies speak http or https, not {parts.scheme}")
    where = origin(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}")
    if parts.username is None:
        return Proxy(where)
    credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    return Proxy(where, b"Basic " + base64.b64encode(credentials))


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or host.endswith(".localhost") or (address is not None and address.is_loopback)


def _matches(name: str, target: Origin) -> bool:
    if name == "*":
        return True
    bare = name.strip("[]")
    host, colon, port = name.rpartition(":")
    if _address(bare) is None and colon and port.isdecimal():
        if int(port) != target.port:
            return False
        bare = host.strip("[]")
    address = _address(target.host)
    if address is None:
        bare = bare.removeprefix("*").lstrip(".")
        return target.host == bare or target.host.endswith(f".{bare}")
    try:
        return address in ipaddress.ip_network(bare, strict=False)
    except ValueError:
        return False


async def connect(wire: Wire, target: Origin, proxy: Proxy) -> None:
    """Ask the proxy for a tunnel to `target`. Raises Unreachable."""
    authority = target.authority.encode()
    lines = [b"%b: %b\r\n" % field for field in [(b"host", authority), *proxy.fields]]
    await wire.send(b"CONNECT %b HTTP/1.1\r\n%b\r\n" % (authority, b"".join(lines)))
    reader = AnswerReader("CONNECT")
    try:
        while (head := reader.feed(await _some(wire))) is None:
            pass
    except Garbled as error:
        raise Unreachable(f"the proxy {proxy.origin.authority} did not open a tunnel: {error.message}") from None
    _check(head, target, proxy)


async def _some(wire: Wire) -> bytes:
    data = await wire.receive()
    if not data:
        raise Garbled("it closed the connection")
    return data


def _check(head: Head, target: Origin, proxy: Proxy) -> None:
    if head.status == 407:
        raise Unreachable(wants_credentials(proxy))
    if head.status >= 300:
        raise Unreachable(f"the proxy {proxy.origin.authority} refused a tunnel to {target.authority} ({head.status})")
    if head.rest:
        raise Unreachable(f"the proxy {proxy.origin.authority} spoke inside the tunnel to {target.authority}")


def wants_credentials(proxy: Proxy) -> str:
    how = "does not accept the credentials" if proxy.authorization else "asks for credentials; write them"
    return f"the proxy {proxy.origin.authority} {how} in its URL (407)"
