"""Long listings lose what their entries share, and get their very columns back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.base import Goal
from headroom.compressors.listings import Listings

LISTINGS = Listings()
GOAL = Goal(tool="Bash")

GNU = """\
total 348
drwxr-xr-x 39 mira mira   4096 Nov 21 02:19 .
drwxr-xr-x  7 mira staff  4096 Nov  2 02:21 ..
-rw-r--r--  1 mira mira  13936 Nov 21 02:19 LICENSE.txt
-rw-r--r--  1 mira mira   5218 Nov 21 02:19 __future__.py
-rw-r--r--  1 mira mira    227 Nov 21 02:19 __hello__.py
drwxr-xr-x  2 mira mira   4096 Nov 21 02:19 folder
drwxr-xr-x  2 mira mira  32768 Nov 21 02:19 other
-rwxr-xr-x  1 mira mira      0 Apr  2  2025 run me
lrwxrwxrwx  1 mira mira     11 Apr  2  2025 tool -> ../bin/tool
"""
SHORT = """\
[ls -l; where not shown: files -rw-r--r-- 1 Nov 21 02:19, folders drwxr-xr-x 2 4096 Nov 21 02:19, symlinks lrwxrwxrwx 1 Apr 2 2025, mira mira; x3: 3 links]
total 348
x39 ./
x7 mira:staff Nov 2 02:21 ../
13936 LICENSE.txt
5218 __future__.py
227 __hello__.py
folder/
32768 other/
-rwxr-xr-x 0 Apr 2 2025 run me
tool -> ../bin/tool
"""
BSD = """\
total 16
drwxr-xr-x@  5 mira  staff   160 Nov 21 02:19 a
-rw-r--r--   1 mira  staff  1284 Nov 21 02:19 b
-rw-r--r--@  1 mira  staff   284 Nov 21 02:19 c
-rw-r--r--   1 mira  staff    84 Nov 21 02:19 d
-rw-r--r--   1 mira  staff    84 Nov 21 02:19 e
"""
DEVICES = """\
total 0
crw-r--r--  1 root root  10, 235 Nov 20 04:04 autofs
crw-------  1 root root   5,   1 Nov 20 04:04 console
drwxr-xr-x  4 root root       80 Nov 20 04:04 cpu
brw-rw----  1 root disk   7,   0 Nov 20 04:04 loop0
brw-rw----  1 root disk   7,   1 Nov 20 04:04 loop1
prw-------  1 root root        0 Nov 20 04:04 pipe
srw-rw-rw-  1 root root        0 Nov 20 04:04 socket
"""
FULL = "".join(f"-rw-r--r--. 1 mira mira {i:4} 2026-11-21 02:52:40.180724048 +0000 f{i}\n" for i in range(95, 105))
CASES = {
    "GNU": GNU,
    "BSD": BSD,
    "devices": DEVICES,
    "full time, SELinux": FULL,
    "long-iso, human": "".join(f"-rw-r--r-- 1 mira mira {i}.5K 2026-11-21 02:27 f{i}\n" for i in range(9)),
    "recursive": f"./a:\n{GNU}\n./a/b:\n{BSD.replace('@', '+')}\n./c:\ntotal 0\n",
    "the head of a longer one": "".join(GNU.splitlines(keepends=True)[3:7] * 3),
    "two listings without a break": FULL + GNU.partition("\n")[2],
    "ACL": GNU.replace("-- ", "--+").replace("-x ", "-x ").replace("wx ", "wx "),
    "names that look like fields": GNU + "".join(
        f"-rw-r--r--  1 mira mira   5218 Nov 21 02:19 {name}\n" for name in ("x7", "12 monkeys", "a -> b", "Nov 21 02:19 x", "-rw-r--r-- x", " x", "x ", "= x", "(columns 1 2 3 wide)")
    ) + "".join(f"drwxr-xr-x  2 mira mira   4096 Nov 21 02:19 {name}\n" for name in ("12 apes", "= ", "x7 ", "a/b", " -> ")),
    "lines that look like ours": GNU + "12 x\nfolder/\n= y\n(columns 1 2 3 wide)\n-rw-r--r-- z\n",
    "an error": "ls: cannot access '/x': No such file or directory\n" + GNU,
    "no final newline": GNU[:-1],
}


@pytest.mark.parametrize("text", CASES.values(), ids=CASES)
def test_every_listing_comes_back(text: str) -> None:
    found = LISTINGS.compress(text, GOAL)
    assert found is not None
    assert found.grade == "exact"
    assert LISTINGS.expand(found.text) == text
    assert len(found.text) < len(text)
    assert LISTINGS.compress(found.text, GOAL) is None
    assert LISTINGS.sniff(text, GOAL) >= 0.5


def test_a_short_listing_reads_like_this() -> None:
    found = LISTINGS.compress(GNU, GOAL)
    assert found is not None
    assert found.text == SHORT


def test_widths_are_stated_only_where_ls_knew_more_than_is_shown() -> None:
    whole = LISTINGS.compress(GNU, GOAL)
    head = LISTINGS.compress(CASES["the head of a longer one"], GOAL)
    assert whole is not None
    assert head is not None
    assert "wide" not in whole.text
    assert head.text.count("(columns 13 5 11 wide)") == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "total 0\n",
        "a\nb\nc\n" * 9,
        "drwxr-xr-x is a mode\n" * 9,
        GNU.replace("Nov ", "nov. "),  # a language we do not read
        "\n".join(GNU.split("\n")[:4]),
    ],
)
def test_nothing_else_is_touched(text: str) -> None:
    assert LISTINGS.compress(text, GOAL) is None


@pytest.mark.parametrize("form", ["12 x", "folder/", "a -> b"])
def test_an_entry_of_a_kind_that_has_no_usual_is_not_ours(form: str) -> None:
    assert LISTINGS.expand(f"[ls -l; where not shown: others Nov 21 02:19, mira mira]\n{form}") is None
    assert LISTINGS.expand(form) is None


WORDS = st.sampled_from(["a", "mira", "x7", "12", "a:b", "total", "é", "-> ", "Nov", "b/"])
ROWS = st.builds(
    "{}{}{:>{w}} {:<5}{:<6}{:>8} {} {}".format,
    st.sampled_from(["-rw-r--r--", "drwxr-xr-x", "lrwxrwxrwx", "crw-------", "-rwsr-xr-t", "-rw-r--r--+"]),
    st.sampled_from([" ", "  "]),
    st.integers(1, 120),
    WORDS,
    WORDS,
    st.sampled_from(["0", "4096", "4.0K", "10, 235", "7,   0", "1"]),
    st.sampled_from(["Nov 21 02:19", "Apr  2  2025", "2026-11-21 02:27", "Feb 30 99:99"]),
    st.lists(WORDS, min_size=1, max_size=3).map(" ".join),
    w=st.sampled_from([1, 3]),
)
LINES = st.one_of(ROWS, ROWS, ROWS, st.sampled_from(["", "total 3", "./a:", "12 x", "b/", "= c", "(columns 1 2 3 wide)"]))


@settings(deadline=None, max_examples=300)
@given(st.lists(LINES, min_size=5, max_size=25).map("\n".join), st.sampled_from(["", "\n"]))
def test_whatever_is_listed_comes_back(text: str, end: str) -> None:
    found = LISTINGS.compress(text + end, GOAL)
    if found is not None:
        assert LISTINGS.expand(found.text) == text + end
