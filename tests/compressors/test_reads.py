"""Numbered reads keep every tenth number and every character of the file."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.base import Goal
from headroom.compressors.reads import EVERY, MIN_RUN, NumberedReads

READS = NumberedReads()
GOAL = Goal(tool="Read")

FILE = [f"    line = {i}  # of a file" if i % 3 else "" for i in range(1, 41)]


def numbered(style: str, first: int = 1, lines: list[str] | None = None) -> str:
    return "\n".join(style % number + line for number, line in enumerate(FILE if lines is None else lines, first))


STYLES = ["%6d\t", "%6d→", "%d\t", "%d→", "L%d: ", "%d: ", "%d:", "%05d| ", "%4d|", "%4d │ ", "%3d | "]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("first", [1, 7, 95, 99_990])
@pytest.mark.parametrize("end", ["", "\n"])
def test_every_style_comes_back(style: str, first: int, end: str) -> None:
    text = numbered(style, first) + end
    found = READS.compress(text, GOAL)
    assert found is not None
    assert found.grade == "exact"
    assert READS.expand(found.text) == text
    assert len(found.text) < len(text)
    assert READS.sniff(text, GOAL) > 0.9


def test_a_read_reads_like_the_file() -> None:
    text = numbered("%6d\t", 8, ["def f():", "\treturn 1", "", "x = f()", "\ty", *"abcdefghijkl"])
    found = READS.compress(text, GOAL)
    assert found is not None
    assert found.text.split("\n") == [
        '[numbered lines 8-24: number ("%6d\\t") shown on the first and every 10th line only]',
        "8\tdef f():", "\treturn 1", "10\t", "x = f()", "\ty", *"abcdefg", "20\th", *"ijkl",
    ]


def test_what_is_not_numbered_is_kept_where_it_stands() -> None:
    reminder = "\n\n<system-reminder>\nWhether or not you edit this file …\n</system-reminder>\n"
    text = "Here is the file:\n" + numbered("%6d\t") + "\n...\n" + numbered("%6d\t", 100) + reminder
    found = READS.compress(text, GOAL)
    assert found is not None
    assert found.text.startswith("[numbered lines 1 other, 1-40, 1 other, 100-139, 4 other: ")
    assert found.text.endswith(reminder)
    assert READS.expand(found.text) == text


@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\n\n\n"])
@pytest.mark.parametrize("last", ["", "x"])
def test_line_ends_at_the_end_come_back(last: str, end: str) -> None:
    text = numbered("%6d\t", lines=[*FILE, last]) + end
    found = READS.compress(text, GOAL)
    assert found is not None
    assert READS.expand(found.text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "plain text\n" * 30,
        numbered("%6d\t", lines=FILE[: MIN_RUN - 1]),
        "".join(f"{i * 2}\tevery other number\n" for i in range(40)),
        "".join(f"1. a list\n{i}: b\n" for i in range(40)),
        "12:30:01 a log\n12:30:02 a log\n" * 20,
    ],
)
def test_nothing_else_is_touched(text: str) -> None:
    assert READS.compress(text, GOAL) is None


@pytest.mark.parametrize(
    "short",
    [
        "",
        "text",
        '[numbered lines 1-40: number ("%6d\\t") shown on the first and every 10th line only]\n1\ta',
        '[numbered lines 1-2: number ("%6d\\t") shown on the first and every 10th line only]\na\nb',
        '[numbered lines 1 x: number ("%6d\\t") shown on the first and every 10th line only]\na',
        '[numbered lines 1-1: number ("%s") shown on the first and every 10th line only]\n1\ta',
    ],
)
def test_a_damaged_form_is_not_ours(short: str) -> None:
    assert READS.expand(short) is None


def test_a_form_is_left_alone() -> None:
    nested = numbered("%d\t", lines=numbered("%6d\t").split("\n"))
    once = READS.compress(nested, GOAL)
    assert once is not None
    assert READS.compress(once.text, GOAL) is None


LINES = st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=12), min_size=MIN_RUN, max_size=45)


@settings(deadline=None, max_examples=150)
@given(LINES, st.sampled_from(STYLES), st.integers(0, 10_000), st.text(max_size=40))
def test_any_file_comes_back(lines: list[str], style: str, first: int, tail: str) -> None:
    text = numbered(style, first, lines) + "\n" + tail
    found = READS.compress(text, GOAL)
    if found is not None:
        assert READS.expand(found.text) == text


@settings(deadline=None, max_examples=100)
@given(LINES, st.integers(1, 10_000))
def test_each_tenth_number_and_the_first_are_shown(lines: list[str], first: int) -> None:
    found = READS.compress(numbered("%6d\t", first, lines), GOAL)
    if found is None:
        return
    shown = found.text.split("\n")[1:]
    for number, (line, original) in enumerate(zip(shown, lines, strict=True), first):
        assert line == (f"{number}\t{original}" if number == first or number % EVERY == 0 else original)
