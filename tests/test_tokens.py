"""The estimate, the counter that remembers, and the factors learned per model."""

from __future__ import annotations

import subprocess
import sys
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headroom import tokens
from headroom.tokens import CLASSES, ESTIMATED, EXACT, Counter, Learned, estimate, features, starting_factor

LINE = "2025-03-01 07:15:35,120 INFO [worker-3] shop.orders: order 17 accepted: item=cup count=4 stock_left=81\n"
FROZEN = 1283
FALL = 4
"""Tokens that appended text may take off: a long gap, digits, or a rule of symbols that has just become one token."""


@pytest.mark.parametrize(
    ("text", "exact", "tolerance"),
    [
        # exact: what tiktoken counts with o200k_base
        ("hello world", 2, 1),
        ("The quick brown fox jumps over the lazy dog.", 10, 3),
        ('{"a":1,"b":[]}', 8, 2),
        ("3f2c1b9a-7d64-4e0b-9a51-2b6f0c8d9e77", 33, 4),
        ("这是一个测试，服务启动之前请先确认数据库可以访问。", 14, 5),
        ("Перед перезапуском сервиса убедитесь, что заданий нет.", 13, 4),
        ("def f(x: int) -> int:\n    return x + 1\n", 15, 5),
    ],
)
def test_short_texts(text: str, exact: int, tolerance: int) -> None:
    assert abs(estimate(text) - exact) <= tolerance


@pytest.mark.parametrize(
    ("text", "want"),
    [("", 0), ("a", 1), (" ", 1), ("\n", 1), ("\x00", 1), ("\ud800", 1), ("—", 1), (" " * 10_000, 56)],
)
def test_edges(text: str, want: int) -> None:
    """Frozen numbers: every Python and every machine must come to them, or decisions would differ between workers."""
    assert estimate(text) == want


def test_a_frozen_sum_over_every_class() -> None:
    text = LINE * 20 + "".join(map(chr, range(0x20, 0x3000, 7))) + "가나 😀 漢字 ────────── \r\n\t\x0b\x7f" + "/a/B0/" * 9
    assert estimate(text) == FROZEN


def test_every_byte_has_a_class() -> None:
    assert len(CLASSES) == 256
    assert {chr(c): CLASSES.count(bytes([c])) for c in set(CLASSES)} == {
        "p": 60, "s": 4, "n": 2, "0": 10, "A": 26, "a": 26, "c": 64, "l": 16, "r": 4, "w": 12, "h": 2, "y": 3, "k": 1,
        "z": 6, "g": 4, "e": 16,
    }  # fmt: skip
    assert [chr(CLASSES[lead]) for lead in (0xC3, 0xD0, 0xD8, 0xE0, 0xE2, 0xE3, 0xE6, 0xEC, 0xEF, 0xF0)] == list("lrwhykzgye")


@pytest.mark.parametrize("gap", ["", " " * 15, " " * 16, " " * 64])
def test_features_fit_their_weights(gap: str) -> None:
    assert len(features("a" + gap)) == 2 + len(tokens.PATTERNS)
    assert len(features("é" + gap)) == len(tokens.WEIGHTS)


@settings(deadline=None, max_examples=150)
@given(st.text(alphabet=st.characters(), max_size=400))
@example("\ud83d")
@example("0" * 400)
def test_an_estimate_is_a_count(text: str) -> None:
    """Never raises, never negative, nothing only for nothing."""
    assert (estimate(text) == 0) is (text == "")
    assert estimate(text) >= 0
    assert estimate(text) <= 4 * len(text.encode("utf-8", "surrogatepass"))


PIECES = st.lists(st.sampled_from(["a", "B", "7", " ", "    ", "\n", "-", "/", "é", "─", "漢", "😀", LINE, "0000", "aaaa"]), max_size=60).map("".join)


@settings(deadline=None, max_examples=300)
@given(PIECES, PIECES)
@example(" " * 15, " ")
@example("─" * 7, "─")
@example("\n" * 3, "\n")
def test_appending_hardly_lowers(text: str, more: str) -> None:
    assert estimate(text + more) >= estimate(text) - FALL


@settings(deadline=None, max_examples=150)
@given(PIECES, PIECES)
def test_lines_add_up(text: str, more: str) -> None:
    """What is split at a line end is worth what it was, but for what would have merged across the cut."""
    whole = estimate(text + "\n" + more)
    assert abs(estimate(text + "\n") + estimate(more) - whole) <= FALL


def test_importing_costs_nothing() -> None:
    """A proxy that decides by the estimate must not load a tokenizer, nor a library for numbers."""
    code = "import sys, headroom.tokens; print(*sorted({'tiktoken', 'regex', 'numpy', 'socket'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_counter_counts_once() -> None:
    seen: list[str] = []

    def count(text: str) -> int:
        seen.append(text)
        return len(text)

    counter = Counter(count, EXACT)
    assert [counter(text) for text in ("ab", "abc", "ab", "")] == [2, 3, 2, 0]
    assert seen == ["ab", "abc", ""]
    assert counter.name == EXACT


def test_a_counter_keeps_within_its_bytes() -> None:
    counter = Counter(len, EXACT, memo_bytes=4000)
    for i in range(100):
        assert counter(f"{i:0500}") == 500
    assert len(counter._memo) <= 8


def test_without_a_vocabulary_the_counter_says_so() -> None:
    assert Counter().name == ESTIMATED
    assert Counter()(LINE) == estimate(LINE)


@pytest.mark.parametrize(
    ("model", "factor"),
    [
        ("gpt-5.6", 1.0), ("o3", 1.0), ("", 1.0), ("llama-4", 1.0), ("gemini-3-pro", 1.1), ("models/gemini-2.5-flash", 1.1),
        ("claude-3-5-sonnet-20241022", 1.15), ("claude-3-haiku-20240307", 1.15), ("claude-2.1", 1.15),
        ("claude-sonnet-4-20250514", 1.15), ("claude-opus-4-1-20250805", 1.15), ("claude-haiku-4-5-20251001", 1.15),
        ("claude-opus-4-6", 1.15), ("claude-opus-4-7", 1.45), ("claude-opus-4.8", 1.45), ("claude-sonnet-5", 1.45),
        ("claude-fable-5-1", 1.45), ("claude-opus-5-20260801", 1.45), ("claude-opus-latest", 1.45),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", 1.15), ("anthropic.claude-opus-4-7-v1", 1.45), ("Claude-Opus-5-5", 1.45),
        ("anthropic/claude-3.7-sonnet", 1.15), ("claude-opus-4-7@20260416", 1.45),
    ],
)  # fmt: skip
def test_starting_factors(model: str, factor: float) -> None:
    assert starting_factor(model) == Learned().factor(model) == factor


def test_a_factor_is_learned_from_usage() -> None:
    learned = Learned()
    for _ in range(40):
        learned.observe("claude-opus-5", 1_300, 1_000)
    assert learned.factor("claude-opus-5") == pytest.approx(1.3, abs=0.01)
    assert learned.factor("claude-opus-5-5") == 1.45
    assert list(learned.factors()) == ["claude-opus-5"]


@pytest.mark.parametrize(("reported", "counted"), [(100, 20), (0, 9_000), (-5, 9_000)])
def test_small_and_empty_answers_teach_nothing(reported: int, counted: int) -> None:
    learned = Learned()
    learned.observe("gpt-5", reported, counted)
    assert learned.factors() == {}


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c", "d", "claude-x"]), st.integers(-9, 10**9), st.integers(-9, 10**6)), max_size=40))
def test_factors_stay_in_bounds(observations: list[tuple[str, int, int]]) -> None:
    learned = Learned(max_models=3)
    for model, reported, counted in observations:
        learned.observe(model, reported, counted)
        assert 0.5 <= learned.factor(model) <= 3.0
        assert len(learned.factors()) <= 3


def test_what_two_have_learned_counts_by_how_much_each_has_seen() -> None:
    one, other, sums = Learned(), Learned(), Learned()
    for _ in range(40):
        one.observe("gpt-5", 2_000, 1_000)
    for _ in range(5):
        other.observe("gpt-5", 1_000, 1_000)
    other.observe("claude-opus-5", 1_300, 1_000)
    for learned in (one, other):
        sums.absorb(learned.dump())
    assert sums.factor("gpt-5") == pytest.approx((10 * one.factor("gpt-5") + 5 * 1.0) / 15)
    assert sums.factor("claude-opus-5") == other.factor("claude-opus-5")


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(500, 10**6), st.integers(500, 10**6)), max_size=30), st.randoms())
def test_a_factor_of_many_lies_between_theirs_and_models_stay_few(observations: list[tuple[str, int, int]], random: Random) -> None:
    many, sums = [Learned(max_models=2) for _ in range(3)], Learned(max_models=2)
    for observation in observations:
        random.choice(many).observe(*observation)
    for learned in many:
        sums.absorb(learned.dump())
    assert len(sums.factors()) <= 2
    for model, factor in sums.factors().items():
        theirs = [learned.factors()[model] for learned in many if model in learned.factors()]
        assert min(theirs) - 1e-9 <= factor <= max(theirs) + 1e-9


def test_the_longest_unheard_of_model_is_forgotten() -> None:
    learned = Learned(max_models=2)
    for model in ("a", "b", "a", "c"):
        learned.observe(model, 2_000, 1_000)
    assert list(learned.factors()) == ["a", "c"]
