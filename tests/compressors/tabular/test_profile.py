"""A column in a few words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom.compressors.tabular.cells import MISSING
from headroom.compressors.tabular.layout import NUMBER
from headroom.compressors.tabular.profile import profile, summaries, summary
from headroom.conversation import Json


@pytest.mark.parametrize(("values", "words"), [
    ([1, 1, 1], ""),
    (list(range(5, 105)), "c 5..104"),
    ([0.5 * i for i in range(99)], "c 0.0..49.0 median 24.5"),
    ([*range(0, 200, 2), None, MISSING, MISSING], "c 0..198 median 98 null×1 absent×2"),
    ([*range(0, 200, 2), NUMBER + "1e3"], "c 0..1000.0 median 100"),
    (["a", "b", "a"], "c a×2 b×1"),
    (["a", None, "", MISSING, "1"], 'c a×1 null×1 ""×1 absent×1 "1"×1'),
    ([True, False, True], "c true×2 false×1"),
    ([[], [], [1, "x"]], 'c []×2 [1,"x"]×1'),
    ([str(i % 10) * 50 for i in range(99)], "c 10 different"),
    ([f"n{i % 10}" for i in range(99)], "c n0×10 n1×10 n2×10 n3×10 n4×10 n5×10 +4 more"),
    ([f"name {i}" for i in range(99)], "c 99 different"),
    ([*range(9), "\0", "\0x"], "c 0..8"),
    ([f"2026-10-{i % 28 + 1:02}T10:{i % 60:02}:00Z" for i in range(420)], "c 2026-10-01T10:00:00Z..2026-10-28T10:59:00Z"),
])
def test_a_column_in_a_few_words(values: list[Json], words: str) -> None:
    assert summary(profile(("c",), values)) == words


@given(st.lists(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | st.just(MISSING), min_size=1, max_size=60))
def test_any_column_has_a_profile(values: list[Json]) -> None:
    found = profile(("c",), values)
    assert sum(found.counts.values()) == len(values)
    assert "\n" not in summary(found)


def test_summaries_end_where_room_does() -> None:
    profiles = [profile((f"c{i}",), [1, 7]) for i in range(9)]
    assert summaries(profiles, 25) == "c0 1×1 7×1; c1 1×1 7×1"
    assert summaries(profiles[:1], 3) == ""
