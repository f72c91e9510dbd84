from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.audit.lines import objects, seconds


@pytest.mark.parametrize(("line", "value"), [
    (b'{"a": 1}\n', {"a": 1}), (b'{"a": 1', None), (b"[1]\n", None), (b"\xff\n", None), (b"[" * 100_000, None), (b"NaN", None),
], ids=["object", "cut off", "no object", "no UTF-8", "too deep", "no JSON"])
def test_what_a_line_holds(line: bytes, value: object) -> None:
    assert list(objects([line])) == [value]


def test_blank_lines_are_no_lines() -> None:
    assert list(objects([b"\n", b"  \r\n", b"{}\n"])) == [{}]


@pytest.mark.parametrize(("text", "expected"), [
    ("1970-01-01T00:01:00Z", 60.0), ("1970-01-01T00:01:00.250Z", 60.25), ("1970-01-01T00:01:00.123456789Z", 60.123456789),
    ("1970-01-01T00:01:00", 60.0), ("yesterday", 7.0), ("", 7.0), (None, 7.0), (12, 7.0),
])
def test_times(text: object, expected: float) -> None:
    assert seconds(text, 7.0) == pytest.approx(expected)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40)))
def test_nothing_a_file_holds_stops_the_reading(lines: list[bytes]) -> None:
    assert len(list(objects(lines))) <= len(lines)
