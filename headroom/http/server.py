"""An HTTP/1.1 server for an ASGI application: listens, accepts, and stops without cutting anybody short."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Sequence

import anyio
import anyio.abc

from headroom.http.asgi import ASGIApp
from headroom.http.connection import Address, Connection, House
from headroom.http.lifespan import ABORT_SECONDS, SHUTDOWN_SECONDS, Lifespan
from headroom.http.limits import Limits
from headroom.http.link import Link

BACKLOG = 2048
"""Connections that wait to be accepted; the kernel caps it at net.core.somaxconn."""
EXHAUSTED = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
"""accept(2) fails with these until somebody else lets go of something."""


def listen(host: str, port: int) -> list[socket.socket]:
    """Listening sockets for every address of `host`; with port 0 all have the port of the first.

    Raises OSError, of which errno.EADDRINUSE is the one to expect.
    """
    sockets: list[socket.socket] = []
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            sock = socket.socket(family, kind, protocol)
            sockets.append(sock)
            if family == socket.AF_INET6 and len(found) > 1:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # its IPv4 half has a socket of its own
            _bind(sock, (address[0], port_of(sockets) or port, *address[2:]))
    except OSError:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def port_of(sockets: Sequence[socket.socket]) -> int:
    """The port they are bound to."""
    return int(sockets[0].getsockname()[1])


def _bind(sock: socket.socket, address: tuple[str | int, ...]) -> None:
    if os.name == "posix":  # elsewhere it lets two programs share a port
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(address)
    sock.listen(BACKLOG)


async def serve(
    app: ASGIApp,
    listeners: Sequence[socket.socket],
    limits: Limits,
    drain: anyio.Event,
    *,
    task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until `drain` is set and the last answer has left; to abort at once, cancel.

    The listeners are closed in the end. What the application raises at start-up is raised here as it is.
    """
    lifespan = Lifespan(app)
    try:
        async with anyio.create_task_group() as tasks:
            await tasks.start(lifespan.run)
            seconds = ABORT_SECONDS
            try:
                await _serve(House(app, limits), listeners, drain, task_status)
                seconds = SHUTDOWN_SECONDS
            finally:
                await lifespan.stop(seconds)
    except BaseException:
        if isinstance(lifespan.failure, Exception):
            raise lifespan.failure from None
        raise
    finally:
        for sock in listeners:
            sock.close()


async def _serve(
    house: House, listeners: Sequence[socket.socket], drain: anyio.Event, task_status: anyio.abc.TaskStatus[None]
) -> None:
    async with anyio.create_task_group() as connections:
        async with anyio.create_task_group() as doors:
            for sock in listeners:
                sock.setblocking(False)
                doors.start_soon(_accept, sock, house, connections)
            task_status.started()
            await drain.wait()
            doors.cancel_scope.cancel()
        for sock in listeners:
            _admit(sock, house, connections)  # whom the kernel had let in already
            sock.close()
        house.drain()
        connections.cancel_scope.deadline = anyio.current_time() + house.limits.drain


async def _accept(listener: socket.socket, house: House, connections: anyio.abc.TaskGroup) -> None:
    most, turn = house.limits.connections + house.limits.refusals, house.limits.turn
    while True:
        await anyio.wait_readable(listener)
        if house.open >= most or not _admit(listener, house, connections, one=turn > 0):
            await anyio.sleep(house.limits.pause)
        elif turn:
            await anyio.sleep(turn)


def _admit(listener: socket.socket, house: House, connections: anyio.abc.TaskGroup, *, one: bool = False) -> bool:
    """Accept all who wait at the door, or the first. False if there is no room for one more."""
    while True:
        try:
            sock, peer = listener.accept()
        except BlockingIOError:
            return True
        except OSError as error:
            if error.errno in EXHAUSTED:
                return False
            continue  # this one left before we opened
        full = house.open >= house.limits.connections and not house.make_room(anyio.current_time())
        try:
            connection = Connection(house, Link(sock, house.limits), _address(peer), _address(sock.getsockname()), overloaded=full)
        except OSError:
            sock.close()
            continue
        connections.start_soon(connection.run)
        if one or house.open >= house.limits.connections + house.limits.refusals:
            return True


def _address(name: object) -> Address:
    """Host and port; a Unix socket has neither."""
    return (str(name[0]), int(name[1])) if isinstance(name, tuple) else None
