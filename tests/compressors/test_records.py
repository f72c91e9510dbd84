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
    assert lines[:5] == [
        "[CSV of 60 rows; id: 500 501 … by 1; placed parted at  ; a tab: as it was]", "\tid,placed,town,price,currency",
        '"placed.date"(2026-10-~),"placed.time",town,price,currency=EUR', "01,10:00,Lisbon,0.50", "01,10:01,Graz,7.50",
    ]
    assert len(made.text) < 0.65 * len(ORDERS)
    assert (made.grade, RECORDS.expand(made.text)) == ("exact", ORDERS)


@pytest.mark.parametrize("text", [
    ORDERS.rstrip("\n"), ORDERS.replace("\n", "\r\n"), ORDERS.replace(",", "\t"), ORDERS.replace(",", ";"), ORDERS + "# 60 rows\n\n", ORDERS[:-9],
    ORDERS.replace("Graz", '"Graz, Styria"'), ORDERS.replace("Graz", '"the ""old"" town"'), ORDERS.replace("3,2026", "3 ,2026"), ORDERS.replace("504,", "x,"),
    ORDERS.replace("Lisbon", "  padded "), ORDERS.replace("Graz", ""), ORDERS.replace("Graz", "[1"), ORDERS.replace("Graz", "00123"), ORDERS.replace("Graz", "a\tb"),
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
    "1,2,3\n4,5,6\n" * 20, '{"a": 1, "b": 2}\n' * 20, "2026-11-21 10:00:00,123 INFO x\n" * 20, "a,b,c\n" + "1,2\n" * 20,
])
def test_other_texts_are_none(text: str) -> None:
    assert RECORDS.sniff(text, GOAL) == 0.0 or RECORDS.compress(text, GOAL) is None


def test_records_are_known_by_their_names_and_their_cells() -> None:
    assert RECORDS.sniff(ORDERS, GOAL) > 0.5
    assert RECORDS.sniff(ORDERS * 300, GOAL) > 0.5


def test_too_many_rows_are_too_costly() -> None:
    with pytest.raises(TooCostly):
        RECORDS.compress("x" * (MAX_CHARS + 1), GOAL)


@pytest.mark.parametrize("text", ["", "[CSV of 2 rows; a tab: as it was]\n\ta,b\n", "[CSV of 9 rows; a tab: as it was]\n\ta,b\na,b\n1,2", "[CSV of 1 rows; x: 1 2 … by 1; a tab: as it was]\n\ta\na\n1"])
def test_what_is_no_form_is_refused(text: str) -> None:
    RECORDS.expand(text)


cells = st.sampled_from(["", "1", "007", "1.50", "Graz", "a b", " x", "x ", '"', "a,b", "null", "true", "[", "{x", "2026-10-01 10:11", "2026-10-02T10:11:12Z", "é", "\t", "~", ">2", "…"])


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
