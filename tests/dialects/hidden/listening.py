"""Ears at work."""

from __future__ import annotations

from collections.abc import Iterable

from headroom.dialects.hidden.base import Ear, Round, Told


def through(ear: Ear, answers: Iterable[bytes], size: int = 1 << 30) -> tuple[bytes, list[Round], Told]:
    """What a client gets of these answers, each of which comes in pieces of that size, and what was heard in them."""
    out, ends = b"", []
    for answer in answers:
        out += b"".join(ear.feed(answer[i : i + size]) for i in range(0, len(answer), size))
        ends.append(ear.end())
    return out + ear.finish(), ends, ear.told()
