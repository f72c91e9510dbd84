"""The log of git says authors, years and zones once, and comes back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.base import Goal, TooCostly
from headroom.compressors.gitlog import MAX_CHARS, GitLog

LOG = GitLog()
GOAL = Goal(tool="Bash")

IDS = [f"{digit * 4}2882d176c40ce37db6be494f7a8d72afe6aa" for digit in "f2ea0"]


def commit(i: int, author: str = "Ann Lee <ann@example.org>", when: str = "Thu Nov 12 10:53:59 2020 +0200", message: str = "Fix the reader\n\nIt read.") -> list[str]:
    return [f"commit {IDS[i % 5]}", f"Author: {author}", f"Date:   {when}", "", *(f"    {line}" for line in message.split("\n"))]


FIRST = commit(0)
SECOND = commit(1, when="Wed Nov 11 06:56:05 2020 +0200", message="Add a reader")
THIRD = commit(2, "Bo Ek <bo@example.org>", "Tue Dec 31 23:59:59 2019 +0100", "Start")
STATISTICS = [" src/reader.py | 12 ++++++------", " src/long.py   |  3 +--", " 2 files changed, 7 insertions(+), 8 deletions(-)"]
PATCH = ["diff --git a/x b/x", "--- a/x", "+++ b/x", "@@ -1 +1 @@", "-a", "+b", " "]
CASES = {
    "plain": [*FIRST, "", *SECOND, "", *THIRD],
    "statistics": [*FIRST, "", *STATISTICS, "", *SECOND, "", *STATISTICS, "", *THIRD],
    "patches": [*FIRST, "", *PATCH, "", *SECOND, "", *PATCH, "", "", *THIRD, "", *PATCH],
    "statistics and patches": [*FIRST, "", *STATISTICS, "", *PATCH, "", *SECOND, "", *STATISTICS, "", *PATCH],
    "cut in the statistics": [*FIRST, "", *SECOND, "", *STATISTICS[:2]],
    "a merge": [*FIRST, "", FIRST[0], "Merge: f359628 258bf65", *FIRST[1:], "", *SECOND],
    "refs": [*FIRST, "", f"{SECOND[0]} (HEAD -> main, tag: v1)", *SECOND[1:], "", *THIRD],
    "other dates": [*commit(0, when="2020-11-12"), "", *commit(1, when="3 days ago"), "", *commit(2, when="2020-11-12 10:53:59 +0200"), "", *commit(3, when="Fri Nov 12 10:53:59 2020 +0200")],
    "a name with two addresses": [*commit(0), "", *commit(1, "Ann Lee <lee@example.org>"), "", *commit(2), "", *commit(3, "Ann Lee"), "", *commit(4, "Ann Lee <>")],
    "lines like ours": [*commit(0, message=f"= a\n---\n+++\n{IDS[0]}\n  two\n\n"), "", *SECOND, "", "= a", "---", f"{IDS[1]} x", "", *THIRD],
    "no message": [*FIRST[:4], "", *SECOND, "", *THIRD[:4]],
    "a preamble": ["warning: x", "", *FIRST, "", *SECOND],
    "CRLF": [f"{line}\r" for line in [*FIRST, "", *SECOND]],
    "a tree": ["* " + line for line in [*FIRST, "", *SECOND]],
    "indented blanks at the end": [*FIRST, "", *SECOND, "    "],
}


@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
@pytest.mark.parametrize("lines", CASES.values(), ids=CASES)
def test_every_log_comes_back(lines: list[str], end: str) -> None:
    text = "\n".join(lines * 2) + end
    made = LOG.compress(text, GOAL)
    if made is not None:
        assert LOG.expand(made.text) == text


def test_a_commit_is_a_line_and_its_message() -> None:
    made = LOG.compress("\n".join(CASES["statistics"]), GOAL)
    assert made is not None
    assert made.text.split("\n")[1:] == [
        f"{IDS[0]} Nov 12 10:53:59 2020 +0200 Ann Lee <ann@example.org>", "Fix the reader", "", "It read.", "---", "src/reader.py 12 ++++++------", "/long.py 3 +--", "+7 -8",
        f"{IDS[1]} Nov 11 06:56:05", "Add a reader", "---", "src/reader.py 12 ++++++------", "/long.py 3 +--", "+7 -8",
        f"{IDS[2]} Dec 31 23:59:59 2019 +0100 Bo Ek <bo@example.org>", "Start",
    ]


@pytest.mark.parametrize("text", ["", "commit x", "\n".join(FIRST), "Author: a\nAuthor: b\nAuthor: c\n" * 5], ids=repr)
def test_what_is_no_log_is_left_alone(text: str) -> None:
    assert LOG.compress(text, GOAL) is None


def test_a_log_is_told_by_its_first_lines() -> None:
    assert LOG.sniff("\n".join(CASES["plain"]), GOAL) == 0.9
    assert LOG.sniff("\n".join(CASES["a preamble"]), GOAL) == 0.9
    assert LOG.sniff("a commit that nobody made\n" * 9, GOAL) == 0.0


@pytest.mark.parametrize("form", ["x", "[git log: id, date]\n---", "[git log: id, date]\nab", f"[git log: id, date]\n{IDS[0]} Nov 31 10:00:00\nx"])
def test_foreign_forms_do_no_harm(form: str) -> None:
    LOG.expand(form)


def test_too_much_is_too_costly() -> None:
    with pytest.raises(TooCostly):
        LOG.compress("a" * (MAX_CHARS + 1), GOAL)


LINE = st.one_of(
    st.sampled_from([line for lines in CASES.values() for line in lines]),
    st.lists(st.sampled_from(["commit", IDS[0], "Author: ", "Date:   ", "    ", "---", "= ", " x | 1 +", "(a)", '"']), max_size=4).map(" ".join),
)
COMMITS = st.builds(commit, st.integers(0, 4), st.sampled_from(["A <a@b>", "A <c@d>", "A", "<x>", "B C <>"]), st.sampled_from(["Thu Nov 12 10:53:59 2020 +0200", "Mon Nov 12 1:1:1 2020 +0000", "x y"]), st.text("a= \n-+", max_size=9))


@settings(deadline=None, max_examples=300)
@given(st.lists(st.one_of(COMMITS, st.just(STATISTICS), st.lists(LINE, max_size=3)), min_size=2, max_size=9), st.sampled_from(["", "\n"]))
def test_any_log_comes_back(parts: list[list[str]], end: str) -> None:
    text = "\n\n".join("\n".join(part) for part in [*parts, FIRST, SECOND]) + end
    made = LOG.compress(text, GOAL)
    if made is None:
        return
    assert LOG.expand(made.text) == text
    assert LOG.compress(made.text, GOAL) is None
