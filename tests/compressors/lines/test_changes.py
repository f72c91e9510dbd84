"""A text is told by what changed in an earlier one, and read back from the two."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.lines.changes import changed, expand

HEAD = "[like the earlier result of X, but for this diff]\n"
ROWS = [f"test_{n} passed in {n * 7 % 13} ms on the first try" for n in range(40)]
FAILED = "test_9 FAILED"


def plain(rows: list[str]) -> str:
    return "\n".join(rows) + "\n"


def read(short: str, old: str) -> str | None:
    return expand(short, {"X": old}.get)


@pytest.mark.parametrize(
    ("new", "diff"),
    [
        ([*ROWS[:9], FAILED, *ROWS[10:]], [f"@@ -10 +10 @@\n-{ROWS[9]}\n+{FAILED}"]),
        ([*ROWS[:9], *ROWS[10:]], [f"@@ -10 +9,0 @@\n-{ROWS[9]}"]),
        ([FAILED, *ROWS], [f"@@ -0,0 +1 @@\n+{FAILED}"]),
        ([*ROWS, FAILED, ""], [f"@@ -40,0 +41,2 @@\n+{FAILED}\n+"]),
        ([*ROWS[2:20], FAILED, *ROWS[20:]], [f"@@ -1,2 +0,0 @@\n-{ROWS[0]}\n-{ROWS[1]}", f"@@ -20,0 +19 @@\n+{FAILED}"]),
        (["a", *ROWS[1:39], "z"], [f"@@ -1 +1 @@\n-{ROWS[0]}\n+a", f"@@ -40 +40 @@\n-{ROWS[39]}\n+z"]),
        ([*ROWS[:5], FAILED, *ROWS[6:8], FAILED, *ROWS[9:]], ["@@ -6,4 +6,4 @@\n" + plain([f"-{row}" for row in ROWS[5:9]]) + plain(["+" + row for row in [FAILED, *ROWS[6:8], FAILED]])[:-1]]),
    ],
)
def test_what_changed_is_told_in_the_notation_of_diff(new: list[str], diff: list[str]) -> None:
    short = changed(plain(new), plain(ROWS), "X")
    assert short == HEAD + plain(diff)
    assert read(short, plain(ROWS)) == plain(new)
    assert read(changed(plain(new)[:-1], plain(ROWS), "X"), plain(ROWS)) == plain(new)[:-1]


@pytest.mark.parametrize(
    "short",
    [
        "", "@@ -1 +1 @@", HEAD, HEAD + "+x", HEAD + "@@ -1 +1 @@\n-other\n+x", HEAD + "@@ -99 +1 @@\n-x\n+x", HEAD + "@@ -2,0 +2,3 @@\n+x",
        HEAD + f"@@ -2 +2 @@\n-{ROWS[1]}\n+a\n@@ -1 +1 @@\n-{ROWS[0]}\n+b", HEAD.replace("X", "Y") + "@@ -0,0 +1 @@\n+x",
    ],
)
def test_what_does_not_fit_is_refused(short: str) -> None:
    assert read(short, plain(ROWS)) is None


LINES = st.lists(st.sampled_from([*ROWS[:8], "", "@@ -1 +1 @@", "-x", "+x", "é\r", "\x00"]), min_size=1, max_size=40)


@settings(deadline=None, max_examples=200)
@given(LINES, LINES, LINES, LINES, LINES, st.sampled_from(["", "\n", "\n\n"]))
def test_two_texts_give_a_diff_and_it_gives_the_second_back(head: list[str], old: list[str], new: list[str], mid: list[str], tail: list[str], end: str) -> None:
    before, after = plain([*head, *old, *mid, *tail]), plain([*head, *new, *mid, *tail])[:-1] + end
    short = changed(after, before, "X")
    if len(short) > len(HEAD):
        assert read(short, before) == after
