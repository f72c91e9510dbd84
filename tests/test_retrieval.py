from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.retrieval import AROUND, MAX_LINE, MOST_HITS, best, part

TEXT = "\n".join(f"line {i}" + (" connection refused by db-1:5432" if i in (20, 22, 60) else " refused" if i == 90 else "") for i in range(1, 101))


def rows(answer: str) -> list[str]:
    return answer.split("\n")[1:]


@pytest.mark.parametrize(("query", "hits"), [
    ("Connection REFUSED", [20, 22, 60, 90]), ("db-1:5432", [20, 22, 60]), ("5432", [20, 22, 60]), ("who refused?", [20, 22, 60, 90]), ("line 77", None),
])
def test_hits_and_what_stands_around_them(query: str, hits: list[int] | None) -> None:
    shown = rows(best(TEXT, query))
    if hits is None:
        assert "77:line 77" in shown
        return
    assert [int(row.partition(":")[0]) for row in shown if ":line" in row] == hits
    assert shown[:7] == ["18-line 18", "19-line 19", f"20:{TEXT.split(chr(10))[19]}", "21-line 21", f"22:{TEXT.split(chr(10))[21]}", "23-line 23", "24-line 24"]
    assert shown[7] == "--"


def test_numbers_go_on_from_where_the_text_begins() -> None:
    assert rows(best("a\nneedle\nb", "needle", first=41)) == ["41-a", "42:needle", "43-b"]


@pytest.mark.parametrize("query", ["zebra", "", "?!", "a" * 10_000])
def test_nothing_found_is_said_with_what_there_is(query: str) -> None:
    assert "lines 1-100" in best(TEXT, query)


def test_rare_words_come_first_where_there_are_too_many() -> None:
    text = "\n".join(["common"] * 500 + ["common rare"] + ["common"] * 500)
    shown = rows(best(text, "common rare"))
    assert "501:common rare" in shown
    assert len([row for row in shown if row != "--"]) <= MOST_HITS * (2 * AROUND + 1)


def test_a_long_line_shows_where_the_hit_is() -> None:
    (row,) = rows(best("x" * 50_000 + " needle " + "y" * 50_000, "needle"))
    assert " needle " in row
    assert len(row) < MAX_LINE + 50
    assert row.endswith("… (100,008 characters)")


@settings(deadline=None, max_examples=200)
@given(st.lists(st.text(st.characters(exclude_characters="\n"), max_size=12), min_size=1, max_size=40), st.text(max_size=12), st.integers(1, 99))
def test_every_line_shown_is_a_line_of_the_text_in_order(lines: list[str], query: str, first: int) -> None:
    answer = best("\n".join(lines), query, first)
    shown = [row for row in rows(answer) if row != "--"]
    numbers = []
    for row in shown:
        digits = row[: next(i for i, sign in enumerate(row) if sign in ":-")]
        numbers.append(int(digits))
        assert row[len(digits) + 1 :] == lines[int(digits) - first]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize(("lines", "query", "expected"), [
    (None, None, TEXT), ("2-3", None, "line 2\nline 3"), ("20", "db-1", "[1 best of 1 matching lines, of lines 20-20]\n20:line 20 connection refused by db-1:5432"),
])
def test_a_part_of_an_original(lines: str | None, query: str | None, expected: str) -> None:
    assert part(TEXT, lines, query) == expected


@pytest.mark.parametrize("lines", ["x", "101-120", "9-3"])
def test_lines_that_are_not_there(lines: str) -> None:
    with pytest.raises(ValueError, match="line"):
        part(TEXT, lines)
