"""Extracts: whole sentences, verbatim, in order, those that answer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.base import Goal, TooCostly
from headroom.compressors.language.passages import passages
from headroom.compressors.prose import MARK, ProseExtract

PROSE = ProseExtract()
FILLER = (
    "The market opens at dawn and closes when the last cart has left. Nobody remembers who laid the first stone of the hall. "
    "In autumn the square is covered with leaves, which are swept on Mondays. A fountain stands where the old gate was."
)
PARAGRAPHS = [f"Chapter {name}. {FILLER}" for name in ("amber", "birch", "cedar", "dill", "elm", "fir", "gorse", "hazel")]
GUIDE = "\n\n".join([
    "# Guide", *PARAGRAPHS[:3],
    "## Keys", "The archive holds letters. The key of the Tolva archive is number 4471-B, kept at http://keys.example/tolva?id=9. Ask the warden.",
    "```sh\nopen --archive tolva. Then wait\n\nclose\n```", "## Opening hours", *PARAGRAPHS[3:],
])


def kept(short: str) -> list[str]:
    return [piece for piece in short.replace("\n", " ").split(MARK) if piece.strip()]


def test_the_answer_is_kept_below_its_headings() -> None:
    made = PROSE.compress(GUIDE, Goal(query="Which number has the key of the Tolva archive?", ratio=0.15))
    assert made is not None
    assert made.grade == "lossy"
    assert "The key of the Tolva archive is number 4471-B, kept at http://keys.example/tolva?id=9." in made.text
    assert made.text.index("# Guide") < made.text.index("## Keys") < made.text.index("4471-B")
    assert len(made.text) <= 0.15 * len(GUIDE)
    total = len(passages(GUIDE))
    assert made.omitted.endswith(f"of {total} sentences, items and blocks")


@pytest.mark.parametrize("ratio", [0.1, 0.2, 0.33, 0.5, 0.9])
def test_no_more_is_kept_than_asked_for(ratio: float) -> None:
    made = PROSE.compress(GUIDE, Goal(query="Tolva archive", ratio=ratio))
    assert made is not None
    assert len(made.text) <= ratio * len(GUIDE)


def test_without_a_question_half_is_kept_if_the_operator_asks_for_less() -> None:
    assert PROSE.compress(GUIDE, Goal()) is None
    assert PROSE.compress(GUIDE, Goal(query="Please summarise")) is None
    made = PROSE.compress(GUIDE, Goal(ratio=0.1))
    assert made is not None
    assert 0.3 * len(GUIDE) < len(made.text) <= 0.5 * len(GUIDE)
    assert made == PROSE.compress(GUIDE, Goal(ratio=0.1, query="quasar"))


def test_a_chinese_question_finds_its_sentence() -> None:
    text = "天气很好。集市在早上开门。河上有一座桥。" * 6 + "图书馆的钥匙在管理员那里。" + "山很高。羊在吃草。火车中午停。" * 6
    made = PROSE.compress(text, Goal(query="图书馆的钥匙在哪里？"))
    assert made is not None
    assert "图书馆的钥匙在管理员那里。" in made.text


@pytest.mark.parametrize("text", ["", "One. Two.", FILLER + MARK + FILLER * 3, "[prose]\n" + GUIDE])
def test_what_is_left_alone(text: str) -> None:
    assert PROSE.compress(text, Goal(query="key market hall", ratio=0.2)) is None


SENTENCES = st.sampled_from([
    "The key is here. ", "Rain fell on 3 May. ", "Nobody came! ", "Go to a.py? ", "- item one\n", "\n\n", "# Title\n", "```\nx. Y\n```\n", "| a | b |\n", "雨。", "so it\nwent on. ", "Dr. Who left. ",
])


@settings(deadline=None, max_examples=300)
@given(st.lists(SENTENCES, min_size=8, max_size=60).map("".join), st.sampled_from(["", "key rain", "雨"]), st.sampled_from([None, 0.1, 0.4, 0.7]))
def test_whole_passages_verbatim_and_in_order(text: str, query: str, ratio: float | None) -> None:
    goal = Goal(query=query, ratio=ratio)
    made = PROSE.compress(text, goal)
    if made is None:
        return
    assert len(made.text) < len(text)
    assert PROSE.compress(made.text, goal) is None
    assert PROSE.expand(made.text) is None
    found = passages(text)
    starts, ends = {p.start for p in found}, {p.end for p in found}
    ways = {(0, 0)}  # end of the last piece, passages shown: the same words may stand in several places
    for piece in filter(None, map(str.strip, made.text.split(MARK))):
        places = [i for i in starts if text.startswith(piece, i) and i + len(piece) in ends]
        ways = {
            (i + len(piece), shown + sum(i <= p.start and p.end <= i + len(piece) for p in found))
            for at, shown in ways for i in places if i >= at
        }
    assert any(made.omitted.startswith(f"{len(found) - shown} of {len(found)} ") for _, shown in ways)


HOSTILE = {
    "one long line": "x" * 1_000_000,
    "one long line of sentences": "The key is A. " * 70_000,
    "dots": ". " * 500_000,
    "many dots": "." * 1_000_000,
    "blanks": "A." + " " * 1_000_000,
    "short lines": "a\n" * 300_000,
    "empty lines": "\n" * 1_000_000,
    "fences": "```\n" * 200_000,
    "headings": "# a\n" * 100_000,
    "deeper headings": "".join(f"{'#' * (i % 6 + 1)} key {i}\n\nKey. " for i in range(50_000)),
    "items": "- key\n" * 150_000,
    "NULs": "\0" * 500_000,
    "wide": "𝒳. 𝒴" * 200_000,
    "half a fence": "`" * 500_000,
    "quotes": "A.\"'" * 200_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_are_survived(text: str) -> None:
    PROSE.sniff(text, Goal())
    try:
        made = PROSE.compress(text, Goal(query="key a x", ratio=0.5))
    except TooCostly:
        return
    assert made is None or len(made.text) <= len(text)
