"""The passage with the answer comes first."""

from __future__ import annotations

import pytest

from headroom.compressors.language.passages import passages
from headroom.compressors.language.relevance import centrality, relevance

TEXT = "\n\n".join([
    "Sheep graze in the valley. The grass is green in spring. Wolves were seen in 1880.",
    "The dam of Sarn is a wall of stone. It was built by Anna Berg. Work began in 1931. Forty people lived there.",
    "# Bridges\nOne bridge of wood crosses the river. Its toll is paid at the inn.",
    "Trains stop at noon. Fares are low. Tickets are sold on board. Dogs ride free.",
])


def best(query: str) -> str:
    found = passages(TEXT)
    scores = relevance(TEXT, found, query)
    assert scores is not None
    return TEXT[slice(*found[max(range(len(found)), key=scores.__getitem__)][:2])]


@pytest.mark.parametrize(("query", "expected"), [
    ("When did the work on the dam begin?", "Work began in 1931."),
    ("Who was it built by?", "It was built by Anna Berg."),
    ("What are the fares?", "Fares are low."),
    ("what does the bridge cost, is there a toll", "Its toll is paid at the inn."),
])
def test_the_answer_is_the_best_passage(query: str, expected: str) -> None:
    assert best(query) == expected


@pytest.mark.parametrize("query", ["", "the of and", "quasar", "?!"])
def test_a_question_the_text_says_nothing_of(query: str) -> None:
    assert relevance(TEXT, passages(TEXT), query) is None


def test_a_word_that_is_everywhere_tells_nothing() -> None:
    text = "The dam leaks. " * 40
    assert relevance(text, passages(text), "dam") is None


def test_without_a_question_what_most_speak_of_comes_first() -> None:
    text = "The dam leaks at its foot. The foot of the dam is old. Cats sleep. The old dam leaks."
    scores = centrality(text, passages(text))
    assert scores.index(min(scores)) == 2
