"""Who may come in, and by which door.

Data routes carry the client's own credentials to the provider. Control routes show what went through, so they
answer loopback callers that came by a loopback name (a web page that rebinds DNS comes by its own), and others by token.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, replace

from headroom.errors import Forbidden, Unauthorized
from headroom.http.message import Handler, Layer, Request, Response

TOKEN = b"x-headroom-proxy-token"
LOCAL_NAMES = frozenset(("127.0.0.1", "localhost", "[::1]", "::1"))
BEARER = b"bearer "
FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-real-ip")
"""A reverse proxy says with these that the caller stands behind it."""


@dataclass(frozen=True, slots=True)
class Door:
    """Pure decisions about a request, from the settings."""

    token: str = ""
    hosts: frozenset[str] = LOCAL_NAMES
    """Host names, without port, under which control routes answer."""

    def has_token(self, request: Request) -> bool:
        """X-Headroom-Proxy-Token, or, if that is absent, an Authorization: Bearer that carries it."""
        if not self.token:
            return False
        given = request.get(TOKEN)
        if given is None:
            header = request.get(b"authorization") or b""
            given = header[len(BEARER):].strip() if header[: len(BEARER)].lower() == BEARER else b""
        # Both sides are hashed first, so that neither length nor content shows in the time it takes.
        ours, theirs = (hashlib.sha256(x).digest() for x in (self.token.encode(), given))
        return hmac.compare_digest(ours, theirs)

    def is_local(self, request: Request) -> bool:
        return _is_ours(request) and _host(request) in self.hosts

    def may_use_data(self, request: Request) -> bool:
        return not self.token or _is_ours(request) or self.has_token(request)

    def may_control(self, request: Request) -> bool:
        return self.is_local(request) or self.has_token(request)

    def same_origin(self, request: Request) -> bool:
        """Whether a browser, if it is one, sends this from a page of ours."""
        site = request.get(b"sec-fetch-site")
        if site not in (None, b"same-origin", b"none"):
            return False
        origin = request.get(b"origin")
        return origin is None or origin.partition(b"://")[2] == (request.get(b"host") or b"?")


def door(token: str, allowed_hosts: Sequence[str], bound: str) -> Door:
    names = {name.lower() for name in allowed_hosts}
    if bound not in ("0.0.0.0", "::", ""):
        names.add(f"[{bound}]" if ":" in bound else bound.lower())
    return Door(token, LOCAL_NAMES | names)


def guard_data(door: Door) -> Layer:
    def layer(inner: Handler) -> Handler:
        async def handle(request: Request) -> Response:
            if not door.may_use_data(request):
                raise Unauthorized("send the proxy's token in X-Headroom-Proxy-Token")
            return await inner(_told(door, request))

        return handle

    return layer


def guard_control(door: Door, open_paths: frozenset[str]) -> Layer:
    """`open_paths` answer everybody: the health checks of an orchestrator."""

    def layer(inner: Handler) -> Handler:
        async def handle(request: Request) -> Response:
            if request.path not in open_paths or request.method not in ("GET", "HEAD"):
                if not door.may_control(request):
                    if door.token and not is_loopback(request.peer):
                        raise Unauthorized("this route needs the proxy's token in X-Headroom-Proxy-Token")
                    raise Forbidden("this route answers on loopback only, under a loopback name")
                if request.method not in ("GET", "HEAD") and not door.same_origin(request):
                    raise Forbidden("cross-origin requests are refused")
            return await inner(_told(door, request))

        return handle

    return layer


def is_loopback(peer: str) -> bool:
    """An empty peer is a Unix socket, whose file permissions guard it."""
    if not peer:
        return True
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _is_ours(request: Request) -> bool:
    """From this machine, and not only from a reverse proxy that stands on it."""
    return is_loopback(request.peer) and not any(request.get(name) is not None for name in FORWARDED)


def _host(request: Request) -> str:
    host = (request.get(b"host") or b"").decode("latin-1").lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _told(door: Door, request: Request) -> Request:
    """With our token in our own field only, which is never forwarded: further in it tells whom to believe a user id,
    and an Authorization that carries it is no credential of the caller's."""
    if not door.token or request.get(b"authorization") is None:
        return request
    bare = [f for f in request.fields if f[0] != TOKEN]
    if not door.has_token(replace(request, fields=bare)):
        return request
    fields = [f for f in request.fields if f[0] != b"authorization"]
    return replace(request, fields=fields if len(bare) < len(request.fields) else [*fields, (TOKEN, door.token.encode())])
