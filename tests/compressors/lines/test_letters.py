r"""Ranges agree with `\w` where people write, and count as one what only newer versions of Unicode know."""

from __future__ import annotations

import re

import pytest

from headroom.compressors.lines.letters import WORD, is_alnum, is_alpha

_WORD = re.compile(f"[{WORD}]+")


@pytest.mark.parametrize("text", ["abcZ", "größe", "Œuvre", "Привет", "שלום", "مرحبا", "日本語", "ひらがな", "한국어", "ไทย", "हिन्दी", "\u0870", "\U0001e290"])
def test_letters(text: str) -> None:
    assert is_alpha(text)
    assert is_alnum(text + "1")
    assert _WORD.fullmatch(f"{text}_1")


@pytest.mark.parametrize("sign", ["", "1", "_", " ", "-", "\u00a0", "°", "€", "×", "÷", "·", "…", "→", "│", "█", "、", "。", "，", "🙂", "\U0001fae0", "\ue000", "\ud800"])
def test_no_letters(sign: str) -> None:
    assert not is_alpha(sign)
    assert sign == "1" or not is_alnum(sign)


def test_ascii_is_as_ever() -> None:
    signs = [chr(code) for code in range(128)]
    assert [is_alpha(sign) for sign in signs] == [sign.isalpha() for sign in signs]
    assert [is_alnum(sign) for sign in signs] == [sign.isalnum() for sign in signs]
    assert [bool(_WORD.match(sign)) for sign in signs] == [bool(re.match(r"\w", sign)) for sign in signs]
