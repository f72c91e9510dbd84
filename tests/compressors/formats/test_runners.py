from __future__ import annotations

import re

import pytest

from headroom.compressors.formats import runners
from headroom.compressors.formats.runners import RUNNERS, Runner

PASSED = [
    (runners.PYTEST, "tests/test_a.py::test_b PASSED   [ 12%]"),
    (runners.PYTEST, "tests/test_a.py::TestC::test_b[x y-PASSED] PASSED"),
    (runners.PYTEST, "[gw3] [ 12%] PASSED tests/test_a.py::test_b"),
    (runners.PYTEST, "tests/test_a.py ........    [ 40%]"),
    (runners.UNITTEST, "test_a (pkg.mod.Case.test_a) ... ok"),
    (runners.UNITTEST, "test_a (pkg.mod.Case.test_a)\nSays what it is for. ... ok"),
    (runners.CARGO, "test parser::tests::empty ... ok"),
    (runners.CARGO, "test src/lib.rs - parse (line 12) ... ok"),
    (runners.NEXTEST, "        PASS [   0.005s] engine::bin tests::empty"),
    (runners.GO, "    --- PASS: TestA/with_b (0.00s)"),
    (runners.GO_PACKAGES, "ok  \texample.org/a/b\t0.012s"),
    (runners.JEST, "PASS src/a.test.ts (5.1 s)"),
    (runners.JEST, "    ✓ adds two numbers (3 ms)"),
    (runners.VITEST, " ✓ src/a.test.ts (32 tests) 12ms"),
    (runners.VITEST, " ✓ src/a.test.ts > group > adds two numbers 3ms"),
    (runners.MOCHA, "    ✔ adds two numbers"),
    (runners.NODE, "  ✔ adds two numbers (0.12ms)"),
    (runners.PLAYWRIGHT, "  ✓  1 [chromium] › a.spec.ts:3:1 › opens (1.2s)"),
    (runners.TAP, "ok 12 - adds two numbers"),
    (runners.GTEST, "[       OK ] Parser.Empty (0 ms)"),
    (runners.CTEST, " 3/41 Test  #3: case_2 ......   Passed    0.01 sec"),
    (runners.DOTNET, "  Passed Shop.Tests.BasketTests.Adds(count: 3) [12 ms]"),
    (runners.SUREFIRE, "[INFO] Running a.BTest\n[INFO] Tests run: 3, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 0.1 s -- in a.BTest"),
    (runners.GRADLE, "BasketTest > adds two prices() PASSED"),
    (runners.XCTEST, "Test Case '-[Shop.BasketTests testAdd]' passed (0.001 seconds)."),
    (runners.DENO, "adds two numbers ... ok (5ms)"),
    (runners.BUN, "(pass) group > adds two numbers [0.12ms]"),
    (runners.PROVE, "t/basket.t .. ok"),
    (runners.DOTS, "." * 63 + "  63 / 200 ( 31%)"),
    (runners.COVERAGE, "shop/basket.py      40      0   100%"),
    (runners.COVERAGE, " basket.ts |     100 |      100 |     100 |     100 |                   "),
]
OTHER = [
    (runners.PYTEST, "tests/test_a.py::test_PASSED_but FAILED [ 12%]"),
    (runners.PYTEST, "tests/test_a.py::test_b printed x PASSED"),
    (runners.PYTEST, "tests/test_a.py ...F.... [ 40%]"),
    (runners.PYTEST, "it says tests/test_a.py::test_b PASSED"),
    (runners.UNITTEST, "test_a (pkg.mod.Case.test_a) ... FAIL"),
    (runners.UNITTEST, "all is ... ok"),
    (runners.CARGO, "test parser::ok ... FAILED"),
    (runners.CARGO, "test parser::ok ... ignored"),
    (runners.GO, "--- FAIL: TestPASS (0.00s)"),
    (runners.GO_PACKAGES, "FAIL\texample.org/a/b\t0.012s"),
    (runners.JEST, "    ✕ says ✓ twice (3 ms)"),
    (runners.JEST, "FAIL src/PASS.test.ts"),
    (runners.VITEST, " ❯ src/a.test.ts (32 tests | 1 failed) 12ms"),
    (runners.MOCHA, "    1) says ✔"),
    (runners.NODE, "  ✖ adds (0.12ms)"),
    (runners.TAP, "not ok 12 - adds"),
    (runners.TAP, "ok 12 - adds # TODO later"),
    (runners.TAP, "ok 13 # SKIP no database"),
    (runners.GTEST, "[  FAILED  ] Parser.Empty (0 ms)"),
    (runners.CTEST, " 3/41 Test  #3: case_2 ......***Failed    0.01 sec"),
    (runners.DOTNET, "  Failed Shop.Tests.Adds [12 ms]"),
    (runners.SUREFIRE, "[INFO] Running a.BTest\n[ERROR] Tests run: 3, Failures: 1, Errors: 0, Skipped: 0, Time elapsed: 0.1 s -- in a.BTest"),
    (runners.GRADLE, "BasketTest > adds() FAILED"),
    (runners.PROVE, "t/basket.t .. Failed 1/2 subtests"),
    (runners.COVERAGE, "shop/basket.py      40      1    98%"),
    (runners.COVERAGE, "shop/basket.py      40      0     10     2    96%"),
]


def kind(runner: Runner, line: str) -> str | None:
    found = runner.line.match(line)
    return found.lastgroup if found else None


@pytest.mark.parametrize(("runner", "line"), PASSED, ids=[line for _, line in PASSED])
def test_lines_of_tests_that_passed_are_known(runner: Runner, line: str) -> None:
    assert kind(runner, line) == "passed"
    assert any(mark in line for mark in runner.marks)


@pytest.mark.parametrize(("runner", "line"), OTHER, ids=[line for _, line in OTHER])
def test_other_lines_are_not(runner: Runner, line: str) -> None:
    assert kind(runner, line) != "passed"


def test_every_runner_is_in_the_family() -> None:
    assert {id(runner) for runner, _ in PASSED} == {id(runner) for runner in RUNNERS}


@pytest.mark.parametrize("runner", RUNNERS, ids=lambda runner: runner.marks[0])
def test_sizes_are_groups_of_the_pattern(runner: Runner) -> None:
    assert set(runner.sizes) == {"n", "dots", "file"} & runner.line.groupindex.keys()
    assert runner.totals is None or re.compile(runner.totals).groups
