from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.base import Goal
from headroom.compressors.lines import view
from headroom.compressors.test_runs import RunSummary

SUMMARY = RunSummary()
GOAL = Goal()

PYTEST_TAIL = "=========================== 3 failed, 400 passed in 1.02s ==========================="


def shown(text: str, query: str = "") -> str:
    made = SUMMARY.compress(text, Goal(query=query))
    assert made is not None
    assert made.grade == "lossy"
    assert view.numbered(made.text, text.split("\n")) is not None
    return made.text


RUNS = {
    "pytest": (
        [f"tests/test_shop.py::test_case_{i} PASSED    [ {i}%]" for i in range(10)], "10 passed",
        ["tests/test_shop.py::test_PASSED_but FAILED    [100%]", "=== FAILURES ===", "E  x PASSED", "tests/test_shop.py::test_fake PASSED", "== 1 failed, 10 passed in 0.1s =="],
    ),
    "pytest, dots": ([f"{'.' * 72} [ {i}%]" for i in range(10)], "720 passed", ["..F... [100%]", "== 1 failed, 725 passed in 0.1s =="]),
    "unittest": (
        [f"test_{i} (shop.tests.Basket.test_{i}) ... ok" for i in range(10)], "10 passed",
        ["test_x (shop.tests.Basket.test_x) ... FAIL", "", "=" * 70, "FAIL: test_x (shop.tests.Basket.test_x)", "test_1 (shop.tests.Basket.test_1) ... ok", "Ran 11 tests in 0.1s"],
    ),
    "cargo": (
        [f"test parser::case_{i} ... ok" for i in range(10)], "10 passed",
        ["test parser::bad ... FAILED", "failures:", "test parser::fake ... ok", "test result: FAILED. 10 passed; 1 failed; 0 ignored"],
    ),
    "go": (
        [line for i in range(10) for line in (f"=== RUN   TestCase{i}", f"--- PASS: TestCase{i} (0.00s)")], "10 passed",
        ["=== RUN   TestBad", "--- PASS: TestFake (0.00s)", "    a_test.go:7: want 1, got 2", "--- FAIL: TestBad (0.00s)", "FAIL"],
    ),
    "jest": (
        ["PASS src/a.test.js", "  Basket", *(f"    ✓ adds {i} (1 ms)" for i in range(10))], "1 passing files, 10 passed",
        ["FAIL src/b.test.js", "  ● Basket › adds", "    ✓ fake one (1 ms)", "Test Suites: 1 failed, 1 passed", "Tests:       1 failed, 10 passed, 11 total"],
    ),
    "tap": (
        [line for i in range(10) for line in (f"# Subtest: adds {i}", f"ok {i} - adds {i}", "  ---", "  duration_ms: 0.5", "  ...")], "10 ok",
        ["# Subtest: bad", "not ok 11 - bad", "  ---", "  ok 1 - fake", "  error: 1 == 2", "  ...", "1..11"],
    ),
}


@pytest.mark.parametrize(("passed", "note", "rest"), RUNS.values(), ids=RUNS)
def test_passing_tests_are_counted_and_the_rest_stands(passed: list[str], note: str, rest: list[str]) -> None:
    text = "\n".join([*passed, *rest]) + "\n"
    assert shown(text) == "\n".join([f"… 1-{len(passed)} ({note})", *rest]) + "\n"
    assert SUMMARY.sniff(text, GOAL) > 0.5


@pytest.mark.parametrize("text", [
    "",
    "no tests here\n" * 50,
    "\n".join(f"{name} PASSED" for name in ["a", "the exam"] * 30),
    "✓ done\n" * 50,
    "\n".join(f"tests/test_shop.py::test_case_{i} PASSED    [ {i}%]" for i in range(10)) + "\n== 1 failed, 9 passed in 0.1s ==\n",
    "\n".join(f"tests/test_shop.py::test_case_{i} FAILED    [ {i}%]" for i in range(10)),
], ids=["empty", "prose", "a word", "check marks", "more than the total", "failures"])
def test_what_is_not_proven_to_have_passed_is_left_alone(text: str) -> None:
    assert SUMMARY.compress(text, GOAL) is None


def test_a_verdict_that_a_test_printed_itself_is_no_verdict() -> None:
    lines = [f"tests/test_shop.py::test_case_{i} PASSED" for i in range(10)]
    text = "\n".join([*lines, "tests/test_shop.py::test_liar PASSED", "FAILED", "end"])
    assert shown(text) == "… 1-10 (10 passed)\ntests/test_shop.py::test_liar PASSED\nFAILED\nend"


def test_titles_of_groups_stay_where_one_of_their_tests_failed() -> None:
    text = "\n".join(["", "  Basket", "    empty", "      ✔ has no price at all", "      ✔ has no weight at all", "    full", "      ✔ has a price", "      1) has a weight", "", "  3 passing (5ms)", "  1 failing"])
    assert shown(text) == "\n".join(["", "  Basket", "… 3-5 (2 passed)", "    full", "      ✔ has a price", "      1) has a weight", "", "  3 passing (5ms)", "  1 failing"])


def test_a_test_that_the_question_names_stays() -> None:
    text = "\n".join(f"tests/test_shop.py::test_{word} PASSED" for word in ["teapot", *(f"number_{i}" for i in range(40))])
    assert shown(text, "does test_teapot pass?").startswith("tests/test_shop.py::test_teapot PASSED\n… 2-41 (40 passed)")


NAMES = st.from_regex(r"test_[a-zPASED_]{1,12}(?:\[[a-z PASED0-9-]{0,8}\])?", fullmatch=True)
OUTPUT = st.sampled_from(["x PASSED", "tests/t.py::test_z PASSED", "test a ... ok", "PASSED", "FAILED", "E   assert 1 == 2", "=== RUN   TestX", "✓ ok", "...... [ 10%]", ""])


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(NAMES, st.booleans(), st.lists(OUTPUT, max_size=4)), min_size=5, max_size=40, unique_by=lambda test: test[0]))
def test_every_failure_survives_with_all_that_was_printed(tests: list[tuple[str, bool, list[str]]]) -> None:
    passed = sum(ok for _, ok, _ in tests)
    lines = ["===== test session starts =====", f"collected {len(tests)} items", ""]
    lines += [f"tests/t.py::{name} {'PASSED' if ok else 'FAILED'}  [ {i}%]" for i, (name, ok, _) in enumerate(tests)]
    start = len(lines)
    lines += ["", "===== FAILURES ====="]
    for name, ok, output in tests:
        lines += [] if ok else [f"_____ {name} _____", *output, "tests/t.py:1: AssertionError", "----- Captured stdout call -----", *output]
    lines += ["===== short test summary info =====", *(f"FAILED tests/t.py::{name} - assert 1 == 2" for name, ok, _ in tests if not ok), f"===== {passed} passed in 1.00s ====="]
    made = SUMMARY.compress("\n".join(lines), GOAL)
    if made is None:
        return
    kept = view.numbered(made.text, lines)
    assert kept is not None
    assert set(range(start, len(lines))) <= kept.keys() | {start}
    assert all(3 + i in kept for i, (_, ok, _) in enumerate(tests) if not ok)
    assert kept.keys() >= {0, 1}


def test_a_long_run_with_few_failures_comes_to_its_failures() -> None:
    run = [f"tests/test_shop.py::TestBasket::test_case_number_{i} {'FAILED' if i % 200 == 7 else 'PASSED'}        [ {i // 4:2}%]" for i in range(400)]
    failures = [f"{'_' * 20} TestBasket.test_case_number_{i} {'_' * 20}\nE   assert {i} == 2\n\ntests/test_shop.py:{i}: AssertionError" for i in (7, 207)]
    text = "\n".join(["===== test session starts =====", "collected 400 items", "", *run, "", "===== FAILURES =====", *failures, "===== 2 failed, 398 passed in 3.10s ====="])
    short = shown(text)
    assert len(short) < 0.05 * len(text)
    assert all(failure in short for failure in failures)
    assert SUMMARY.compress(short, GOAL) is None
    assert SUMMARY.expand(short) is None


@pytest.mark.parametrize("text", ["x PASSED" * 500_000, "a\n" * 200_000, "." * 300_000, "    ✓ " * 50_000, "ok 1 - " * 50_000, "\x00PASSED\r\n" * 50_000, "(" * 300_000, "a.b." * 50_000])
def test_hostile_texts_are_survived(text: str) -> None:
    SUMMARY.sniff(text, GOAL)
    assert SUMMARY.compress(text, GOAL) is None
