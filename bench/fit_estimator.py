"""How good is the token estimate, and which weights are best? Fits them to o200k_base on bench/corpus.

    python -m bench.fit_estimator              the error of the weights in headroom/tokens.py, and of len/4 beside it
    python -m bench.fit_estimator --fit        fits anew; prints the tables for headroom/tokens.py and the error
                                               on files that were left out of the fit (some minutes)

Needs the vocabulary: see `headroom tokenizer show`. The fit minimises the absolute relative error of blocks (ridge, and
least squares reweighted), first for the patterns on the tool outputs, then, those fixed, for the scripts on the prose.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import mul
from pathlib import Path
from statistics import mean, quantiles

from headroom import tokens, vocabulary

CORPUS = Path(__file__).parent / "corpus"
BLOCKS = ((400, 6), (2000, 8), (8000, 5))
"""Length in characters, and how many at most from each file: the sizes that decisions are made about."""
SHORTEST = 100
RIDGE = 3e-4
ROUNDS = 8
NEAR = 0.02
"""Errors below two per cent weigh alike, so that the reweighting stays bounded."""

Row = Sequence[float]


@dataclass(frozen=True, slots=True)
class Block:
    file: str
    size: int
    text: str
    tokens: int
    counts: tuple[int, ...]
    """As tokens.features has them, one for each of tokens.WEIGHTS."""

    @property
    def prose(self) -> bool:
        return self.file.startswith("prose_") or self.file == "emoji"


def counts(text: str) -> tuple[int, ...]:
    found = tokens.features(text)
    return (*found, *(0 for _ in range(len(tokens.WEIGHTS) - len(found))))


def blocks(exact: Callable[[str], int]) -> Iterator[Block]:
    for path in sorted(CORPUS.glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        for size, most in BLOCKS:
            step = max(size, (len(text) - size) // most + 1)
            for start in range(0, max(1, len(text) - size + 1), step):
                part = text[start : start + size]
                if len(part) > SHORTEST:
                    yield Block(path.stem, size, part, exact(part), counts(part))


def dot(left: Row, right: Row) -> float:
    total: float = sum(map(mul, left, right))
    return total


def solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Gaussian elimination; the matrix is symmetric and, thanks to the ridge, positive."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for i, pivot in enumerate(rows):
        for row in rows[i + 1 :]:
            factor = row[i] / pivot[i]
            row[i:] = [a - factor * b for a, b in zip(row[i:], pivot[i:], strict=True)]
    found = [0.0] * len(rows)
    for i in reversed(range(len(rows))):
        found[i] = (rows[i][-1] - dot(rows[i][i + 1 : -1], found[i + 1 :])) / rows[i][i]
    return found


def fit(columns: list[list[float]], wanted: list[float]) -> list[float]:
    """The weights that bring sum(column × weight) nearest to `wanted` in absolute error."""
    count = len(wanted)
    scales = [(dot(c, c) / count) ** 0.5 or 1.0 for c in columns]
    scaled = [[value / scale for value in column] for column, scale in zip(columns, scales, strict=True)]
    rows = list(zip(*scaled, strict=True))
    trust, weights = [1.0] * count, [0.0] * len(columns)
    for _ in range(ROUNDS):
        trusted = [list(map(mul, trust, column)) for column in scaled]
        gram = [[dot(a, b) for b in scaled] for a in trusted]
        for i, row in enumerate(gram):
            row[i] += RIDGE * count
        weights = solve(gram, [dot(a, wanted) for a in trusted])
        trust = [1 / max(abs(dot(row, weights) - value), NEAR) for row, value in zip(rows, wanted, strict=True)]
    return [weight / scale for weight, scale in zip(weights, scales, strict=True)]


def fit_blocks(some: Sequence[Block], chosen: Sequence[int], fixed: Row) -> list[float]:
    """Relative error: everything is divided by the true count; what `fixed` explains is taken off first."""
    columns = [[block.counts[i] / block.tokens for block in some] for i in chosen]
    return fit(columns, [1 - dot(block.counts, fixed) / block.tokens for block in some])


def fit_all(some: Sequence[Block]) -> list[float]:
    width = len(some[0].counts)
    first = width - len(tokens.SCRIPTS)
    symbols = [first + i for i, (script, _) in enumerate(tokens.SCRIPTS) if script.startswith(b"y")]
    weights = [0.0] * width
    stages = (
        ([block for block in some if not block.prose], [*range(first), *symbols]),
        ([block for block in some if block.prose], [i for i in range(first, width) if i not in symbols]),
    )
    for part, chosen in stages:
        for i, weight in zip(chosen, fit_blocks(part, chosen, weights), strict=True):
            weights[i] = weight
    return weights


def left_out(every: Sequence[Block]) -> list[tuple[Block, float]]:
    """Each tool output by a fit that never saw its file; each prose block by one that saw the other half of the prose."""
    guessed = []
    prose = [block for block in every if block.prose]
    for file in sorted({block.file for block in every if not block.prose}):
        weights = fit_all([block for block in every if block.file != file])
        guessed += [(block, dot(block.counts, weights)) for block in every if block.file == file]
    for one in (prose[::2], prose[1::2]):
        hidden = set(map(id, one))
        weights = fit_all([block for block in every if id(block) not in hidden])
        guessed += [(block, dot(block.counts, weights)) for block in one]
    return guessed


def report(title: str, guesses: Sequence[tuple[Block, float]]) -> None:
    for kind, wanted in (("tool output", False), ("prose", True)):
        errors = [(block, guess / block.tokens - 1) for block, guess in guesses if block.prose is wanted]
        absolute = [abs(error) for _, error in errors]
        by_size = ", ".join(f"{size}: {mean(abs(e) for b, e in errors if b.size == size):.1%}" for size, _ in BLOCKS)
        print(f"{title:34} {kind:11} mean error {mean(absolute):6.1%}  p90 {quantiles(absolute, n=10)[-1]:6.1%}  "
              f"bias {mean(error for _, error in errors):+6.1%}  by characters {by_size}")


def worst(guesses: Sequence[tuple[Block, float]], count: int = 12) -> None:
    by_file = defaultdict(list)
    for block, guess in guesses:
        by_file[block.file].append(guess / block.tokens - 1)
    rows = sorted(by_file.items(), key=lambda row: -mean(map(abs, row[1])))[:count]
    print("worst files (bias):", ", ".join(f"{file} {mean(errors):+.0%}" for file, errors in rows))


def show_weights(weights: Row) -> None:
    fixed = [round(weight * (1 << tokens.UNIT_BITS)) for weight in weights]
    print(f"CHARACTER: Final = {fixed[0]}\nSLASH: Final = {fixed[1]}")
    rows = zip(tokens.PATTERNS + tokens.SCRIPTS, fixed[2:], weights[2:], strict=True)
    for (pattern, _), value, weight in rows:
        print(f"    ({pattern!r}, {value}),  # {weight:+.2f}")


def per_character(every: Sequence[Block]) -> None:
    for file in sorted({block.file for block in every if block.prose}):
        mine = [block for block in every if block.file == file]
        size = sum(len(block.text) for block in mine)
        print(f"{file:10} tokens a character: {sum(b.tokens for b in mine) / size:.3f}, "
              f"estimated {sum(tokens.estimate(b.text) for b in mine) / size:.3f}")


def speed(every: Sequence[Block]) -> None:
    text = "".join(block.text for block in every)[:1_000_000]
    best = min(timed(text) for _ in range(5))
    print(f"speed: {best * 1e6 / (len(text.encode()) / 1000):.1f} µs/KB")


def timed(text: str) -> float:
    begin = time.perf_counter()
    tokens.estimate(text)
    return time.perf_counter() - begin


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", action="store_true", help="fit anew, print the tables")
    asked = parser.parse_args(argv)
    found = vocabulary.find(os.environ, vocabulary.own_folder(os.environ))
    if found is None:
        print("no o200k_base vocabulary here; `headroom tokenizer fetch` downloads it")
        return 1
    every = list(blocks(vocabulary.load(found.path)))
    print(f"{len(every)} blocks of {len({block.file for block in every})} files")
    report("len/4", [(block, len(block.text) / 4) for block in every])
    if asked.fit:
        show_weights(fit_all(every))
        guesses = left_out(every)
        report("fitted, files left out", guesses)
        worst(guesses)
    ours = [(block, float(tokens.estimate(block.text))) for block in every]
    report("headroom.tokens.estimate", ours)
    worst(ours)
    per_character(every)
    speed(every)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
