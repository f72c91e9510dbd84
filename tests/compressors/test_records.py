from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.base import Goal, TooCostly
from headroom.compressors.records import MAX_CHARS, Records

RECORDS = Records()
GOAL = Goal()
ORDERS = "id,placed,town,price,currency\n" + "".join(f"{500 + i},2026-10-{1 + i // 9:02} 10:{i % 60:02},{'Graz' if i % 3 else 'Lisbon'},{i * 7 % 90}.50,EUR\n" for i in range(60))


def test_what_columns_share_is_said_once() -> None:
    made = RECORDS.compress(ORDERS, GOAL)
    assert made is not None
    lines = made.text.split("\n")
    assert lines[:12] == [
        "[CSV, 60 rows of 5 columns; column=rule; {} = cell; {@} = as in the last @ line; or = where empty; > = cells of a row; tab = line as it was]",
        "id=500, +1 a row", "placed=2026-10-{@}:{}", "town={} or Graz", "price={}.50", "currency=EUR", "> {placed} {price} {town}",
        "\tid,placed,town,price,currency", "@placed=01 10", "00 0 Lisbon", "01 7", "02 14",
    ]
    assert len(made.text) < 0.5 * len(ORDERS)
    assert (made.grade, RECORDS.expand(made.text)) == ("exact", ORDERS)


@pytest.mark.parametrize(("rows", "words"), [
    ([f"{i * 7919 % 90},u" for i in range(60)], ""), ([f"{i % 7},{town}" for i, town in enumerate(["Aix-en-Provence", "Newport News", "Ōsaka"] * 20)], "A, B … = as listed"),
    ([f"{i // 3 * 37 % 100},u" for i in range(60)], "×2 = row again, 2 times"), ([f"@{i * 37 % 100},u" if i % 2 else "yes,u" for i in range(60)], "~ = row as it stands"),
])
def test_a_form_explains_what_it_uses_and_nothing_else(rows: list[str], words: str) -> None:
    text = "what,where,why\n" + "".join(f"{row},a long word that all rows have\n" for row in rows)
    made = RECORDS.compress(text, GOAL)
    assert made is not None
    opening = made.text.split("\n", 1)[0]
    assert words in opening
    assert ("listed" in opening, "again" in opening, "stands" in opening) == ("listed" in words, "again" in words, "stands" in words)
    assert RECORDS.expand(made.text) == text


def test_tables_with_bars_lose_their_padding() -> None:
    rows = "".join(f" {i:>3} | {'cup' if i % 3 else 'teapot':<6} | {'' if i % 4 else 'Graz'}\n" for i in range(1, 41))
    text = "SELECT * FROM orders;\n  id |  item  | town\n-----+--------+------\n".replace("  id", " id ") + rows + "(40 rows)\n\n"
    made = RECORDS.compress(text, GOAL)
    assert made is not None
    assert len(made.text) < 0.6 * len(text)
    assert RECORDS.expand(made.text) == text


def test_markdown() -> None:
    rows = "".join(f"| svc-{i} | {'healthy' if i % 3 else 'degraded'} | {i * 37 % 900} | eu-west-1 |\n" for i in range(40))
    text = "# Report\n\n| Service | Status | p95 ms | Region |\n|---|---|---:|---|\n" + rows + "\nThat is all.\n"
    made = RECORDS.compress(text, GOAL)
    assert made is not None
    assert len(made.text) < 0.7 * len(text)
    assert RECORDS.expand(made.text) == text


@pytest.mark.parametrize(("table", "opening"), [
    (["+----+------+", "| id | town |", "+----+------+", *[f"| {i:>2} | {'Graz' if i % 3 else 'Wien'} |" for i in range(1, 31)], "+----+------+"], "table in |, 30 rows of 2 columns, padded, 1 right;"),
    (["| id | town |", "| --- | --- |", *[f"| {i} | {'Graz' if i % 3 else 'Bergen'} |" for i in range(1, 31)]], "table in |, 30 rows of 2 columns, spaced;"),
    (["id | town | n", "---|---|---", *[f"{i} | {'Graz' if i % 3 else 'Bergen'} | {i * 7 % 10}" for i in range(1, 99)]], "table by |, 98 rows of 3 columns;"),
    (["|id|town|", "|---|---|", *[f"|{i}|{'Graz' if i % 3 else 'Bergen'}|" for i in range(1, 31)]], ""),
])
def test_padding_is_said_in_a_word(table: list[str], opening: str) -> None:
    text = "\n".join(table) + "\n"
    made = RECORDS.compress(text, GOAL)
    if not opening:
        assert made is None or RECORDS.expand(made.text) == text
        return
    assert made is not None
    assert made.text.startswith(f"[{opening}")
    assert RECORDS.expand(made.text) == text


def test_a_cell_that_follows_from_another_is_said_once() -> None:
    text = "code,country,n\n" + "".join(f"{code},{country},{i * 7 % 90}\n" for i in range(30) for code, country in [("DE", "Federal Republic of Germany"), ("FR", "French Republic")])
    made = RECORDS.compress(text, GOAL)
    assert made is not None
    assert "country={=code}\n DE=Federal Republic of Germany\n FR=French Republic\n" in made.text
    assert RECORDS.expand(made.text) == text


@pytest.mark.parametrize("text", [
    ORDERS.rstrip("\n"), ORDERS.replace("\n", "\r\n"), ORDERS.replace(",", "\t"), ORDERS.replace(",", ";"), ORDERS + "# 60 rows\n\n", ORDERS[:-9],
    ORDERS.replace("Graz", '"Graz, Styria"'), ORDERS.replace("Graz", '"the ""old"" town"'), ORDERS.replace("3,2026", "3 ,2026"), ORDERS.replace("504,", "x,"),
    ORDERS.replace("Lisbon", "  padded "), ORDERS.replace("Graz", ""), ORDERS.replace("Graz", "[1"), ORDERS.replace("Graz", "00123"), ORDERS.split("\n", 1)[1], ORDERS.replace("Graz", "a\tb"),
    "a\tb\n" + "".join(f"{i * 3}\tsame value {i % 2}\n" for i in range(30)), ORDERS.replace("506,", "\t506,"),
])
def test_every_byte_comes_back(text: str) -> None:
    made = RECORDS.compress(text, GOAL)
    assert made is not None
    assert RECORDS.expand(made.text) == text
    again = RECORDS.compress(made.text, GOAL)
    assert again is None


@pytest.mark.parametrize("text", [
    "", "id,name\n", "def f(a, b):\n    return a, b\n" * 20, "Well, this is prose, as one says,\nwith commas, here and there.\n" * 20,
'{"a": 1, "b": 2}\n' * 20, "2026-11-21 10:00:00,123 INFO x\n" * 20, "a,b,c\n" + "1,2\n" * 20,
])
def test_other_texts_are_none(text: str) -> None:
    assert RECORDS.sniff(text, GOAL) == 0.0 or RECORDS.compress(text, GOAL) is None


def test_records_are_known_by_their_names_and_their_cells() -> None:
    assert RECORDS.sniff(ORDERS, GOAL) > 0.5
    assert RECORDS.sniff(ORDERS * 300, GOAL) > 0.5


def test_too_many_rows_are_too_costly() -> None:
    with pytest.raises(TooCostly):
        RECORDS.compress("x" * (MAX_CHARS + 1), GOAL)


@pytest.mark.parametrize("text", [
    "", "[CSV, 2 rows of 2 columns; column=rule]\n\ta,b\n", "[CSV, 9 rows of 2 columns; column=rule]\n> {a} {b}\n\ta,b\n1 2",
    "[CSV, 2 rows of 1 columns; column=rule]\na=1, +1 a row\n> {b}\n\ta\n1\n×1", "[CSV, 9999999 rows of 1 columns; column=rule]\na=1\n> \n\ta\n\n×9999998",
    "[CSV, 1 rows of 1 columns by number; column=rule]\n1={=1}\n> \n", "[CSV, 1 rows of 2 columns; column=rule]\na={@}\n> {b}\n\ta,b\nx",
])
def test_what_is_no_form_is_refused(text: str) -> None:
    RECORDS.expand(text)


LONG = "x" * 100_000


@pytest.mark.parametrize("form", [
    "[CSV, 9999999 rows of 2 columns]\na=1\n> {b}\n\ta,b\n1\n×9999998",
    f"[CSV, 3000 rows of 2 columns]\na={LONG}\n> {{b}}\n\ta,b\n" + "1\n" * 3000,
    f"[CSV, 3000 rows of 2 columns]\na={{A}}\n A={LONG}\nb=1\n> {{a}}\n\ta,b\n" + "A\n" * 3000,
    f"[CSV, 3000 rows of 2 columns]\na={{A {{}}}}\n A={LONG}\nb=1\n> {{a}}\n\ta,b\n" + "A\n" * 3000,
    f"[CSV, 3000 rows of 2 columns]\nb={{=a}}\n 1 2={LONG}\n> {{a}}\n\ta,b\n" + "1 2\n" * 3000,
    f"[CSV, 3000 rows of 2 columns]\na=x{{@}}\nb=1\n> \n\ta,b\n@a={LONG}\n" + "\n" * 3000,
    f"[CSV, 3000 rows of 2 columns]\na=x{{\"}}\nb=1\n> {{a}}\n\ta,b\n{LONG}\n" + '"\n' * 2999,
    f"[CSV, 3000 rows of 2 columns]\nb=1\n> {{a}}\n\ta,b\n{LONG}\n×2999",
    "[table by |, 9000 rows of 2 columns]\na<9999=1\n> {b}\n\ta|b\n" + "1\n" * 9000,
    f"[table by |, 3000 rows of 2 columns, padded]\na=1\n> {{b}}\n\t{LONG}|b\n" + "1\n" * 3000,
])
def test_a_forged_form_does_not_fill_the_memory(form: str) -> None:
    assert RECORDS.expand(form.removesuffix("\n")) is None


def test_large_forms_are_read() -> None:
    names = [f"a long name of a column {i}" for i in range(40)]
    text = ",".join(names) + "\n" + "".join(",".join(["", "EUR"] * 19 + [str(i), str(i * 7919 % 90)]) + "\n" for i in range(30_000))
    made = RECORDS.compress(text, GOAL)
    assert made is not None
    assert RECORDS.expand(made.text) == text


cells = st.sampled_from(["", "1", "007", "@", "×2", "{}", "{@}", "{} or x", "5, +1 a row", "{nothing}", "\r", "a;b|c/d", "2026-10-02T10:11:13Z", "1.50", "Graz", "a b", " x", "x ", '"', "a,b", "null", "true", "[", "{x", "2026-10-01 10:11", "2026-10-02T10:11:12Z", "é", "\t", "~", ">2", "…"])


@settings(deadline=None, max_examples=150)
@given(st.lists(st.lists(cells, min_size=3, max_size=3), min_size=6, max_size=20), st.sampled_from(",;\t|"), st.sampled_from(["", "\n", "\r\n"]), st.data())
def test_whatever_the_cells_hold(rows: list[list[str]], delimiter: str, end: str, data: st.DataObject) -> None:
    def written(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"' if '"' in cell or delimiter in cell else cell

    lines = [delimiter.join(["id", "at", "what"]), *(delimiter.join(map(written, row)) for row in rows)]
    if data.draw(st.booleans()):
        lines.insert(data.draw(st.integers(1, len(lines))), data.draw(st.sampled_from(["", "odd", "\tx", "a,b,c,d", '"open'])))
    text = (end or "\n").join(lines) + end
    made = RECORDS.compress(text, GOAL)
    if made is not None:
        assert RECORDS.expand(made.text) == text
        assert RECORDS.compress(text, GOAL) == made


@settings(deadline=None, max_examples=150)
@given(st.lists(st.lists(cells.filter(lambda cell: cell != "\r"), min_size=3, max_size=3), min_size=6, max_size=20), st.sampled_from(["| %s |", " %s ", "%s"]), st.data())
def test_whatever_stands_between_bars(rows: list[list[str]], shape: str, data: st.DataObject) -> None:
    table = [["id", "at", "what"], ["---"] * 3, *rows]
    widths = data.draw(st.sampled_from([[0] * 3, [max(map(len, column)) for column in zip(*table, strict=True)]]))
    kinds = data.draw(st.lists(st.sampled_from("<>"), min_size=3, max_size=3))
    text = "".join(shape % " | ".join(f"{cell:{kind}{width}}" for cell, kind, width in zip(row, kinds, widths, strict=True)) + "\n" for row in table)
    made = RECORDS.compress(text, GOAL)
    if made is not None:
        assert RECORDS.expand(made.text) == text
