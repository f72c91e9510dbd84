"""Drawn trees become outlines, and are drawn again line by line."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.base import Goal, TooCostly
from headroom.compressors.trees import MAX_CHARS, Trees

TREES = Trees()
GOAL = Goal(tool="Bash")

CARGO = """\
engine v0.1.0 (/srv/app)
├── anyhow v1.0.0
├── regex v1.10.0
│   ├── aho-corasick v1.1.0
│   │   ├── cfg-if v1.0.0
│   │   ├── libc v0.2.0
│   │   ├── log v0.4.0
│   │   ├── itoa v1.0.0
│   │   └── memchr v2.7.0
│   └── regex-syntax v0.8.0
└── serde v1.0.0
    └── serde_derive v1.0.0
"""
TREE = CARGO.replace("│   ", "│\u00a0\u00a0 ") + "\n2 directories, 5 files\n"


@pytest.mark.parametrize("text", [CARGO, TREE, CARGO + CARGO, CARGO[:-1], "note\n" + TREE + "\n\n", CARGO.partition("\n")[2]])
def test_every_tree_comes_back(text: str) -> None:
    found = TREES.compress(text, GOAL)
    assert found is not None
    assert found.grade == "exact"
    assert TREES.expand(found.text) == text
    assert len(found.text) < len(text)
    assert TREES.compress(found.text, GOAL) is None
    assert TREES.sniff(text, GOAL) > 0.5


def test_an_outline_reads_like_this() -> None:
    found = TREES.compress(TREE, GOAL)
    assert found is not None
    assert found.text.split("\n") == [
        "[tree, drawn with no-break spaces; one blank of indent per level]",
        "engine v0.1.0 (/srv/app)",
        " anyhow v1.0.0",
        " regex v1.10.0",
        "  aho-corasick v1.1.0",
        "   cfg-if v1.0.0",
        "   libc v0.2.0",
        "   log v0.4.0",
        "   itoa v1.0.0",
        "   memchr v2.7.0",
        "  regex-syntax v0.8.0",
        " serde v1.0.0",
        "  serde_derive v1.0.0",
        "",
        "2 directories, 5 files",
        "",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\nb\n" * 9,
        CARGO.replace("└── serde v", "├── serde v"),  # cut: the last branch is not the last
        CARGO.replace("├── ", "├─┬ "),
        CARGO + "  an indented line\n",
        CARGO.replace("anyhow", " anyhow"),
        "├── a\n" * 4,
    ],
)
def test_what_cannot_be_drawn_again_is_left(text: str) -> None:
    assert TREES.compress(text, GOAL) is None
    assert TREES.expand(text) is None


def test_there_is_a_limit() -> None:
    with pytest.raises(TooCostly):
        TREES.compress("├── a\n" * (MAX_CHARS // 6 + 1), GOAL)


LINES = st.builds("{}{}{}".format, st.sampled_from(["", "│   ", "    ", "│   │   ", "│   " * 3]), st.sampled_from(["├── ", "└── ", ""]), st.sampled_from(["a", "b c", "", " d"]))


@settings(deadline=None, max_examples=300)
@given(st.lists(LINES, min_size=5, max_size=20).map("\n".join))
def test_whatever_is_drawn_comes_back(text: str) -> None:
    found = TREES.compress(text, GOAL)
    if found is not None:
        assert TREES.expand(found.text) == text


@settings(deadline=None, max_examples=200)
@given(st.lists(st.integers(0, 4), min_size=20, max_size=40))
def test_any_proper_tree_is_recognised(depths: list[int]) -> None:
    outline = "\n".join(" " * (depth + 1) + "name" for depth in depths)
    drawn = TREES.expand(f"[tree; one blank of indent per level]\n{outline}")
    assert drawn is not None
    found = TREES.compress(drawn, GOAL)
    assert found is not None
    assert found.text.endswith(outline)
