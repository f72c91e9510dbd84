"""Messages come back from their templates."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.tabular.phrases import phrases_of, read_phrase

WORDS = st.sampled_from(["job", "done", "12", "7.5", "A", "B 1", "~", "", "in", "the", "queue", "x=3", "é", "failed:"])
MESSAGES = st.lists(st.one_of(
    st.lists(WORDS, max_size=8).map(" ".join), st.builds("job {} is done in {} ms".format, st.integers(0, 99), WORDS),
    st.builds("{} requests were served by host-{}".format, WORDS, st.integers(0, 9)),
), min_size=16, max_size=60)


def test_what_varies_stands_in_the_cell() -> None:
    found = phrases_of([f"the nightly job {i} is done in {i % 7} milliseconds" for i in range(20)], 0)
    assert found is not None
    assert found.templates == {"A": "the nightly job {} is done in {} milliseconds"}
    assert found.cells[:2] == ["A 0 0", "A 1 1"]


@pytest.mark.parametrize("texts", [
    ["short"] * 50, [f"word{i} and nothing like the{i % 7}others{i}" * (i % 3) for i in range(50)], ["a {} b 1 and so on and so on"] * 50,
    ["job 1 is done in 2 ms\n"] * 50, ["job 1 is done in 2 ms"] * 3, ["prefix of all of them 1 x"] * 50,
])
def test_what_has_no_templates(texts: list[str]) -> None:
    assert phrases_of(texts, 20) is None


@settings(deadline=None, max_examples=200)
@given(MESSAGES)
def test_messages_read_back(texts: list[str]) -> None:
    found = phrases_of(texts, 0)
    if found is not None:
        assert [read_phrase(cell, found.templates) for cell in found.cells] == texts


def test_another_number_of_values_is_refused() -> None:
    with pytest.raises(ValueError, match="another number"):
        read_phrase("A 1", {"A": "{} of {}"})
