"""Whether a tool output shows a file, so that an edit must later match it to the letter."""

from __future__ import annotations

import re
from collections.abc import Iterator

from headroom.conversation import Json, Part

READERS = re.compile(r"(?:^|_|\b)(?:read|view|cat|open|get_?file|file_?(?:content|read)|notebook_?read|str_replace\w*|show_?file|fetch_?file)", re.IGNORECASE)
"""Names of tools that show files."""

SHELLS = re.compile(r"bash|shell|exec|terminal|command|run", re.IGNORECASE)

SHOWS = re.compile(
    r"(?:^|[|;&(\n]|\bxargs\b|\bthen\b|\bdo\b|\bsudo\b|-exec\b)\s*(?:\w+=\S*\s+)*(?:\S*/)?"
    r"(?:cat|bat|batcat|head|tail|sed|awk|less|more|nl|tac|xxd|od|hexdump|strings|jq|python3?\s+-m\s+json\.tool|git\s+(?:show|cat-file|blame|diff)|type|Get-Content|gc)\b"
)
"""Commands whose output is, or may be, what a file holds."""

NUMBERED = re.compile(r" *\d+(?:\t|→)")


def is_file_read(part: Part) -> bool:
    """True when in doubt: a wrong yes costs a few tokens, a wrong no an edit that does not match."""
    if NUMBERED.match(part.text):
        return True
    if not part.tool:
        return True
    if SHELLS.search(part.tool):
        commands = list(_strings(part.call))
        return not commands or any(SHOWS.search(command) for command in commands)
    return bool(READERS.search(part.tool))


def _strings(value: Json) -> Iterator[str]:
    """All texts in a tool call's input: where the command line stands differs by client."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name not in ("description", "explanation", "justification"):
                yield from _strings(inner)
    elif isinstance(value, list):
        if value and all(isinstance(item, str) for item in value):
            yield " ".join(value)  # an argument vector
        for inner in value:
            yield from _strings(inner)
