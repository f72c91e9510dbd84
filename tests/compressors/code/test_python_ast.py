from __future__ import annotations

import pytest

from headroom.compressors.code.base import Body
from headroom.compressors.code.python_ast import bodies

FILE = '''"""A module.

More of it.
"""

import os


@decorated
def one(
    a, b,
):
    """What it does.

    At length.
    """
    return a


class Two:
    """Two."""

    x = 1

    async def three(self):
        return 3

    if os:
        def four(self): return 4


def five():
    @inner
    def six():
        pass
    return six
'''


def test_bodies_of_functions_and_rests_of_docstrings() -> None:
    lines = FILE.split("\n")
    found = bodies(lines, ".py")
    assert found == [Body(1, 4), Body(13, 17), Body(25, 26), Body(32, 36)]
    assert [lines[body.start].strip() for body in found] == ["", "", "return 3", "@inner"]


@pytest.mark.parametrize(("text", "expected"), [
    ("    def f(self):\n        a = 1\n        return a\n", [Body(1, 3)]),
    ("def f():\n    return 1\n\n\ndef g():\n    return (1 +\n", [Body(1, 2)]),
    ("class A:\n    pass\n", []),
    ("class A:\n    def f(self):\n        a\n        return a\n\n    @b\n    def g(self):\n        if a:\n            for", [Body(2, 4)]),
    ("def wrap(f):\n    def one():\n        a\n        b\n        c\n    def two():\n        a\n        b\n    return one\n", [Body(2, 5), Body(6, 8)]),
    ("x = '\\d'\n\ndef f():\n    return 1\n", [Body(3, 4)]),
])
def test_fragments_and_files_that_are_cut_off(text: str, expected: list[Body]) -> None:
    assert bodies(text.split("\n"), ".py") == expected


@pytest.mark.parametrize(("text", "suffix"), [("def f():\n    return 1\n", ".js"), ("def (:\n", ".py"), ("(" * 5000, ".py"), ("a = 1\0", ".py"), ("    x\n  y\n", ".py"), ("print 1\n\n\ndef f():\n    a\n    b\n    c\n", ".py"), ("a\n" * 30_001, ".py")])
def test_what_it_cannot_read(text: str, suffix: str) -> None:
    assert not bodies(text.split("\n"), suffix)


@pytest.mark.parametrize("newer", ["def one[T](x: T) -> T:\n    a\n    return x", "type A = int", "try:\n    a\nexcept* ValueError:\n    b"])
def test_what_the_oldest_python_cannot_read_is_read_by_none(newer: str) -> None:
    text = f"{newer}\n\n\ndef two():\n    a\n    return 1\n\n\nb = 2\nc = 3\n"
    assert not bodies(text.split("\n"), ".py")
