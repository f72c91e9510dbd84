"""The server's end of one accepted socket.

It works on the socket itself and waits for readiness: a transport in between would buffer what the kernel
does not take, out of our sight, and cost a trip through the event loop for every chunk.
"""

from __future__ import annotations

import socket
import struct

import anyio
import anyio.lowlevel

from headroom.http.limits import Limits

RECEIVE = 64 << 10
"""Bytes asked of the kernel at once; the usual size of its socket buffers' steps."""
BURST = 16
"""Sends in a row that never had to wait, after which others get their turn."""
LINGER_BYTES = 4 << 20
"""Input thrown away after the last answer; a client that sends more than this is not going to listen."""
RESET = struct.pack("ii", 1, 0)


class Link:
    def __init__(self, sock: socket.socket, limits: Limits) -> None:
        sock.setblocking(False)
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if hasattr(socket, "TCP_NOTSENT_LOWAT"):
                # Bounds what the kernel holds for a client that does not read, not what is under way to one that does.
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, limits.buffer)
        self._sock = sock
        self._limits = limits
        self._more = False
        self._burst = 0

    async def receive(self) -> bytes:
        """The next bytes, b"" at the end. Raises OSError when the connection was reset."""
        if self._more:
            await anyio.lowlevel.checkpoint()
        else:
            await anyio.wait_readable(self._sock)
        while True:
            try:
                data = self._sock.recv(RECEIVE)
            except BlockingIOError:
                await anyio.wait_readable(self._sock)
            else:
                self._more = len(data) == RECEIVE
                return data

    @property
    def silent(self) -> bool:
        """Whether nothing has arrived that was not read yet."""
        try:
            self._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    async def send(self, data: bytes) -> None:
        """Hand everything to the kernel. Raises OSError when the client has left or does not read."""
        try:
            sent = self._sock.send(data)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            await self._push(memoryview(data)[sent:])
            return
        self._burst += 1
        if self._burst >= BURST:
            self._burst = 0
            await anyio.lowlevel.checkpoint()

    async def _push(self, data: memoryview) -> None:
        self._burst = 0
        while data:
            with anyio.move_on_after(self._limits.write) as patience:
                await anyio.wait_writable(self._sock)
            if patience.cancelled_caught:
                raise TimeoutError("the client does not read its answer")
            try:
                data = data[self._sock.send(data) :]
            except BlockingIOError:
                continue

    async def linger(self) -> None:
        """Say that nothing follows, and let the client read what did: closing over unread input resets."""
        with anyio.move_on_after(self._limits.linger):
            try:
                self._sock.shutdown(socket.SHUT_WR)
                thrown = 0
                while thrown < LINGER_BYTES and (data := await self.receive()):
                    thrown += len(data)
            except OSError:
                return

    def reset(self) -> None:
        """Let the close be seen as a failure by a client that could take it for the end of an answer."""
        try:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        except OSError:
            return

    def close(self) -> None:
        self._sock.close()
