"""What a terminal would not show goes, all that it would show stays, and files are not touched."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom import ccr
from headroom.conversation import Part
from headroom.transforms.base import Short
from headroom.transforms.tidy import Tidy, tidied

ESC = "\x1b"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("plain\ntext\n", "plain\ntext\n"),
        (f"{ESC}[31mred{ESC}[0m and {ESC}[1;38;5;12mbold{ESC}[m", "red and bold"),
        (f"{ESC}]8;;https://example.org{ESC}\\link{ESC}]8;;{ESC}\\ on", "link on"),
        (f"{ESC}]0;a title\x07text", "text"),
        (f"{ESC}(B{ESC}=a{ESC}7{ESC}[2J{ESC}[?25lb{ESC}P1$x{ESC}\\c", "abc"),
        (f"cut {ESC}[3", "cut [3"),
        # What has no end takes no line with it.
        (f"{ESC}]0;a title\nERROR: x\ny\x07z", "]0;a title\nERROR: x\ny\x07z"),
        (f"a{ESC}Pb\nc{ESC}\\d", "aPb\ncd"),
        # Movements that stand for blanks.
        (f"port{ESC}[1C8080{ESC}[3Cup{ESC}[C!", "port 8080   up !"),
        (f"a{ESC}[999Cb", "a b"),
        (f"{ESC}[2J{ESC}[Hfirst{ESC}[2;1Hsecond\n{ESC}[3;1Hthird", "first second\nthird"),
        (f"abcdef\rab{ESC}[1Kx\n", "  xdef\n"),
        (f"abc\rab{ESC}[1K\n", "\n"),
        (f"{ESC}{ESC}[0m[31mx", "[31mx"),
        # Progress: what is written over is gone, what is longer sticks out, as on a screen.
        ("10%\r50%\r100%\ndone", "100%\ndone"),
        ("abcdef\rxy\n", "xycdef\n"),
        (f"long text\r{ESC}[Kshort\n", "short\n"),
        (f"long text{ESC}[2K\rshort\n", "short\n"),
        (f"long text{ESC}[2K{ESC}[1Gshort\n", "short\n"),
        (f"kept{ESC}[K\n", "kept\n"),
        ("100%\r\nnext\r\n", "100%\r\nnext\r\n"),
        ("1%\r2%\r\n3%\r4%\r\n", "2%\r\n4%\r\n"),
        ("at the end\r", "at the end\r"),
        ("a\nat the end\r", "a\nat the end"),
        ("old line\rends alone", "old line\rends alone"),
        # Backspaces: spinners, and the bold and underlined letters of manual pages.
        ("|\x08/\x08-\x08done", "done"),
        ("N\x08NA\x08AM\x08ME\x08E _\x08x", "NAME x"),
        ("100%\x08\x08", "100%"),
        ("\x08a", "a"),
        # Blanks; every line keeps its number, so empty ones stay.
        ("a  \nb\t \n\n c  d", "a\nb\n\n c  d"),
        ("a\n\n\n\n\n\nb\n\n\nc", "a\n\n\n\n\n\nb\n\n\nc"),
        ("  indented\n\ttoo", "  indented\n\ttoo"),
    ],
)
def test_tidied(text: str, expected: str) -> None:
    assert tidied(text) == expected


TIDY = Tidy()
COLOURED = f"{ESC}[31mred{ESC}[0m\n" * 3


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (Part("tool", COLOURED, (), "Bash", {"command": "make"}), Short("red\n" * 3, "tidy", "equal")),
        (Part("tool", COLOURED, (), "Bash", {"command": "make"}, error=True), "error"),
        (Part("tool", COLOURED, (), "Bash", {"command": "cat x"}), "no_kind"),
        (Part("tool", COLOURED, (), "Read", {"file_path": "x"}), "no_kind"),
        (Part("tool", "red\n", (), "Bash", {"command": "make"}), "no_gain"),
        (Part("tool", f"{ESC}[0m \n", (), "Bash", {"command": "make"}), "no_gain"),  # nothing would be left
        (Part("tool", COLOURED + ccr.marker("0" * 24, "1 line"), (), "Bash", {"command": "make"}), "marked"),
    ],
)
def test_when_it_acts(part: Part, expected: Short | str) -> None:
    assert TIDY(part, (), False) == expected


PIECES = st.sampled_from(
    ["a", "bc d", " ", "\t", "\n", "\n\n", "\r", "\r\n", "\x08", ESC, f"{ESC}[31m", f"{ESC}[K", f"{ESC}[2K", f"{ESC}[1G", f"{ESC}]0;t\x07", "[", "[1m", "é", "\\"]
)
TEXTS = st.lists(PIECES, max_size=40).map("".join)


@settings(deadline=None, max_examples=300)
@given(TEXTS)
def test_once_is_enough_and_nothing_grows(text: str) -> None:
    once = tidied(text)
    assert tidied(once) == once
    assert len(once) <= len(text)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.text("ab c\t", max_size=8), max_size=20))
def test_plain_lines_keep_all_but_their_trailing_blanks(lines: list[str]) -> None:
    assert [line for line in tidied("\n".join(lines)).split("\n") if line] == [kept for line in lines if (kept := line.rstrip(" \t"))]


@pytest.mark.parametrize("piece", ["\x08", "x\r", f"{ESC}[K", f"{ESC}[2K", f"{ESC}]", ESC, f"{ESC}P", "a\x08", " ", "\n"])
def test_the_work_is_linear(piece: str) -> None:
    text = "x" * 100_000 + piece * 100_000 + "\n"
    assert len(tidied(text)) <= len(text)


def test_a_form_of_ours_is_left_alone() -> None:
    text = "[search hits by file under /srv/app/; …]\n= \n## a.py\n1:x   \n\n\n\n\nend" + " " * 9
    assert Tidy()(Part("tool", text, ("x",), "Bash", {"command": "ls"}), (), False) == "marked"
