"""Numbers are taken off where lines are numbered, and given back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.lines.numbering import Lines, lines_of
from headroom.compressors.lines.numbers import Style

CAT = [f"{n:>6}\t{c}" for n, c in enumerate("abcde", 8)]


def numbers(lines: Lines) -> list[tuple[int, int, int | None]]:
    return [(run.start, run.end, run.first) for run in lines.runs]


@pytest.mark.parametrize(
    ("rows", "style", "runs"),
    [
        (CAT, "%6d\\t", [(0, 5, 8)]),
        ([f"{n}: {c}" for n, c in enumerate("abcde", 8)], "%d: ", [(0, 5, 8)]),
        ([f"L{n:02}→{c}" for n, c in enumerate("abcde", 1)], "L%02d→", [(0, 5, 1)]),
        (["$ cat -n x", *CAT, "", "done"], "%6d\\t", [(0, 1, None), (1, 6, 8), (6, 8, None)]),
        ([*CAT[:4], "...", *(f"{n:>6}\tx" for n in range(40, 44))], "%6d\\t", [(0, 4, 8), (4, 5, None), (5, 9, 40)]),
        ([*CAT, *CAT], "None", [(0, 10, None)]),  # a number would name two lines
        (CAT[:3], "None", [(0, 3, None)]),  # too few
        ([*CAT, *"fghijk"], "None", [(0, 11, None)]),  # a list in a text
        (["10:00 a", "10:01 b", "10:02 c", "10:03 d"], "None", [(0, 4, None)]),
        ([], "None", [(0, 0, None)]),
    ],
)
def test_numbered_blocks_are_found(rows: list[str], style: str, runs: list[tuple[int, int, int | None]]) -> None:
    lines = lines_of(rows)
    assert (str(lines.style), numbers(lines)) == (style, runs)


def test_lines_are_known_by_their_numbers_or_by_their_place() -> None:
    numbered, plain = lines_of(CAT), lines_of(list("abcde"))
    assert numbered.contents == plain.contents == list("abcde")
    assert (numbered.at(9), plain.at(2)) == (1, 1)
    with pytest.raises(ValueError, match="no such line"):
        numbered.at(2)


def test_lines_are_spelled_in_any_style() -> None:
    lines = lines_of(CAT)
    assert lines.spelled(0, 5, lines.style, 8) == CAT
    assert lines.spelled(1, 3, None, 0) == ["b", "c"]
    assert lines.spelled(1, 3, Style("", "", 0, ":"), 99) == ["99:b", "100:c"]
    for start, end in ((0, 6), (-1, 2), (3, 3)):
        with pytest.raises(ValueError, match="no such lines"):
            lines.spelled(start, end, None, 0)


def test_what_is_not_shown_cannot_be_spelled_or_found() -> None:
    lines = lines_of(["a line", None, None, "a line", "another"])
    assert lines.first == {"a line": 0, "another": 4}
    with pytest.raises(ValueError, match="not shown"):
        lines.spelled(0, 3, None, 0)


def test_in_a_numbered_text_only_numbered_lines_can_be_found() -> None:
    lines = lines_of(["a header", *(f"{n}\tthe same" for n in range(1, 5)), "a footer"])
    assert lines.first == {"the same": 1}
    assert [lines.run(at).first for at in range(6)] == [None, 1, 1, 1, 1, None]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.sampled_from(["", "x", "\t", "7: x", "    9\tz", "é"]), min_size=1, max_size=30), st.integers(0, 2000), st.sampled_from(["{:>6}\t{}", "{}: {}", "{}:{}", "{:>5}→{}", "L{}: {}", "{:04} | {}"]))
def test_numbers_come_back_as_they_were(contents: list[str], first: int, form: str) -> None:
    rows = [form.format(number, line) for number, line in enumerate(contents, first)]
    lines = lines_of(rows)
    back = [row for run in lines.runs for row in lines.spelled(run.start, run.end, lines.style if run.first is not None else None, run.first or 0)]
    assert back == rows
    for line, at in lines.first.items():
        assert lines.contents.index(line) == at
