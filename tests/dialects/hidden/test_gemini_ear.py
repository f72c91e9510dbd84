"""Hidden calls in Gemini's answers: held back, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.dialects.hidden.base import NAME, Ear, Round, Told
from headroom.dialects.hidden.events import PACKS
from tests.dialects.hidden.gemini_answers import (
    HIDDEN,
    SIGNED,
    THOUGHT,
    Parts,
    Played,
    answer,
    ask,
    call,
    essence,
    event,
    exchange_of,
    joined,
    messages,
    played,
    say,
    shown,
    stream,
    texts,
)

HELD_MOST = 1 << 16


@pytest.fixture(autouse=True)
def less_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headroom.dialects.hidden.gemini_ear.HELD_MOST", HELD_MOST)
    monkeypatch.setattr("headroom.dialects.hidden.whole.HELD_MOST", HELD_MOST)


def heard(ear: Ear, answers: Sequence[bytes], cut: int = 0) -> tuple[bytes, list[Round]]:
    """What the client got, each answer being cut once, or into pieces of one byte."""
    out, rounds = b"", []
    for data in answers:
        pieces = [data[:cut], data[cut:]] if cut >= 0 else [data[i : i + 1] for i in range(len(data))]
        out += b"".join(map(ear.feed, pieces))
        rounds.append(ear.end())
    return out + ear.finish(), rounds


@dataclass(frozen=True, slots=True)
class Heard:
    answers: tuple[list[Parts], ...]
    shown: Parts
    said: tuple[Parts, ...]
    """Of each round that asks something."""
    alone: bool = True
    told: Told = field(default_factory=Told)


CASES = {
    "nothing of ours": Heard(
        ([[say("It ")], [say("says headroom_retrieve.")]],), [say("It "), say("says headroom_retrieve.")], (),
        told=Told("It says headroom_retrieve."),
    ),
    "alone, text in both rounds": Heard(
        ([[say("Let me ")], [say("look. ")], [ask(**SIGNED)], [say("")]], [[say("It says ")], [say("42.")]]),
        [say("Let me "), say("look. "), say("It says "), say("42.")], ([say("Let me look. "), ask(**SIGNED)],),
        told=Told("Let me look. It says 42."),
    ),
    "first round without anything to see": Heard(
        ([[ask()]], [[say("42")]]), [say("42")], ([ask()],), told=Told("42"),
    ),
    "all in one chunk": Heard(
        ([[THOUGHT, say("A. "), ask(**SIGNED)]], [[say("B.")]]), [THOUGHT, say("A. "), say("B.")],
        ([THOUGHT, say("A. "), ask(**SIGNED)],), told=Told("A. B."),
    ),
    "two of ours": Heard(
        ([[ask("a", **SIGNED)], [ask("b")]], [[call()]]), [call()], ([ask("a", **SIGNED), ask("b")],),
        told=Told("", ("Bash 0",)),
    ),
    "mixed, before, between and after": Heard(
        ([[ask("a")], [call(x=1)], [ask("b"), call(x=2), ask("c")]],), [call(x=1), call(x=2)],
        ([ask("a"), call(x=1), ask("b"), call(x=2), ask("c")],), alone=False, told=Told("", ("Bash 0", "Bash 1")),
    ),
    "mixed, the reason in a chunk of its own": Heard(
        ([[call(x=1)], [ask("a")], [say("")]],), [call(x=1)], ([call(x=1), ask("a")],), alone=False, told=Told("", ("Bash 0",)),
    ),
    "text behind ours": Heard(
        ([[ask()], [say("So.")], [say("")]], [[say("B.")]]), [say("So."), say("B.")], ([ask(), say("So.")],), told=Told("So.B."),
    ),
    "never an end": Heard(([[ask("a")]],) * 3, [], ([ask("a")],) * 3),
    "a signature of its own part stays": Heard(
        ([[say("A. ")], [say("", **SIGNED)], [ask()]], [[say("B.")]]), [say("A. "), say("", **SIGNED), say("B.")],
        ([say("A. "), say("", **SIGNED), ask()],), told=Told("A. B."),
    ),
    "without arguments": Heard(
        ([[{"functionCall": {"name": NAME}}]], [[say("?")]]), [say("?")], ([{"functionCall": {"name": NAME}}],), told=Told("?"),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("streamed", [True, False])
def test_only_calls_of_ours_are_missing(case: Heard, streamed: bool) -> None:
    ear = HIDDEN.ear(stream=streamed)
    answers = [
        stream(chunks, f"r{i}") if streamed else json.dumps(answer([p for c in chunks for p in c], "STOP", id=f"r{i}")).encode()
        for i, chunks in enumerate(case.answers)
    ]
    out, rounds = heard(ear, answers)
    asking = [each for each in rounds if each.asked]
    assert [[json.loads(element) for element in each.said] for each in asking] == [
        [{"role": "model", "parts": parts}] for parts in case.said
    ]
    assert all(each.alone == case.alone for each in asking)
    assert ear.told() == case.told
    assert joined(shown(out) if streamed else visible(json.loads(out))) == joined(case.shown)
    if streamed:
        assert shown(out) == case.shown
    ends = [m["candidates"][0].get("finishReason") for m in (messages(out) if streamed else [json.loads(out)])]
    assert [*filter(None, ends)] == ["STOP"]
    assert ends[-1] == "STOP"


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_where_it_is_cut_changes_nothing(case: Heard) -> None:
    answers = [stream(chunks, f"r{i}") for i, chunks in enumerate(case.answers)]
    whole = heard(HIDDEN.ear(stream=True), answers)
    for cut in range(-1, max(map(len, answers))):
        assert heard(HIDDEN.ear(stream=True), answers, cut) == whole


def visible(message: Any) -> Parts:
    return [part for part in message["candidates"][0]["content"]["parts"] if part != say("")]


@pytest.mark.parametrize("streamed", [True, False])
def test_the_answer_keeps_its_names_and_counts_all_output(streamed: bool) -> None:
    parts = [[say("A. "), ask()], [say("B.")]]
    answers = [
        stream([each], f"r{i}") if streamed else json.dumps(answer(each, "STOP", 1, f"r{i}")).encode() for i, each in enumerate(parts)
    ]
    out, _ = heard(HIDDEN.ear(stream=streamed), answers)
    last = messages(out)[-1] if streamed else json.loads(out)
    assert last["responseId"] == "r0"
    assert last["modelVersion"] == "model of r0"
    assert last["usageMetadata"] == {
        "promptTokenCount": 100, "cachedContentTokenCount": 60, "candidatesTokenCount": 2, "thoughtsTokenCount": 4,
        "totalTokenCount": 106,
    }


def test_details_of_output_are_summed_by_modality() -> None:
    one, two = answer([ask()], "STOP"), answer([say("B")], "STOP")
    for message, counts in ((one, {"TEXT": 3}), (two, {"TEXT": 4, "IMAGE": 5})):
        message["usageMetadata"]["candidatesTokensDetails"] = [{"modality": m, "tokenCount": n} for m, n in counts.items()]
    out, _ = heard(HIDDEN.ear(stream=True), [event(one), event(two)])
    assert messages(out)[-1]["usageMetadata"]["candidatesTokensDetails"] == [
        {"modality": "TEXT", "tokenCount": 7}, {"modality": "IMAGE", "tokenCount": 5},
    ]


def test_text_beside_a_call_of_ours_is_not_kept_waiting() -> None:
    ear = HIDDEN.ear(stream=True)
    assert shown(ear.feed(event(answer([say("A. "), ask()], "STOP")))) == [say("A. ")]
    assert ear.end().alone
    assert ear.feed(b": keep-alive\n\n") == b": keep-alive\n\n"


TROUBLE = {
    "several candidates": event({"candidates": [answer([ask()])["candidates"][0], {"index": 1}]}),
    "the second candidate": event({"candidates": [{**answer([ask()])["candidates"][0], "index": 1}]}),
    "arguments in pieces": event(answer([{"functionCall": {"name": NAME, "willContinue": True}}])),
    "an array of chunks": b"[" + json.dumps(answer([ask()])).encode() + b"\n,",
    "an error": event({"error": {"code": 503, "message": NAME, "status": "UNAVAILABLE"}}),
    "no JSON": b'data: {"functionCall": {"name": "headroom_retrieve"\n\n',
    "no shape": event({"candidates": [{"content": {"parts": NAME}}]}),
    "a number that cannot be written": event(answer([ask()])).replace(b'"k1"', b"1e999"),
    "deep": b'data: {"candidates": ' + b"[" * 100_000 + NAME.encode() + b"\n\n",
}


@pytest.mark.parametrize("data", TROUBLE.values(), ids=TROUBLE.keys())
def test_what_cannot_be_heard_goes_on_as_it_came(data: bytes) -> None:
    tail = event(answer([say("")], "STOP"))
    out, rounds = heard(HIDDEN.ear(stream=True), [data + tail])
    assert (out, rounds) == (data + tail, [Round()])


@pytest.mark.parametrize("name", ["several candidates", "the second candidate", "arguments in pieces"])
def test_what_cannot_be_heard_behind_a_call_of_ours_shows_it(name: str) -> None:
    ear = HIDDEN.ear(stream=True)
    before, after = event(answer([ask("a")])), event(answer([say("B")], "STOP"))
    out = ear.feed(before + TROUBLE[name] + after)
    assert shown(out[: out.index(TROUBLE[name])]) == [ask("a")]
    assert out.endswith(TROUBLE[name] + after)
    assert (ear.feed(after), ear.end(), ear.finish(), ear.told()) == (after, Round(), b"", Told())


@pytest.mark.parametrize("streamed", [True, False])
def test_an_array_of_chunks_is_not_kept_waiting(streamed: bool) -> None:
    ear = HIDDEN.ear(stream=streamed)
    assert ear.feed(b"\n") in (b"\n", b"")
    piece = b'[{"candidates": [' + NAME.encode()
    assert ear.feed(piece).lstrip() == piece
    assert ear.feed(b"]}") == b"]}"
    assert (ear.end(), ear.finish()) == (Round(), b"")


def test_a_last_event_without_its_blank_line_counts() -> None:
    for cut in (2, 4):
        ear = HIDDEN.ear(stream=True)
        assert ear.feed(stream([[say("A"), ask()]])[:-cut]) == b""
        assert ear.end().alone
        assert shown(ear.feed(stream([[say("B")]])) + ear.finish()) == [say("A"), say("B")]


def test_an_answer_that_is_cut_short_asks_nothing() -> None:
    for reason in (None, "MAX_TOKENS", "MALFORMED_FUNCTION_CALL"):
        ear = HIDDEN.ear(stream=True)
        out, rounds = heard(ear, [stream([[say("A")], [ask()]], reason=reason)])
        assert rounds == [Round()]
        assert shown(out) == [say("A")]
        assert ear.told() == Told("A")


def test_a_later_answer_without_a_byte_ends_as_a_plain_one() -> None:
    ear = HIDDEN.ear(stream=True)
    ear.feed(stream([[ask()]]))
    assert ear.end().alone
    assert ear.end() == Round()
    assert messages(ear.finish())[-1]["candidates"][0] == answer([say("")], "STOP")["candidates"][0]


@pytest.mark.parametrize("streamed", [True, False])
def test_memory_is_bounded(streamed: bool) -> None:
    ear = HIDDEN.ear(stream=streamed)
    piece = event(answer([say("x" * (1 << 20))])) if streamed else b"x" * (1 << 20)
    pieces = [piece] * (PACKS * HELD_MOST // len(piece) + 2)
    out = b"".join(map(ear.feed, pieces))
    out += ear.feed(event(answer([ask()], "STOP")))
    assert out == b"".join(pieces) + event(answer([ask()], "STOP"))
    assert (ear.end(), ear.finish(), ear.told()) == (Round(), b"", Told())


def test_beyond_memory_what_was_held_goes_on() -> None:
    ear = HIDDEN.ear(stream=True)
    closing = event(answer([ask()], "STOP"))
    assert ear.feed(closing) == b""
    rest = b"data: " + b"x" * HELD_MOST
    out = ear.feed(rest)
    assert shown(out[: -len(rest)]) == [ask()]
    assert out.endswith(rest)
    assert (ear.end(), ear.finish()) == (Round(), b"")


@settings(deadline=None, max_examples=200)
@given(played(), st.data())
def test_said_is_what_was_said(played: Played, data: st.DataObject) -> None:
    ear, whole = HIDDEN.ear(stream=True), HIDDEN.ear(stream=False)
    out, exchange = exchange_of(ear, played)
    for (said, _), chunks in zip(exchange.rounds, played.rounds, strict=True):
        parts = [part for chunk in chunks for part in chunk]
        assert essence(json.loads(said[0])["parts"], True) == essence(parts, True)
        whole.feed(json.dumps(answer(parts, "STOP")).encode())
        assert whole.end().said == said
    whole.feed(json.dumps(answer([part for chunk in played.final for part in chunk], "STOP")).encode())
    last = whole.end()
    assert last.alone == played.over
    assert (last.said if played.mixed else ()) == exchange.last
    assert whole.told() == ear.told()
    streamed = [part for message in messages(out) for part in message["candidates"][0]["content"]["parts"]]
    assert essence(json.loads(whole.finish())["candidates"][0]["content"]["parts"], True) == essence(streamed, True)


NOISE = st.one_of(
    st.binary(max_size=20),
    st.sampled_from([b"\n", b"\r", b"\r\n", b"\n\n", b"data: ", b": keep-alive\n\n", b"event: x\n", b"data: " + NAME.encode() + b"\r\r"]),
    texts().map(lambda part: event(answer([part]))),
    st.just(event(answer([say(NAME), call(x=NAME)], "STOP"))),
)


@settings(deadline=None, max_examples=300)
@given(st.lists(NOISE, max_size=8).map(b"".join), st.integers(0, 200), st.booleans())
def test_without_a_call_of_ours_every_byte_goes_on_as_it_came(data: bytes, cut: int, streamed: bool) -> None:
    for at in (cut, -1):
        out, rounds = heard(HIDDEN.ear(stream=streamed), [data], at)
        assert out == data
        assert rounds == [Round()]


@settings(deadline=None, max_examples=100)
@given(played(), st.lists(NOISE, max_size=3).map(b"".join), st.integers(0, 400))
def test_streams_that_break_show_nothing_of_ours(played: Played, noise: bytes, cut: int) -> None:
    data = b"".join(stream(chunks) for chunks in (*played.rounds, played.final))
    ear = HIDDEN.ear(stream=True)
    whole = ear.feed(data[:cut]) + ear.feed(data[cut:]) + ear.feed(noise)
    ear.end()
    ear.finish()
    assert NAME.encode() not in whole or NAME.encode() in noise
