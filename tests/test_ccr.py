from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom import ccr
from headroom.conversation import Part


def test_a_key_is_24_hex_digits_of_sha256() -> None:
    assert ccr.key_of("é") == hashlib.sha256("é".encode()).hexdigest()[:24]
    assert ccr.KEY.fullmatch(ccr.key_of(""))
    assert ccr.KEY.fullmatch(ccr.key_of("\ud800"))


@given(st.text(max_size=30), st.integers(1, 10**6), st.integers(1, 10**6))
def test_the_marker_reads_back(text: str, a: int, b: int) -> None:
    written = ccr.marker(ccr.key_of(text), f"lines {a}-{b} of {b}", f"{a}-{b}")
    match = ccr.MARKER.fullmatch(written)
    assert match
    assert (match["key"], match["lines"]) == (ccr.key_of(text), f"{a}-{b}")
    assert "\n" not in written


def test_a_marker_without_lines() -> None:
    match = ccr.MARKER.fullmatch(ccr.marker("0" * 24, "40 of 50 rows"))
    assert match
    assert match["lines"] is None


@pytest.mark.parametrize("text", [
    '[view shortened by proxy; source unchanged. x not shown. headroom_retrieve(key="short")]',
    '[view shortened by proxy; source unchanged. x not shown. headroom_retrieve(key="' + "G" * 24 + '")]',
    "headroom_retrieve",
])
def test_look_alikes_are_not_markers(text: str) -> None:
    assert ccr.MARKER.search(text) is None


def test_the_request_carries_its_own_originals() -> None:
    parts = [Part("user", "mine", ("a",)), Part("tool", "printed", ("b",))]
    assert ccr.find(parts, ccr.key_of("printed")) == "printed"
    assert ccr.find(parts, ccr.key_of("mine")) is None
    assert ccr.find(parts, "0" * 24) is None


@pytest.mark.parametrize(("wanted", "text", "first", "last"), [
    ("2-3", "b\nc", 2, 3), ("1", "a", 1, 1), ("3-99", "c\nd", 3, 4), ("0-1", "a", 1, 1), (" 2 ", "b", 2, 2), ("9-9", "", 9, 4),
])
def test_lines_of_an_original(wanted: str, text: str, first: int, last: int) -> None:
    assert ccr.lines("a\nb\nc\nd", wanted) == ccr.Slice(text, first, last, 4)


@pytest.mark.parametrize("wanted", ["", "a", "1-", "-1", "1-2-3", "1" * 10])
def test_what_is_not_a_range(wanted: str) -> None:
    with pytest.raises(ValueError, match="lines must look like"):
        ccr.lines("a", wanted)


@pytest.mark.parametrize(("source", "ours"), [
    ('{"name":"headroom_retrieve"}', True), ('{"type":"function","function":{"name": "mcp__headroom__headroom_retrieve"}}', True),
    ('{"name":"my_headroom_retrieve"}', False), ('{"name":"headroom_retrieve_all"}', False),
    ('{"description":"like headroom_retrieve"}', False),
])
def test_our_tool_is_known_by_its_name(source: str, ours: bool) -> None:
    assert bool(ccr.DECLARED.search(source)) is ours
