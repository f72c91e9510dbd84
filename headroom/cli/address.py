"""How a proxy is reached from this machine, whatever it is bound to."""

from __future__ import annotations

EVERYWHERE = frozenset(("0.0.0.0", "::", ""))


def reachable(host: str) -> str:
    """An address to connect to: a wildcard is answered on loopback too."""
    return "127.0.0.1" if host in EVERYWHERE else host


def base_url(host: str, port: int) -> str:
    host = reachable(host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
