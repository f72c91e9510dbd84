from __future__ import annotations

import pytest

from headroom.conversation import Json
from headroom.dialects import openai


@pytest.mark.parametrize(("target", "forwarded"), [
    ("/v1/chat/completions", "/v1/chat/completions"),
    ("/chat/completions?x=1", "/v1/chat/completions?x=1"),
    ("/responses", "/v1/responses"),
])
def test_the_version_is_added_where_it_is_missing(target: str, forwarded: str) -> None:
    assert openai.forward(target) == forwarded


@pytest.mark.parametrize(("status", "kind", "code"), [
    (400, "invalid_request_error", None), (401, "authentication_error", "invalid_api_key"), (403, "permission_error", None),
    (404, "invalid_request_error", None), (413, "invalid_request_error", None), (429, "rate_limit_error", "rate_limit_exceeded"),
    (500, "server_error", None), (502, "server_error", None), (504, "server_error", None),
])
def test_errors(status: int, kind: str, code: str | None) -> None:
    assert openai.error(status, "why") == {"error": {"message": "why", "type": kind, "param": None, "code": code}}
    assert openai.error(status, "why", "mine") == {"error": {"message": "why", "type": "mine", "param": None, "code": "mine"}}


@pytest.mark.parametrize(("words", "answer"), [
    ("Item 'rs_1' of type 'reasoning' was provided without its required following item.", True),
    ("Item 'fc_1' of type 'function_call' was provided without its required 'reasoning' item: 'rs_1'.", True),
    ("The encrypted content for item rs_1 could not be verified.", True),
    ("No tool output found for function call call_1.", False),
    ("Unsupported value: 'reasoning.effort' does not support 'none'", False),
])
def test_mismatch(words: str, answer: bool) -> None:
    assert openai.mismatch(400, openai.error(400, words)) is answer
    assert not openai.mismatch(422, openai.error(400, words))
    assert not openai.mismatch(400, openai.error(400, words, "server_error"))


def test_a_code_says_it_too() -> None:
    body: Json = {"error": {"type": "invalid_request_error", "message": "no", "code": "invalid_encrypted_content"}}
    assert openai.mismatch(400, body)


@pytest.mark.parametrize("body", [None, [], "x", {"error": "x"}, {"error": {"message": 7}}])
def test_an_odd_refusal_is_no_mismatch(body: Json) -> None:
    assert not openai.mismatch(400, body)
