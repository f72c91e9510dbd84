from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.conversation import Usage
from headroom.errors import StoreError
from headroom.stores.answerform import decoded, encoded
from headroom.stores.answers import Facts, Kept

COUNT = st.none() | st.integers(0, 1 << 60)
PLAIN = st.builds(Usage, COUNT, COUNT, COUNT, COUNT, cache_write_long_tokens=COUNT)
USAGE = st.builds(lambda one, rounds: Usage(one.input_tokens, 5, rounds=tuple(rounds)), PLAIN, st.lists(PLAIN, max_size=2)) | PLAIN
FACTS = st.builds(Facts, st.text(), st.text(), st.text(), st.booleans(), st.integers(0, 99), st.integers(0, 99), USAGE)
FIELDS = st.lists(st.tuples(st.binary(max_size=9), st.binary(max_size=9)), max_size=3).map(tuple)
KEPT = st.builds(Kept, st.integers(200, 299), FIELDS, st.lists(st.binary(max_size=50), max_size=4).map(tuple), st.just(7.0), FACTS)


@pytest.mark.parametrize("data", [b"", b"\n", b"{}\n", b"[]\nx", b'{"form":1}\n', b"\xff\n"])
def test_what_is_no_answer_is_said_to_be_damaged(data: bytes) -> None:
    with pytest.raises(StoreError):
        decoded(data, 0.0)


def test_answers_in_another_form_are_not_there() -> None:
    assert decoded(b'{"form":2}\n', 0.0) is None


@settings(deadline=None, max_examples=100)
@given(KEPT, st.data())
def test_what_was_written_is_read(kept: Kept, data: st.DataObject) -> None:
    written = encoded(kept)
    assert decoded(written, 7.0) == kept
    cut = data.draw(st.integers(0, len(written) - 1))
    with pytest.raises(StoreError):
        decoded(written[:cut], 7.0)
