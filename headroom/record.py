"""All there is to say about one exchange, said once.

Written when the last byte has left or the client has; the metrics, the request log, /stats and the
dashboard are all made from it, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from headroom.conversation import Report, Usage
from headroom.mode import Mode
from headroom.prefix import Prefix

CacheState = Literal["hit", "miss", "bypass"]

REFUSALS = frozenset(("TooMany", "OverBudget"))
"""Errors by which the rate limit and the budget refuse."""

NANO = 1_000_000_000
"""In a dollar; sums of money are whole billionths, so that they are exact in any order."""


@dataclass(frozen=True, slots=True)
class PromptCache:
    """What became of the provider's cache with one answer."""

    cause: str = ""
    """One of headroom.cacheguard.Cause; "" where nothing is followed."""
    lost: int = 0
    """Tokens that were paid for again because of a change of ours."""
    lost_usd: float = 0.0
    saved_usd: float = 0.0
    """What reading from the cache cost less than input does."""
    unpriced: int = 0
    """Tokens read from the cache of a model whose price is unknown."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What an exchange came to, in billionths of a dollar (see headroom.cost)."""

    spent: int = 0
    saved: int = 0
    """What it would have cost more without us, which is always an estimate; below 0 where it would have cost less."""
    by_tool: Mapping[str, int] = field(default_factory=dict)
    """Of `saved`, what is due to outputs that were sent for the first time; the rest to those sent before, and to us."""
    unpriced: bool = False
    """No price is known for its model, so nothing of it is in the sums."""
    estimated: bool = False
    """The provider did not say, or not to the end, what it counted."""


@dataclass(frozen=True, slots=True)
class Record:
    """Times in seconds since the epoch (`ts`) or milliseconds (`*_ms`)."""

    ts: float
    request_id: str
    provider: str
    dialect: str
    """"" for a request that passed through unread."""
    model: str
    path: str
    """Without the query: queries can carry keys."""
    stream: bool
    status: int
    """0 if the client left before there was one."""
    report: Report
    tokens_before: int
    """By the report counter: exact where a vocabulary is at hand, else estimated."""
    tokens_after: int
    usage: Usage = field(default_factory=Usage)
    overhead_ms: float = 0.0
    """Ours alone: from the last byte of the request to the first byte sent upstream."""
    ttfb_ms: float | None = None
    total_ms: float = 0.0
    cache: CacheState = "bypass"
    spared: Usage = field(default_factory=Usage)
    """What the provider had counted for an answer that was given again; nothing of it was paid this time."""
    prompt_cache: PromptCache = field(default_factory=PromptCache)
    cost: Cost = field(default_factory=Cost)
    error: str = ""
    """"" or what went wrong, without any content: "Unreachable", "client left", "stream broke"."""
    partial: bool = False
    """The provider holds more of the conversation than the request shows, so its usage tells nothing of our counting."""
    tenant: str = ""
    """Whose tool outputs came (see headroom.proxy.tenants); "" if none was new."""
    prefix: Prefix | None = field(default=None, repr=False)
    """What the request begins with, for whoever follows the provider's prompt cache."""
    credential: int = field(default=0, repr=False)
    """Whose cache that is; a fingerprint that means nothing outside this process."""
    rewritten: bool = False
    """It was decided that something that was sent before is changed now."""
    session: str = ""
    project: str = ""
    client: str = ""
    """Its User-Agent."""
    tags: Mapping[str, str] = field(default_factory=dict)
    request: str = ""
    """The bodies, only under --log-messages; the request log takes secrets out."""
    response: str = ""

    @property
    def tokens_saved(self) -> int:
        return self.tokens_before - self.tokens_after

    @property
    def failed(self) -> bool:
        """A limit that refuses does its work; such requests are counted by the limit."""
        return self.error not in REFUSALS and (self.status >= 500 or self.status == 0 or bool(self.error))


@dataclass(slots=True)
class Draft:
    """What is learned of an exchange while it runs; travels with the request and becomes its Record."""

    request_id: str = ""
    provider: str = ""
    dialect: str = ""
    model: str = ""
    stream: bool = False
    partial: bool = False
    report: Report = field(default_factory=Report)
    tokens_before: int | None = None
    """None: the report's estimate stands."""
    tokens_after: int | None = None
    usage: Callable[[], Usage] = Usage
    cache: CacheState = "bypass"
    spared: Usage = field(default_factory=Usage)
    overhead_ms: float = 0.0
    tenant: str = ""
    mode: Mode = "token"
    """What may be changed of what was sent before."""
    prefix: Prefix | None = field(default=None, repr=False)
    credential: int = field(default=0, repr=False)
    rewritten: bool = False
    before_asking: list[Callable[[bytes], Awaitable[None]]] = field(default_factory=list)
    """Who must agree, given the body that is to be sent, each time before the provider is asked (see layers/admission)."""
    error: str = ""
    request: str = ""
    """The bodies, only under --log-messages."""
    response: Callable[[], str] = str
