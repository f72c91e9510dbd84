"""The demonstration: every recorded session, once straight to the model and once through the proxy, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from headroom.conversation import Json
from headroom.demo.model import Model
from headroom.demo.play import Clock, added_ms, play
from headroom.demo.script import Scripts
from headroom.demo.session import Session
from headroom.demo.weigh import Outcome, shortened, weigh
from headroom.http.message import Handler, Request, once


@dataclass(frozen=True, slots=True)
class Way:
    """A model and a way to reach it."""

    model: Model
    ask: Handler


@dataclass(frozen=True, slots=True)
class Fetched:
    """An original that was asked for again by its key."""

    key: str
    characters: int
    equal: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """All figures of one demonstration."""

    outcomes: tuple[Outcome, ...]
    added: tuple[float, ...]
    """Milliseconds that the proxy added until the first byte, median of each session's turns."""
    fetched: Fetched | None
    """None where nothing was shortened."""
    refused: int
    """Requests the model refused because bound reasoning did not fit, or for any other reason."""
    dropped: int
    """Reasoning items the model ignored for that reason."""
    compressors: Mapping[str, Json]
    """The proxy's own account, from GET /stats: tokens by compressor."""
    counter: str
    """How the tokens were counted."""


def scripts_of(sessions: Sequence[Session]) -> Scripts:
    return {name: steps for session in sessions for name, steps in session.scripts.items()}


@dataclass(frozen=True, slots=True)
class Counter:
    name: str
    count: Callable[[str], int]


async def show(sessions: Sequence[Session], direct: Way, through: Way, counter: Counter, clock: Clock) -> Shown:
    outcomes: list[Outcome] = []
    added: list[float] = []
    for session in sessions:
        straight = await play(session, direct.ask, clock)
        seen = len(through.model.requests)
        sent = await play(session, through.ask, clock)
        received = [kept.body for kept in through.model.requests[seen:]]
        outcomes.append(weigh(session, sent, received, counter.count))
        added.append(added_ms(sent, straight))
    stats = await _get(through.ask, "/stats")
    return Shown(
        tuple(outcomes), tuple(added), await _fetch(through.ask, outcomes), len(through.model.refused),
        through.model.dropped_reasoning, stats.get("compression", {}).get("by_compressor", {}),
        counter.name,
    )


async def _fetch(ask: Handler, outcomes: Sequence[Outcome]) -> Fetched | None:
    found = shortened(outcomes)
    if found is None:
        return None
    key, original = found
    answer = await _get(ask, f"/v1/retrieve/{key}")
    return Fetched(key, len(original), answer.get("text") == original)


async def _get(ask: Handler, target: str) -> Mapping[str, Json]:
    response = await ask(Request("GET", target, [], once(b"")))
    try:
        raw = b"".join([chunk async for chunk in response.body])
    finally:
        await response.body.aclose()
    value = json.loads(raw) if response.status == 200 else {}
    return value if isinstance(value, dict) else {}
