"""Reading JSON of unknown shape: each function answers something harmless where the shape is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from headroom.conversation import Json

_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def objects(value: Json) -> Iterator[tuple[int, Mapping[str, Json]]]:
    """The objects of a list with their positions."""
    if isinstance(value, list):
        for i, item in enumerate(value):
            if isinstance(item, dict):
                yield i, item


def mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def text_of(value: Json) -> str:
    return value if isinstance(value, str) else ""


def tokens_of(value: Json) -> int | None:
    """A count of tokens; true and false are no numbers here."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def compact(value: Json) -> str:
    """What the model reads of a value, for counting; "" for nothing."""
    if value is None:
        return ""
    return value if isinstance(value, str) else _ENCODE(value)
