from __future__ import annotations

import random

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.errors import StoreError
from headroom.stores.packing import OFF_LOOP, PACK_ABOVE, packed, unpacked

LONG = b"line\n" * OFF_LOOP


@pytest.mark.parametrize(("value", "smaller"), [
    (b"", False), (b"x" * PACK_ABOVE, False), (b"x" * (PACK_ABOVE + 1), True), (random.Random(1).randbytes(5000), False), (LONG, True),
])
def test_packed_only_where_that_is_smaller(value: bytes, smaller: bool) -> None:
    [kept] = anyio.run(packed, [value])
    assert (len(kept) < len(value)) == smaller
    assert unpacked(kept) == value


def test_damage_is_noticed() -> None:
    with pytest.raises(StoreError):
        unpacked(b"\1not packed")


@settings(deadline=None, max_examples=30)
@given(st.lists(st.binary(max_size=3000), max_size=4))
def test_what_was_packed_comes_back(values: list[bytes]) -> None:
    assert [unpacked(value) for value in anyio.run(packed, values)] == values
