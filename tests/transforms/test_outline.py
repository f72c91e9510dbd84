from __future__ import annotations

import pytest

from headroom.compressors.code import indentation, python_ast
from headroom.compressors.lines import view
from headroom.conversation import Json, Part
from headroom.transforms.base import Sent, Short
from headroom.transforms.outline import LINES, Outline

SOURCE = '"""A shop."""\n\nimport os\n\n\n' + "\n\n".join(
    f"def step_{i}(items):\n    \"\"\"Step {i}.\"\"\"\n" + "".join(f"    value_{j} = items[{j}] + {i}\n" for j in range(12)) + "    return value_0\n" for i in range(30)
)
METHODS = (python_ast.bodies, indentation.bodies)
BOTH = Outline(METHODS, whole_reads=True, code=True)
WHOLE = Outline(METHODS, whole_reads=True, code=False)
READ = {"file_path": "/srv/shop/steps.py"}


def read(text: str = SOURCE, tool: str = "Read", call: Json = READ, *, error: bool = False) -> Part:
    return Part("tool", text, ("x",), tool, call, error)


def sent(*parts: Part, question: str = "") -> list[Sent]:
    return [Sent(part, part.text, question) for part in parts]


def by(outline: Outline, part: Part, *past: Part, lossy: bool = True, question: str = "") -> bool:
    return isinstance(outline(part, sent(*past, question=question), lossy), Short)


def test_an_outline_shows_signatures_under_their_own_numbers() -> None:
    made = WHOLE(read(), (), True)
    assert isinstance(made, Short)
    assert (made.by, made.grade) == ("outline", "lossy")
    found = view.numbered(made.text, SOURCE.split("\n"))
    assert found is not None
    shown = "\n".join(found.values())
    assert all(f"def step_{i}(items):" in shown for i in range(30))
    assert "import os" in shown
    assert "value_3" not in shown
    assert len(made.text) < 0.3 * len(SOURCE)


def test_numbers_of_a_read_stay_with_their_lines() -> None:
    numbered = "\n".join(f"{i:>6}\t{line}" for i, line in enumerate(SOURCE.split("\n"), 1))
    made = WHOLE(read(numbered), (), True)
    assert isinstance(made, Short)
    assert "     6\tdef step_0(items):\n     7\t    \"\"\"Step 0.\"\"\"\n… 8-20\n" in made.text


@pytest.mark.parametrize(("part", "whole_reads", "code"), [
    (read(), True, True),
    (read(call={"file_path": "steps.py", "offset": None}), True, True),
    (read(call={"file_path": "steps.py", "offset": 40, "limit": 300}), False, True),
    (read(tool="Bash", call={"command": "cat src/steps.py"}), True, True),
    (read(tool="Bash", call={"command": "cd /srv && cat -n steps.py"}), True, True),
    (read(tool="Bash", call={"command": "sed -n '1,400p' steps.py"}), False, True),
    (read(tool="Bash", call={"command": "cd /srv && cat steps.py | head -300"}), False, True),
    (read(tool="Bash", call={"command": ["bash", "-lc", "nl -ba steps.py | sed -n '1,400p'"]}), False, True),
    (read(tool="Bash", call={"command": "git show HEAD~1:src/steps.py"}), False, True),
    (read(tool="Bash", call={"command": "git show HEAD -- src/steps.py"}), False, False),
    (read(tool="Bash", call={"command": "python -m pytest steps.py"}), False, False),
    (read(tool="Bash", call={"command": "python steps.py | head -400"}), False, False),
    (read(tool="Bash", call={"command": "grep -n -A40 def steps.py"}), False, False),
    (read(tool="run_tests", call={"path": "steps.py"}), False, False),
    (read(tool="str_replace_based_edit_tool", call={"command": "view", "path": "steps.py"}), True, True),
    (read(tool="str_replace_based_edit_tool", call={"command": "create", "path": "steps.py"}), False, False),
    (read(tool="Bash", call={"command": "cat a.py b.py"}), False, False),
    (read(tool="Bash", call={"command": "cat steps.log"}), False, False),
    (read(call={"file_path": "README.md"}), False, False),
    (read(call=None), False, False),
    (read(text="\n".join(SOURCE.split("\n")[: LINES - 1])), False, False),
    (read(text="x = 1\n" * (LINES + 1)), False, False),
    (read(error=True), False, False),
    (read(text="[lines seen before: x]\n" + SOURCE), False, False),
], ids=str)
def test_which_texts_are_outlined(part: Part, whole_reads: bool, code: bool) -> None:
    assert (by(WHOLE, part), by(BOTH, part)) == (whole_reads, code)
    assert not by(BOTH, part, lossy=False)


@pytest.mark.parametrize("before", [
    read("ok", "Edit", {"file_path": "/srv/shop/steps.py", "old_string": "a", "new_string": "b"}),
    read("ok", "apply_patch", {"input": "*** Update File: steps.py"}),
    read("ok", "str_replace_based_edit_tool", {"command": "str_replace", "path": "/srv/shop/steps.py", "old_str": "a"}),
    read("", "Bash", {"command": "sed -i 's/a/b/' shop/steps.py"}),
    read("", "Bash", {"command": "cat > steps.py <<'EOF'\nx = 1\nEOF"}),
    read("… 1-9"),
    read(tool="Bash", call={"command": "cat shop/steps.py"}),
], ids=["edited", "patched", "replaced", "sed", "written", "read as a whole before", "shown as a whole before"])
def test_a_file_that_is_worked_on_stays_whole(before: Part) -> None:
    assert not by(BOTH, read(), before)


@pytest.mark.parametrize("before", [
    read("x", call={"file_path": "/srv/shop/steps.py", "offset": 3, "limit": 9}),
    read("ok", "Edit", {"file_path": "other.py"}),
    read("12:x", "Bash", {"command": "grep -n x steps.py 2>/dev/null"}),
    read("1 passed", "Bash", {"command": "python -m pytest steps.py > /dev/null"}),
    read(call={"file_path": "/srv/other/steps.py"}),
])
def test_other_files_and_ranges_before_change_nothing(before: Part) -> None:
    assert by(BOTH, read(), before)


def test_a_range_of_a_file_that_was_outlined_is_shown_whole() -> None:
    part = read(call={"file_path": "/srv/shop/steps.py", "offset": 1, "limit": 400})
    assert by(BOTH, part)
    assert not by(BOTH, part, read())
    assert by(WHOLE, read(), part), "where ranges are never outlined, one that was read says nothing of the rest"


def test_an_answer_depends_on_what_the_context_says() -> None:
    edited = read("ok", "Edit", READ)
    known = {BOTH.context(read(), sent(*past, question=question), True) for past in ((edited,), (read("x", call=None),)) for question in ("", "why")}
    assert len(known) == 4
    assert BOTH.context(read("short"), sent(edited), True) == BOTH.context(read("short"), (), True) == ""
    assert BOTH.context(read(), sent(edited), False) == ""


def test_bodies_that_the_question_names_stay() -> None:
    made = BOTH(read(SOURCE.replace("value_3 = items[3] + 17", "discount = items[3]")), sent(Part("user", "", ()), question="where is the discount applied?"), True)
    assert isinstance(made, Short)
    assert "discount = items[3]" in made.text
    assert "value_4 = items[4] + 17" in made.text
    assert "value_4 = items[4] + 16" not in made.text
