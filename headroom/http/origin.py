"""Whom to ask: scheme, host and port, read from the URLs of the settings."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from headroom.errors import SettingsError

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    tls: bool
    host: str
    """Lower case; an IPv6 address stands without brackets."""
    port: int

    @property
    def authority(self) -> str:
        """As in CONNECT and in messages, always with the port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def host_field(self) -> str:
        """As in Host: without the scheme's own port (RFC 9110 §7.2)."""
        return self.authority.removesuffix(f":{PORTS['https' if self.tls else 'http']}")


@dataclass(frozen=True, slots=True)
class Base:
    """Where the requests of one provider go."""

    origin: Origin
    prefix: str
    """Stands before every path: "" or "/proxy/anthropic"."""


def base(url: str) -> Base:
    """A base URL as an operator writes it. Credentials, queries and fragments have no place in one."""
    parts = urlsplit(url)
    if parts.query or parts.fragment or parts.username is not None:
        raise SettingsError(f"a base URL has no user, query or fragment: {parts.scheme}://{parts.hostname}{parts.path}")
    return Base(origin(url), parts.path.rstrip("/"))


def origin(url: str) -> Origin:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = 0
    if parts.scheme not in PORTS or not parts.hostname or port == 0:
        raise SettingsError(f"not an http or https URL: {parts.scheme}://{parts.hostname or ''}")
    return Origin(parts.scheme == "https", parts.hostname, port or PORTS[parts.scheme])
