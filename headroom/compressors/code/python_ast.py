"""Bodies of Python functions by Python's own parser. Fragments are read as far as they are indented alike, and files that
were cut off up to their last definition."""

from __future__ import annotations

import ast
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice

from headroom.compressors.code.base import WRAPPERS, Body, opened

MAX_CHARS, MAX_LINES = 1_000_000, 30_000
"""The parser takes some 90 µs a KB, and 10 µs a line."""

CUT_OFF = 0.75
"""Share of the lines before an error, from which it is the end that is missing; else the text is none that the parser can read."""

TRIES = 4
"""Definitions from which the end may be missing: each costs a parse, and only what opens a block right above fails."""

GRAMMAR = (3, 10)
"""That of the oldest Python we run on, whichever runs: what is newer goes to the next reader on all of them alike. The parser
of 3.12 and later still takes f-strings that older ones refuse (PEP 701)."""

_DEFINES = ("def ", "class ", "async def ", "@")


def bodies(lines: Sequence[str], suffix: str) -> Sequence[Body] | None:
    """Of functions and methods, and of docstrings, whose first line stays."""
    if suffix not in (".py", ".pyi", ".pyw") or len(lines) > MAX_LINES or sum(map(len, lines)) > MAX_CHARS:
        return None
    text = textwrap.dedent("\n".join(lines))
    tree = _parsed(text)
    if isinstance(tree, int):
        tree = _cut_off(text.split("\n"), tree)
    return None if isinstance(tree, int) else _sorted(tree, (len(lines), WRAPPERS))


def _cut_off(rows: Sequence[str], wrong: int) -> ast.Module | int:
    """The tree up to the last definition before the line that is wrong; methods of a class that has no end count too."""
    tree: ast.Module | int = wrong
    if wrong >= CUT_OFF * len(rows):
        starts = (i for i in range(min(wrong, len(rows)) - 1, 0, -1) if rows[i].lstrip().startswith(_DEFINES))
        for start in islice(starts, TRIES):
            tree = _parsed("\n".join(rows[:start]))
            if not isinstance(tree, int):
                break
    return tree


def _parsed(text: str) -> ast.Module | int:
    """The tree, or the line in which it cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in somebody else's strings
            return ast.parse(text, feature_version=GRAMMAR)
    except SyntaxError as error:
        return error.lineno or 0
    except (ValueError, RecursionError, MemoryError):
        return 0


def _docstring(first: ast.stmt) -> bool:
    return isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)


_Block = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.If | ast.Try | ast.With


def _bodies(above: _Block, bounds: tuple[int, int]) -> Iterator[Body]:
    """`bounds`: the lines of the text, and how many functions may be opened."""
    first = above.body[0] if above.body else None
    if isinstance(above, ast.Module | ast.ClassDef) and first is not None and _docstring(first) and first.lineno < (first.end_lineno or 0):
        yield Body(first.lineno, first.end_lineno or 0)
    for node in [*above.body, *getattr(above, "orelse", []), *getattr(above, "finalbody", [])]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = _body(node)
            if body is not None:
                total, wrappers = bounds
                yield from opened(body, total, partial(_sorted, node, (total, wrappers - 1))) if wrappers else (body,)
        elif isinstance(node, ast.ClassDef | ast.If | ast.Try | ast.With):
            yield from _bodies(node, bounds)


def _sorted(above: _Block, bounds: tuple[int, int]) -> list[Body]:
    return sorted(_bodies(above, bounds), key=lambda body: body.start)


def _body(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Body | None:
    """The body behind the first line of its docstring; None if it stands on the line of its signature."""
    first = node.body[0]
    start = first.lineno - 1
    if _docstring(first):
        start += 1
    elif isinstance(first, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and first.decorator_list:
        start = first.decorator_list[0].lineno - 1
    end = node.end_lineno or start
    return Body(start, end) if node.lineno <= start < end else None
