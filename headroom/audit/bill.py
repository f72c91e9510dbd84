"""What requests came to, in tokens and dollars, and how the tokens of a model relate to our estimate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from headroom.audit.cache import Tokens
from headroom.conversation import Usage
from headroom.prices import Model, Rates
from headroom.tokens import BOUNDS, LEAST, starting_factor

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Bill:
    """Sums over requests; bills add up."""

    requests: int = 0
    fresh: int = 0
    read: int = 0
    written: int = 0
    output: int = 0
    input_usd: float = 0.0
    output_usd: float = 0.0
    unpriced: int = 0
    """Requests whose model is in no price table."""

    @property
    def input(self) -> int:
        return self.fresh + self.read + self.written

    @property
    def usd(self) -> float:
        return self.input_usd + self.output_usd

    def __add__(self, other: Bill) -> Bill:
        return Bill(*(getattr(self, name) + getattr(other, name) for name in _NAMES))


_NAMES = tuple(field.name for field in fields(Bill))


def bill(tokens: Tokens, output: int, model: Model | None, *, hour: bool = False) -> Bill:
    """Of one request; `hour`: what it wrote to the cache was to stay for an hour."""
    if model is None:
        return Bill(1, tokens.fresh, tokens.read, tokens.written, output, unpriced=1)
    rates = model.at(tokens.all)
    paid = tokens.fresh * rates.input + tokens.read * rates.read + tokens.written * written_rate(rates, hour=hour)
    return Bill(
        1, tokens.fresh, tokens.read, tokens.written, output, paid / MILLION, output * rates.output / MILLION,
    )


def written_rate(rates: Rates, *, hour: bool) -> float:
    """A provider that takes no fee for writing charges what is written as input."""
    return (rates.write_long if hour else rates.write_short) or rates.input


def reported(usage: Usage, model: Model | None, *, hour: bool = False) -> Bill:
    """The bill the provider's own figures make."""
    tokens = Tokens(usage.input_tokens or 0, usage.cache_read_tokens or 0, usage.cache_write_tokens or 0)
    return bill(tokens, usage.output_tokens or 0, model, hour=hour)


@dataclass(frozen=True, slots=True)
class Seen:
    """One request's input, as the provider counted it and as we estimate what the file shows."""

    thread: int
    model: str
    reported: int | None
    estimated: int


@dataclass(frozen=True, slots=True)
class Scale:
    """From estimates to a model's tokens."""

    factor: float
    hidden: int
    """Tokens that every request had and the file does not show: tool definitions, system prompt."""
    measured: bool
    """From the file's own usage; else the factor is a table's and nothing is known to be hidden."""


def scale(seen: Iterable[Seen], *, whole: bool = False) -> Scale:
    """The factor from how threads grew, what is hidden from how the first request exceeds its estimate.

    `whole`: the file shows all that was sent, so nothing is hidden.
    """
    rows = [row for row in seen if row.reported]
    if not rows:
        return Scale(1.0, 0, False)
    grown, estimated = _growth(rows)
    low, high = BOUNDS
    known = estimated >= LEAST
    factor = min(max(grown / estimated, low), high) if known else starting_factor(rows[0].model)
    hidden = 0 if whole else max(0, round((rows[0].reported or 0) - factor * rows[0].estimated))
    return Scale(factor, hidden, known)


def _growth(rows: Iterable[Seen]) -> tuple[int, int]:
    """What threads grew by from request to request: reported, estimated. Where one shrank, something was left out of it."""
    last: dict[int, Seen] = {}
    grown = estimated = 0
    for row in rows:
        before = last.get(row.thread)
        if before is not None and (row.reported or 0) >= (before.reported or 0) and row.estimated >= before.estimated:
            grown += (row.reported or 0) - (before.reported or 0)
            estimated += row.estimated - before.estimated
        last[row.thread] = row
    return grown, estimated
