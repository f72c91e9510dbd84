"""A kept answer as bytes, for stores that are not in this process.

A line of JSON about it, then its pieces one behind the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from headroom.conversation import Json, Usage
from headroom.errors import StoreError
from headroom.stores.answers import Facts, Kept

FORM = 1
"""Answers that were written in another form are not there."""


def encoded(kept: Kept) -> bytes:
    """Without the time: clocks of processes differ."""
    facts = kept.facts
    head = {
        "form": FORM, "status": kept.status, "fields": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in kept.fields],
        "sizes": [len(chunk) for chunk in kept.chunks], "of": [facts.provider, facts.dialect, facts.model, facts.stream],
        "tokens": [facts.tokens_before, facts.tokens_after], "usage": _plain(facts.usage),
    }
    return b"".join((json.dumps(head, separators=(",", ":")).encode(), b"\n", *kept.chunks))


def decoded(data: bytes, at: float) -> Kept | None:
    """`at`: when it was complete, by the reader's clock. None for one in another form. Raises StoreError."""
    line, end, pieces = data.partition(b"\n")
    try:
        if not end:
            raise ValueError(len(line))
        head = json.loads(line)
        if head["form"] != FORM:
            return None
        provider, dialect, model, stream = head["of"]
        before, after = head["tokens"]
        facts = Facts(provider, dialect, model, stream, before, after, _usage(head["usage"]))
        fields = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in head["fields"])
        return Kept(head["status"], fields, tuple(_cut(pieces, head["sizes"])), at, facts)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise StoreError("a kept answer is damaged") from None


def _cut(data: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    if sum(sizes) != len(data):
        raise ValueError(len(data))
    start = 0
    for size in sizes:
        yield data[start : start + size]
        start += size


def _plain(usage: Usage) -> list[Json]:
    return [
        usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.cache_write_tokens, usage.cache_write_long_tokens,
        [_plain(one) for one in usage.rounds],
    ]


def _usage(plain: Sequence[Json]) -> Usage:
    *counts, long, rounds = plain
    return Usage(*counts, cache_write_long_tokens=long, rounds=tuple(_usage(one) for one in rounds))
