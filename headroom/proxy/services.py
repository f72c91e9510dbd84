"""What an exchange needs from the composition root."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from headroom.cacheguard import Held
from headroom.conversation import Address, Conversation
from headroom.http.message import Request
from headroom.learning.pins import Pin
from headroom.mode import Mode
from headroom.patterns import How
from headroom.proxy.compression import Compression
from headroom.proxy.intake import Intake
from headroom.proxy.refitting import never, unheld


async def alone(request: Request) -> str:
    """There is but one tenant."""
    return ""


async def nothing(request: Request, texts: Mapping[str, str]) -> Mapping[str, str]:
    """All has been kept."""
    return {}


@dataclass(frozen=True, slots=True)
class Services:
    """One for all exchanges of a process."""

    compression: Compression
    intake: Intake
    keep: Callable[[Request, Mapping[str, str]], Awaitable[None]]
    """Store originals under the caller's tenant. Raises StoreError."""
    pinned: Callable[[Request, Conversation, Mapping[int, str]], Awaitable[Pin | None]]
    """Find what was learned before the caller's conversation began."""
    original: Callable[[Request, str, How, str | None], Awaitable[str | None]]
    """The text under a key, asked for by the model: the request's own, if that is given, else the stored one. Raises StoreError."""
    recount: Callable[[Conversation, Mapping[Address, str]], Awaitable[tuple[int, int] | None]]
    """Exact tokens before and after, where a vocabulary is at hand; None where the estimate stands."""
    exact: Callable[[], bool]
    """Whether `recount` has anything to say."""
    mishap: Callable[[str], None]
    """Count something that went wrong without harm to the request, by name."""
    clock: Callable[[], float]
    """Seconds, steady."""
    mode: Mode = "token"
    """What of a conversation may be changed that was sent before; a request may ask for the other."""
    cold: Callable[[str], bool] = never
    """By the key of its opening: the provider has nothing of a conversation cached."""
    held: Callable[[str, int], Held | None] = unheld
    """By that key and the number of texts in its last request: what the provider has cached of a conversation."""
    owner: Callable[[Request], Awaitable[str]] = alone
    """The tenant whose originals the caller gets. Raises StoreError."""
    unkept: Callable[[Request, Mapping[str, str]], Awaitable[Mapping[str, str]]] = nothing
    """Those of texts, by key, that have not been stored under the caller's tenant. Raises StoreError."""
    optimize: bool = True
    log_messages: bool = False
    """Keep both bodies for the request log, which takes secrets out."""
