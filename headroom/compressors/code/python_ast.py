"""Bodies of Python functions by Python's own parser. Fragments are read as far as they are indented alike."""

from __future__ import annotations

import ast
import textwrap
import warnings
from collections.abc import Iterator, Sequence

from headroom.compressors.code.base import Body

MAX_CHARS = 1_000_000
"""The parser takes some 90 µs a KB."""


def bodies(lines: Sequence[str], suffix: str) -> Sequence[Body] | None:
    """Of functions and methods, and of docstrings, whose first line stays."""
    if suffix not in (".py", ".pyi", ".pyw") or sum(map(len, lines)) > MAX_CHARS:
        return None
    text = textwrap.dedent("\n".join(lines))
    tree = _parsed(text)
    if isinstance(tree, int):  # cut off in the middle, as clients cut long files: what stands before the last definition can be read
        rows = text.split("\n")
        start = next((i for i in range(min(tree, len(rows)) - 1, 0, -1) if rows[i].startswith(("def ", "class ", "async def ", "@"))), 0)
        tree = _parsed("\n".join(rows[:start]))
    return None if isinstance(tree, int) else sorted(_bodies(tree), key=lambda body: body.start)


def _parsed(text: str) -> ast.Module | int:
    """The tree, or the line in which it cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in somebody else's strings
            return ast.parse(text)
    except SyntaxError as error:
        return error.lineno or 0
    except (ValueError, RecursionError, MemoryError):
        return 0


def _docstring(first: ast.stmt) -> bool:
    return isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)


def _bodies(above: ast.Module | ast.ClassDef | ast.If | ast.Try | ast.With) -> Iterator[Body]:
    first = above.body[0] if above.body else None
    if isinstance(above, ast.Module | ast.ClassDef) and first is not None and _docstring(first) and first.lineno < (first.end_lineno or 0):
        yield Body(first.lineno, first.end_lineno or 0)
    for node in [*above.body, *getattr(above, "orelse", []), *getattr(above, "finalbody", [])]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            start = first.lineno - 1
            if _docstring(first):
                start += 1
            elif isinstance(first, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and first.decorator_list:
                start = first.decorator_list[0].lineno - 1
            end = node.end_lineno or start
            if start < end and start >= node.lineno:
                yield Body(start, end)
        elif isinstance(node, ast.ClassDef | ast.If | ast.Try | ast.With):
            yield from _bodies(node)
