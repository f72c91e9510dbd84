"""The two modes: what of a conversation that was already sent may be changed.

"token": also where the provider has nothing of it cached, or where the gain is worth more than the cache. "cache": only
so that a conversation that outgrows the model's window still fits.
"""

from __future__ import annotations

from typing import Literal

Mode = Literal["token", "cache"]

NAMES: dict[str, Mode] = {"token": "token", "cache": "cache", "token_mode": "token", "cache_mode": "cache"}


def mode(text: str) -> Mode:
    """By any of its names. Raises ValueError."""
    found = NAMES.get(text.strip().lower())
    if found is None:
        raise ValueError("must be token or cache")
    return found


def chosen(field: bytes | None, default: Mode) -> Mode:
    """For a request, by its x-headroom-mode field; what is no mode changes nothing."""
    return NAMES.get((field or b"").decode("latin-1").strip().lower(), default)
