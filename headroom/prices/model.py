"""One model's rates, price tier, window and cache, and what a request to it costs."""

from __future__ import annotations

from dataclasses import dataclass

from headroom.conversation import Usage

WINDOW = 128_000
"""Tokens of input to count on where a model is unknown: the least that current models with tools offer."""
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Rates:
    """USD per million tokens."""

    input: float
    output: float
    read: float
    """Input read from the provider's cache."""
    write_short: float
    """Input written to the cache for its short lifetime: 5 min at Anthropic, 30 min at OpenAI."""
    write_long: float
    """For the long one: 1 h at Anthropic, 12 h at OpenAI."""


@dataclass(frozen=True, slots=True)
class Model:
    """One row of the table."""

    name: str
    rates: Rates
    tier_from: int | None
    """Input tokens above which the whole request, its output too, is charged at `tier`."""
    tier: Rates | None
    window: int
    """Most input tokens, as the source states them; with some models the output counts against it too."""
    max_output: int
    cache_min: int
    """Fewest tokens the provider caches."""
    binds: bool
    """Reasoning is bound to the exact prefix: after an edit of what was sent before it is refused, or lost."""
    clears: bool
    """The provider clears old tool results itself when asked (Anthropic's context_management)."""
    batch: float
    """Factor on all rates in batches; 1 where none are offered."""
    source: str
    effective_from: str
    """ISO date from which these prices are known to hold."""

    def at(self, input_tokens: int) -> Rates:
        """The rates of a request with so much input in all, cached or not."""
        if self.tier is not None and self.tier_from is not None and input_tokens > self.tier_from:
            return self.tier
        return self.rates

    def cost(self, usage: Usage, *, long: bool = False) -> float:
        """USD; `long` if all that was written to the cache has the long lifetime, whatever the usage says of it."""
        fresh, read, written = usage.input_tokens or 0, usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
        rates = self.at(fresh + read + written)
        lasting = written if long else min(written, usage.cache_write_long_tokens or 0)
        writes = (written - lasting) * rates.write_short + lasting * rates.write_long
        total = fresh * rates.input + read * rates.read + writes + (usage.output_tokens or 0) * rates.output
        return total / MILLION
