"""A glance at a text: some lines of its start and of its middle, few and short enough to be looked at by each compressor."""

from __future__ import annotations

from headroom.compressors.lines.sample import sample

HALF = 1500
"""Characters of each of the two pieces."""

LINES = 14
"""Lines of each piece: a tenth more or less of them decides nothing."""

LENGTH = 500
"""Characters of a line; what a line is shows in its beginning."""


def glance(text: str) -> list[str]:
    """At most 28 lines, none longer than 500 characters. The last line of a short text counts only if it is not empty."""
    lines = sample(text, HALF).removesuffix("\n").split("\n")
    few = lines if len(lines) <= 2 * LINES else lines[:LINES] + lines[-LINES:]
    return [line[:LENGTH] for line in few]
