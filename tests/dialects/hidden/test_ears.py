"""What all ears promise that make one answer of several, asked of each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.conversation import Json
from headroom.dialects.hidden import HIDDEN
from headroom.dialects.hidden.base import NAME, Ear, Round
from headroom.dialects.hidden.json_text import written
from tests.dialects.hidden import anthropic_answers, openai_chat_answers, openai_responses_answers
from tests.dialects.hidden.listening import through


@dataclass(frozen=True, slots=True)
class Voice:
    """How an API answers."""

    rounds: Mapping[str, list[list[Json]]]
    stream: Callable[[Sequence[Json], int], bytes]
    whole: Callable[[Sequence[Json], int], Json]
    asks: Sequence[Json]
    """An answer with a call of ours behind a text."""
    odd: Sequence[bytes]


VOICES = {
    "anthropic": Voice(
        anthropic_answers.ROUNDS, anthropic_answers.stream, anthropic_answers.message, [anthropic_answers.LOOK, anthropic_answers.mine()],
        anthropic_answers.ODD,
    ),
    "openai-chat": Voice(
        openai_chat_answers.ROUNDS, openai_chat_answers.stream, openai_chat_answers.whole,
        [openai_chat_answers.LOOK, openai_chat_answers.mine()], openai_chat_answers.ODD,
    ),
    "openai-responses": Voice(
        openai_responses_answers.ROUNDS, openai_responses_answers.stream, openai_responses_answers.response,
        [openai_responses_answers.LOOK, openai_responses_answers.mine()], openai_responses_answers.ODD,
    ),
}
each = pytest.mark.parametrize("name", VOICES)
BREAKS = [b"\n\n", b"\r\n\r\n", b"\r\r", b": ping\n\n", b"data: [DONE]\n\n", NAME.encode(), b'data: "headroom_retrieve"\n\n']


def ears(name: str) -> tuple[Ear, Ear]:
    """For streams and for whole answers."""
    return HIDDEN[name].ear(stream=True), HIDDEN[name].ear(stream=False)


def anything(name: str) -> st.SearchStrategy[bytes]:
    pieces = st.one_of(st.binary(max_size=30), st.sampled_from(BREAKS), st.sampled_from(VOICES[name].odd))
    return st.lists(pieces, max_size=8).map(b"".join)


@pytest.mark.parametrize(("name", "case"), [(name, case) for name, voice in VOICES.items() for case in voice.rounds])
def test_the_cut_does_not_matter(name: str, case: str) -> None:
    answers = [VOICES[name].stream(pieces, number) for number, pieces in enumerate(VOICES[name].rounds[case], 1)]
    expected = through(ears(name)[0], answers)
    for size in (1, 2, 3, 7, 61):
        assert through(ears(name)[0], answers, size) == expected


@each
@settings(deadline=None, max_examples=150)
@given(data=st.data(), cuts=st.lists(st.integers(0, 3000), max_size=6))
def test_what_is_not_ours_goes_on_as_it_came(name: str, data: st.DataObject, cuts: list[int]) -> None:
    source = data.draw(anything(name))
    ends = [0, *sorted(min(cut, len(source)) for cut in cuts), len(source)]
    for ear in ears(name):
        out = b"".join(ear.feed(source[a:b]) for a, b in pairwise(ends))
        assert ear.end() == Round()
        assert out + ear.finish() == source
        ear.told()


@each
@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_no_answer_is_too_odd_to_come_second(name: str, data: st.DataObject) -> None:
    voice, source = VOICES[name], data.draw(anything(name))
    for ear, first in zip(ears(name), (voice.stream(voice.asks, 1), written(voice.whole(voice.asks, 1)).encode()), strict=True):
        ear.feed(first)
        assert ear.end().alone
        ear.feed(source)
        assert ear.end() == Round()
        ear.finish()
        assert ear.told().text.startswith("Let me look. ")


@each
def test_a_second_answer_without_a_byte_asks_nothing(name: str) -> None:
    voice = VOICES[name]
    for ear, first in zip(ears(name), (voice.stream(voice.asks, 1), written(voice.whole(voice.asks, 1)).encode()), strict=True):
        ear.feed(first)
        assert ear.end().asked
        assert ear.end() == Round()
        assert NAME.encode() not in ear.finish()
