"""A glance is small whatever the text is, and shows its start and its middle."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.lines.glance import LENGTH, LINES, glance


@pytest.mark.parametrize(("text", "lines"), [
    ("", [""]), ("a", ["a"]), ("a\n", ["a"]), ("a\n\n", ["a", ""]), ("a\nb", ["a", "b"]), ("x" * 9999, ["x" * LENGTH] * 2),
], ids=["nothing", "one line", "an ended line", "a blank line", "two lines", "one long line"])
def test_a_short_text_is_seen_whole(text: str, lines: list[str]) -> None:
    assert glance(text) == lines


def test_a_long_text_is_seen_in_two_places() -> None:
    seen = glance("".join(f"{i}\n" for i in range(10_000)))
    assert len(seen) == 2 * LINES
    assert seen[0] == "0"
    assert all(4000 < int(line) < 7000 for line in seen[LINES + 1 :])


@settings(deadline=None, max_examples=100)
@given(st.text("ab\n", max_size=50), st.integers(1, 2000))
def test_a_glance_is_small(piece: str, times: int) -> None:
    seen = glance(piece * times)
    assert 0 < len(seen) <= 2 * LINES
    assert max(map(len, seen)) <= LENGTH
