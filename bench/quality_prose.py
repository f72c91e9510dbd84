"""What share of answers survives when prose is cut to the sentences that bear on a question.

    python -m bench.quality_prose [--qa FILE] [--seed N]

FILE has one JSON object a line: `question`, `answers` (spellings of the answer, one of which must survive), and either
`paragraphs` (texts, one of which answers) or `paragraph` (the one that answers; the others are then taken from the
other lines, those that BM25 finds hardest to tell from it). Without a file, facts are planted in filler sentences.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path

from headroom.compressors.base import Goal
from headroom.compressors.prose import ProseExtract

KEPT = (0.50, 0.33, 0.20, 0.10)
AIMS = {0.33: 0.94, 0.20: 0.91, 0.10: 0.86}
"""Share of answers that survive, by share of the characters kept."""

PARAGRAPHS = 20
"""Texts a question is asked of, as in the multi-document question answering of "Lost in the Middle" (Liu et al., 2023)."""

ROUNDS = 200
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Question:
    """A text that holds the answer to a question."""

    question: str
    answers: tuple[str, ...]
    text: str


def survival(rows: Sequence[Question], kept: float) -> float:
    """Share of the questions one of whose answers is still in the extract."""
    return sum(any(answer.lower() in _extract(row, kept).lower() for answer in row.answers) for row in rows) / max(1, len(rows))


def share(rows: Sequence[Question], kept: float) -> float:
    """Share of the characters that the extracts really have."""
    return sum(len(_extract(row, kept)) for row in rows) / max(1, sum(len(row.text) for row in rows))


def _extract(row: Question, kept: float) -> str:
    made = ProseExtract().compress(row.text, Goal(query=row.question, ratio=kept))
    return row.text if made is None else made.text


def read(file: Path, seed: int) -> list[Question]:
    """The questions of a file whose answer is in their text."""
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    hardest = _Distractors([row.get("paragraph", "") for row in rows])
    found: list[Question] = []
    for i, row in enumerate(rows):
        paragraphs = list(row["paragraphs"]) if "paragraphs" in row else [row["paragraph"], *hardest(i, row["question"])]
        if "paragraph" in row:
            random.Random(f"{seed} {i}").shuffle(paragraphs)
        text = "\n\n".join(paragraphs)
        if any(answer.lower() in text.lower() for answer in row["answers"]):
            found.append(Question(row["question"], tuple(row["answers"]), text))
    return found


class _Distractors:
    """The other paragraphs that a search for the question would find first (BM25 with k1 1.2, b 0.6)."""

    def __init__(self, paragraphs: Sequence[str]) -> None:
        self._paragraphs = paragraphs
        self._words = [Counter(_WORD.findall(paragraph.lower())) for paragraph in paragraphs]
        self._number = Counter(word for words in self._words for word in words)
        self._mean = sum(map(Counter.total, self._words)) / max(1, len(self._words))

    def __call__(self, own: int, question: str) -> list[str]:
        asked = sorted(set(_WORD.findall(question.lower())))
        others = [i for i, paragraph in enumerate(self._paragraphs) if i != own and paragraph != self._paragraphs[own]]
        others.sort(key=lambda i: (-self._score(i, asked), i))
        return [self._paragraphs[i] for i in others[: PARAGRAPHS - 1]]

    def _score(self, i: int, asked: Sequence[str]) -> float:
        words, total = self._words[i], len(self._words)
        damp = 1.2 * (0.4 + 0.6 * words.total() / self._mean)
        return sum(log(1 + (total - self._number[w] + 0.5) / (self._number[w] + 0.5)) * words[w] * 2.2 / (words[w] + damp) for w in asked if w in words)


NAMES = ("Tolva", "Sarn", "Mirel", "Ostrand", "Quell", "Brixa", "Holm", "Veyra", "Lund", "Carrow", "Dessel", "Ikara", "Nolte", "Pryce")
THINGS = ("archive", "bridge", "reactor", "library", "harbour", "observatory", "mill", "quarry", "tunnel", "garden", "cistern", "foundry")
VERBS = ("opened", "rebuilt", "sold", "painted", "flooded", "measured", "renamed", "closed")
FILLER = ("the weather of the region", "an old custom", "a long dispute", "the council", "every visitor", "a narrow road", "the first survey", "a group of farmers")
FILLED = ("was described by travellers", "has been forgotten", "is remembered in a song", "came to an end in spring", "remains a matter of debate", "drew crowds")


def generated(seed: int, rounds: int = ROUNDS) -> list[Question]:
    """Facts that nobody can guess, in paragraphs about the same things and the same names."""
    dice = random.Random(seed)
    return [_planted(dice) for _ in range(rounds)]


def _planted(dice: random.Random) -> Question:
    name, thing, verb = dice.choice(NAMES), dice.choice(THINGS), dice.choice(VERBS)
    answer = f"{dice.randrange(10000, 99999)}-{dice.choice('ABCDEF')}"
    fact = f"The {thing} of {name} was {verb} under permit {answer}."
    paragraphs = [" ".join(_filler(dice, thing if dice.random() < 0.5 else dice.choice(THINGS), dice.choice(NAMES))) for _ in range(PARAGRAPHS)]
    own = list(_filler(dice, thing, name))
    own.insert(dice.randrange(len(own) + 1), fact)
    paragraphs.insert(dice.randrange(len(paragraphs) + 1), " ".join(own))
    return Question(f"Under which permit was the {thing} of {name} {verb}?", (answer,), "\n\n".join(paragraphs))


def _filler(dice: random.Random, thing: str, name: str) -> Iterator[str]:
    for _ in range(dice.randrange(4, 9)):
        subject = dice.choice((f"The {thing}", f"The {dice.choice(THINGS)} of {name}", dice.choice(FILLER).capitalize(), name))
        yield f"{subject} {dice.choice(FILLED)}, as {dice.choice(FILLER)} {dice.choice(FILLED)} in {dice.randrange(1700, 2000)}."


def report(name: str, rows: Sequence[Question]) -> None:
    figures = []
    for kept in KEPT:
        alive, aim = survival(rows, kept), AIMS.get(kept, 0.0)
        figures.append(f"{100 * alive:.1f} %{'' if alive >= aim else ' !'} at {100 * share(rows, kept):.1f} % kept")
    print(f"{name:<22} answers of {len(rows)} questions: {', '.join(figures)}")


def main(argv: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--qa", type=Path, metavar="FILE", help="questions with answers and paragraphs")
    given = parser.parse_args(argv)
    print(f"seed {given.seed}; at least {', '.join(f'{100 * aim:.0f} % at {100 * kept:.0f} %' for kept, aim in AIMS.items())}; ! where missed")
    report("planted facts", generated(given.seed))
    if given.qa:
        report(given.qa.name, read(given.qa, given.seed))


if __name__ == "__main__":
    main(sys.argv[1:])
