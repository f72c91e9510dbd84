"""A sample of a table shows whole rows in their lines, says what all are like, and misses none that matters."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors import COMPRESSORS
from headroom.compressors.base import Goal, TooCostly
from headroom.compressors.lines.view import numbered
from headroom.compressors.records import MAX_CHARS
from headroom.compressors.records_sample import RecordsSample
from headroom.conversation import Part
from headroom.tokens import estimate
from headroom.transforms.base import Short
from headroom.transforms.shorten import Shorten

SAMPLE = RecordsSample()
GOAL = Goal()
NAMES = ["id", "service", "status", "ms", "user", "note"]


def rows_of(count: int, seed: int = 1) -> list[list[str]]:
    dice = random.Random(seed)
    return [
        [str(10_000 + i), dice.choice(["auth", "billing", "search", "cart"]), "200", f"{dice.gauss(42, 6):.2f}", f"u{dice.randrange(4000)}", "ok"]
        for i in range(count)
    ]


LAYOUTS = {
    "CSV": lambda rows: "".join(",".join(row) + "\n" for row in [NAMES, *rows]),
    "CRLF": lambda rows: "".join(";".join(row) + "\r\n" for row in [NAMES, *rows]),
    "TSV, no end of line": lambda rows: "\n".join("\t".join(row) for row in [NAMES, *rows]),
    "Markdown": lambda rows: "# Report\n\n" + "".join(f"| {' | '.join(row)} |\n" for row in [NAMES, ["---"] * 6, *rows]),
    "psql": lambda rows: "".join(f" {name:9} |"[: 12 if name != "note" else 10] for name in NAMES) + "\n" + "+".join(["-" * 11] * 6) + "\n"
    + "".join(" |".join(f" {cell:>9}" for cell in row) + "\n" for row in rows) + f"({len(rows)} rows)\n\n",
}


def seen(text: str, query: str = "") -> dict[int, str]:
    """Index → line of what is shown, each as it stands in the text."""
    found = SAMPLE.compress(text, Goal(query=query))
    assert found is not None
    assert found.grade == "lossy"
    assert SAMPLE.expand(found.text) is None
    lines = numbered(found.text, text.split("\n"))
    assert lines is not None
    return lines


@pytest.mark.parametrize("layout", LAYOUTS)
def test_names_and_ends_are_shown_and_all_rows_are_told_of(layout: str) -> None:
    text = LAYOUTS[layout](rows_of(300))
    assert SAMPLE.sniff(text, GOAL) == 0.9
    found = SAMPLE.compress(text, GOAL)
    assert found is not None
    assert len(found.text) < 0.2 * len(text)
    assert "(all 300 rows: id 10000..10299; service " in found.text
    shown = list(seen(text).values())
    assert all(any(name in line for line in shown[:4]) for name in NAMES)
    assert all(any(str(number) in line for line in shown) for number in (10_000, 10_001, 10_002, 10_298, 10_299))


@pytest.mark.parametrize("text", [
    "", "id,name\n", LAYOUTS["CSV"](rows_of(12)), "def f(a, b, c):\n    return a, b, c\n" * 40, "Well, as one says,\nit is prose, more or less.\n" * 40,
    "a,b,c\n" + "".join(f"{i},x\n{i},2,3\n" for i in range(90)), LAYOUTS["CSV"](rows_of(300)) + "… 2-40\n",
    "a,b,c\n" + "".join(f"{i},error {i * 7919 % 997} in,{'x' * (i % 9)}\n" for i in range(17)),
], ids=lambda text: text[:12])
def test_what_is_no_long_table_is_left_alone(text: str) -> None:
    assert SAMPLE.compress(text, GOAL) is None


def test_many_lines_between_rows_are_shown_where_they_tell_of_trouble() -> None:
    rows = LAYOUTS["CSV"](rows_of(600)).split("\n")
    odd = [line for i, row in enumerate(rows) for line in ([row, f"# error at {i}" if i == 450 else f"# page {i}"] if i % 15 == 0 else [row])]
    shown = seen("\n".join(odd)).values()
    assert "# error at 450" in shown
    assert 8 < sum(line.startswith("# page") for line in shown) < 12


def test_nothing_is_not_a_text() -> None:
    found = SAMPLE.compress("id,ms,zip,flag\n" + "".join(f"{i},{'NULL' if i == 40 else i * 7 % 50 + .5},{i * 37 % 99:05},\n" for i in range(90)), GOAL)
    assert found is not None
    assert "all 90 rows: id 0..89; ms 0.5..49.5 median 24.5 null×1; zip 90 different" in found.text
    assert "\n40,NULL," in found.text


def test_size_is_a_work_limit() -> None:
    with pytest.raises(TooCostly):
        SAMPLE.compress("x" * (MAX_CHARS + 1), GOAL)


def test_logs_with_bars_are_for_the_summary_of_logs() -> None:
    text = "".join(f"2026-10-01 10:{i:02}:00 | INFO | job {i} done\n" for i in range(60))
    assert SAMPLE.sniff(text, GOAL) <= 0.5


NEEDLES = {
    "error": (2, "503"), "error in words": (5, "request timed out"), "outlier": (3, "5120.70"), "low outlier": (3, "-40.50"),
    "rare category": (1, "ldap-bridge"), "rare status": (2, "301"), "nothing": (3, ""),
}


@settings(deadline=None, max_examples=40)
@given(st.integers(600, 900), st.integers(0, 10_000), st.sampled_from(sorted(LAYOUTS)), st.data())
def test_what_was_planted_survives(count: int, seed: int, layout: str, data: st.DataObject) -> None:
    rows = rows_of(count, seed)
    places = data.draw(st.lists(st.integers(3, count - 3), min_size=len(NEEDLES) + 2, max_size=len(NEEDLES) + 2, unique=True))
    for place, (column, cell) in zip(places, NEEDLES.values(), strict=False):
        rows[place][column] = cell
    rows[places[-1]][4] = "u77123"
    text = LAYOUTS[layout](rows)
    query = f"why did requests of u77123 fail, and what of {rows[places[-2]][0]}?"
    found = SAMPLE.compress(text, Goal(query=query))
    assert found is not None
    assert len(found.text) <= 0.08 * len(text)
    shown = "\n".join(seen(text, query).values())
    missed = [name for name, place in zip([*NEEDLES, "id in the question", "word of the question"], places, strict=True) if rows[place][0] not in shown]
    assert not missed
    assert SAMPLE.compress(found.text, GOAL) is None


cells = st.sampled_from(["", "1", "007", "2.5", "error", "NULL", "x y", "é", "\0", "\0" + "1", "a\rb", '"', "… 3", "-1e5", "+7", "1e99", "true", "(", "]"])


@settings(deadline=None, max_examples=100)
@given(st.lists(st.lists(cells, min_size=3, max_size=3), min_size=16, max_size=60), st.sampled_from(",;\t|"), st.sampled_from(["", "\n", "\r\n"]))
def test_whatever_the_cells_hold(rows: list[list[str]], delimiter: str, end: str) -> None:
    text = (end or "\n").join([delimiter.join(["id", "at", "what"]), *map(delimiter.join, rows)]) + end
    found = SAMPLE.compress(text, GOAL)
    if found is not None:
        assert found == SAMPLE.compress(text, GOAL)
        assert len(found.text) < len(text)
        assert "]" not in found.omitted
        assert numbered(found.text, text.split("\n")) is not None


@pytest.mark.parametrize("layout", ["CSV", "CRLF", "Markdown"])
def test_it_is_chosen_for_tables(layout: str) -> None:
    """But where a number and a tab or bar begin a line, which may be a file as it was read."""
    part = Part("tool", LAYOUTS[layout](rows_of(400)), ("x",), "Bash", {"command": "make"})
    made = Shorten(COMPRESSORS, estimate)(part, (), lossy=True)
    assert isinstance(made, Short)
    assert made.by == "records-sample"
