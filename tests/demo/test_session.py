"""Recorded sessions: complete, playable, and telling nothing of the machine they were recorded on."""

from __future__ import annotations

import re

import pytest

from headroom.conversation import Json
from headroom.demo.script import Call, Step
from headroom.demo.session import (
    SEAL,
    Session,
    Turn,
    body,
    fill,
    load,
    marked,
    recorded,
    save,
    seals,
    seals_given,
)

SESSIONS = tuple(recorded())
MARK = {"type": "ephemeral"}


@pytest.mark.parametrize(("message", "content"), [
    ({"role": "user", "content": "hi"}, [{"type": "text", "text": "hi", "cache_control": MARK}]),
    ({"role": "user", "content": [{"a": 1}, {"b": 2}]}, [{"a": 1}, {"b": 2, "cache_control": MARK}]),
])
def test_marked(message: Json, content: Json) -> None:
    assert marked(message)["content"] == content


@pytest.mark.parametrize(("value", "expected"), [
    ({"type": "thinking", "signature": "s"}, ["s"]),
    ([{"type": "redacted_thinking", "data": "d"}, {"encrypted_content": "e"}, {"thoughtSignature": "t"}], ["d", "e", "t"]),
    ({"type": "image", "source": {"type": "base64", "data": "pixels"}}, []),
    ({"content": {"signature": {"signature": "deep"}}}, ["deep"]),
    ("text", []),
])
def test_seals(value: Json, expected: list[str]) -> None:
    assert list(seals(value)) == expected


def test_seals_are_filled_in_order() -> None:
    assert fill([{"signature": SEAL}, SEAL, "x", SEAL], iter(["1", "2"])) == [{"signature": "1"}, "2", "x", ""]


@pytest.mark.parametrize(("answer", "expected"), [
    (b'{"signature":"one"}', ["one"]),
    (b'event: a\ndata: {"signature":""}\n\ndata: {"signature":"one"}\n\ndata: {"signature":"one"}\n\ndata: [DONE]\n\n', ["one"]),
])
def test_seals_given(answer: bytes, expected: list[str]) -> None:
    assert list(seals_given(answer)) == expected


def test_a_session_survives_saving() -> None:
    session = Session(
        "n", "c 1", "about", "/v1/messages", {"accept": "*/*"}, "messages", True, False,
        ({"model": "m", "messages": []},), (Turn(0, 0, ({"role": "user", "content": "hi"},)),),
        {"a": (Step(calls=(Call("Bash", {"command": "ls"}),)),)},
    )
    assert load(save(session)) == session


def test_the_mark_stands_on_the_last_message_that_is_not_a_system_message() -> None:
    session = Session("n", "c", "", "/", {}, "messages", True, False, ({"messages": []},), (), {})
    raw = body(session, 0, [{"role": "user", "content": "hi"}, {"role": "system", "content": "note"}])
    assert raw == (b'{"messages":[{"role":"user","content":[{"type":"text","text":"hi","cache_control":{"type":"ephemeral"}}]},'
                   b'{"role":"system","content":"note"}]}')


def test_every_api_is_recorded() -> None:
    assert {session.name for session in SESSIONS} == {"claude-code", "codex", "gemini", "openai-chat"}


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.name)
def test_sessions_tell_nothing_of_the_machine(session: Session) -> None:
    text = repr((session.heads, session.turns, session.scripts, session.fields))
    assert not re.search(r"(?<!<)/(?:root|home|Users|tmp)\b|api[-_]key['\"]?: ?['\"]?sk-", text)
