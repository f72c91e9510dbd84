from __future__ import annotations

import json

import pytest

from headroom.conversation import Json
from headroom.dialects.document import ITEMS
from headroom.dialects.rewriting import appended, without
from tests.fitting.conversations import NAMED


def block(text: str) -> Json:
    return {"type": "text", "text": text}


@pytest.mark.parametrize(("source", "made"), [
    ('{"content": "go"}', '{"content":[{"type":"text","text":"go"},{"type":"text","text":"N"}]}'),
    ('{"content": ""}', '{"content":[{"type":"text","text":"N"}]}'),
    ('{"role":"user",  "content": [ {"a":1.10} ]}', '{"role":"user",  "content": [ {"a":1.10},{"type":"text","text":"N"} ]}'),
])
def test_a_text_put_in(source: str, made: str) -> None:
    assert json.loads(appended(source, "content", "N", block)) == json.loads(made)


def test_what_stands_beside_it_stays_to_the_byte() -> None:
    source = '{"role":"user",  "content": [ {"a":1.10}, {"b":1e400}]}'
    assert appended(source, "content", "é", block).startswith('{"role":"user",  "content": [ {"a":1.10}, {"b":1e400}')


@pytest.mark.parametrize(("source", "made"), [
    ('{"content":[{"type":"thinking"},{"type":"text", "n":1.0}]}', '{"content":[{"type":"text", "n":1.0}]}'),
    ('{"content":[{"type":"thinking"}]}', None),
    ('{"content":[{"type":"text"}]}', '{"content":[{"type":"text"}]}'),
    ('{"content":"thinking"}', '{"content":"thinking"}'),
    ('{"role":"x"}', '{"role":"x"}'),
    *((source, source) for source in ("1.0", '"thinking"', "null", '[{"type":"thinking"}]', f'{{"content":[{"1," * ITEMS}{{"type":"thinking"}}]}}')),
])
def test_blocks_taken_out(source: str, made: str | None) -> None:
    assert without(source, "content", {"thinking"}) == made


@pytest.mark.parametrize(("name", "source", "made"), [
    ("anthropic", {"role": "user", "content": "go"}, {"role": "user", "content": [block("go"), block("N")]}),
    ("openai-chat", {"role": "user", "content": [block("go")]}, {"role": "user", "content": [block("go"), block("N")]}),
    ("openai-responses", {"role": "user", "content": "go"},
     {"role": "user", "content": [{"type": "input_text", "text": "go"}, {"type": "input_text", "text": "N"}]}),
    ("gemini", {"role": "user", "parts": [{"text": "go"}]}, {"role": "user", "parts": [{"text": "go"}, {"text": "N"}]}),
])
def test_a_note_behind_the_words_of_the_user(name: str, source: Json, made: Json) -> None:
    assert json.loads(NAMED[name].noted(json.dumps(source), "N")) == made


@pytest.mark.parametrize("name", NAMED)
def test_only_where_reasoning_is_refused_it_is_taken_out(name: str) -> None:
    thought = json.dumps({"role": "assistant", "content": [{"type": "thinking", "signature": "s"}, block("so")]})
    signed = json.dumps({"role": "model", "parts": [{"functionCall": {}, "thoughtSignature": "s"}]})
    item = json.dumps({"type": "reasoning", "encrypted_content": "x"})
    dialect = NAMED[name]
    assert (dialect.bare(signed), dialect.bare(item)) == (signed, item)
    assert (dialect.bare(thought) == thought) == (name != "anthropic")
