"""Tell words of a natural language: which carry meaning, which are forms of one word, and whether a text is made of them.

    "When were the dams raised?" → dam, rais
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from headroom.compressors.lines.sample import sample

HALF = 500
"""Characters of each half of the sample: a hundred and fifty words, enough to tell 15 % function words from 25 %."""

FUNCTION_SHARE, FOREIGN_SHARE = 0.22, 0.12
"""Of the words of a text. English and Romance prose has 30 to 50 %, messages of tools below 20 %; in languages with
endings instead of small words, and with few of theirs listed here, half as many are as telling."""

ENDINGS = 5
"""Letters that the forms of a word may have beyond its stem, where we do not know the language's endings."""

MIN_ENDS, DENSE_ENDS = 4, 8
"""Sentences that end in the sample; more where nothing else tells."""

MAX_SIGNS, MAX_DIGITS, MAX_ROWS = 0.04, 0.08, 0.1
"""Share of the characters that are signs of code, or digits; of the lines that code, listings and logs are made of."""

FUNCTION = frozenset((  # noqa: SIM905 (two hundred words read better so)
    "a an the of in on at to for and or is are was were be been by with from as that this it its which who whom whose what when "
    "where how why did do does has have had not but if than then there their they he she his her you your we our i me my can could "
    "will would should may might about into over after before between during no so such s t these those also any all "
    # French, Spanish, Portuguese, Italian, German, Dutch
    "le la les un une des du de et est dans que qui pour sur par pas ne au aux ce cette il elle sont avec plus ou se d l "
    "el los las y en es una con por para del lo su al como o os um uma não na em da dos das ao gli di che non per sono della "
    "der die das und ist nicht mit den von zu ein eine im auf sich dem für wird werden sind bei het een van dat niet zijn voor met "
    # Russian, Polish
    "и в не на что с по как это к из у за от но для он она они так же или если то бы до w z nie się i jest do że "
    # Arabic, Hindi
    "في من على إلى أن لا ما عن مع هذا هذه التي الذي كان أو ثم قد के में है की से को का और पर ने हैं यह नहीं भी कि एक"
).split())
"""Words that say how others hang together: what is asked for is not in them, and only prose is full of them."""

_SUFFIXES = ("ingly", "edly", "ings", "ing", "ies", "ied", "es", "ed", "er", "ly", "s")
_BLANKS = {code: " " for code in range(128) if not chr(code).isalnum()}
_WORD = re.compile("[^\\W_](?:[^\\W_]|[\u0300-\u036f\u0900-\u0963\u0966-\u0dff\u0e00-\u0eff])*")
"""Vowels may be marks, which `\\w` does not count as letters."""

_DENSE = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]+")
"""Scripts without spaces, or with words that grow at their ends."""

_ENDS = (". ", ".\n", ".” ", '." ', "? ", "?\n", "! ", "。", "！", "？", "।", "؟")
_SIGNS = "{}<>=;\\$|#~^@_"
_DIGITS = "0123456789"
_ROW = re.compile(
    r"[0-9]+[\t→|]|[{\[][\"{\[]|(?:@@|diff|index|commit) \S|\S{0,40}[0-9]:[0-9]"
    r"|(?:def|class|import|const|let|var|func|fn|pub|export|public|private|static|#include) .{0,200}[:({;\w]\Z|from \S+ import\b"
    r"|[\w.\[\]\"']{1,80} = "
)
_ROW_ENDS = (";", "{", "}", "):")
"""Lines of code, numbered listings, diffs and logs."""


def split(text: str) -> list[str]:
    """The words of a text in lower case."""
    low = text.lower()
    return low.translate(_BLANKS).split() if low.isascii() else _WORD.findall(low)


def terms(word: str) -> Sequence[str]:
    """What a word is found by: its stem; pairs of its characters where a script has no spaces; nothing if it only binds others."""
    if word in FUNCTION:
        return ()
    if word.isascii() or not _DENSE.search(word):
        return (stem(word),)
    return [run[i : i + 2] for run in _DENSE.findall(word) for i in range(max(1, len(run) - 1))]


def is_term(low: str, at: int, term: str) -> bool:
    """Whether the word of a text in lower case that begins at `at` is found by a term whose beginning stands there."""
    if _DENSE.match(term):
        return True
    if at and low[at - 1].isalnum():
        return False
    match = _WORD.match(low, at)
    if match is None:
        return False
    return stem(match[0]) == term if term.isascii() else len(match[0]) <= len(term) + ENDINGS


def stem(word: str) -> str:
    """A word in lower case without its English ending; in other languages without its last letters, more if it is long."""
    if not word.isascii():
        return word[: max(4, len(word) - (1 if len(word) <= 6 else 2 if len(word) <= 9 else 4))]
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            return word[: -len(suffix)] + ("y" if suffix in ("ies", "ied") else "")
    return word[:-1] if word.endswith("e") and len(word) > 4 else word


WIDER, MAX_CODE = 2000, 0.1
"""Characters of each half of the sample in which code is looked for, and the share of its lines that may be code or comments."""

_CODE = re.compile(
    r"^(?:[ \t]*(?:(?:async )?def \w|class \w+[:({ ]|import \w|from [\w.]+ import |return\b|(?:var|let|const|static|public|private|extern|typedef|struct) \w|#(?:include|define|if|endif)\b"
    r"|//|/\*|\*/|(?:if|for|while|elif|else|try|with|except)\b.{0,200}[:{]$|[\w.\[\]]{1,60} ?[-+*/|]?= ?\S)| \* |#(?: |$)|.{0,300}[;{}]$)",
    re.MULTILINE,
)
"""Lines of source code and configuration, and of comments in them."""


def is_prose(text: str) -> bool:
    """Whether a sample reads as sentences and not as code, data, a log or a table. The cheap signs are looked at first."""
    piece = sample(text, HALF)
    ends = _number(piece, _ENDS)
    if ends < MIN_ENDS or _number(piece, _SIGNS) > MAX_SIGNS * len(piece) or _number(piece, _DIGITS) > MAX_DIGITS * len(piece):
        return False
    if not (ends >= DENSE_ENDS and _packed(piece)) and not _binds(piece):
        return False
    if _is_commented(sample(text, WIDER)):
        return False
    lines = [line.strip() for line in piece.split("\n")]
    return sum(1 for line in lines if line.endswith(_ROW_ENDS) or _ROW.match(line)) <= MAX_ROWS * len(lines)


def _is_commented(piece: str) -> bool:
    """Whether what reads as sentences are comments: code and configuration open with a page of them, as a rule."""
    return len(_CODE.findall(piece)) > MAX_CODE * (piece.count("\n") + 1)


def _packed(piece: str) -> bool:
    """Whether it is mostly of a script without spaces, where nothing is to be seen of words."""
    return not piece.isascii() and 3 * sum(map(len, _DENSE.findall(piece))) > len(piece)


def _binds(piece: str) -> bool:
    found = split(piece)
    share = FUNCTION_SHARE if piece.isascii() or sum(map(str.isascii, found)) > len(found) / 2 else FOREIGN_SHARE
    return bool(found) and sum(map(FUNCTION.__contains__, found)) >= share * len(found)


def _number(text: str, marks: Iterable[str]) -> int:
    return sum(map(text.count, marks))
