"""What texts begin with, told from the least and the greatest of them: all others lie between."""

from __future__ import annotations


def common_prefix(low: str, high: str) -> str:
    """What both texts begin with, and so every text from `low` to `high`."""
    size = next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high)))
    return low[:size]
