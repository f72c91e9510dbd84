"""JSON lines as programs leave them: a last line cut off, a line of another version, times as text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timezone

from headroom.conversation import Json


def objects(lines: Iterable[bytes]) -> Iterator[Mapping[str, Json] | None]:
    """The object on each line; None for a line that holds none. Blank lines are passed over."""
    for line in lines:
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        yield value if isinstance(value, dict) else None


def seconds(text: Json, before: float) -> float:
    """Seconds since 1970 of an ISO 8601 time; `before` where it is none."""
    if not isinstance(text, str):
        return before
    try:
        # Python 3.10 knows neither "Z" nor fractions of other than three or six digits.
        when = datetime.fromisoformat(text[:19])
    except ValueError:
        return before
    fraction = text[19:].rstrip("Z").partition("+")[0]
    return when.replace(tzinfo=timezone.utc).timestamp() + (float(f"0{fraction}") if _is_fraction(fraction) else 0.0)


def _is_fraction(text: str) -> bool:
    return text.startswith(".") and text[1:].isdecimal()
