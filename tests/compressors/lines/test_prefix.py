"""The prefix of the least and the greatest text is that of all."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.lines.prefix import common_prefix


@settings(deadline=None, max_examples=100)
@given(st.lists(st.text("ab/", max_size=6), min_size=1, max_size=5))
def test_it_is_what_all_texts_begin_with_and_no_more(texts: list[str]) -> None:
    shared = common_prefix(min(texts), max(texts))
    assert all(text.startswith(shared) for text in texts)
    assert len({text[: len(shared) + 1] for text in texts}) > 1 or shared in texts
