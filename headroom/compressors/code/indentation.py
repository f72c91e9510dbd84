"""Bodies by indentation, in any language whose bodies are indented: what stands deeper below a line that defines something."""

from __future__ import annotations

import re
from collections.abc import Sequence

from headroom.compressors.code.base import Body

_DEFINES = re.compile(
    r"(?:@?\w+(?:\([^()]*\))?\s+){0,6}(?:def|func|fn|function\*?|fun|sub|proc|method|constructor|operator)\b"
    r"|(?:export\s+)?(?:default\s+)?(?:const|let|var)\s+\w+[^=\n]*=\s*(?:async\s*)?(?:function\b|\([^()]*\)[^=\n]*=>|\w+\s*=>)"
    r"|(?:[\w<>\[\],.*&:~?]+\s+){1,6}[\w~:]+\s*\([^;]*\)[^;=]*\{\s*$|(?:async\s+|static\s+|get\s+|set\s+|#)*\w+\s*\([^;()]*\)\s*(?::[^;{]+)?\{\s*$"
)
"""A line that opens a function: by a keyword, as a value, or as C and its like do; classes and the like are not left out."""

_CONTROL = re.compile(r"(?:\}\s*)?(?:if|else|elif|for|while|switch|match|case|try|catch|except|finally|with|do|return|when|unless|loop|select|defer|go|class|struct|enum|interface|trait|impl|namespace|module|extern|union|type)\b")
MAX_LINE = 300
"""Characters of a line that can open a function; a bound for the work of matching one."""


def bodies(lines: Sequence[str], suffix: str) -> Sequence[Body] | None:
    found: list[Body] = []
    depths = [_depth(line) for line in lines]
    at = 0
    while at < len(lines):
        line = lines[at].strip()
        if not line or len(line) > MAX_LINE or _CONTROL.match(line) or not _DEFINES.match(line):
            at += 1
            continue
        end, start = _end(depths, at), at + 1
        if end < len(lines) and lines[end].lstrip().startswith(")"):  # where the signature ends
            end, start = _end(depths, end), end + 1
        while start < end and _opens(lines, at, start):  # a signature over several lines
            start += 1
        if end > start:
            found.append(Body(start, end))
        at = max(end, at + 1)
    return found or None


def _depth(line: str) -> int:
    """Columns of indentation, a tab as four; -1 for a blank line."""
    text = line.lstrip(" \t")
    return len(line[: len(line) - len(text)].expandtabs(4)) if text.strip() else -1


def _end(depths: Sequence[int], at: int) -> int:
    """Where what stands deeper than line `at` ends; blank lines at its end are not part of it."""
    end = last = at + 1
    while end < len(depths) and (depths[end] < 0 or depths[end] > depths[at]):
        end += 1
        last = end if depths[end - 1] >= 0 else last
    return last


def _opens(lines: Sequence[str], at: int, start: int) -> bool:
    """Whether the signature that begins at `at` goes on in line `start`: brackets are open, as far as can be seen."""
    said = "".join(lines[at:start])
    return start - at < 20 and said.count("(") > said.count(")")
