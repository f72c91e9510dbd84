"""Follow each conversation's prompt cache at the provider, and say of each drop whose doing it was.

Only one cause is ours: the client's prefix was kept, what we made of it was not. That is a bust; the conversation is
from then on only appended to. Everything else has another explanation, or none that can be seen from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from headroom.conversation import Usage
from headroom.lru import LRU
from headroom.prefix import Prefix, common

Cause = Literal[
    "",             # not followed: no turn of a conversation, or refused
    "first",        # nothing of it was sent before, so nothing is expected
    "parallel",     # the answer before had not begun: a prefix can be read once the answer to it begins
    "unreported",   # the provider says nothing of its cache
    "hit",          # about what was expected was read
    "expired",      # longer ago than the cache lives
    "short",        # nothing to find: below what the provider caches, or the client did not ask it to
    "client",       # the client changed what it had sent before: tools, system text, a turn
    "rewritten",    # we did, on purpose: so that it fits, or because it pays
    "bust",         # we did, and did not mean to
    "unexplained",  # neither did: evicted, routed to another machine, a parameter that counts
]

WRITTEN_ANEW: frozenset[Cause] = frozenset(("first", "parallel", "expired", "client", "rewritten", "bust"))
"""Causes for which nothing was found, though the provider does cache: one that reports no writes has written all of it now."""

LIFETIMES = {"anthropic": 300.0, "openai": 1800.0, "gemini": 300.0}
"""Seconds after the last use: Anthropic's default; OpenAI's from GPT-5.6 on; Gemini promises none, five minutes are a guess."""

LONG = {"anthropic": 3600.0, "openai": 43200.0}
"""Seconds, for requests that ask for it. Where the provider does not say so, the first read after a longer pause does."""

LEAST = 1024
"""Tokens a provider caches at least, where the price table does not say: most models' minimum."""

NEARLY = 0.85
"""Share of what is expected from which a read is a hit: caches work in blocks (OpenAI's have 128 tokens) and up to the
last mark, and our shares are by characters."""

MAX_BYTES = 8 << 20
"""Some thousand conversations of some hundred turns."""
MAX_STANDING, STANDING = 4 << 20, 430
"""Bytes for what is remembered of conversations beyond that, and what one takes: a name, a row, its numbers, two entries of dicts."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How one model's cache works. Seconds, tokens."""

    lifetime: float
    long: float
    minimum: int


def terms(provider: str, minimum: int | None) -> Terms:
    """`minimum` as the price table has it; None where it knows no such model, 0 where it does not say."""
    short = LIFETIMES.get(provider, min(LIFETIMES.values()))
    return Terms(short, LONG.get(provider, short), minimum or LEAST)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose cache it is: no prefix is found across models or across accounts."""

    model: str
    credential: int
    """A fingerprint."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a provider's cache holds of a conversation, as last reported."""

    share: float
    """Of its last request, 0 to 1: the provider counts in tokens of its own, so nothing but their proportion can be told."""
    long: bool = False
    """It is written for the long lifetime."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What there is to say of one answer."""

    cause: Cause
    expected: int = 0
    """Tokens that would have been read had nothing changed and nothing been lost; as far as the client kept its prefix."""
    lost: int = 0
    """Of them, how many our change cost."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One exchange that the provider took. Seconds, by one clock."""

    scope: Scope
    prefix: Prefix
    usage: Usage
    sent: float
    """Lifetimes count from here."""
    answered: float
    """When the answer began."""
    rewritten: bool = False
    """It was decided that something that was sent before is changed now."""


@dataclass(frozen=True, slots=True)
class _State:
    last: Turn
    held: int | None
    """Tokens of it that the provider has cached; None where it says nothing."""
    long: bool = False
    """The cache was asked for its long lifetime, or seen to outlive the short one."""


@dataclass(frozen=True, slots=True)
class _Standing:
    cold: bool = False
    append_only: bool = False
    parts: int = 0
    """Texts of the last request."""
    held: Held | None = None


class CacheGuard:
    """Not locked: it lives on one thread, the event loop's. Bounded, whatever clients send."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._states: LRU[tuple[Scope, str], _State] = LRU(max_bytes, lambda key, state: state.last.prefix.bytes)
        self._standing: LRU[str, _Standing] = LRU(MAX_STANDING, lambda name, standing: STANDING)

    def append_only(self, conversation: str) -> bool:
        """One of our edits has cost this conversation its cache: nothing that was sent is to be changed again."""
        standing = self._standing.get(conversation)
        return standing is not None and standing.append_only

    def cold(self, conversation: str) -> bool:
        """The provider had nothing of the last request cached, though it might have, and has cached nothing of it since."""
        standing = self._standing.get(conversation)
        return standing is not None and standing.cold

    def held(self, conversation: str, parts: int) -> Held | None:
        """What is cached of a conversation whose last request had so many texts. None where the provider says nothing of it, or
        another process asked last."""
        standing = self._standing.get(conversation)
        return None if standing is None or standing.parts != parts else standing.held

    def observe(self, turn: Turn, terms: Terms) -> Verdict:
        """What became of the cache with this turn. In the order in which answers end."""
        key = (turn.scope, turn.prefix.conversation)
        state = self._states.get(key)
        verdict = _verdict(state, turn, terms)
        outlived = state is not None and verdict.cause == "hit" and turn.sent - state.last.sent > terms.lifetime
        long = bool(turn.usage.cache_write_long_tokens) or (state is not None and (state.long or outlived))
        self._stand(turn, verdict, long=long)
        if state is None or turn.sent >= state.last.sent:
            self._states.put(key, _State(turn, _held(turn.usage), long))
        return verdict

    def _stand(self, turn: Turn, verdict: Verdict, *, long: bool) -> None:
        name, usage = turn.prefix.conversation, turn.usage
        before, tokens = self._standing.get(name) or _Standing(), _held(usage)
        written = usage.cache_write_tokens or (usage.cache_write_tokens is None and verdict.cause in WRITTEN_ANEW)
        cold = usage.cache_read_tokens == 0 and not written  # sums, where it took several rounds
        held = None if tokens is None else Held(_share(tokens, usage), long)
        self._standing.put(name, _Standing(cold, before.append_only or verdict.cause == "bust", len(turn.prefix.came), held))


def _read(usage: Usage) -> int | None:
    """Of an answer in several rounds, the first tells of what had been sent before."""
    return (usage.rounds[0] if usage.rounds else usage).cache_read_tokens


def _held(usage: Usage) -> int | None:
    """What a provider has cached of a request: what it read and wrote; all of it where writing is not reported, as there it
    is free and done for everything. None where nothing is reported. Of an answer in several rounds, the last holds all."""
    usage = usage.rounds[-1] if usage.rounds else usage
    read, written, fresh = usage.cache_read_tokens, usage.cache_write_tokens, usage.input_tokens
    if read is None and written is None and fresh is None:
        return None
    return (read or 0) + (fresh or 0 if written is None else written)


def _share(held: int, usage: Usage) -> float:
    usage = usage.rounds[-1] if usage.rounds else usage
    whole = (usage.cache_read_tokens or 0) + (usage.cache_write_tokens or 0) + (usage.input_tokens or 0)
    return min(1.0, held / whole) if whole else 0.0


def _verdict(state: _State | None, now: Turn, terms: Terms) -> Verdict:
    if state is None:
        return Verdict("first")
    if now.sent < state.last.answered:
        return Verdict("parallel")
    shares, read = common(state.last.prefix, now.prefix), _read(now.usage)
    ours = shares.left < shares.came
    held = state.held or 0
    expected = round(held * shares.came)
    if held and read is not None and read >= NEARLY * (expected if ours else held):
        return Verdict("hit", expected)
    if now.sent - state.last.sent > (terms.long if state.long else terms.lifetime):
        return Verdict("expired")
    if state.held is not None and (expected if ours else held) < terms.minimum:
        return Verdict("short")
    if ours:
        # Without a word from the provider, all behind our change is taken for lost.
        return Verdict("rewritten" if now.rewritten else "bust", expected, max(0, expected - (round(held * shares.left) if read is None else read)))
    if read is None or state.held is None:
        return Verdict("unreported", expected)
    return Verdict("client" if shares.came < 1 else "unexplained", expected)
