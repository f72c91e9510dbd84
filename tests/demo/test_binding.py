"""Seals hold for the prefix they were made for and for no other."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.conversation import Json
from headroom.demo.binding import Prefix, Seals, unmarked

values = st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)


@settings(max_examples=60, deadline=None)
@given(st.lists(values), st.lists(values))
def test_a_prefix_tells_other_contents_apart(one: list[Json], other: list[Json]) -> None:
    assert (Prefix(*one).digest() == Prefix(*other).digest()) == (repr(unmarked(one)) == repr(unmarked(other))) or one == other


@settings(max_examples=60, deadline=None)
@given(st.binary(), st.binary(), st.text())
def test_a_seal_opens_for_its_prefix_only(prefix: bytes, other: bytes, previous: str) -> None:
    seals = Seals(b"key")
    seal = seals.seal(prefix, previous)
    assert seals.open(seal, prefix).genuine
    assert seals.open(seal, other).genuine == (prefix == other)
    assert not Seals(b"another key").open(seal, prefix).genuine
    assert not previous or seals.open(seal, prefix).previous == seals.mark(previous)


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_what_is_no_seal_never_opens(text: str) -> None:
    assert not Seals(b"key").open(text, b"prefix").genuine


def test_marks_are_not_part_of_a_prefix() -> None:
    plain = {"type": "text", "text": "x"}
    assert Prefix({**plain, "cache_control": {"type": "ephemeral"}}).digest() == Prefix(plain).digest()
