from __future__ import annotations

import pytest

from headroom.conversation import Address, Conversation, Json, Part, Usage
from headroom.dialects.gemini import Gemini
from tests.dialects.reading import brief, draw, event, tools

DIALECT = Gemini()
PATH = "/v1beta/models/gemini-x:generateContent"


def conversation(*contents: Json, path: str = PATH, **rest: Json) -> Conversation:
    return draw(DIALECT, {"contents": list(contents), **rest}, path)


def called(*calls: Json) -> Json:
    return {"role": "model", "parts": [{"functionCall": call} for call in calls]}


def answered(*answers: Json) -> Json:
    return {"role": "user", "parts": [{"functionResponse": answer} for answer in answers]}


@pytest.mark.parametrize(("method", "path", "model"), [
    ("POST", "/v1beta/models/gemini-x:generateContent", "gemini-x"),
    ("POST", "/v1/models/gemini-x:streamGenerateContent", "gemini-x"),
    ("POST", "/models/gemini-x:generateContent", "gemini-x"),
    ("POST", "/v1/projects/p/locations/global/publishers/google/models/gemini-x:streamGenerateContent", "gemini-x"),
    ("POST", "/v1beta1/projects/p/locations/l/publishers/google/models/gemini-x:generateContent", "gemini-x"),
    ("GET", "/v1beta/models/gemini-x:generateContent", None),
    ("POST", "/v1beta/models/gemini-x:countTokens", None),
    ("POST", "/v1beta/models/gemini-x:embedContent", None),
    ("POST", "/v1beta/models/gemini-x", None),
    ("POST", "/v1/projects/p/locations/l/publishers/anthropic/models/claude:rawPredict", None),
    ("POST", "/v1beta/interactions", None),
])
def test_what_it_speaks_and_whose_model(method: str, path: str, model: str | None) -> None:
    assert DIALECT.speaks(method, path) is (model is not None)
    if model:
        assert conversation(path=path).model == model


def test_a_bare_url_leads_to_a_version() -> None:
    assert DIALECT.forward("/models/m:generateContent?key=k") == "/v1beta/models/m:generateContent?key=k"
    assert DIALECT.forward("/v1/models/m:generateContent") == "/v1/models/m:generateContent"


def test_the_verb_says_whether_it_streams() -> None:
    assert conversation(path="/v1/models/m:streamGenerateContent").stream
    assert not conversation(stream=True).stream


@pytest.mark.parametrize("name", ["systemInstruction", "system_instruction"])
def test_system_instructions_in_both_spellings(name: str) -> None:
    parts = [{"text": "one"}, {"inlineData": {}}, {"text": "two"}]
    assert brief(draw(DIALECT, {name: {"parts": parts}}, PATH)) == [
        ("system", "one", (name, "parts", 0, "text")), ("system", "two", (name, "parts", 2, "text")),
    ]
    assert brief(draw(DIALECT, {name: {"parts": {"text": "one"}}}, PATH)) == [("system", "one", (name, "parts", "text"))]


def test_turns() -> None:
    found = conversation(
        {"role": "user", "parts": [{"text": "u"}, {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]},
        {"role": "model", "parts": [{"text": "m", "thoughtSignature": "s"}, {"functionCall": {"name": "f", "args": {"n": 1}}}]},
        answered({"name": "f", "response": {"output": "out"}}),
        {"parts": [{"text": "v"}]},
    )
    assert brief(found) == [
        ("user", "u", ("contents", 0, "parts", 0, "text")), ("assistant", "m", ("contents", 1, "parts", 0, "text")),
        ("tool", "out", ("contents", 2, "parts", 0, "functionResponse", "response", "output")),
        ("user", "v", ("contents", 3, "parts", 0, "text")),
    ]
    assert found.fresh == 2
    assert found.others == ('{"n":1}',)


AT: Address = ("contents", 0, "parts", 0, "functionResponse", "response")


@pytest.mark.parametrize(("response", "texts"), [
    ({"output": "x"}, [("x", (*AT, "output"))]),
    ({"a": {"b": ["x", 1, {"c": "y"}]}, "d": None}, [("x", (*AT, "a", "b", 0)), ("y", (*AT, "a", "b", 2, "c"))]),
    ({"content": [{"mimeType": "image/png", "data": "AAAA"}, {"text": "x"}]}, [("x", (*AT, "content", 1, "text"))]),
    ({}, []), ("x", []), (None, []), (["x"], []),
])
def test_the_strings_of_an_answer_are_its_texts(response: Json, texts: list[tuple[str, Address]]) -> None:
    found = tools(conversation(answered({"name": "f", "response": response})))
    assert found == [Part("tool", text, at, "f") for text, at in texts]


def test_snake_case_is_read_alike() -> None:
    found = conversation(
        {"role": "model", "parts": [{"function_call": {"name": "f", "args": {"n": 1}}}]},
        {"role": "user", "parts": [{"function_response": {"name": "f", "response": {"result": "out"}}}]},
        cached_content="c",
    )
    at = ("contents", 1, "parts", 0, "function_response", "response", "result")
    assert found.parts == (Part("tool", "out", at, "f", {"n": 1}),)
    assert found.kept_by_provider


@pytest.mark.parametrize(("response", "error"), [
    ({"error": "no such file"}, True), ({"error": {"message": "x"}}, True), ({"output": "x", "error": None}, False),
    ({"output": "x", "error": ""}, False), ({"output": "x"}, False),
])
def test_errors_are_named_by_a_member(response: Json, error: bool) -> None:
    assert all(part.error is error for part in tools(conversation(answered({"name": "f", "response": response}))))


def call_of(contents: list[Json]) -> list[Json]:
    return [part.call for part in tools(conversation(*contents))]


READS = called(*({"name": "read", "args": {"n": n}} for n in range(3)))


def answer(i: int) -> Json:
    return {"name": "read", "response": {"output": str(i)}}


@pytest.mark.parametrize("contents", [
    [READS, answered(answer(0), answer(1), answer(2))],
    [READS, answered(answer(0)), answered(answer(1)), answered(answer(2))],
    [READS, answered(answer(0)), answered(answer(1), answer(2))],
])
def test_answers_without_ids_belong_to_calls_in_order(contents: list[Json]) -> None:
    assert call_of(contents) == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert call_of([*contents, *contents]) == [{"n": 0}, {"n": 1}, {"n": 2}] * 2


def test_answers_with_ids_belong_to_their_calls_in_any_order() -> None:
    calls = called(*({"id": f"i{n}", "name": "read", "args": {"n": n}} for n in range(3)))
    answers = answered(*({"id": f"i{n}", **answer(n)} for n in (2, 0, 1)))
    assert call_of([calls, answers]) == [{"n": 2}, {"n": 0}, {"n": 1}]


def test_an_answer_too_many_has_no_call() -> None:
    assert call_of([called({"name": "read", "args": {"n": 0}}), answered(answer(0), answer(1))]) == [{"n": 0}, None]
    assert call_of([answered(answer(0)), READS]) == [None]


@pytest.mark.parametrize("content", [
    None, 7, "x", [], {}, {"parts": None}, {"parts": "x"}, {"parts": [None, 7, "x", []]}, {"parts": [{"text": 7}]},
    {"parts": [{"functionCall": "x"}, {"functionResponse": 7}, {"functionResponse": {"name": 7, "id": [], "response": []}}]},
])
def test_wrong_shapes_yield_no_parts(content: Json) -> None:
    assert conversation(content).parts == ()


def test_tools_and_a_cache_that_the_provider_holds() -> None:
    found = conversation(tools=[{"functionDeclarations": []}], cachedContent="cachedContents/1")
    assert found.others == ('{"functionDeclarations": []}',)
    assert found.kept_by_provider


COUNTS = {"promptTokenCount": 100, "cachedContentTokenCount": 60, "candidatesTokenCount": 5, "thoughtsTokenCount": 7}


@pytest.mark.parametrize(("message", "usage"), [
    ({"usageMetadata": COUNTS}, Usage(40, 12, 60)),
    ([{"usageMetadata": {"promptTokenCount": 1}}, {"usageMetadata": COUNTS}, {}, 7], Usage(40, 12, 60)),
    ({"usageMetadata": {"promptTokenCount": 100, "toolUsePromptTokenCount": 8}}, Usage(108)),
    ({"usageMetadata": {"promptTokenCount": None, "candidatesTokenCount": True}}, Usage()),
    ({"usageMetadata": 7}, None), ({}, None), ([], None), (None, None),
])
def test_usage(message: Json, usage: Usage | None) -> None:
    assert DIALECT.usage(message) == usage


@pytest.mark.parametrize(("status", "name"), [
    (400, "INVALID_ARGUMENT"), (401, "UNAUTHENTICATED"), (403, "PERMISSION_DENIED"), (404, "NOT_FOUND"), (413, "INVALID_ARGUMENT"),
    (429, "RESOURCE_EXHAUSTED"), (500, "INTERNAL"), (502, "UNAVAILABLE"), (503, "UNAVAILABLE"), (504, "DEADLINE_EXCEEDED"),
    (599, "INTERNAL"),
])
def test_errors(status: int, name: str) -> None:
    assert DIALECT.error(status, "why") == {"error": {"code": status, "message": "why", "status": name}}
    assert DIALECT.error(status, "why", "MINE")["error"]["status"] == "MINE"


def test_a_broken_stream_ends_with_an_error() -> None:
    assert event(DIALECT.broken("it broke")) == ("", DIALECT.error(502, "it broke"))
    assert b'data: {"error":' in DIALECT.broken("")  # how Google's own client tells an error from a chunk


@pytest.mark.parametrize(("words", "answer"), [
    ("Corrupted thought signature.", True),
    ("Unable to submit request because Thought signature is not valid.", True),
    ("Function call is missing a thought_signature in functionCall parts.", False),
    ("Invalid JSON payload received.", False),
])
def test_mismatch(words: str, answer: bool) -> None:
    assert DIALECT.mismatch(400, DIALECT.error(400, words)) is answer
    assert DIALECT.mismatch(400, [DIALECT.error(400, words)]) is answer
    assert not DIALECT.mismatch(500, DIALECT.error(400, words))


@pytest.mark.parametrize("body", [None, [], "x", {"error": "x"}, {"error": {"message": 7}}])
def test_an_odd_refusal_is_no_mismatch(body: Json) -> None:
    assert not DIALECT.mismatch(400, body)
