from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.base import TooCostly
from headroom.compressors.code import indentation, python_ast
from headroom.compressors.code.outline import LONG_VALUE, MAX_CHARS, SHORT_BODY, outline, suffix_of
from headroom.compressors.lines import view

METHODS = (python_ast.bodies, indentation.bodies)
BODY = "".join(f"    step({i})\n" for i in range(9))
FILE = f"import os\n\ndef first(a):\n{BODY}\ndef second(b):\n{BODY}    return discount\n\ndef small():\n" + "    pass\n" * SHORT_BODY


@pytest.mark.parametrize(("path", "suffix"), [("a/b.py", ".py"), ("A.TSX", ".tsx"), ("x.json", ""), ("README", ""), ("a.py/b", ""), ("", "")])
def test_source_files_are_known_by_their_suffix(path: str, suffix: str) -> None:
    assert suffix_of(path) == suffix


def test_bodies_go_and_all_else_stays() -> None:
    made = outline(FILE, ".py", "", METHODS)
    assert made is not None
    assert made.text == "import os\n\ndef first(a):\n… 4-12\n\ndef second(b):\n… 15-24\n\ndef small():\n" + "    pass\n" * SHORT_BODY
    assert (made.grade, made.omitted) == ("lossy", "19 of 30 lines (… names them)")


def test_a_body_that_the_question_names_stays_within_bounds() -> None:
    text = FILE + "\n" + "".join(f"def more_{i}():\n{BODY}" for i in range(9))
    made = outline(text, ".py", "where is the discount?", METHODS)
    assert made is not None
    assert "    return discount\n" in made.text
    assert "… 4-12\n" in made.text


def test_long_values_are_cut() -> None:
    table = "TABLE = {\n" + "".join(f"    {i}: {i},\n" for i in range(LONG_VALUE + 9)) + "}\n"
    made = outline(FILE + table, ".py", "", METHODS)
    assert made is not None
    assert "TABLE = {\n    0: 0,\n    1: 1,\n… " in made.text


def test_comments_are_cut_before_what_they_are_about_and_imports_are_not() -> None:
    imports = "".join(f"#include <a{i}.h>\n" for i in range(LONG_VALUE))
    words = "/*\n" + " * Some words.\n" * 20 + " */\n"
    members = "".join(f"    int member_{i};\n" for i in range(LONG_VALUE))
    made = outline(f"{imports}{words}struct A {{\n{members}}};\n", ".c", "", (lambda lines, suffix: (),))
    assert made is not None
    assert made.text == f"{imports}/*\n * Some words.\n… 15-33\n */\nstruct A {{\n{members}}};\n"


def test_a_range_of_a_file_says_the_files_own_numbers() -> None:
    made = outline("\n".join(f"{i}\t{line}" for i, line in enumerate(FILE.split("\n"), 401)), ".py", "", METHODS)
    assert made is not None
    assert "403\tdef first(a):\n… 4-12 (404-412 of the file)\n413\t\n" in made.text


@pytest.mark.parametrize(("text", "suffix"), [("x = 1\n" * 50, ".py"), ("", ".py"), ("words words\n" * 50, ".js")])
def test_no_outline_where_nothing_can_be_left_out(text: str, suffix: str) -> None:
    assert outline(text, suffix, "", METHODS) is None


def test_too_long_a_file_is_too_costly() -> None:
    with pytest.raises(TooCostly):
        outline("x" * (MAX_CHARS + 1), ".py", "", METHODS)


lines = st.sampled_from(["def f(a):", "class A:", "    x = 1", "    def g(self):", "        y = 2", "", "# note", "    return discount", "import os", "(", '"""doc', "… 2-3"])


@settings(deadline=None, max_examples=100)
@given(st.lists(lines, max_size=60), st.booleans(), st.sampled_from(["", "discount"]))
def test_what_is_shown_is_the_files_own(rows: list[str], numbered: bool, query: str) -> None:
    rows = [f"{i:>6}\t{row}" for i, row in enumerate(rows, 1)] if numbered else rows
    made = outline("\n".join(rows), ".py", query, METHODS)
    if made is not None:
        assert view.numbered(made.text, rows) is not None
        assert outline("\n".join(rows), ".py", query, METHODS) == made
