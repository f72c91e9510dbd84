"""Whether a text is a log, told by how its lines begin: with a time, as a rule."""

from __future__ import annotations

import re

from headroom.compressors.lines.sample import sample

STAMP = re.compile(
    r"\W{0,2}(?:\d{4}[-/.]\d\d[-/.]\d\d|\d\d?[/.:-]\d\d?[/.: -]\d\d|[A-Z][a-z]{2} [ \d]\d |\d{6,10}[. ]|[A-Z] ?\d{4} )"
    r"|\[?[A-Z][a-z]{2} [A-Z][a-z]{2} +\d|\d+:[A-Z] \d|[\da-f.:]{7,39} \S+ \S+ \[\d"
)
"""A date, a time of day, seconds since the epoch; Redis' process and role, or the client's address in an access log, before it."""

HALF = 1500
"""Characters of each half of the sample."""

LEAST = 8
"""Lines by which a text is judged, at least; indented lines belong to those above them and do not count."""


def share_stamped(text: str) -> float:
    """Of the lines of a sample, how many begin with a time."""
    lines = [line for line in sample(text, HALF).split("\n") if line and not line[0].isspace()]
    return sum(map(bool, map(STAMP.match, lines))) / max(LEAST, len(lines))
