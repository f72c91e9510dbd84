"""Reads rows of the price table: our own JSON, strictly, and litellm's, as far as it says enough."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from typing import Any

from headroom.errors import SettingsError
from headroom.prices.model import WINDOW, Model, Rates

RATES = tuple(f.name for f in fields(Rates))
MEMBERS = {*RATES, "tier", *(f.name for f in fields(Model))} - {"name", "rates", "tier_from"}
MAX_OUTPUT = 32_000
"""Tokens, where nobody says: current models write at least so much."""
BINDS = True
"""Where nobody says: a needless "yes" forgoes a saving, a wrong "no" gets requests refused."""
BATCH = 0.5
"""All three vendors halve their prices for batches."""
MILLION = 1_000_000


def row(name: str, given: Any, base: Model | None, day: str) -> Model:
    """One entry; what it does not say is as in `base`. Raises SettingsError that names entry and member."""
    entry = _mapping(name, given, MEMBERS)
    default = base or Model(name, Rates(0, 0, 0, 0, 0), None, None, WINDOW, MAX_OUTPUT, 0, BINDS, False, BATCH, "", day)
    known = None if base is None else base.rates
    tier_from, tier = _tier(name, entry["tier"], base) if "tier" in entry else (default.tier_from, default.tier)
    return Model(
        name, _rates(name, entry, known), tier_from, tier,
        _count(name, entry, "window", default.window, least=1), _count(name, entry, "max_output", default.max_output, least=1),
        _count(name, entry, "cache_min", default.cache_min), _flag(name, entry, "binds", default.binds),
        _flag(name, entry, "clears", default.clears), _number(name, "batch", entry.get("batch", default.batch)),
        _text(name, "source", entry.get("source", "an override")), iso(name, entry.get("effective_from", day)),
    )


def _tier(name: str, given: Any, base: Model | None) -> tuple[int | None, Rates | None]:
    if given is None:
        return None, None
    entry = _mapping(f"{name}: tier", given, {"from", *RATES})
    start = _count(f"{name}: tier", entry, "from", -1 if base is None or base.tier_from is None else base.tier_from)
    if start < 0:
        raise SettingsError(f"prices: {name}: tier: from is missing")
    return start, _rates(f"{name}: tier", entry, None if base is None else base.tier)


def _rates(where: str, entry: Mapping[str, Any], base: Rates | None) -> Rates:
    """Without a fee of its own, what is written to a cache or read from it costs what other input does."""
    given = {member: _number(where, member, entry[member]) for member in RATES if member in entry}
    if base is None:
        for member in ("input", "output"):
            if member not in given:
                raise SettingsError(f"prices: {where}: {member} is missing")
        given = {"read": given["input"], "write_short": given["input"], **given}
        return Rates(**{"write_long": given["write_short"], **given})
    return Rates(**{**{member: getattr(base, member) for member in RATES}, **given})


def _mapping(where: str, given: Any, members: set[str]) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise SettingsError(f"prices: {where}: must be an object, not {given!r:.60}")
    if unknown := sorted(given.keys() - members):
        raise SettingsError(f"prices: {where}: {unknown[0]} is not a member; there are {', '.join(sorted(members))}")
    return given


def _number(where: str, member: str, given: Any) -> float:
    if not isinstance(given, (int, float)) or isinstance(given, bool) or not 0 <= given < math.inf:
        raise SettingsError(f"prices: {where}: {member} must be a number of at least 0, not {given!r:.60}")
    return float(given)


def _count(where: str, entry: Mapping[str, Any], member: str, default: int, least: int = 0) -> int:
    given = entry.get(member, default)
    if member in entry and (not isinstance(given, int) or isinstance(given, bool) or given < least):
        raise SettingsError(f"prices: {where}: {member} must be a whole number of at least {least}, not {given!r:.60}")
    return int(given)


def _flag(where: str, entry: Mapping[str, Any], member: str, default: bool) -> bool:
    given = entry.get(member, default)
    if not isinstance(given, bool):
        raise SettingsError(f"prices: {where}: {member} must be true or false, not {given!r:.60}")
    return given


def _text(where: str, member: str, given: Any) -> str:
    if not isinstance(given, str):
        raise SettingsError(f"prices: {where}: {member} must be a text, not {given!r:.60}")
    return given


def iso(where: str, given: Any) -> str:
    """A date as YYYY-MM-DD, which sorts as it should; newer Pythons parse other spellings too."""
    try:
        if isinstance(given, str) and date.fromisoformat(given).isoformat() == given:
            return given
    except ValueError:
        pass
    raise SettingsError(f"prices: {where}: a date must be YYYY-MM-DD, not {given!r:.60}")


def from_litellm(name: str, given: Any, day: str) -> Model | None:
    """A row of litellm's model_cost; None if it is no text model or says too little."""
    if not isinstance(given, Mapping) or given.get("mode") not in ("chat", "responses", "completion"):
        return None
    rates = _litellm_rates(given, "")
    if rates is None:
        return None
    tiers = sorted(int(found[1]) for key in given if (found := re.fullmatch(r"input_cost_per_token_above_(\d+)k_tokens", key)))
    tier = _litellm_rates(given, f"_above_{tiers[0]}k_tokens") if tiers else None
    return Model(
        name, rates, tiers[0] * 1000 if tier is not None else None, tier,
        _whole(given, "max_input_tokens") or WINDOW, _whole(given, "max_output_tokens") or MAX_OUTPUT,
        _whole(given, "prompt_cache_min_tokens"),
        BINDS and bool(given.get("supports_reasoning")), given.get("litellm_provider") == "anthropic", BATCH, "litellm", day,
    )


def _litellm_rates(given: Mapping[str, Any], suffix: str) -> Rates | None:
    """USD a token → a million. Its tier keys repeat the plain ones with a suffix."""

    def rate(key: str, default: float | None) -> float | None:
        value = given.get(f"{key}{suffix}")
        fine = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < math.inf
        return round(value * MILLION, 6) if fine else default  # type: ignore[operator]  # `fine` says that it is a number

    fresh, output = rate("input_cost_per_token", None), rate("output_cost_per_token", None)
    if fresh is None or output is None:
        return None
    read, short = rate("cache_read_input_token_cost", fresh), rate("cache_creation_input_token_cost", fresh)
    hour, half_day = (rate(f"cache_creation_input_token_cost_above_{time}", None) for time in ("1hr", "12hr"))
    assert read is not None
    assert short is not None
    return Rates(fresh, output, read, max(short, fresh), max(hour or half_day or short, fresh))


def _whole(given: Mapping[str, Any], key: str) -> int:
    value = given.get(key)
    return int(value) if isinstance(value, (int, float)) and 0 < value < 1e12 else 0
