"""Hears answers in which the model may call our tool, with what this request has at hand to answer it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from headroom import ccr, weaving
from headroom.conversation import Json, Usage
from headroom.dialects.hidden.base import Elements, Exchange, Hidden
from headroom.errors import StoreError
from headroom.http.message import Request, Response
from headroom.patterns import How
from headroom.proxy import refusal
from headroom.proxy.compression import SHARE_ON_LOOP
from headroom.proxy.prepared import Prepared, Reading
from headroom.proxy.refitting import left_out
from headroom.proxy.rounds import Means, Rounds, is_plain
from headroom.proxy.services import Services

RETAINED = 4
"""Times its size that a sent body takes while the answer comes: as it came and as it was sent, its texts, its places."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Of one exchange."""

    services: Services
    usage: Callable[[Json], Usage | None]
    """Dialect.usage."""
    ask: Callable[[bytes], Awaitable[Response]]
    """Ask the provider again, with another body."""


async def heard(
    request: Request, response: Response, prepared: Prepared, around: Circumstances
) -> tuple[Response, Callable[[], Usage] | None]:
    """The answer as the client gets it, and the usage of all it was made of; None where it is relayed as it comes."""
    reading, services = prepared.reading, around.services
    kind = (response.get(b"content-type") or b"").lower()
    events = kind.startswith(b"text/event-stream")
    if reading is None or response.status != 200 or not (events or kind.startswith(b"application/json")):
        return response, None
    hidden = _hidden(reading, request, prepared)
    if hidden is None:
        return response, None
    if not is_plain(response):
        services.mishap("encoding")
        return response, None
    size = RETAINED * max(len(prepared.body), reading.size)
    stored: list[str] = []
    """Keys of originals that came from the store, and not from this request."""
    held = [_Held(prepared, reading)] if services.intake.retain(size) else []

    def let_go() -> None:
        if held:
            held.clear()
            services.intake.release(size)

    async def ask(elements: Elements) -> Response:
        (sent,) = held
        body = await services.compression.aside(
            len(sent.body) // SHARE_ON_LOOP, lambda: weaving.appended(sent.body, sent.turns, elements),
        )
        # A stream has begun by then: the client sees of a refusal that there was one.
        answer = await around.ask(body)
        return answer if events else await refusal.told(answer, sent.made, services.compression.aside)

    async def original(key: str, how: How) -> str | None:
        own = await services.compression.aside(size // RETAINED, lambda: _own(held, key))
        try:
            text = await services.original(request, key, how, own)
        except StoreError:
            services.mishap("originals")
            return None
        if own is None and text is not None:
            stored.append(key)
        return text

    end = reading.keys.end

    async def remember(text: str, exchange: Exchange) -> None:
        try:
            await services.compression.recall.remember(end, text, exchange, await services.owner(request) if stored else "")
        except StoreError:
            services.mishap("journal")

    rounds = Rounds(Means(hidden, around.usage, ask, original, remember, let_go, may_go_on=bool(held)), stream=events)
    return await rounds.through(response), rounds.usage


class _Held:
    """What is kept of a request until its answer has ended."""

    def __init__(self, prepared: Prepared, reading: Reading) -> None:
        assert reading.seams is not None
        self.body, self.turns, self.parts = prepared.body, reading.seams.turns, reading.conversation.parts
        self.fitted, self.made = prepared.fitted, refusal.made(prepared)


def _hidden(reading: Reading, request: Request, prepared: Prepared) -> Hidden | None:
    """How calls of our tool are heard in this answer; None where there can be none, or it cannot be made of several."""
    if reading.seams is None or not prepared.offered:
        return None
    hidden = reading.seams.hidden
    return hidden if hidden.fits(reading.document.get, request.target) else None


def _own(held: list[_Held], key: str) -> str | None:
    return (ccr.find(held[0].parts, key) or left_out(held[0].fitted, key)) if held else None
