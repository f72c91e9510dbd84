"""A sample is bounded, and made of whole lines where there are any."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.lines.sample import sample


@pytest.mark.parametrize(
    ("text", "half", "expected"),
    [
        ("", 10, ""),
        ("short\n", 10, "short\n"),
        ("x" * 100, 10, "x" * 10 + "\n" + "x" * 10 + "\n"),
        ("ab\n" * 20, 7, "ab\nab\n" * 2),
        ("head\n" + "middle\n" * 10, 12, "head\nmiddle\n" + "middle\n"),
    ],
)
def test_two_pieces(text: str, half: int, expected: str) -> None:
    assert sample(text, half) == expected


@settings(deadline=None, max_examples=100)
@given(st.text("ab\n", max_size=300), st.integers(1, 40))
def test_it_is_bounded_and_made_of_lines_of_the_text(text: str, half: int) -> None:
    found = sample(text, half)
    assert len(found) <= max(3 * half, 2 * (half + 1))
    if max(map(len, text.split("\n"))) < half:
        assert set(found.split("\n")) <= {*text.split("\n"), ""}
