"""Outline of a source file: everything but the bodies of functions, under their own line numbers.

    def total(items):                  def total(items):
        \"\"\"What they cost.\"\"\"             \"\"\"What they cost.\"\"\"
        found = 0                      … 3-12
        …
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import groupby

from headroom.compressors.base import Compressed, TooCostly
from headroom.compressors.code.base import Body, Method
from headroom.compressors.lines import view
from headroom.compressors.lines.folds import lines_named
from headroom.compressors.lines.numbering import Lines, lines_of

MAX_CHARS = 2_000_000
"""No source file that people read is a tenth as long."""

SHORT_BODY = 3
"""Lines of a body that say no less than the sign for their gap."""

ASKED_SHARE = 0.3
"""Share of the lines that bodies which the question names may take."""

LONG_COMMENT, LONG_VALUE, LONG_CLASS = 6, 12, 60
"""Lines of a run outside of functions from which it is cut: of a comment; of a value, a table; of what a class or a type declares."""

HEAD, TAIL, SIGNATURE = 2, 1, 5
"""Lines of such a run that are shown: before its gap, behind it, and behind it where a function's body follows."""

_DECLARES = re.compile(
    r"[^=(]*\b(?:class|interface|struct|enum|union|trait|impl|protocol|extension|namespace|module|mod|object|record|type|extern|typedef)\b"
)
"""What opens a run of members."""

_SAYS = re.compile(
    r"\s*(?:@|\)[^,;]*[{:]$|#\s*[a-z!\[]|(?:export|import|from|use|using|include|require|pub|public|private|protected|internal|static"
    r"|abstract|final|async|override|virtual|readonly|def|func|fn|fun|function|class|interface|struct|enum|union|trait|impl|type)"
    r"\b(?!\s*[:=,.(?]))"
)
"""Lines that are part of an outline wherever they stand, unless in a comment."""

_COMMENT = ("//", "/*", "* ", "*/", "# ", "##", "--", "///")
_INDENTED = (" ", "\t", "'", '"')
"""What values and members start with."""

MAX_LINE = 300
"""Characters of a line that are looked at for what it declares."""

_SUFFIX = re.compile(r"\.[A-Za-z]{1,5}\Z")

SOURCES = frozenset((
    ".py", ".pyi", ".js", ".jsx", ".mjs", ".cjs", ".ts", ".mts", ".tsx", ".rs", ".go", ".java", ".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".hh", ".kt", ".swift",
    ".rb", ".php", ".cs", ".scala", ".lua", ".sh", ".dart",
))
"""Suffixes of languages whose bodies are found, by one method at least."""


def suffix_of(path: str) -> str:
    """The suffix that tells the language; "" if the path is no source file."""
    found = _SUFFIX.search(path)
    suffix = found[0].lower() if found else ""
    return suffix if suffix in SOURCES else ""


def outline(text: str, suffix: str, query: str, methods: Sequence[Method]) -> Compressed | None:
    """The outline by the first method that can read the text; None if none can or nothing is left out."""
    if len(text) > MAX_CHARS:
        raise TooCostly("too long for an outline")
    rows = text.split("\n")
    lines = lines_of(rows)
    contents = [line or "" for line in lines.contents]
    bodies = next((found for method in methods if (found := method(contents, suffix)) is not None), None)
    if bodies is None:
        return None
    named = lines_named("\n".join(contents), query)
    hidden: set[int] = set()
    left = int(ASKED_SHARE * len(rows))
    for body in bodies:
        size = body.end - body.start
        if size <= SHORT_BODY:
            continue
        if size <= left and any(i in named for i in range(body.start - 1, body.end)):
            left -= size
            continue
        hidden.update(range(body.start, body.end))
    hidden.update(_long(contents, bodies, named))
    shown = view.show(rows, [i for i in range(len(rows)) if i not in hidden], _numbers(lines, hidden))
    return None if shown is None else Compressed(shown.text, "lossy", shown.omitted, shown.lines)


def _long(contents: Sequence[str], bodies: Sequence[Body], named: frozenset[int]) -> Iterator[int]:
    """The middle of long runs of lines outside of functions that are all comments, or all indented."""
    inside = {i for body in bodies for i in range(body.start, body.end)}
    at = 0
    for limit, lines in groupby(_limits(contents, inside)):
        start, at = at, at + len(list(lines))
        if 0 < limit <= at - start and named.isdisjoint(range(start, at)):
            tail = SIGNATURE if at in inside and limit != LONG_COMMENT else TAIL
            yield from range(start + HEAD, at - tail)


def _limits(contents: Sequence[str], inside: Set[int]) -> Iterator[int]:
    """For each line the length from which a run of its kind is cut; 0 for those that stay, or are in a function."""
    comment, limit = False, LONG_VALUE
    for i, line in enumerate(contents):
        text = line[:MAX_LINE].lstrip()
        if i in inside:
            yield 0
        elif comment or text.startswith(_COMMENT):
            comment = (comment or text.startswith("/*")) and "*/" not in line
            yield LONG_COMMENT
        elif line[:1] not in _INDENTED:
            limit = LONG_CLASS if _DECLARES.match(line[:MAX_LINE]) else LONG_VALUE if text else limit
            yield 0
        else:
            yield 0 if _SAYS.match(line[:MAX_LINE]) else limit


def _numbers(lines: Lines, hidden: Set[int]) -> Mapping[int, str]:
    """First line of each gap → the file's own numbers of it, where they differ from those of the text."""
    notes: dict[int, str] = {}
    if lines.style is None:
        return notes
    for run in lines.runs:
        if run.first is None or run.first == run.start + 1:
            continue
        for first in range(run.start, run.end):
            if first in hidden and first - 1 not in hidden:
                last = next((i for i in range(first, run.end - 1) if i + 1 not in hidden), run.end - 1)
                notes[first] = f"{run.first + first - run.start}-{run.first + last - run.start} of the file"
    return notes
