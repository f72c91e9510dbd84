"""A sample of a long list shows whole rows, says how many there are, and misses none that matters."""

from __future__ import annotations

import json
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.base import Goal, TooCostly
from headroom.compressors.json import MAX_CHARS, JsonTables
from headroom.compressors.json_sample import JsonSample
from headroom.conversation import Json

SAMPLE = JsonSample()
GOAL = Goal()
HEADER = re.compile(r"\[JSON, a sample[^\n]*\]\n(?:all [^\n]*\n)+")


def rows_of(count: int, seed: int = 1) -> list[dict[str, Json]]:
    dice = random.Random(seed)
    return [
        {
            "id": 10_000 + i, "service": dice.choice(["auth", "billing", "search", "cart"]), "status": 200, "ms": round(dice.gauss(42, 6), 1),
            "user": f"u{dice.randrange(4000)}", "path": f"/api/v1/{dice.choice(['items', 'orders'])}/{dice.randrange(9000)}", "note": "ok",
        }
        for i in range(count)
    ]


def shown(text: str, query: str = "") -> Json:
    """The value that a sample shows: below its explanation a sample is the form without loss."""
    found = SAMPLE.compress(text, Goal(query=query))
    assert found is not None
    assert found.grade == "lossy"
    assert len(found.text) < len(text)
    assert SAMPLE.expand(found.text) is None
    body = HEADER.sub("[JSON, tables below]\n", found.text, count=1)
    back = JsonTables().expand(body)
    assert back is not None
    return json.loads(back)


LAYOUTS = {
    "list": lambda rows: json.dumps(rows),
    "indented": lambda rows: json.dumps(rows, indent=2),
    "below": lambda rows: json.dumps({"page": {"total": 3, "items": rows}, "next": None}),
    "lines": lambda rows: "".join(json.dumps(row) + "\n" for row in rows),
    "map": lambda rows: json.dumps({f"k/{i}": row for i, row in enumerate(rows)}),
}


def rows_in(value: Json, layout: str) -> list[dict[str, Json]]:
    if layout == "below":
        assert (value["page"]["total"], value["next"]) == (3, None)
        return list(value["page"]["items"])
    if layout == "map":
        assert all(key == f"k/{row['#'] - 1}" for key, row in value.items())
    return list(value.values()) if layout == "map" else list(value)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_rows_are_shown_whole_under_their_numbers(layout: str) -> None:
    rows = rows_of(300)
    seen = rows_in(shown(LAYOUTS[layout](rows)), layout)
    assert 15 <= len(seen) <= 40
    for row in seen:
        assert {"#": row["#"], **rows[row["#"] - 1]} == row
    numbers = [row["#"] for row in seen]
    assert numbers == sorted(set(numbers))
    assert {1, 2, 3, 299, 300} <= set(numbers)


def test_it_says_what_all_rows_are_like_and_what_is_left_out() -> None:
    rows: Json = [{"id": i, "state": "failed" if i == 70 else "ok", "ms": i % 7, "name": f"n {i * 7919 % 1000}"} for i in range(200)]
    found = SAMPLE.compress(json.dumps({"runs": rows}), GOAL)
    assert found is not None
    lines = found.text.split("\n")
    assert lines[0].startswith("[JSON, a sample of its rows; # or {7: value} is a row's number")
    assert lines[1] == "all 200 rows of runs: id 0..199; state ok×199 failed×1; ms 0..6 median 3; name 200 different"
    assert re.fullmatch(r"1\d\d of 200 rows of runs", found.omitted)
    assert re.fullmatch(r'\{"runs":<(\d+) rows>\}', lines[2])
    assert any(line.startswith("71,70,failed,0,") for line in lines)


@pytest.mark.parametrize("value", [[7] * 5000, [i % 90 for i in range(5000)], [f"user {i}" for i in range(3000)], [[i, i % 7] for i in range(999)]])
def test_plain_values_are_shown_by_number(value: list[Json]) -> None:
    seen = shown(json.dumps(value))
    assert {int(number): item for number, item in seen.items()} == {int(number): value[int(number) - 1] for number in seen}
    assert 15 <= len(seen) <= 40


def test_a_map_of_plain_values_keeps_its_keys() -> None:
    value = {f"package-{i}": f"{i}.0.{i % 3}" for i in range(500)}
    seen = shown(json.dumps(value))
    assert seen.items() <= value.items()


@pytest.mark.parametrize("text", [
    "", "[]", "{}", "[1, 2, 3]", "no JSON", json.dumps(rows_of(5)), json.dumps(["a"] * 20), "[" * 100_000, '{"a": 1, "a": 2}',
    json.dumps([{f"k{i}-{j}": 1 for j in range(20)} for i in range(60)]), json.dumps([[1], {"a": 2}] * 60),
], ids=lambda text: text[:12])
def test_what_has_no_long_list_is_left_alone(text: str) -> None:
    assert SAMPLE.compress(text, GOAL) is None


def test_size_is_a_work_limit() -> None:
    with pytest.raises(TooCostly):
        SAMPLE.compress("[" + " " * MAX_CHARS + "]", GOAL)


def test_names_that_could_break_a_marker_are_not_quoted() -> None:
    found = SAMPLE.compress(json.dumps({"a]b\n": rows_of(100)}), GOAL)
    assert found is not None
    assert "]" not in found.omitted
    assert "\n" not in found.omitted
    many = SAMPLE.compress(json.dumps({f"list number {i}": rows_of(40) for i in range(30)}), GOAL)
    assert many is not None
    assert len(many.omitted) <= 200


def test_its_own_form_is_not_sampled_again() -> None:
    found = SAMPLE.compress(json.dumps(rows_of(500)), GOAL)
    assert found is not None
    assert SAMPLE.compress(found.text, GOAL) is None


NEEDLES: dict[str, dict[str, Json]] = {
    "error": {"status": 500, "note": "upstream connect error: connection refused"},
    "error in words": {"note": "request could not be answered in time"},
    "outlier": {"ms": 5120.7},
    "low outlier": {"ms": -40.5},
    "rare category": {"service": "ldap-bridge"},
    "rare status": {"status": 301},
    "rare key": {"retried": True},
    "rare type": {"ms": None},
}


@settings(deadline=None, max_examples=40)
@given(st.integers(500, 900), st.integers(0, 10_000), st.sampled_from(sorted(LAYOUTS)), st.data())
def test_what_was_planted_survives(count: int, seed: int, layout: str, data: st.DataObject) -> None:
    """Each kind of needle, whichever row it is in, in a form of at most 5 % of the size."""
    rows = rows_of(count, seed)
    places = data.draw(st.lists(st.integers(3, count - 3), min_size=len(NEEDLES) + 2, max_size=len(NEEDLES) + 2, unique=True))
    for place, change in zip(places, NEEDLES.values(), strict=False):
        rows[place].update(change)
    rows[places[-1]]["user"] = "u77123"
    text = LAYOUTS[layout](rows)
    query = f"why did requests of u77123 fail, and what of {rows[places[-2]]['id']}?"
    found = SAMPLE.compress(text, Goal(query=query))
    assert found is not None
    assert len(found.text) <= 0.05 * len(text)
    seen = {row["#"] - 1 for row in rows_in(shown(text, query), layout)}
    missed = [name for name, place in zip([*NEEDLES, "id in the question", "word of the question"], places, strict=True) if place not in seen]
    assert not missed


@settings(deadline=None, max_examples=40)
@given(st.integers(60, 400), st.data())
def test_what_is_omitted_is_counted(count: int, data: st.DataObject) -> None:
    cell: st.SearchStrategy[Json] = st.sampled_from([None, "", "error", "a,b", 1, 2.5, "1", True, [], {"x": 1}, "é", "~", "<3 rows>"])
    keys = data.draw(st.lists(st.sampled_from(["id", "name", "a.b", "(key)", "x"]), min_size=1, max_size=4, unique=True))
    cells = data.draw(st.lists(cell, min_size=1, max_size=6))
    rows = [{key: cells[(i * 7 + j) % len(cells)] for j, key in enumerate(keys)} | {"n": i} for i in range(count)]
    text = json.dumps(rows)
    found = SAMPLE.compress(text, GOAL)
    if found is None:  # nearly each row of a short list stands out
        return
    assert SAMPLE.compress(text, GOAL) == found
    seen = shown(text)
    assert found.omitted == f"{count - len(seen)} of {count} rows"
    assert all({"#": row["#"], **rows[row["#"] - 1]} == row for row in seen)
