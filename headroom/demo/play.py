"""Plays a recorded session through a Handler, as its client would."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from headroom.conversation import Json
from headroom.demo.session import Session, body, fill, seals_given
from headroom.http.message import Handler, Request, once

Clock = Callable[[], float]
"""Seconds, steady."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One request of the player and how it was answered."""

    thread: int
    body: bytes
    status: int
    first_ms: float
    """From the call to the first byte of the answer's body."""


async def play(session: Session, ask: Handler, clock: Clock) -> list[Sent]:
    """Every turn in its order; the seals of each answer come back in the thread's next request."""
    items: list[list[Json]] = [[] for _ in session.heads]
    given: list[list[str]] = [[] for _ in session.heads]
    sent: list[Sent] = []
    for turn in session.turns:
        seals = iter(given[turn.thread])
        held = items[turn.thread] = [*items[turn.thread][: turn.keep], *(fill(item, seals) for item in turn.add)]
        raw = body(session, turn.thread, held)
        status, first_ms, answer = await _ask(ask, request(session, raw), clock)
        given[turn.thread] = list(seals_given(answer)) if status == 200 else []
        sent.append(Sent(turn.thread, raw, status, first_ms))
    return sent


def request(session: Session, raw: bytes) -> Request:
    fields = [(name.encode(), value.encode()) for name, value in session.fields.items()]
    return Request("POST", session.target, [*fields, (b"content-length", b"%d" % len(raw))], once(raw))


async def _ask(ask: Handler, asked: Request, clock: Clock) -> tuple[int, float, bytes]:
    started = clock()
    response = await ask(asked)
    chunks: list[bytes] = []
    first = 0.0
    try:
        async for chunk in response.body:
            first = first or clock()
            chunks.append(chunk)
    finally:
        await response.body.aclose()
    return response.status, ((first or clock()) - started) * 1000, b"".join(chunks)


def added_ms(through: Sequence[Sent], direct: Sequence[Sent]) -> float:
    """Median of what the way through the proxy added, turn by turn."""
    return median(a.first_ms - b.first_ms for a, b in zip(through, direct, strict=True))
