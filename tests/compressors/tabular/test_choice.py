"""Rows that stand out are chosen, whatever the norm of the table is."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom.compressors.lines.salience import SEVERE
from headroom.compressors.tabular.cells import KEY, MISSING
from headroom.compressors.tabular.choice import BETWEEN, USUAL, choose, outliers, severe, troubled
from headroom.compressors.tabular.profile import profile
from headroom.conversation import Json


def chosen(values: list[Json], query: str = "") -> list[int]:
    return choose([{"v": v} for v in values], [profile(("v",), values)], query)


@pytest.mark.parametrize("odd", ["a new kind", None, True, 10_000, -3.5, "task failed", MISSING])
def test_one_row_unlike_all_others(odd: Json) -> None:
    for usual in (["ok"] * 300, [i % 9 for i in range(300)]):
        values: list[Json] = [*usual]
        values[123] = odd
        assert 123 in chosen(values)


def test_the_ends_and_some_between_are_always_shown() -> None:
    found = chosen([f"text {i}" for i in range(1000)])
    assert len(found) == USUAL
    assert {0, 1, 2, 998, 999} <= set(found)
    assert max(b - a for a, b in pairwise(found)) < 2 * 1000 / (USUAL - BETWEEN)


def test_trouble_that_most_rows_have_is_the_norm() -> None:
    values: list[Json] = [f"task {i} failed" if i % 3 else f"task {i} is done" for i in range(900)]
    assert len(chosen(values)) == USUAL


def test_of_much_trouble_of_one_kind_the_first_and_the_last_row_are_shown() -> None:
    values: list[Json] = [f"task {i} failed" if i % 3 == 1 else f"task {i} is done" for i in range(900)]
    values[500] = "disk is missing, cannot go on"
    assert {1, 898, 500} <= set(chosen(values))
    assert len(chosen(values)) < 2 * USUAL


def test_a_row_of_a_map_is_named_by_its_key() -> None:
    keys = profile(KEY, [f"package-{i}" for i in range(500)])
    assert 77 in choose([{"v": 1}] * 500, [keys, profile(("v",), [1] * 500)], "which version has package-77?")


def test_server_errors_by_code() -> None:
    assert troubled(profile(("status",), [200, 503, 404, 500])) == [1, 3]
    assert troubled(profile(("size",), [200, 503, 404, 500])) == []


@pytest.mark.parametrize(("values", "found"), [
    ([1, 2, 3] * 100 + [50], [300]),
    ([5] * 300 + [6], [300]),
    ([5] * 150 + [6] * 150, []),
    (list(range(300)), []),
    ([1, 2, 3] * 100 + [50] * 50, []),
])
def test_outliers(values: list[Json], found: list[int]) -> None:
    assert outliers(values, profile(("v",), values).numbers) == found


BITS = st.sampled_from(["error", "Timed", "out", "timed out", "OOM", "not", "found", "no", "such", "ok", "warn", "warned", "failing", "failover", "(fatal)", "x", "core dumped"])


@given(st.lists(st.lists(BITS, max_size=5).map(" ".join), max_size=8))
def test_severe_finds_what_the_pattern_finds(texts: list[str]) -> None:
    assert list(severe(texts)) == [i for i, text in enumerate(texts) if SEVERE.search(text)]
