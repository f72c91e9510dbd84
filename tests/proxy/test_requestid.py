from __future__ import annotations

import uuid

from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.proxy.requestid import uuid7

TIMES = st.integers(0, 2**47 * 1_000_000)


@settings(deadline=None)
@given(TIMES, TIMES, st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10))
def test_they_are_valid_and_sort_by_time(a: int, b: int, noise: bytes, other: bytes) -> None:
    first, second = uuid7(a, noise), uuid7(b, other)
    assert (uuid.UUID(first).version, uuid.UUID(first).variant) == (7, uuid.RFC_4122)
    if a // 1_000_000 < b // 1_000_000:
        assert first < second
