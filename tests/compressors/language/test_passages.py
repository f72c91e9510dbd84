"""Prose is cut where it may be cut: every passage is whole, and only blanks lie between them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.language.passages import TABLE_HEAD, above, passages

TABLE = {
    "sentences": ("One is here. Two is there! Is it? Yes.", ["One is here.", "Two is there!", "Is it?", "Yes."]),
    "wrapped": ("One goes on\nand on. Two\nends.", ["One goes on\nand on.", "Two\nends."]),
    "abbreviations": ("Dr. J. Smith of the U.S. Army came, e.g. Monday. He left at 5.30 sharp. See Fig. 3.", [
        "Dr. J. Smith of the U.S. Army came, e.g. Monday.", "He left at 5.30 sharp.", "See Fig. 3."]),
    "quotes": ('He said "Go." She went. (Both did.) "Why?" he asked.', ['He said "Go."', "She went.", "(Both did.)", '"Why?" he asked.']),
    "names of files": ("Open a.py and v1.2.3 at http://x.io/a.B?c=D now. Done.", ["Open a.py and v1.2.3 at http://x.io/a.B?c=D now.", "Done."]),
    "Chinese": ("今天下雨。明天呢？「好。」他说。", ["今天下雨。", "明天呢？", "「好。」", "他说。"]),
    "Hindi": ("यह पहला है। यह दूसरा है।", ["यह पहला है।", "यह दूसरा है।"]),
    "items": ("Buy:\n- milk. And eggs.\n  Fresh.\n- bread\n1. one", ["Buy:", "- milk. And eggs.\n  Fresh.", "- bread", "1. one"]),
    "fence": ("Do. This.\n```sh\na. B\n\nc. D\n```\nThen. End.", ["Do.", "This.", "```sh\na. B\n\nc. D\n```", "Then.", "End."]),
    "an open fence": ("~~~\na. B\n\nc", ["~~~\na. B\n\nc"]),
    "indented code": ("So:\n\n    x = 1. Y\n    z()\n\nEnd.", ["So:", "    x = 1. Y\n    z()", "End."]),
    "headings": ("# A. B\nText. More.\n## C\nEnd.", ["# A. B", "Text.", "More.", "## C", "End."]),
    "underlined": ("Title. One\n===\nText.\n\n***\nOver\n***\n\nEnd.", ["Title. One\n===", "Text.", "***\nOver\n***", "End."]),
    "table": ("| a | b |\n|---|---|\n| 1. A | 2 |\n| 3 | 4 |", ["| a | b |\n|---|---|", "| 1. A | 2 |", "| 3 | 4 |"]),
    "nothing": ("", []),
    "blanks": (" \n\n\t\n", []),
    "blanks behind a fence": ("```x\n===\n| a |\n \n\n| b |", ["```x\n===", "| a |", "| b |"]),
    "a fence that is never closed": ("```One. \r\n===\n| a |\r\n", ["```One. \r\n===", "| a |"]),
}


@pytest.mark.parametrize(("text", "expected"), TABLE.values(), ids=TABLE)
def test_a_text_is_cut_like_this(text: str, expected: list[str]) -> None:
    assert [text[p.start : p.end] for p in passages(text)] == expected


def test_headings_stand_above_what_is_below_them() -> None:
    text = "# A\nOne.\n## B\nTwo.\n# C\nThree.\n\n| x |\n|---|\n| y |\n\nFour."
    found = passages(text)
    named = {text[p.start : p.end]: found[i].level for p, i in zip(found, range(len(found)), strict=True)}
    assert named["| x |\n|---|"] == TABLE_HEAD
    over = [text[found[i].start : found[i].end] if i >= 0 else "" for i in above(found)]
    assert over == ["", "# A", "# A", "## B", "", "# C", "# C", "| x |\n|---|", "# C"]


BRICKS = st.sampled_from(["One. ", "two! ", "Dr. X ", "\n", "\n\n", "- a", "```", "~~~", "    x", "# h", "===", "| a |", "|---|", "。", "é", "\r\n", "\t", "1. "])


@settings(deadline=None, max_examples=300)
@given(st.lists(BRICKS, max_size=40).map("".join))
def test_passages_are_in_order_and_leave_out_blanks_alone(text: str) -> None:
    found = passages(text)
    edges = [0, *(edge for p in found for edge in (p.start, p.end)), len(text)]
    assert edges == sorted(edges)
    assert not "".join(text[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)).strip()
    assert all(a.block <= b.block for a, b in pairwise(found))
    assert all(text[p.start : p.end].strip() for p in found)
