r"""What test runners print for a test that passed; nothing else may be folded.

    tests/test_a.py::test_b[x y] PASSED   [ 12%]        pytest -v
    test a::b ... ok                                    cargo test
    --- PASS: TestA (0.00s)                             go test -v

The patterns match whole lines and leave no room for free text where a name ends, so that a line of a test's own
output is not taken for a verdict. What follows `closes` (the part with failures and captured output) is left alone
up to `opens`. Where the runner states how many passed (`totals`), no more than that can have been folded.

Groups of `passed`: `name` (or `name2`), the test, which no line of `failed` may name; `n`, how many tests the line
stands for; `dots`, one for each; `file`, a whole file. Group of `failed`, maybe of `closes`: `failing`, the test. Group of
`started`: `starting`, the line goes if that test passed; without one it goes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Runner:
    """The lines of one runner."""

    marks: Sequence[str]
    """A line that says that a test passed holds one of them."""
    line: re.Pattern[str]
    """What a line is: the last group is `passed`, `failed`, `started` or `closes`."""
    signs: Sequence[str] = ()
    """A text of the runner holds one of them; () where the marks are telling enough."""
    opens: re.Pattern[str] | None = None
    totals: re.Pattern[str] | None = None
    announced: bool = False
    """Where the text has lines of `started`, those of `passed` count only for the tests they name."""
    indented: bool = False
    """Less indented lines are titles of groups, which go when all tests of the group do."""
    pairs: bool = False
    """A verdict may need the line before: the two are matched as one text."""
    sizes: Sequence[str] = ()
    """The groups, of "n", "dots" and "file", that say how much a line of `passed` stands for."""
    distinct: bool = True
    """Names tell tests apart; where they are only the last part of the name, another test of this name may have failed."""
    unit: str = "passed"
    opened: bool = True
    """Whether lines count from the start on; else from the first of `opens`."""


def _lines(passed: str, failed: str = "", started: str = "", closes: str = "") -> re.Pattern[str]:
    r"""One pattern for all that a line may be: whole lines pass and start, of others the beginning is enough."""
    kinds = {"passed": rf"(?:{passed})\Z", "failed": failed, "started": started and rf"(?:{started})\Z", "closes": closes}
    return re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in kinds.items() if pattern))


_PERCENT = r"(?: +\[ *\d+%\])"

PYTEST = Runner(
    marks=(" PASSED", ".py .", ". ["),
    sizes=("dots",),
    line=_lines(
        rf"(?P<name>[^\s:]+\.\w+::[^\s\[]+(?:\[.*\])?) PASSED{_PERCENT}?|\[gw\d+\]{_PERCENT} PASSED (?P<name2>\S+::[^\s\[]+(?:\[.*\])?)"
        rf"|(?:[^\s:]+\.\w+ )?(?P<dots>\.+){_PERCENT}",
        failed=rf"(?:FAILED|ERROR) (?P<failing>\S+::\S.*?)(?: - .*)?$|(?P<failing2>[^\s:]+\.\w+::\S.*) (?:FAILED|ERROR){_PERCENT}?$",
        started=r"(?P<starting>[^\s:]+\.\w+::[^\s\[]+(?:\[.*\])?)",
        closes=r"={3,} (?!test session starts).* ={3,}$|_{3,} .* _{3,}$",
    ),
    opens=re.compile(r"={3,} test session starts ={3,}$"),
    totals=re.compile(r"^(?:=+ )?(?:\d+ \w+, )*(\d+) passed\b.* in [\d.]+s", re.MULTILINE),
)
UNITTEST = Runner(
    pairs=True,
    marks=(" ... ok",),
    line=_lines(
        r"(?P<name>\w+ \([\w.<>]+\)) \.\.\. ok|[\w.]+ \([\w.<>]+\)\n.* \.\.\. ok",
        failed=r"(?:FAIL|ERROR): (?P<failing>[\w.]+ \([\w.<>]+\))$|(?P<failing2>\w+ \([\w.<>]+\)) \.\.\. (?:FAIL|ERROR)$",
        closes=r"={70}$",
    ),
    opens=re.compile(r"(?:OK|FAILED)\b"),
    totals=re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE),
)
CARGO = Runner(
    marks=(" ... ok",),
    line=_lines(
        r"test (?P<name>\S+(?: - .*?)?(?: \(line \d+\))?(?: - (?:should panic|compile|compile fail))?) \.\.\. ok(?: <[\d.]+s>)?",
        failed=r"test (?P<failing>\S.*) \.\.\. FAILED",
        closes=r"failures:$",
    ),
    signs=("test result: ", "running "),
    opens=re.compile(r"running \d+ tests?$"),
    totals=re.compile(r"^test result: \w+\. (\d+) passed;", re.MULTILINE),
)
NEXTEST = Runner(
    marks=(" PASS [",),
    line=_lines(
        r" +PASS \[ *[\d.]+s\] (?:\( *\d+/\d+\) )?(?P<name>\S+ \S+)",
        failed=r" +(?:FAIL|TIMEOUT|ABORT|SIG\w+) \[ *[\d.]+s\] (?:\( *\d+/\d+\) )?(?P<failing>\S+ \S+)",
        closes=r"─{3,}|(?:--- )?STD(?:OUT|ERR): |  (?:stdout|stderr) ─",
    ),
    opens=re.compile(r" +(?:PASS|FAIL|Summary) \["),
    totals=re.compile(r"^ +Summary \[.*?(\d+) passed", re.MULTILINE),
)
GO = Runner(
    marks=("--- PASS: ", "ok  \t"),
    line=_lines(
        r" *--- PASS: (?P<name>\S+) \([\d.]+s\)",
        failed=r" *--- FAIL: (?P<failing>\S+)",
        started=r"=== (?:RUN|PAUSE|CONT|NAME) +(?P<starting>\S+)",
    ),
    announced=True,
)
GO_PACKAGES = Runner(
    marks=("ok  \t",),
    sizes=("file",),
    line=_lines(r"ok  \t(?P<file>\S+)\t(?:\(cached\)|[\d.]+s)"),
)
JEST = Runner(
    marks=("✓ ", "PASS "),
    sizes=("file",),
    line=_lines(
        r"PASS (?:\S+ )?(?P<file>\S+\.\w+)(?: \([\d.]+ m?s\))?| {2,}✓ \S.*?(?: \([\d.]+ m?s\))?",
        closes=r"\s+● |\s*console\.\w+|Summary of all failing tests|(?:stdout|stderr) \| |⎯{3,}|Test(?:s| Suites| Files):? ",
    ),
    signs=("Test Suites: ", "\nPASS ", "\nFAIL "),
    opens=re.compile(r"(?:PASS|FAIL) \S| [✓❯×↓] \S+\.\w+ [>(]"),
    totals=re.compile(r"^(?:Tests: | +Tests  )[^\n]*?(\d+) passed", re.MULTILINE),
    indented=True,
)
VITEST = Runner(
    marks=(" ✓ ",),
    sizes=("n",),
    line=_lines(
        r" ✓ (?:\S+ )?[^\s>]+\.\w+ (?:\((?P<n>\d+) tests?\)|> .*?)(?: +\d+ ?ms)?| {3,}✓ \S.*? \d+ms",
        closes=r"(?:stdout|stderr) \| |⎯{3,}| Test Files  ",
    ),
    signs=(" Test Files  ", " RUN  v", " tests) "),
    opens=re.compile(r" [✓❯×↓] (?:\S+ )?\S+\.\w+ [>(]"),
    totals=re.compile(r"^ +Tests  [^\n]*?(\d+) passed", re.MULTILINE),
)
MOCHA = Runner(
    marks=("✓ ", "✔ ", "√ "),
    line=_lines(
        r" {2,}[✓✔√] +\S.*",
        closes=r"  \d+ (?:passing|pending|failing)\b|Tests: ",
    ),
    signs=(" passing (", "PHPUnit "),
    totals=re.compile(r"^  (\d+) passing\b|^Tests: (\d+), Assertions", re.MULTILINE),
    indented=True,
)
NODE = Runner(
    marks=("✔ ",),
    line=_lines(
        r" *✔ (?P<name>\S.*) \([\d.]+ms\)",
        failed=r" *✖ (?P<failing>\S.*) \([\d.]+ms\)",
        started=r" *▶ (?P<starting>\S.*)",
        closes=r"✖ failing tests:$",
    ),
    signs=("ℹ tests ", "▶ "),
    unit="tests and suites passed",
    distinct=False,
)
PLAYWRIGHT = Runner(
    marks=("✓ ", "ok "),
    line=_lines(
        r" +(?:✓|ok) +\d+ (?P<name>\[\w[\w .-]*\] › .+?)(?: \([\d.]+m?s\))?",
        failed=r" +(?:✘|x) +\d+ (?P<failing>\[\w[\w .-]*\] › .+?)(?: \([\d.]+m?s\))?$",
        closes=r"  \d+\) ",
    ),
    signs=("] › ",),
    totals=re.compile(r"^ +(\d+) passed\b", re.MULTILINE),
)
TAP = Runner(
    marks=("ok ",),
    line=_lines(
        r" *ok \d+(?: -)? (?P<name>(?!.*# *(?i:todo|skip))\S.*?)(?: # time=[\d.]+m?s)?",
        started=r" *# Subtest: (?P<starting>.*)|(?: {4})+1\.\.\d+",
        closes=r" *not ok \d+(?: -)? (?P<failing>.*)",
    ),
    signs=("TAP version ", "# Subtest: ", "1.."),
    opens=re.compile(r" *(?:\.\.\.$|ok \d|# Subtest: )"),
    unit="ok",
    distinct=False,
)
GTEST = Runner(
    marks=("[       OK ]",),
    line=_lines(
        r"\[       OK \] (?P<name>\S+) \(\d+ ms\)",
        failed=r"\[  FAILED  \] (?P<failing>[^\s,]+)",
        started=r"\[ RUN      \] (?P<starting>\S+)",
    ),
    totals=re.compile(r"^\[  PASSED  \] (\d+) tests?", re.MULTILINE),
    announced=True,
)
CTEST = Runner(
    marks=("   Passed ", "      Start "),
    line=_lines(
        r" *\d+/\d+ Test +#(?P<name>\d+): \S+ \.* +Passed +[\d.]+ sec",
        failed=r" *\d+/\d+ Test +#(?P<failing>\d+): .*\*\*\*",
        started=r" +Start +(?P<starting>\d+): \S+",
        closes=r"\d+% tests passed",
    ),
)
DOTNET = Runner(
    marks=("  Passed ",),
    line=_lines(
        r"  Passed (?P<name>[\w.+<>`]+(?:\(.*\))?) \[[<\d.,]+ ?\d* ?m?s\]",
        failed=r"  Failed (?P<failing>[\w.+<>`]+(?:\(.*\))?) \[",
        closes=r"  (?:Error Message|Stack Trace|Standard Output Messages):",
    ),
    opens=re.compile(r"  (?:Passed|Failed|Skipped) [\w.+<>`]+.* \["),
    totals=re.compile(r"(?:^ +|, )Passed: +(\d+)", re.MULTILINE),
)
SUREFIRE = Runner(
    pairs=True,
    marks=("Failures: 0, Errors: 0",),
    sizes=("n",),
    line=_lines(r"(?:\[INFO\] )?Running (?P<name>\S+)\n(?:\[INFO\] )?Tests run: (?P<n>\d+), Failures: 0, Errors: 0, Skipped: 0, Time elapsed: [\d.]+ s(?:ec)?(?: -+ in (?P=name))?"),
)
GRADLE = Runner(
    marks=(" PASSED",),
    line=_lines(
        r"(?P<name>[\w.$]+ > \S.*) PASSED",
        failed=r"(?P<failing>[\w.$]+ > \S.*) FAILED",
    ),
)
XCTEST = Runner(
    marks=("' passed (",),
    line=_lines(
        r"Test Case '(?P<name>[^']+)' passed \([\d.]+ seconds\)\.?",
        failed=r"Test Case '(?P<failing>[^']+)' failed \(",
        started=r"Test Case '(?P<starting>[^']+)' started(?: at .*|\.)?",
    ),
    announced=True,
)
DENO = Runner(
    marks=(" ... ok (",),
    line=_lines(
        r"(?P<name>\S.*) \.\.\. ok \(\d+m?s\)",
        failed=r"(?P<failing>\S.*) \.\.\. FAILED",
    ),
)
BUN = Runner(
    marks=("(pass) ",),
    line=_lines(
        r"\(pass\) (?P<name>\S.*?)(?: \[[\d.]+m?s\])?",
        failed=r"\(fail\) (?P<failing>\S.*?)(?: \[[\d.]+m?s\])?$",
    ),
    totals=re.compile(r"^ *(\d+) pass$", re.MULTILINE),
)
PROVE = Runner(
    marks=(" ok",),
    sizes=("file",),
    line=_lines(r"(?P<file>\S+\.t) \.+ ok(?: +\d+ ms)?"),
)
DOTS = Runner(
    marks=("....",),
    sizes=("dots",),
    line=_lines(
        r"(?P<dots>\.{20,})(?: +\d+ */ *\d+ \( *\d+%\))?",
        closes=r"(?:Failures|Errors|FAILURES|ERRORS):?$|={5,}|There (?:was|were) \d+ (?:failure|error)",
    ),
    signs=(" examples, ", "PHPUnit ", " assertions", "Ran "),
)
COVERAGE = Runner(
    marks=(" 100%", "| 100 |", "|     100 |"),
    line=_lines(
        r"\S.*?(?<=\S) +\d+ +0(?: +\d+ +0)? +100%|[^|]+\|(?: +100 \|){4}[ |]*",
        closes=r"TOTAL\b|={3,} ",
    ),
    opens=re.compile(r"Name +Stmts +Miss |File +\| % Stmts \|"),
    unit="fully covered",
    opened=False,
)

RUNNERS: tuple[Runner, ...] = (
    PYTEST, UNITTEST, CARGO, NEXTEST, GO, GO_PACKAGES, JEST, VITEST, MOCHA, NODE, PLAYWRIGHT, TAP, GTEST, CTEST, DOTNET, SUREFIRE, GRADLE, XCTEST,
    DENO, BUN, PROVE, DOTS, COVERAGE,
)
