"""Bodies by syntax trees, where the extra `code` is installed: tree-sitter, which reads fragments and broken code too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from headroom.compressors.code.base import WRAPPERS, Body, Method, opened

LANGUAGES: Mapping[str, tuple[str, str]] = {
    ".py": ("python", "language"), ".pyi": ("python", "language"), ".js": ("javascript", "language"), ".jsx": ("javascript", "language"),
    ".mjs": ("javascript", "language"), ".cjs": ("javascript", "language"), ".ts": ("typescript", "language_typescript"),
    ".mts": ("typescript", "language_typescript"), ".tsx": ("typescript", "language_tsx"), ".rs": ("rust", "language"), ".go": ("go", "language"),
    ".java": ("java", "language"), ".c": ("c", "language"), ".h": ("c", "language"), ".cc": ("cpp", "language"), ".cpp": ("cpp", "language"),
    ".cxx": ("cpp", "language"), ".hpp": ("cpp", "language"), ".hh": ("cpp", "language"),
}
"""Suffix → grammar (package tree_sitter_NAME) and the function in it that gives the language."""

BLOCKS = frozenset(("block", "statement_block", "compound_statement", "function_body", "constructor_body"))
"""Nodes that are the body of a function; bodies of classes and the like have other names, and are looked into."""

FUNCTIONS = ("function", "method", "constructor", "func_literal", "lambda", "closure")
"""Words in the names of nodes that are functions, in all these grammars."""

MAX_CHARS = 300_000
"""Above, what is no source code could take the parser seconds, and hardly a source file is so long."""

CHUNK = 16 * 1024
"""Bytes that the parser is given at a time: it counts its steps, and lets other threads run, only where it asks for its input."""

STEPS, STEPS_PER_KB = 1000, 20
"""Reports that the parser may make, each of 100 operations. Of source code it makes some eight a KB, cut off or not, and up to
fifteen; on what is none, the search for a way to go on takes up to a hundred.
"""

MAX_DEPTH = 200
"""Levels of the tree that are looked into; functions stand in the first ten."""


def available() -> bool:
    """Whether the extra `code` is installed."""
    try:
        for grammar in {grammar for grammar, _ in LANGUAGES.values()}:
            __import__(f"tree_sitter_{grammar}")
        __import__("tree_sitter")
    except ImportError:
        return False
    return True


def method() -> Method:
    """The way by syntax trees. ImportError where the extra is not installed."""
    import tree_sitter  # noqa: PLC0415  # optional, and 10 ms that only --code-aware needs

    languages: dict[str, Any] = {}

    def parser(suffix: str) -> Any:
        grammar, name = LANGUAGES[suffix]
        if suffix not in languages:
            languages[suffix] = tree_sitter.Language(getattr(__import__(f"tree_sitter_{grammar}"), name)())
        return tree_sitter.Parser(languages[suffix])  # a parser serves one thread, a language all

    return lambda lines, suffix: _found(lines, suffix, parser)


def _found(lines: Sequence[str], suffix: str, parser: Callable[[str], Any]) -> Sequence[Body] | None:
    text = "\n".join(lines)
    if suffix not in LANGUAGES or len(text) > MAX_CHARS:
        return None
    tree = _parsed(text.encode("utf-8", "surrogatepass"), parser(suffix))
    return None if tree is None else list(_bodies(tree.root_node, MAX_DEPTH, (len(lines), WRAPPERS)))


def _parsed(data: bytes, parser: Any) -> Any:
    """The tree; None if the parser went astray."""
    left = STEPS + STEPS_PER_KB * (len(data) >> 10)

    def report(offset: int, error: bool) -> bool:
        """Whether to stop."""
        nonlocal left
        left -= 1
        return left < 0

    try:
        return parser.parse(lambda at, point: data[at : at + CHUNK], progress_callback=report)
    except ValueError:
        return None


def _bodies(node: Any, depth: int, bounds: tuple[int, int]) -> Iterator[Body]:
    """The bodies of functions below a node, in reading order; functions within functions go with them.

    `bounds`: the lines of the text, and how many functions may be opened.
    """
    for child in node.children:
        if not child.child_count:
            continue
        block = child.child_by_field_name("body")
        if block is not None and block.type in BLOCKS and any(word in child.type for word in FUNCTIONS):
            body = Body(*_inside(block))
            if body.start < body.end:
                total, wrappers = bounds
                yield from opened(body, total, partial(_all, block, depth - 1, (total, wrappers - 1))) if wrappers and depth else (body,)
        elif depth and child.end_point[0] > child.start_point[0]:
            yield from _bodies(child, depth - 1, bounds)


def _all(node: Any, depth: int, bounds: tuple[int, int]) -> list[Body]:
    return list(_bodies(node, depth, bounds))


def _inside(body: Any) -> tuple[int, int]:
    """The lines between a body's brackets; all of it, but for the first line of a docstring, where it has none."""
    first, last = body.start_point[0], body.end_point[0]
    if body.children and body.children[0].type == "{":
        return first + 1, last
    docstring = body.children and body.children[0].type == "expression_statement" and body.children[0].children[:1] and body.children[0].children[0].type == "string"
    return first + bool(docstring), last + (body.end_point[1] > 0)
