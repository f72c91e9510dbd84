from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.tabular.paddings import meant, padded, padding, said


@pytest.mark.parametrize(("cells", "kind"), [
    ([" a  ", " bcd "[:4]], ""), ([" a   ", " bcd "], "<5"), (["   1 ", "  12 "], ">5"), ([" a ", " bcd "], "<0"), ([" a", " bcd"], "<"), (["a", "bc"], ""),
])
def test_paddings(cells: list[str], kind: str) -> None:
    assert padding(cells) == kind
    assert not kind or padded([cell.strip(" ") for cell in cells], kind) == cells


@pytest.mark.parametrize(("columns", "names", "word", "signs"), [
    ([[" a ", " bcd "], [" x ", " y "]], ["n", "what"], "spaced", ["", ""]),
    ([[" a   ", " bcd "], ["   1 ", "  12 "]], ["n", "all"], "padded", ["", ">"]),
    ([[" a      ", " bcd    "], [" x    ", " y    "], [" x ", " y "]], ["n", "what", "z"], "padded", ["<8", "", ""]),
    ([[" a   ", " bcd "], ["x", "y"]], ["n", "z"], "", ["<5", ""]),
])
def test_one_word_for_all_columns(columns: list[list[str]], names: list[str], word: str, signs: list[str]) -> None:
    assert said(columns, names) == (word, signs)


def test_no_padding_of_ours() -> None:
    with pytest.raises(ValueError, match="no padding"):
        padded(["a"], "<x")


@settings(deadline=None, max_examples=200)
@given(st.lists(st.lists(st.text("ab ", max_size=5), min_size=2, max_size=2), min_size=1, max_size=5), st.lists(st.text("ab", max_size=6), min_size=5, max_size=5))
def test_what_is_said_is_what_is_meant(columns: list[list[str]], names: list[str]) -> None:
    word, signs = said(columns, names[: len(columns)])
    for column, sign, name in zip(columns, signs, names, strict=False):
        values = [cell.strip(" ") for cell in column] if sign or word else column
        assert padded(values, meant(word, sign, values, name)) == column
