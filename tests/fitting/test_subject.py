from __future__ import annotations

import hashlib
import json

import pytest

from headroom.chain import chain
from headroom.conversation import Json
from headroom.dialects.document import Document
from headroom.dialects.document_memo import DocumentMemo
from headroom.fitting.choice import Cut
from headroom.fitting.subject import LEAST, Subject, asked, budget, hidden, names, weights
from headroom.prices import load
from tests.fitting.conversations import NAMED, PATHS, WRITERS, Exchange, Round

PLAN = [Exchange(tuple(Round((8000, 80)) for _ in range(5)), True, 300)]


def subject(name: str, values: list[Json], memo: DocumentMemo | None = None, **more: Json) -> Subject:
    dialect = NAMED[name]
    document = Document.parse(json.dumps({"model": "m", dialect.turns: values, **more}).encode(), memo)
    conversation = dialect.read(document, PATHS[name])
    return Subject(dialect, document, conversation, chain(conversation, lambda text: hashlib.sha256(text.encode()).digest()))


def words(text: str) -> int:
    return len(text.split())


@pytest.mark.parametrize(("members", "tokens"), [
    ({"max_tokens": 500}, 500), ({"max_completion_tokens": 7}, 7), ({"max_output_tokens": 9}, 9),
    ({"generationConfig": {"maxOutputTokens": 11}}, 11), ({"max_tokens": "many"}, None), ({}, None),
])
def test_how_long_the_answer_may_be(members: Json, tokens: int | None) -> None:
    assert asked(Document.parse(json.dumps(members).encode())) == tokens


@pytest.mark.parametrize(("name", "members", "known", "limit"), [
    ("m", {}, False, 121_600 - 16_000),
    ("m", {"max_tokens": 1000}, False, 121_600 - 1000),
    ("m", {"max_tokens": 90_000}, False, 121_600 - 30_400),
    ("claude-sonnet-5-5", {"max_tokens": 14_500}, True, 655_172 - 10_000),
])
def test_room(name: str, members: Json, known: bool, limit: int) -> None:
    found = subject("anthropic", [{"role": "user", "content": "go"}], **{"model": name, **members})
    model = load().find(name) if known else None
    assert budget(found.document, found.conversation, model, 0).limit == limit


@pytest.mark.parametrize("name", WRITERS)
def test_names_stand_for_all_that_was_said_before(name: str) -> None:
    values = WRITERS[name](PLAN)
    whole = subject(name, values)
    base = weights(whole, words, words)
    found = names(whole, base)
    assert min(found) == next(i for i in range(len(base)) if sum(base[: i + 1]) >= LEAST)
    assert max(found) == len(values) - 1
    assert len({*found.values()}) == len(found)
    for end in range(1, len(values)):
        part = subject(name, values[:end])
        assert weights(part, words, words) == base[:end]
        assert names(part, base[:end]) == {i: key for i, key in found.items() if i < end}
    if name != "gemini":  # whose model stands in the path
        assert not {*names(subject(name, values, model="n"), base).values()} & {*found.values()}


@pytest.mark.parametrize("name", WRITERS)
def test_names_and_places_are_the_same_whatever_came_before(name: str) -> None:
    values, memo = WRITERS[name](PLAN), DocumentMemo()
    other = [*values[:3], *WRITERS[name]([Exchange((Round((8, 8000)),), False, 20)])]
    sessions = ((values[:4], "m"), (values, "m"), (other, "m"), (values[:5], "n"), (values, "n"), (values, "m"))
    for sent, model in sessions:
        known, cold = subject(name, sent, memo, model=model), subject(name, sent, model=model)
        base = weights(known, words, words)
        assert base == weights(cold, words, words)
        assert names(known, base) == names(cold, base)
        cuts = [Cut(2, {}, frozenset({0, 1}), 9, 5)]
        assert hidden(known.conversation, NAMED[name].turns, cuts) == hidden(cold.conversation, NAMED[name].turns, cuts)


@pytest.mark.parametrize(("name", "more"), [
    ("anthropic", {"context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]}}),
    ("openai-responses", {"previous_response_id": "r"}),
])
def test_where_the_provider_keeps_or_clears_it_nothing_is_decided(name: str, more: Json) -> None:
    assert weights(subject(name, WRITERS[name](PLAN), **more), words, words) == []


def test_what_is_hidden_from_where() -> None:
    values = WRITERS["anthropic"](PLAN)
    found = subject("anthropic", values, system="be brief").conversation
    cut = Cut(4, {2: 5}, frozenset({3, 4}), 9, 5)
    # parts: system, words, then two results a turn
    assert hidden(found, "messages", [cut]) == {6: [2, 3, 4, 5]}
    assert hidden(found, "messages", [Cut(11, {}, frozenset({1}), 9, 5)]) == {}
