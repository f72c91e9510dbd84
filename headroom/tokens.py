"""How many tokens a text is worth: an estimate for decisions, a named counter for reports, factors learned per model.

The estimate needs no vocabulary: bytes are mapped to classes (lower case, digit, punctuation …), short patterns of
classes are counted, and the counts are weighed. Weights are fitted to o200k_base by bench/fit_estimator.py, which
prints their error, and are integers: every machine and every Python comes to the same number, so all decide alike.
Counters and factors serve reports only: no decision may hang on a vocabulary that is installed here and not there.

Nearly monotone: appended text may complete a pattern that weighs less than nothing, since its bytes merge into fewer
tokens, but it takes off no more than a few tokens in all (tests/test_tokens.py holds the bound).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from operator import mul
from typing import Final

from headroom.memo import Memo

EXACT: Final = "tiktoken o200k_base exact"
ESTIMATED: Final = "estimated"

UNIT_BITS: Final = 16
"""Weights are in 1/65536 token."""
HALF: Final = 1 << (UNIT_BITS - 1)
"""Rounds to the nearest token, a half upwards."""

# Lower and upper case, digits, spaces, line ends, punctuation and controls; of UTF-8 the continuation bytes (c) and
# leads, which tell scripts apart well enough: see SCRIPTS.
CLASSES: Final = (
    b"p" * 9 + b"s" + b"n" + b"ss" + b"n" + b"p" * 18 + b"s" + b"p" * 15 + b"0" * 10 + b"p" * 7 + b"A" * 26 + b"p" * 6
    + b"a" * 26 + b"p" * 5 + b"c" * 64 + b"l" * 16 + b"r" * 4 + b"w" * 12 + b"hh" + b"y" + b"k" + b"z" * 6 + b"g" * 4
    + b"yy" + b"e" * 16
)

LONG_GAP: Final = " " * 16
"""o200k_base has single tokens for dozens of spaces: a long gap is shortened before anything is counted."""

CHARACTER: Final = 26345
SLASH: Final = 9095
PATTERNS: Final[tuple[tuple[bytes, int], ...]] = (
    (b"0", 78760),
    (b"00", -86332),
    (b"000", -118379),
    (b"0A", 129857),
    (b"aA", 16487),
    (b"aaa", -65254),
    (b"pa", 31054),
    (b"AAA", -50924),
    (b"pppp", -82385),
    (b"n", 41855),
    (b"nn", -50313),
    (b"ssss", -82142),
)
"""Patterns of classes and their weights; chosen greedily from sixty by the error on files left out of the fit."""
SCRIPTS: Final[tuple[tuple[bytes, int], ...]] = (
    (b"y", 55028),  # arrows, dashes, box drawing, full-width forms
    (b"yccy", -80953),  # two of them in a row
    (b"ycc" * 8, -254017),  # and eight: rules and bars
    (b"l", -6384),  # Latin with accents, Greek
    (b"r", -13166),  # Cyrillic
    (b"w", -9863),  # Armenian, Hebrew, Arabic
    (b"h", -7799),  # the scripts of India, Thai, Georgian
    (b"k", 12832),  # kana, CJK punctuation
    (b"z", 13869),  # Han
    (b"g", 6636),  # Hangul
    (b"e", 116036),  # emoji
)
"""The same for what is not ASCII."""


WEIGHTS: Final = (CHARACTER, SLASH, *(weight for _, weight in PATTERNS + SCRIPTS))
"""In the order of `features`."""


def features(text: str) -> list[int]:
    """What the estimate counts: characters, slashes, PATTERNS, and SCRIPTS unless all is ASCII."""
    data = text.replace(LONG_GAP, " ").encode("utf-8", "surrogatepass")
    classes = data.translate(CLASSES)
    found = [len(data) - classes.count(b"c"), data.count(b"/")]
    found += [classes.count(pattern) for pattern, _ in PATTERNS]
    if not text.isascii():
        found += [classes.count(pattern) for pattern, _ in SCRIPTS]
    return found


def estimate(text: str) -> int:
    """Tokens of o200k_base, about; 0 for "" alone. Never raises: a lone surrogate counts as a character like others."""
    if not text:
        return 0
    total: int = sum(map(mul, features(text), WEIGHTS))
    return max(1, (total + HALF) >> UNIT_BITS)


class Counter:
    """Counts for reports, remembering what it counted; `name` says how good the counts are."""

    def __init__(self, count: Callable[[str], int] = estimate, name: str = ESTIMATED, memo_bytes: int = 8 << 20) -> None:
        self.name = name
        self._count = count
        self._memo: Memo[str, int] = Memo(memo_bytes)

    def __call__(self, text: str) -> int:
        known = self._memo.get(text)
        if known is None:
            known = self._count(text)
            self._memo.put(text, known, sys.getsizeof(text))
        return known


CLAUDE: Final = re.compile(r"claude(?:-[a-z]+)?-(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")
NEW_CLAUDE: Final = (4, 7)
"""The first version with the newer tokenizer."""
OLD_CLAUDE_FACTOR: Final = 1.15
NEW_CLAUDE_FACTOR: Final = 1.45
"""Measured by third parties on documents, 1.45 to 1.47; Anthropic's migration guide says up to 1.35 times the older."""
GEMINI_FACTOR: Final = 1.1

SHARE: Final = 0.2
"""Of each new observation in the moving average: about the last ten requests count."""
LAST: Final = 10
"""So many requests an average stands for at most, beside another process's."""
LEAST: Final = 500
"""Tokens; below this what surrounds the texts (roles, schema, the provider's own prompt) outweighs them."""
BOUNDS: Final = (0.5, 3.0)
"""A ratio outside these is no tokenizer's doing: images, or history kept by the provider."""


def starting_factor(model: str) -> float:
    """Tokens of this model for one of o200k_base, before anything was learned."""
    name = model.lower()
    if "gemini" in name:
        return GEMINI_FACTOR
    if "claude" not in name:
        return 1.0
    version = CLAUDE.search(name)
    if version is None:
        return NEW_CLAUDE_FACTOR  # an alias without a number means the latest
    return NEW_CLAUDE_FACTOR if (int(version[1]), int(version[2] or 0)) >= NEW_CLAUDE else OLD_CLAUDE_FACTOR


class Learned:
    """What a provider's own usage says of our counts, as a moving average per model; for reports only."""

    def __init__(self, max_models: int = 256) -> None:
        self._factors: dict[str, tuple[float, int]] = {}
        """And of how many requests it was learned."""
        self._max_models = max_models
        """Model names come from clients: the oldest is forgotten."""

    def factor(self, model: str) -> float:
        known = self._factors.get(model)
        return starting_factor(model) if known is None else known[0]

    def observe(self, model: str, reported: int, counted: int) -> None:
        """`reported`: all input tokens of a request, cached ones too; `counted`: ours for the same request."""
        if counted < LEAST or reported <= 0:
            return
        low, high = BOUNDS
        ratio = min(max(reported / counted, low), high)
        before, seen = self._factors.pop(model, (starting_factor(model), 0))
        self._put(model, before + SHARE * (ratio - before), seen + 1)

    def factors(self) -> dict[str, float]:
        """A copy, for /stats."""
        return {model: factor for model, (factor, _) in self._factors.items()}

    def dump(self) -> dict[str, tuple[float, int]]:
        """Everything, for another process to absorb."""
        return dict(self._factors)

    def absorb(self, dumped: Mapping[str, Sequence[float]]) -> None:
        """Learn what another process has learned: the average of both, each by how many requests it stands for."""
        for model, (factor, seen) in dumped.items():
            ours, ours_seen = self._factors.pop(model, (factor, 0))
            mine, theirs = min(ours_seen, LAST), min(seen, LAST)
            self._put(model, (mine * ours + theirs * factor) / max(mine + theirs, 1), ours_seen + int(seen))

    def _put(self, model: str, factor: float, seen: int) -> None:
        self._factors[model] = (factor, seen)
        while len(self._factors) > self._max_models:
            del self._factors[next(iter(self._factors))]
