"""The numbers that tools put before lines are read in their style, and written again."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.lines.numbers import Style, bare, read, runs_of

STYLES = st.builds(
    Style, st.just(""), st.just(""), st.sampled_from([0, 6]), st.sampled_from(["\t", "→", ": ", ":", "|", " │ "])
) | st.builds(Style, st.sampled_from(["", "L"]), st.just("0"), st.just(4), st.sampled_from(["→", ": "]))


@pytest.mark.parametrize("pattern", ["%6d\\t", "%d: ", "L%02d→", "%4d│"])
def test_styles_are_spelled_as_printf_has_them(pattern: str) -> None:
    assert str(read(pattern)) == pattern


@pytest.mark.parametrize("pattern", ["", "%d", "%s: ", "%123d: ", "x%d: "])
def test_what_is_no_style_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="not a way to write numbers"):
        read(pattern)


@settings(deadline=None, max_examples=100)
@given(STYLES, st.integers(0, 10**6), st.lists(st.text("ab", max_size=3), min_size=5, max_size=30))
def test_a_run_gives_its_lines_back(style: Style, first: int, contents: list[str]) -> None:
    rows = [style.long % number + "x" + content for number, content in enumerate(contents, first)]
    found, runs = runs_of(["$ cat", *rows, ""], 5)
    assert found is not None
    assert ([str(run) for run in runs], bare(rows, first, found)) == (
        ["1 other", f"{first}-{first + len(rows) - 1}", "1 other"], ["x" + content for content in contents]
    )


def test_a_line_that_is_not_shown_ends_a_run() -> None:
    rows = ["1: a", "2: b", None, "4: d"]
    style, runs = runs_of(rows, 2)
    assert ([str(run) for run in runs], style and bare(rows[:3], 1, style)) == (["1-2", "2 other"], ["a", "b", None])
