"""How much, and how long, the server waits for a client: every number it lives by, in one place."""

from __future__ import annotations

from dataclasses import dataclass

TURN = 0.001
"""Seconds; a process that serves a thousand requests a second is a fast one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Sizes in bytes, times in seconds."""

    max_head: int = 64 << 10
    """Request line and fields together. nginx and Go allow 32 KB to 1 MB; agents send up to 8 KB."""
    max_fields: int = 256
    max_target: int = 32 << 10
    max_method: int = 32
    """The longest method registered with IANA has 17 letters."""
    max_chunk_line: int = 4 << 10
    """Chunk extensions are dropped; nobody sends one that is longer."""
    max_trailers: int = 16 << 10
    max_body: int = 1 << 40
    """Only a bound that no counter can overflow: what a route accepts, the route decides (--max-body)."""
    buffer: int = 128 << 10
    """Read ahead, and again at most as much not yet sent, for each connection."""

    connections: int = 1000
    """Served at once; whoever comes above it is told so by the application (--limit-concurrency)."""
    refusals: int = 128
    """Connections above that number which may be told at the same time; the next one waits to be accepted."""

    head: float = 10.0
    """From the first byte of a head to its last one, however they are spread."""
    body: float = 30.0
    """A body may take this long before `body_rate` is asked of it, as in Apache's mod_reqtimeout."""
    body_rate: float = 1024.0
    """Bytes a second."""
    idle: float = 75.0
    """Between two requests: longer than the 60 s of common load balancers, so that they close first."""
    write: float = 60.0
    """Until a client that does not read takes one more byte."""
    half_close: float = 0.25
    """A client that hung up and one that only finished sending look alike: an answer that is ready
    within this time is still sent, anything later is cancelled."""
    linger: float = 1.0
    """After the last answer, for the client to read it before unread input makes the kernel reset (RFC 9112 §9.6)."""
    drain: float = 30.0
    """From the wish to stop to the end of the last answer; Kubernetes and gunicorn allow 30 s."""
    pause: float = 0.1
    """Before the next accept, when there was no file descriptor left for it."""
    turn: float = 0.0
    """Between two accepts, where other processes accept from the same socket (TURN): whoever wakes first would take all who
    wait, and keep them for as long as they stay connected. 0: take them all."""
