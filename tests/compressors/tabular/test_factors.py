from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.tabular.factors import (
    ROOM,
    Rule,
    all_values,
    by_other,
    cost,
    factored,
    has_cell,
    values_of,
)

TIMES = [f"2026-10-{1 + i // 30:02}T10:{i % 30:02}:00Z" for i in range(90)]


@pytest.mark.parametrize(("values", "rule", "first"), [
    (["EUR"] * 9, "EUR", None),
    ([""] * 9, "{nothing}", None),
    ([str(5 + 2 * i) for i in range(9)], "5, +2 a row", None),
    ([str(50 - i) for i in range(9)], "50, -1 a row", None),
    ([f"SKU-{i * 7 % 90:04}" for i in range(50)], "SKU-00{}", "00"),
    ([f"E{i * 7 % 90 + 10}" for i in range(50)], "E{}", "10"),
    ([f"{i * 7 % 50}ms" for i in range(50)], "{}ms", "0"),
    ([f"{i * 7 % 50}.50" for i in range(50)], "{}.50", "0"),
    (["north side"] * 40 + ["south side"] * 40, "{@}", None),
    (["Aix-en-Provence", "Newport News", "Graz"] * 20, "{A}", "A"),
    (["as usual", "as usual", "as usual", "no"] * 20, "{} or as usual", ""),
    (TIMES, "2026-10-{@}:{}:00Z", "00"),
    ([f"1{i * 7919 % 1000:03}" for i in range(50)], "", "1000"),
    (["a", "b", "a", "{@}"] * 2, "", "a"),
])
def test_rules(values: list[str], rule: str, first: str | None) -> None:
    found = factored(values)
    assert found.rule == rule
    assert (found.cells[0] if found.cells is not None else None) == first
    assert has_cell(rule) == (found.cells is not None)


def test_a_value_that_follows_from_another() -> None:
    base = ["DE", "FR"] * 20
    found = by_other(["Germany, Europe", "France, Europe"] * 20, base, "code")
    assert found is not None
    assert (found.rule, found.lines) == ("{=code}", {"DE": "Germany, Europe", "FR": "France, Europe"})
    assert by_other([str(i) for i in range(40)], base, "code") is None


def test_cost_counts_words_and_groups_of_digits() -> None:
    assert [cost(text) for text in ("", "north", "74.64", "5000", "a b")] == [0, 1, 3, 2, 3]


def test_no_rule_of_ours() -> None:
    with pytest.raises(ValueError, match="no rule"):
        values_of("{}{}", ["a"], [], {})


def test_columns_that_need_another_come_after_it() -> None:
    rules = [("town", Rule(text="{=code}", lines={"G": "Graz", "L": "Lisbon"})), ("code", Rule()), ("n", Rule(text="5, +1 a row"))]
    assert all_values(rules, {"code": ["G", "L", "G"]}, {}, 3) == {"code": ["G", "L", "G"], "n": ["5", "6", "7"], "town": ["Graz", "Lisbon", "Graz"]}
    with pytest.raises(ValueError, match="too much"):
        all_values([("a", Rule(text="x" * (ROOM // 1000)))], {}, {}, 1001)


values = st.one_of(
    st.sampled_from(["", "1", "2", "EUR", "a b c", "{}", "{@}", "{nothing}", "5, +1 a row", "{} or x", '"', "~", "2026-10-01 10:11", "2026-10-01 10:12", "2026-10-02 10:12", "x or y", "x{y", "E1", "E22", "-0", "0.5"]),
    st.text(st.characters(exclude_characters="\n"), max_size=6),
)


@settings(deadline=None, max_examples=300)
@given(st.lists(values, min_size=2, max_size=6).flatmap(lambda few: st.lists(st.sampled_from(few), min_size=2, max_size=60)), st.booleans())
def test_values_come_back(column: list[str], in_order: bool) -> None:
    column = sorted(column) if in_order else column
    found = factored(column)
    cells = found.cells if found.cells is not None else [""] * len(column)
    assert values_of(found.rule, cells, found.above or (), found.lines) == column
    assert has_cell(found.rule) == (found.cells is not None)
    assert ("{@}" in found.rule) == (found.above is not None)
