from __future__ import annotations

import pytest

from headroom.compressors.formats.progress import ROUTINE

LINES = {
    "collected": ["Collecting idna>=3 (from httpx)"],
    "downloaded": [
        "  Downloading idna-3.20-py3-none-any.whl (69 kB)", "     ━━━━━━━━━━━━━━━━━━━ 97.0/97.0 kB 177.0 MB/s eta 0:00:00", "  Downloaded serde v1.0.219", "go: downloading golang.org/x/net v0.31.0",
        "[INFO] Downloaded from central: https://repo.example.org/a/b.jar (12 kB at 3.4 MB/s)", "Get:12 http://deb.example.org bookworm/main amd64 gdb amd64 13.1-3 [3,500 kB]",
        "npm http fetch GET 200 https://registry.npmjs.org/zod 155ms (cache updated)", "#7 sha256:1ab2 12.58MB / 29.15MB 0.4s", "a1b2c3d4e5f6: Pull complete", "Receiving objects:  12% (120/1000)",
    ],
    "already_there": ["Requirement already satisfied: idna in ./lib (3.20)", "> Task :app:compileJava UP-TO-DATE", "#8 CACHED"],
    "prepared": ["  Preparing metadata (pyproject.toml): finished with status 'done'"],
    "replaced": ["    Uninstalling idna-3.20:"],
    "unpacked": ["Unpacking gdb (13.1-3) ...", "Selecting previously unselected package gdb."],
    "installed": ["Setting up libc6 (2.36-9) ...", "(3/20) Installing musl (1.2.5-r0)", "#9 12.34   Setting up libgpg-error0 (1.46-1) ..."],
    "compiled": [
        "   Compiling thiserror v2.0.1", "[ 12%] Building CXX object a.dir/b.cc.o", "[3/120] Linking CXX executable app", "gcc -O2 -Werror -c -o a.o a.c", "/usr/bin/c++ -I. -c x.cc", "  CC [M]  drivers/net/a.o",
    ],
    "make_steps": ["make[2]: Entering directory '/srv/app'"],
    "checked": ["checking for stdlib.h... yes", "-- Performing Test HAS_FLAG - Success"],
    "resolved": ["    Locking serde v1.0.219", "aws_vpc.main: Refreshing state... [id=vpc-1]"],
    "tasks": ["> Task :app:classes", "#7 DONE 0.3s"],
    "npm_details": ["npm sill placeDep ROOT zod@3.25.76"],
}
OTHER = [
    "ERROR: Could not find a version that satisfies the requirement idna==99", "warning: unused variable: `x`", "> Task :app:test FAILED", "checking for stdlib.h... no", "-- Looking for pthread.h - not found",
    "npm http fetch GET 404 https://registry.npmjs.org/nozod 155ms", "gcc: error: a.c: No such file or directory", "cc1: all warnings being treated as errors", "/usr/bin/ld: a.o: undefined reference to `f'",
    "make: *** [Makefile:9: z.o] Error 1", "error: could not compile `engine` (lib) due to 1 previous error", "Successfully installed idna-3.20", "Downloading was never so slow", "Compiling a list of all the reasons",
    "E: Unable to locate package nogdb", "#7 ERROR: process \"/bin/sh -c make\" did not complete", "#7 [2/5] RUN make", "src/a.ts(3,4): error TS2322: Type", "    Finished `dev` profile in 0.44s", "fatal: early EOF",
]


@pytest.mark.parametrize(("unit", "line"), [(unit, line) for unit, lines in LINES.items() for line in lines])
def test_lines_of_progress_are_known(unit: str, line: str) -> None:
    found = ROUTINE.match(line)
    assert found
    assert found.lastgroup == unit


@pytest.mark.parametrize("line", OTHER)
def test_what_tells_of_trouble_or_sums_up_is_none(line: str) -> None:
    assert not ROUTINE.match(line)


def test_every_unit_has_an_example() -> None:
    assert set(LINES) == set(ROUTINE.groupindex)
