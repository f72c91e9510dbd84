"""JSON comes back as the same value, and as the very bytes where its layout is a usual one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.base import Goal, TooCostly
from headroom.compressors.json import MAX_CHARS, JsonTables
from headroom.conversation import Json

JSON = JsonTables()
GOAL = Goal()

ROWS = [{"id": i, "name": f"thing {i}", "url": f"https://example.org/things/{i}", "ok": True} for i in range(8)]
NESTED = [{"sha": f"{i:07x}", "commit": {"author": {"name": "Ada"}, "date": f"2024-01-0{i}"}} for i in range(1, 9)]
LAYOUTS: dict[str, Callable[[Json], str]] = {
    "compact": lambda v: json.dumps(v, separators=(",", ":")),
    "spaced": json.dumps,
    "indent 1": lambda v: json.dumps(v, indent=1),
    "indent 2": lambda v: json.dumps(v, indent=2),
    "indent 4": lambda v: json.dumps(v, indent=4),
    "tab indent": lambda v: json.dumps(v, indent="\t"),
    "indent 2, \\u escapes": lambda v: json.dumps([v, "é"], indent=2),
    "indent 2, final newline": lambda v: json.dumps(v, indent=2, ensure_ascii=False) + "\n",
}


def literal(value: str) -> tuple[str, str]:
    return "number", value


def loads(text: str) -> Json:
    """A value in which 1 and 1.0, and other ways of writing one number, differ, and keys keep their order."""
    return json.loads(text, parse_int=literal, parse_float=literal, object_pairs_hook=lambda pairs: ("object", pairs))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("value", [ROWS, NESTED, {"total": 8, "items": ROWS}, {f"k/{r['id']}": r for r in ROWS}])
def test_tables_are_exact_in_every_usual_layout(layout: str, value: Json) -> None:
    text = LAYOUTS[layout](value)
    found = JSON.compress(text, GOAL)
    assert found is not None
    assert found.grade == "exact"
    assert f"original: {layout}" in found.text
    assert JSON.expand(found.text) == text
    assert len(found.text) < len(text)


def test_a_table_reads_like_one() -> None:
    found = JSON.compress(json.dumps(ROWS, indent=2), GOAL)
    assert found is not None
    assert found.text.split("\n") == [
        "[JSON, tables below (a(p~b): p, then b; a=v: a is v in all rows); original: indent 2]",
        "<8 rows>",
        "id,name(thing ~id),url(https://example.org/things/~id),ok=true",
        *map(str, range(8)),
    ]


def test_absent_null_empty_and_their_names_stay_apart() -> None:
    cells: list[Json] = [None, "", "null", "true", True, False, 1, 1.0, "1", "1.0", [], {}, "a,b", '"', " x", "-", ">1"]
    rows = [{"name": f"row number {i}", "value": v, "last": i} for i, v in enumerate(cells)]
    rows += [{"name": f"row number {i}", "last": i} for i in range(20, 26)]
    text = json.dumps(rows)
    found = JSON.compress(text, GOAL)
    assert found is not None
    assert JSON.expand(found.text) == text


@pytest.mark.parametrize("number", ["1.0", "1", "1e5", "1E+5", "-0", "-0.0", "0.10", "1e-07", "1e999", "9" * 5000])
def test_number_literals_are_kept(number: str) -> None:
    text = "[" + ", ".join(f'{{"name": "some thing", "n": {number}, "i": {i}}}' for i in range(6)) + "]"
    found = JSON.compress(text, GOAL)
    assert found is not None
    assert JSON.expand(found.text) == text


def test_rows_whose_keys_stand_in_another_order_keep_it() -> None:
    rows = [{"alpha": i, "beta": f"text {i}", "gamma": 1} for i in range(20)]
    rows[3] = dict(reversed(list(rows[3].items())))
    rows[7] |= {"seldom": "yes"}
    text = json.dumps(rows, indent=2)
    found = JSON.compress(text, GOAL)
    assert found is not None
    assert "seldom=yes" in found.text
    assert JSON.expand(found.text) == text


def test_one_object_a_line() -> None:
    text = "".join(json.dumps({"at": f"2024-01-01T00:00:{i:02}", "level": "info", "n": i}) + "\n" for i in range(30))
    found = JSON.compress(text, GOAL)
    assert found is not None
    assert found.grade == "exact"
    assert JSON.expand(found.text) == text


@pytest.mark.parametrize("count", [25, 400])
def test_messages_become_templates(count: int) -> None:
    rows = [{"at": f"2024-01-01T00:{i // 60:02}:{i % 60:02}Z", "level": "info", "message": f"worker {i % 4} has finished batch {i * 7} of the nightly import" if i % 5 else "nothing to do"}
            for i in range(count)]
    text = json.dumps(rows)
    found = JSON.compress(text, GOAL)
    assert found is not None
    assert re.search(r"\n>>message \{\} .*[AB]=worker \{\} has finished batch \{\} of the nightly import", found.text)
    assert JSON.expand(found.text) == text
    assert JSON.compress(found.text, GOAL) is None


def test_an_unusual_layout_is_minified_and_only_equal() -> None:
    text = '{ "files": ["a", "b"],\n   "name":   "x" }'
    found = JSON.compress(text, GOAL)
    assert found is not None
    assert (found.text, found.grade) == ('{"files":["a","b"],"name":"x"}', "equal")
    assert JSON.expand(found.text) == found.text


@pytest.mark.parametrize("text", [
    "", "[", "{}", "[]", "[1,2]", '{"a": 1, "a": 2}', '[NaN,   "x"]', '[Infinity,   "x"]', "[" * 100_000,
    "[" * 100_000 + '"a"' + "]" * 100_000, '{"a":   ' * 60 + "1" + "}" * 60, '["\\u0000",    "x"]', '["\x00",    "x"]',
    '["\\ud800",     "lone"]', '[1,  "x"] tail', "[JSON] not really", '["a"\n,   "\n"]',
], ids=lambda text: text[:12])
def test_what_is_not_ours_is_left_alone(text: str) -> None:
    assert JSON.compress(text, GOAL) is None


@pytest.mark.parametrize("short", [
    "", "x", "[JSON, tables below]", "[JSON, tables below]\n", "[JSON, tables below]\n<3 rows>", "[JSON, tables below]\n<1 rows>\na\n1\n2",
    "[JSON, tables below]\n<2 rows>\na(\n1\n2", "[JSON, tables below; original: handwritten]\n[1]", "[JSON minified]\n[1",
    "[JSON, tables below]\n<2 rows>\na?\n1\n2", "[JSON, tables below]\n<1 rows>\na(x~b)\n1", '[JSON, tables below]\n<1 rows>\na\n"x"y',
])
def test_what_is_not_our_form_expands_to_nothing(short: str) -> None:
    assert JSON.expand(short) is None


def test_size_is_a_work_limit() -> None:
    with pytest.raises(TooCostly):
        JSON.compress("[" + " " * MAX_CHARS + "]", GOAL)


@pytest.mark.parametrize(("text", "sure"), [('[{"a": 1}]', True), (' {"a": 1}\n', True), ("[1, 2]", True), ("{code}", False), ("[INFO] ready]", False)])
def test_sniff(text: str, sure: bool) -> None:
    assert (JSON.sniff(text, GOAL) > 0) == sure


SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=12),
    st.sampled_from(["", "null", "1", "a,b", "https://example.org/a", "https://example.org/b", "~", ">1", "<3 rows>", "a=b", "x)"]),
)
KEYS = st.sampled_from(["id", "name", "a.b", "", "(key)", "order", "k,l", "é", "url", "x y", ">1", "b"])
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6)


@st.composite
def tables_of(draw: st.DrawFn) -> Json:
    """Rows that share many keys and values, in a list or in a map, perhaps one level down."""
    base = draw(st.dictionaries(KEYS, VALUES, min_size=1, max_size=6))
    rows = []
    for _ in range(draw(st.integers(3, 8))):
        row = dict(draw(st.permutations(list(base.items())))) if draw(st.integers(0, 5)) == 0 else dict(base)
        for key in draw(st.lists(KEYS, max_size=3)):
            row[key] = draw(VALUES)
        if draw(st.booleans()):
            row.pop(draw(KEYS), None)
        rows.append(row)
    keyed = dict(zip(draw(st.lists(st.text(max_size=8), min_size=len(rows), max_size=len(rows), unique=True)), rows, strict=True))
    value: Json = draw(st.sampled_from([rows, keyed]))
    return draw(st.sampled_from([value, {"total": 3, "<3 rows>": value}, [value, value]]))


@settings(max_examples=300, deadline=None)
@given(tables_of() | VALUES, st.sampled_from(sorted(LAYOUTS)))
def test_every_value_comes_back(value: Json, layout: str) -> None:
    text = LAYOUTS[layout](value)
    found = JSON.compress(text, GOAL)
    if found is None:
        return
    assert len(found.text) < len(text)
    back = JSON.expand(found.text)
    assert back is not None
    assert back == text if found.grade == "exact" else loads(back) == loads(text)
    again = JSON.compress(found.text, GOAL)
    assert again is None or again.text == found.text
