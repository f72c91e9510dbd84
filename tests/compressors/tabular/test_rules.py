"""What stands behind a name has one reading."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom.compressors.tabular.cells import KEY, Path
from headroom.compressors.tabular.rules import (
    Rule,
    around,
    items_of,
    items_sign,
    listed,
    read_items,
    read_rule,
)
from headroom.conversation import Json

TEXTS = st.text(max_size=4) | st.sampled_from(["a~b", ")", "(", '"', ",", "/x/"])
COLUMNS = st.none() | st.just(KEY) | st.lists(st.sampled_from(["a", "b.c", "", "[0]"]), min_size=1, max_size=2).map(tuple)


@given(st.lists(st.tuples(COLUMNS, TEXTS), min_size=1, max_size=4), TEXTS)
def test_every_rule_reads_back(pairs: list[tuple[Path | None, str]], first: str) -> None:
    rule = Rule((first, *(text for _, text in pairs)), tuple(column for column, _ in pairs))
    shown = f"{rule},next"
    assert read_rule(shown, 1) == (rule, len(shown) - len(",next"))


def test_rules_make_values() -> None:
    assert around("p/", ".s").value("x") == "p/x.s"
    assert Rule(("a", "b"), (("c",),)).values([[1, "2"]]) == ["a1b", "a2b"]
    assert Rule(("{", "}-", ""), (("c",), ("d",))).values([[1, 2], ["x", "y"]]) == ["{1}-x", "{2}-y"]


@pytest.mark.parametrize(("rule", "text"), [
    (around("p"), "(p~)"), (around("p", "s"), "(p~~s)"), (around("", "s"), "(~~s)"), (Rule(("p", ""), (("b",),)), "(p~b)"),
    (Rule(("p", "s", ""), (("b",), ("c", 0))), "(p~b~s~c[0])"),
])
def test_rules_are_written_shortly(rule: Rule, text: str) -> None:
    assert str(rule) == text


@pytest.mark.parametrize("text", ["(", "()", "(p)", "(p~", "(p~b", "(p~b~s", '("~)', "(p~b c)"])
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not? a|no rule|left open"):
        read_rule(text, 1)


@given(st.lists(st.lists(st.fixed_dictionaries({"a": st.integers(), "b,c": st.text(max_size=2)}), max_size=3) | st.none()))
def test_lists_of_objects_read_back(values: list[Json]) -> None:
    members = items_of(values)
    if members is None:
        shapes = {tuple(item) for value in values for item in value or ()}
        assert len(shapes) != 1
        return
    sign = items_sign(members)
    unlisted, end = read_items(sign, 2)
    assert end == len(sign)
    assert list(map(unlisted, listed(values))) == values


@pytest.mark.parametrize("sign", ["[{", "[{}]", "[{a", "[{a}", "[{a,}]", "[{a.b}]", "[{(key)}]"])
def test_what_names_no_members_is_refused(sign: str) -> None:
    with pytest.raises(ValueError, match=r"not? a|no rule|left open"):
        read_items(sign, 2)
