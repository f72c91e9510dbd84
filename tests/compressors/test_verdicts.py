from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.base import Goal
from headroom.compressors.verdicts import Verdicts

VERDICTS = Verdicts()
GOAL = Goal()
RULE = '"= " before other lines, "==" before the rest]'


def pytest_run(names: list[tuple[str, str]], width: int = 60) -> list[str]:
    lines = [f"collected {len(names)} items", ""]
    for number, (name, verdict) in enumerate(names, 1):
        left = f"{name} {verdict}"
        lines.append(left + f" [{100 * number // len(names):3}%]".rjust(max(7, width - len(left))))
    return [*lines, "", "=== 1 failed ==="]


FORMS = {
    "pytest": (
        pytest_run([("tests/test_a.py::test_1", "PASSED"), ("tests/test_a.py::test_2[a b]", "FAILED"), *((f"tests/test_b.py::T::test_{i}", "PASSED") for i in range(4))]),
        [f'[pytest -v of 6 in 60 columns: "## group", then its tests: those named alone are PASSED; {RULE}', "= collected 6 items", "= ", "## tests/test_a.py", "test_1", "FAILED: test_2[a b]",
         "## tests/test_b.py", *(f"T::test_{i}" for i in range(4)), "==", "", "=== 1 failed ==="],
    ),
    "unittest": (
        ["test_0 (shop.Basket.test_0) ... FAIL", *(f"test_{i} (shop.Basket.test_{i}) ... ok" for i in range(1, 6)), "Ran"],
        [f'[unittest -v: "## group", then its tests: those named alone are ok; {RULE}', "## shop.Basket", "FAIL: test_0", *(f"test_{i}" for i in range(1, 6)), "==", "Ran"],
    ),
    "cargo": (
        [*(f"test parser::tests::case_{i} ... ok" for i in range(9)), "test lexer::bad ... FAILED"],
        [f'[cargo test: "## group", then its tests: those named alone are ok; {RULE}', "## parser::tests", *(f"case_{i}" for i in range(9)), "## lexer", "FAILED: bad"],
    ),
}


@pytest.mark.parametrize(("lines", "form"), FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("end", ["", "\n"])
def test_names_stand_below_their_group(lines: list[str], form: list[str], end: str) -> None:
    text, short = "\n".join(lines) + end, "\n".join(form) + end
    made = VERDICTS.compress(text, GOAL)
    assert made is not None
    assert made.text == short
    assert VERDICTS.expand(short) == text
    assert VERDICTS.compress(short, GOAL) is None
    assert VERDICTS.sniff(f"{text}\n", GOAL) > 0.5


@pytest.mark.parametrize("text", ["", "prose\n" * 50, "\n".join(pytest_run([("t.py::a", "PASSED")] * 3)), "\n".join(pytest_run([("t.py::a", "PASSED")] * 9)[1:])], ids=["empty", "prose", "few", "no total"])
def test_other_texts_are_left_alone(text: str) -> None:
    assert VERDICTS.compress(text, GOAL) is None
    assert VERDICTS.expand(text) is None


NAMES = st.sampled_from(["test_a", "test_b[x y]", "test_c[FAILED: z]", "= test", "## x", "==", "FAILED: q", "é", "Class::test_d", "test_e PASSED", "ok"])
FILES = st.sampled_from(["tests/test_a.py", "b.py", "[x"])
LINES = st.one_of(
    st.builds("{}::{} {}   [ {}%]".format, FILES, NAMES, st.sampled_from(["PASSED", "FAILED", "XFAIL"]), st.integers(0, 9)),
    st.builds("{0} (m.C.{0}) ... {1}".format, st.sampled_from(["test_a", "test_b"]), st.sampled_from(["ok", "FAIL"])),
    st.builds("test {}::{} ... ok".format, st.sampled_from(["a", "a::b"]), st.sampled_from(["x", "=="])),
    st.sampled_from(["", "== x", "= ", "## tests", "==", "FAILED: x", "collected 9 items", "\r", "x\r", "\t"]),
)


@settings(deadline=None, max_examples=250)
@given(st.one_of(st.lists(LINES, max_size=25), st.lists(st.tuples(st.builds("{}::{}".format, FILES, NAMES), st.sampled_from(["PASSED", "FAILED"])), min_size=5, max_size=20).map(pytest_run)), st.sampled_from(["", "\n", "\n\n"]))
def test_what_was_shortened_can_be_read_back(lines: list[str], end: str) -> None:
    text = "\n".join(lines) + end
    made = VERDICTS.compress(text, GOAL)
    if made is None:
        return
    assert made.grade == "exact"
    assert len(made.text) < len(text)
    assert VERDICTS.expand(made.text) == text
    assert VERDICTS.compress(made.text, GOAL) is None


def test_a_long_run_comes_to_half() -> None:
    text = "\n".join(pytest_run([(f"tests/unit/test_part_{i // 20}.py::TestPart::test_case_number_{i}", "PASSED") for i in range(400)], 100))
    made = VERDICTS.compress(text, GOAL)
    assert made is not None
    assert len(made.text) < 0.4 * len(text)
    assert VERDICTS.expand(made.text) == text


@pytest.mark.parametrize("short", [
    f'[pytest -v of 0 in 60 columns: "## group", then its tests: those named alone are PASSED; {RULE}\ntest_a', f'[cargo test: "## group", then its tests: those named alone are ok; {RULE}\n',
])
def test_a_damaged_form_is_refused_or_read_but_never_an_error(short: str) -> None:
    VERDICTS.expand(short)


@pytest.mark.parametrize("text", ["x" * 300_000, "a\n" * 100_000, "a::b" * 50_000, ("a::b" + " PASSED" * 140 + "\n") * 200, ("test " + "a::" * 300 + "\n") * 200, "\x00%]\n" * 50_000])
def test_hostile_texts_are_survived(text: str) -> None:
    VERDICTS.sniff(text, GOAL)
    made = VERDICTS.compress(text, GOAL)
    assert made is None or VERDICTS.expand(made.text) == text
