"""What a reader of a tool's output must not miss: words of trouble, and the words of the question.

Shared by all lossy forms, so that they agree on what matters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

SEVERE = re.compile(
    r"(?:error|fail(?:ed|ure|ing|s)?\b|exception|traceback|fatal|panic|critical|severe|emerg|alert|abort|assert|denied|refused|unreachable"
    r"|invalid|illegal|corrupt|timed? ?out|timeout|crash|killed|segfault|core dumped|out of memory|oom\b|unable to|cannot|could not|can't"
    r"|not found|no such|undefined|unauthori[sz]ed|forbidden|warn(?:ing)?\b|deprecat|conflict|rejected|violation|missing)",
    re.IGNORECASE,
)
"""Trouble in a line of any language's tools. Broad on purpose: a wrong hit costs a line, a miss costs the answer."""

_STEMS = (
    "error", "fail", "exception", "traceback", "fatal", "panic", "critical", "severe", "emerg", "alert", "abort", "assert", "denied", "refused",
    "unreachable", "invalid", "illegal", "corrupt", "time out", "timeout", "timed out", "timedout", "crash", "killed", "segfault", "core dumped",
    "out of memory", "oom-kill", "unable to", "cannot", "could not", "can't", "not found", "no such", "undefined", "unauthori", "forbidden",
    "warn", "deprecat", "conflict", "rejected", "violation", "missing",
)
"""What SEVERE looks for, as plain text: finding these takes a fortieth of its time."""

_WORD = re.compile(r"[^\W_][\w./:@#-]*[^\W_]|[^\W_]{2,}")
_PART = re.compile(r"[A-Z]?[a-z]{2,}|[A-Z]{2,}(?![a-z])|\d{2,}")
_STOP = frozenset((
    "the", "and", "for", "are", "was", "were", "has", "had", "have", "not", "but", "you", "your", "can", "could", "should", "would",
    "will", "with", "this", "that", "these", "those", "there", "then", "than", "them", "they", "from", "into", "onto", "over", "what",
    "when", "where", "which", "who", "whom", "whose", "why", "how", "all", "any", "each", "every", "some", "more", "most", "other",
    "such", "only", "own", "same", "does", "did", "doing", "done", "please", "let", "lets", "make", "made", "run", "use", "used",
    "using", "get", "got", "see", "show", "tell", "give", "find", "look", "want", "need", "like", "just", "also", "its", "his", "her",
    "our", "their", "about", "after", "before", "because", "been", "being", "both", "between", "during", "few", "here", "out", "very",
    "too", "now", "new", "one", "two",
))
MAX_QUERY = 8000
"""Characters of a question that are looked at; longer ones are pasted texts, whose end is what is asked."""

MAX_TERMS = 64
"""Terms of a question that are used, longest first: beyond, a pattern of them costs more than it finds."""


def troubles(text: str) -> dict[int, int]:
    """The index of each line that speaks of trouble → which words it uses, as a number; lines with the same number use the same."""
    low = text.lower()
    found: dict[int, int] = {}
    for bit, stem in enumerate(_STEMS):
        line = start = 0
        at = low.find(stem)
        while at >= 0:
            line += low.count("\n", start, at)
            found[line] = found.get(line, 0) | 1 << bit
            start, end = at, low.find("\n", at)
            at = low.find(stem, end) if end >= 0 else -1
    return found


def terms(query: str) -> tuple[str, ...]:
    """The telling words of a question in lower case: whole (ids, paths, names) and their parts, longest first."""
    found: dict[str, None] = {}
    for whole in _WORD.findall(query[-MAX_QUERY:]):
        for word in (whole, *(_PART.findall(whole) if whole.isascii() else ())):
            low = word.lower()
            if len(low) > 2 and low not in _STOP:
                found[low] = None
    return tuple(sorted(found, key=lambda word: (-len(word), word))[:MAX_TERMS])


def pattern(words: Iterable[str]) -> re.Pattern[str] | None:
    """One pattern that finds any of the words at the start of a word, whatever its case; None for no words."""
    alternatives = "|".join(map(re.escape, words))
    return re.compile(rf"(?<![^\W_])(?:{alternatives})", re.IGNORECASE) if alternatives else None
