r"""Which characters are letters, by ranges that stay as they are: those of `\w` grow with each Python's version of Unicode.

A form must not depend on the Python that writes it. In blocks of letters all characters count, also marks of vowels, signs
that stand among letters, and what a later version assigns there.
"""

from __future__ import annotations

import re

LETTER = "A-Za-z\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u1fff\u2c00-\u2dff\u3040-\ud7ff\uf900-\ufdff\ufe70-\ufefe\uff21-\uffdc\U00010000-\U0001efff\U00020000-\U0003ffff"
"""For a class of characters in a pattern. Not among them: punctuation, arrows, box drawing, emoji, private characters."""

WORD = f"0-9_{LETTER}"
"""The same in place of `\\w`."""

_LETTERS = re.compile(f"[{LETTER}]+")
_ALNUM = re.compile(f"[0-9{LETTER}]+")


def is_alpha(text: str) -> bool:
    """In place of `str.isalpha`."""
    return _LETTERS.fullmatch(text) is not None


def is_alnum(text: str) -> bool:
    """In place of `str.isalnum`."""
    return _ALNUM.fullmatch(text) is not None
