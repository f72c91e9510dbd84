from __future__ import annotations

import pytest

from headroom.compressors.code.base import Body
from headroom.compressors.code.syntax import LANGUAGES, available, method
from tests.compressors.code.test_indentation import GO, RUST, TYPESCRIPT, C

pytest.importorskip("tree_sitter", reason="the extra `code` is not installed")
METHOD = method()

PYTHON = """class A:
    def f(self):
        \"\"\"What.\"\"\"
        return 1

    x = 1

for i in range(3):
    print(i)
"""
JAVA = """class A {
  int n;
  A(int n) {
    this.n = n;
  }
  int twice() {
    return 2 * n;
  }
}"""


@pytest.mark.parametrize(("text", "suffix", "expected"), [
    (PYTHON, ".py", [Body(3, 4)]), (RUST, ".rs", [Body(8, 10), Body(15, 16)]), (TYPESCRIPT, ".ts", [Body(3, 7), Body(13, 14), Body(17, 18)]),
    (TYPESCRIPT, ".tsx", [Body(3, 7), Body(13, 14), Body(17, 18)]), (GO, ".go", [Body(7, 10)]), (C, ".c", [Body(2, 6)]), (C, ".cpp", [Body(2, 6)]),
    (JAVA, ".java", [Body(3, 4), Body(6, 7)]), ("function f() {\n  return 1;\n}\n", ".js", [Body(1, 2)]), ("type A = 1;\n", ".ts", []),
], ids=str)
def test_bodies_by_syntax(text: str, suffix: str, expected: list[Body]) -> None:
    assert METHOD(text.split("\n"), suffix) == expected


def test_every_language_is_there() -> None:
    assert available()
    for suffix in LANGUAGES:
        assert METHOD(["x"], suffix) is not None
    assert METHOD(["x"], ".hs") is None


def test_functions_that_are_most_of_a_file_are_opened() -> None:
    steps = "".join(f"    step({i});\n" for i in range(8))
    text = "".join(f"  it('does {i}', () => {{\n{steps}  }});\n" for i in range(3))
    assert METHOD(f"describe('it', () => {{\n{text}}});\n".split("\n"), ".js") == [Body(2, 10), Body(12, 20), Body(22, 30)]
    assert METHOD(f"function main() {{\n{steps}}}\n".split("\n"), ".js") == [Body(1, 9)]


def test_a_parser_that_goes_astray_is_stopped() -> None:
    assert METHOD(['"""' * 50_000], ".rs") is None


@pytest.mark.parametrize("text", ["", "(" * 5000, "function f() {" * 500, "\0\ud800", "é(){😀\n"])
def test_broken_code_is_survived(text: str) -> None:
    for suffix in (".js", ".py", ".rs"):
        METHOD(text.split("\n"), suffix)
