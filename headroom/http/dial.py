"""Opens one connection: name, socket, proxy, TLS; what fails is told by its cause."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Sequence
from typing import Any

import anyio

from headroom.errors import Unreachable
from headroom.http.origin import Origin
from headroom.http.tls import Trust, refused
from headroom.http.tunnel import Proxy, connect
from headroom.http.wire import SocketWire, TlsWire, Wire

HEAD_START = 0.25
"""Seconds one address is tried alone before the next joins (RFC 8305 §5, connection attempt delay)."""

KEEPALIVE_IDLE = 60
"""Seconds of silence before TCP probes: a model may think for minutes, and NAT tables forget sooner."""

Address = tuple[socket.AddressFamily, Any]
"""A family and what `connect` of that family takes."""


async def dial(target: Origin, proxy: Proxy | None, trust: Trust) -> Wire:
    """A wire on which requests for `target` can be sent. Raises Unreachable."""
    first = target if proxy is None else proxy.origin
    wire: Wire = SocketWire(await _connect(first))
    try:
        if first.tls:
            wire = await _secure(wire, first, trust)
        if proxy is not None and target.tls:
            await connect(wire, target, proxy)
            wire = await _secure(wire, target, trust)
    except OSError as error:
        wire.close()
        raise Unreachable(f"{first.authority}: {_cause(error)}") from None
    except BaseException:
        wire.close()
        raise
    return wire


async def _secure(wire: Wire, peer: Origin, trust: Trust) -> Wire:
    secured = TlsWire(wire, await trust.context(), peer.host)
    try:
        await secured.handshake()
    except OSError as error:
        raise refused(error, peer.authority) from None
    return secured


async def _connect(peer: Origin) -> socket.socket:
    race = _Race(await _resolve(peer))
    try:
        await race.run()
    except BaseException:
        race.close_from(0)
        raise
    race.close_from(1)
    if not race.connected:
        raise Unreachable(f"{peer.authority}: {_cause(race.failures[0])}")
    return race.connected[0]


class _Race:
    """Tries the addresses of a name, each with a head start over the next (RFC 8305)."""

    def __init__(self, addresses: list[Address]) -> None:
        self._addresses = addresses
        self.connected: list[socket.socket] = []
        """Mostly one; two can arrive in the same moment."""
        self.failures: list[OSError] = []

    async def run(self) -> None:
        async with anyio.create_task_group() as attempts:
            for address in self._addresses:
                failed = anyio.Event()
                attempts.start_soon(self._attempt, address, failed, attempts.cancel_scope)
                with anyio.move_on_after(HEAD_START):
                    await failed.wait()

    async def _attempt(self, address: Address, failed: anyio.Event, race: anyio.CancelScope) -> None:
        try:
            self.connected.append(await _open(address))
            race.cancel()
        except OSError as error:
            self.failures.append(error)
            failed.set()

    def close_from(self, index: int) -> None:
        for opened in self.connected[index:]:
            opened.close()


async def _resolve(peer: Origin) -> list[Address]:
    try:
        answers = await anyio.getaddrinfo(peer.host, peer.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unreachable(f"{peer.authority}: the name cannot be resolved (DNS)") from None
    return interleaved([(family, address) for family, _, _, _, address in answers])


def interleaved(addresses: Sequence[Address]) -> list[Address]:
    """Families take turns (RFC 8305 §4), so that one that leads nowhere delays by one head start only."""
    first = [address for address in addresses if address[0] == addresses[0][0]]
    second = [address for address in addresses if address[0] != addresses[0][0]]
    ordered: list[Address] = []
    while first or second:
        ordered += first[:1] + second[:1]
        first, second = first[1:], second[1:]
    return ordered


async def _open(address: Address) -> socket.socket:
    family, where = address
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setblocking(False)
        _configure(opened)
        code = opened.connect_ex(where)
        if code in (errno.EINPROGRESS, errno.EWOULDBLOCK):
            await anyio.wait_writable(opened)
            code = opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
    except BaseException:
        opened.close()
        raise
    return opened


def _configure(opened: socket.socket) -> None:
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):  # not on macOS
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE)


def _cause(error: OSError) -> str:
    known = {
        errno.ECONNREFUSED: "connection refused",
        errno.ECONNRESET: "connection reset",
        errno.ENETUNREACH: "network unreachable",
        errno.EHOSTUNREACH: "no route to the host",
        errno.ETIMEDOUT: "no answer to the connection attempt",
        errno.EMFILE: "this process has no file descriptors left",
    }
    return known.get(error.errno or 0) or (error.strerror or type(error).__name__).lower()
