"""Bodies by indentation, in any language whose bodies are indented: what stands deeper below a line that opens a function.

A function is opened by a keyword (`def`, `fn`, `func` …), or by a brace behind a closing parenthesis, on its line or on
the next: `int add(int a) {`, `test("adds", () => {`, `): Promise<void> {`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from headroom.compressors.code.base import WRAPPERS, Body, opened

_KEYWORD = re.compile(
    r"(?:@?\w+(?:\([^()]*\))?\s+){0,6}(?:def|func|fn|function\*?|fun|sub|proc|method|constructor|operator)\b(?!\s*[=:.,)])"
)
_BRACE = re.compile(r"\)(?:[^;=(),]*|\s*(?::|->)[^;=()]*|[^;()]*=>\s*)\{$|=>\s*\{$")
"""The end of a line that opens a function; what stands behind the last parenthesis may be a type, but no further argument."""

_OTHER = re.compile(
    r"(?:@\w+(?:\([^()]*\))?\s+|(?:pub(?:\([^()]*\))?|export|default|public|private|protected|internal|static|final|abstract|sealed"
    r"|open|data|partial|unsafe|declare)\s+)*"
    r"(?:\}\s*)?(?:if|else|elif|for|foreach|while|switch|match|case|try|catch|except|finally|with|do|return|when|unless|until|loop|select"
    r"|defer|go|using|lock|synchronized|class|struct|enum|interface|trait|impl|namespace|module|mod|record|object|extension|protocol"
    r"|extern|union|type)\b(?!\s*[=.,])|\}|#"
)
"""Statements that are no functions."""

_ASIDE = re.compile(r"#\s*[a-z]+\b|\w+:$")
"""Directives of the preprocessor and labels stand at the margin, whatever they stand in."""

_DOCSTRING = ('"""', "'''", 'r"""', "r'''")

MAX_LINE = 300
"""Characters of a line that can open a function; a bound for the work of matching one."""

MAX_SIGNATURE = 20
"""Lines of a signature."""


def bodies(lines: Sequence[str], suffix: str) -> Sequence[Body] | None:
    depths = [_depth(line) for line in lines]
    return _below(lines, depths, (0, len(lines)), WRAPPERS) or None


def _below(lines: Sequence[str], depths: Sequence[int], where: tuple[int, int], wrappers: int) -> list[Body]:
    """The bodies among the lines `where`."""
    found: list[Body] = []
    at, stop = where
    while at < stop:
        start = _start(lines, depths, at)
        end = min(_end(lines, depths, at, start), stop) if start is not None else 0
        if start is None or end <= start:
            at += 1
            continue
        inner = partial(_below, lines, depths, (start, end), wrappers - 1)
        found += opened(Body(start, end), len(lines), inner) if wrappers else (Body(start, end),)
        at = end
    return found


def _start(lines: Sequence[str], depths: Sequence[int], at: int) -> int | None:
    """Where the body of the function that line `at` opens starts; None if it opens none."""
    line = lines[at].strip()
    if not line or len(line) > MAX_LINE:
        return None
    if line == "{":
        head = lines[_head(lines, depths, at)]
        return at + 1 if "(" in head and not _OTHER.match(head.strip()) else None
    if line.endswith("{"):
        if line[0] == ")":
            head = lines[_head(lines, depths, at)].strip()
            return at + 1 if _BRACE.search(line) and not _OTHER.match(head) else None
        return at + 1 if (_BRACE.search(line) or _KEYWORD.match(line)) and not _OTHER.match(line) else None
    return _behind(lines, at) if _KEYWORD.match(line) and not line.endswith((";", "}")) else None


def _behind(lines: Sequence[str], at: int) -> int | None:
    """Where a signature that starts with a keyword ends; None if it ends with a brace of its own, which then opens the body."""
    open_brackets = 0
    for start in range(at, min(at + MAX_SIGNATURE, len(lines))):
        line = lines[start].rstrip()
        open_brackets += line.count("(") - line.count(")")
        if open_brackets <= 0:
            following = lines[start + 1].strip() if start + 1 < len(lines) else ""
            if line.endswith("{") or following == "{":
                return None
            return start + 1 + following.startswith(_DOCSTRING)
    return None


def _head(lines: Sequence[str], depths: Sequence[int], at: int) -> int:
    """The first line of the statement that ends in line `at`, as far as indentation tells."""
    for above in range(at - 1, max(at - MAX_SIGNATURE, 0) - 1, -1):
        if depths[above] < 0 or depths[above] < depths[at]:
            return at
        if depths[above] == depths[at] and not lines[above].lstrip().startswith((")", "where", "{")):
            return above
    return at


def _depth(line: str) -> int:
    """Columns of indentation, a tab as four; -1 for a blank line."""
    text = line.lstrip(" \t")
    return len(line[: len(line) - len(text)].expandtabs(4)) if text.strip() else -1


def _end(lines: Sequence[str], depths: Sequence[int], at: int, start: int) -> int:
    """Where what stands deeper than line `at`, from `start` on, ends; blank lines at its end are not part of it."""
    braced = lines[start - 1].rstrip().endswith("{")
    end = last = start
    while end < len(depths) and (depths[end] < 0 or depths[end] > depths[at] or (braced and _ASIDE.match(lines[end]))):
        end += 1
        last = end if depths[end - 1] > depths[at] else last
    return last
