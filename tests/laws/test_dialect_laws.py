"""What holds of every dialect and every body, however odd: projection, addresses that mean what they say, no surprises."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom import dialects
from headroom.conversation import Address, Conversation, Json
from headroom.dialects.base import Dialect
from headroom.dialects.document import Document, Unreadable
from headroom.dialects.document_memo import DocumentMemo

PATHS = {
    "anthropic": "/v1/messages", "openai-chat": "/v1/chat/completions", "openai-responses": "/v1/responses",
    "gemini": "/v1beta/models/m:generateContent",
}

NAMES = st.sampled_from([
    "type", "role", "content", "text", "parts", "output", "response", "functionCall", "functionResponse", "function_response",
    "tool_calls", "function_call", "function", "tool_call_id", "tool_use_id", "call_id", "id", "name", "input", "arguments", "args",
    "action", "is_error", "status", "stdout", "stderr", "error", "thinking", "mimeType", "data", "é",
])
WORDS = st.sampled_from([
    "text", "input_text", "output_text", "tool_use", "tool_result", "user", "assistant", "system", "developer", "tool", "function",
    "model", "message", "function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output", "shell_call_output",
    "local_shell_call", "local_shell_call_output", "reasoning", "item_reference", "additional_tools", "tool_search_output", "failed",
    "thinking", "id1", "id2", "{}", '{"a": [1]}', "[" * 300, "", "é\n\"", "😀",
])
TEXTS = WORDS | st.text(max_size=8) | st.just("\ud800 lone")
SCALARS: st.SearchStrategy[Json] = TEXTS | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
ODD: st.SearchStrategy[Json] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5), max_leaves=16
)

IDS = st.sampled_from(["id1", "id2", "id3"])
TEXT_LISTS: Mapping[str, st.SearchStrategy[Json]] = {
    kind: TEXTS | st.lists(st.fixed_dictionaries({"type": st.just(kind), "text": TEXTS}) | ODD, max_size=3)
    for kind in ("text", "input_text", "output_text")
}


def fixed(**members: Json) -> st.SearchStrategy[Json]:
    """An object; members that are no strategies stand for themselves."""
    return st.fixed_dictionaries({
        name: value if isinstance(value, st.SearchStrategy) else st.just(value) for name, value in members.items()
    })


ANTHROPIC = fixed(role="user", content=TEXT_LISTS["text"]) | fixed(
    role="assistant", content=st.lists(
        fixed(type="tool_use", id=IDS, name=TEXTS, input=ODD) | fixed(type="thinking", thinking=TEXTS, signature="s"), max_size=3,
    ),
) | fixed(role="user", content=st.lists(
    fixed(type="tool_result", tool_use_id=IDS, content=TEXT_LISTS["text"], is_error=st.booleans()) | fixed(type="image", source=ODD),
    max_size=3,
))
CHAT = fixed(role=WORDS, content=TEXT_LISTS["text"]) | fixed(
    role="assistant", content=None, tool_calls=st.lists(fixed(id=IDS, function=fixed(name=TEXTS, arguments=TEXTS)), max_size=2),
) | fixed(role="tool", tool_call_id=IDS, content=TEXT_LISTS["text"]) | fixed(role="function", name=IDS, content=TEXTS)
RESPONSES = fixed(role=WORDS, content=TEXT_LISTS["input_text"]) | fixed(
    type="function_call", call_id=IDS, id=IDS, name=TEXTS, arguments=TEXTS,
) | fixed(type="custom_tool_call", call_id=IDS, name=TEXTS, input=TEXTS) | fixed(
    type=WORDS, call_id=IDS, output=TEXT_LISTS["output_text"], status=WORDS,
) | fixed(type="shell_call_output", call_id=IDS, output=st.lists(fixed(stdout=TEXTS, stderr=TEXTS), max_size=2))
GEMINI = fixed(role=WORDS, parts=st.lists(fixed(text=TEXTS) | ODD, max_size=3)) | fixed(
    role="model", parts=st.lists(fixed(functionCall=fixed(name=IDS, args=ODD)), max_size=3),
) | fixed(role="user", parts=st.lists(fixed(functionResponse=fixed(name=IDS, response=fixed(output=ODD, error=ODD))), max_size=3))


def bodies(elements: str, kinds: st.SearchStrategy[Json], head: str) -> st.SearchStrategy[Json]:
    usual: st.SearchStrategy[Json] = st.fixed_dictionaries(
        {"model": st.just("m"), elements: st.lists(kinds | ODD, max_size=6) | ODD},
        optional={head: ODD | TEXT_LISTS["text"], "tools": ODD, "stream": ODD, "previous_response_id": ODD, "é": ODD},
    )
    return usual


BODIES: Mapping[str, st.SearchStrategy[Json]] = {
    "anthropic": bodies("messages", ANTHROPIC, "system"), "openai-chat": bodies("messages", CHAT, "functions"),
    "openai-responses": bodies("input", RESPONSES, "instructions"), "gemini": bodies("contents", GEMINI, "systemInstruction"),
}


@dataclass(frozen=True, slots=True)
class Case:
    dialect: Dialect
    raw: bytes
    more: bytes
    """The same body with more elements."""


@st.composite
def cases(draw: st.DrawFn) -> Case:
    dialect = draw(st.sampled_from(dialects.DIALECTS))
    body, other = draw(BODIES[dialect.name]), draw(BODIES[dialect.name])
    ascii_only, indent = draw(st.booleans()), draw(st.sampled_from([None, 1]))
    longer = {**body}
    for name in ("messages", "input", "contents"):
        if isinstance(body.get(name), list) and isinstance(other.get(name), list):
            longer[name] = [*body[name], *other[name]]
    raw, more = (_dump(value, ascii_only, indent) for value in (body, longer))
    return Case(dialect, raw, more)


def _dump(value: Json, ascii_only: bool, indent: int | None) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    except UnicodeEncodeError:  # a lone surrogate has no UTF-8, only an escape
        return json.dumps(value, indent=indent).encode()


def read(case: Case, raw: bytes, memo: DocumentMemo | None = None) -> tuple[Document, Conversation]:
    document = Document.parse(raw, memo)
    return document, case.dialect.read(document, PATHS[case.dialect.name])


def at(value: Json, address: Address) -> Json:
    for step in address:
        value = value[step]
    return value


@given(case=cases())
@settings(deadline=None, max_examples=150)
def test_every_part_is_the_string_at_its_address(case: Case) -> None:
    document, conversation = read(case, case.raw)
    value = json.loads(case.raw)
    assert [at(value, part.at) for part in conversation.parts] == [part.text for part in conversation.parts]
    assert len({part.at for part in conversation.parts}) == len(conversation.parts)
    assert 0 <= conversation.fresh <= len(conversation.parts)
    assert all(isinstance(text, str) for text in conversation.others)
    assert document.splice({}) is case.raw


@given(case=cases())
@settings(deadline=None, max_examples=100)
def test_writing_what_stands_there_changes_nothing(case: Case) -> None:
    document, conversation = read(case, case.raw)
    assert document.splice({part.at: part.text for part in conversation.parts}) is case.raw


@given(case=cases(), data=st.data())
@settings(deadline=None, max_examples=150)
def test_an_edit_changes_the_literals_addressed_and_no_other_byte(case: Case, data: st.DataObject) -> None:
    document, conversation = read(case, case.raw)
    if not conversation.parts:
        return
    chosen = data.draw(st.lists(st.sampled_from(conversation.parts), unique_by=lambda part: part.at, min_size=1))
    edits = {part.at: data.draw(TEXTS) for part in chosen}
    spliced = document.splice(edits)
    wanted = json.loads(case.raw)
    for address, text in edits.items():
        at(wanted, address[:-1])[address[-1]] = text
    assert json.loads(spliced) == wanted
    assert _without_strings(spliced) == _without_strings(case.raw)
    _, after = read(case, spliced)
    shown = {part.at: part.text for part in after.parts}
    assert {address: shown[address] for address in edits} == edits


def _without_strings(raw: bytes) -> bytes:
    """Numbers, white space, punctuation and the order of it all: what an edit leaves byte for byte."""
    return re.sub(rb'"(?:[^"\\]|\\.)*"', b'""', raw)


@given(case=cases(), data=st.data())
@settings(deadline=None, max_examples=100)
def test_edits_of_tool_output_leave_everything_else_of_the_conversation(case: Case, data: st.DataObject) -> None:
    document, before = read(case, case.raw)
    edits = {part.at: data.draw(TEXTS) for part in before.parts if part.role == "tool"}
    _, after = read(case, document.splice(edits))
    assert [(p.role, p.at, p.tool, p.call) for p in after.parts] == [(p.role, p.at, p.tool, p.call) for p in before.parts]
    assert [p.text for p in after.parts if p.role != "tool"] == [p.text for p in before.parts if p.role != "tool"]
    assert (after.fresh, after.others, after.kept_by_provider) == (before.fresh, before.others, before.kept_by_provider)


@given(several=st.lists(cases(), min_size=1, max_size=4))
@settings(deadline=None, max_examples=100)
def test_what_was_read_before_makes_no_difference(several: list[Case]) -> None:
    memo = DocumentMemo()
    for case in [*several, *several]:
        for raw in (case.raw, case.more):
            _, plain = read(case, raw)
            document, known = read(case, raw, memo)
            assert known == plain
            edits = {part.at: part.text[:2] + "…" for part in known.parts}
            assert document.splice(edits) == Document.parse(raw).splice(edits)


@given(case=cases())
@settings(deadline=None, max_examples=100)
def test_the_past_does_not_depend_on_the_future(case: Case) -> None:
    _, before = read(case, case.raw)
    _, after = read(case, case.more)
    if len(case.more) > len(case.raw):
        assert after.parts[: len(before.parts)] == before.parts
        assert after.fresh >= before.fresh


@given(value=ODD, status=st.integers(100, 599))
@settings(deadline=None, max_examples=150)
@pytest.mark.parametrize("dialect", dialects.DIALECTS, ids=lambda dialect: str(dialect.name))
def test_answers_of_any_shape_are_taken(dialect: Dialect, value: Json, status: int) -> None:
    for message in (value, {"usage": value, "message": value, "response": value, "usageMetadata": value}, [value]):
        dialect.usage(message)
        dialect.mismatch(status, message)
        dialect.mismatch(400, {"error": value})


@pytest.mark.parametrize("raw", [
    b'{"messages":' + b'{"a":' * 150 + b"1" + b"}" * 150 + b"}",
    b'{"contents":[{"parts":[{"functionResponse":{"name":"f","response":' + b'{"a":' * 190 + b'"deep"' + b"}" * 190 + b"}}]}]}",
    b'{"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"a","input":' + b"[" * 190 + b"]" * 190 + b"}]}]}",
    b'{"input":[{"type":"function_call","call_id":"a","name":"f","arguments":"' + b"[" * 100_000 + b'"}]}',
])
def test_deep_bodies_are_read_to_the_bottom_or_not_at_all(raw: bytes) -> None:
    for dialect in dialects.DIALECTS:
        try:
            document = Document.parse(raw)
        except Unreadable:
            continue
        conversation = dialect.read(document, PATHS[dialect.name])
        edits: dict[Address, str] = {part.at: "short" for part in conversation.parts}
        assert len(document.splice(edits)) <= len(raw) + len(edits)


@pytest.mark.parametrize(("method", "path", "name"), [
    ("POST", "/v1/messages", "anthropic"), ("POST", "/chat/completions", "openai-chat"), ("POST", "/v1/responses", "openai-responses"),
    ("POST", "/models/m:generateContent", "gemini"), ("POST", "/v1/embeddings", None), ("GET", "/v1/models", None), ("POST", "", None),
])
def test_at_most_one_dialect_speaks(method: str, path: str, name: str | None) -> None:
    found = dialects.find(method, path)
    assert (found.name if found else None) == name
    assert sum(d.speaks(method, path) for d in dialects.DIALECTS) == (name is not None)
