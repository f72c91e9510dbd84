from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.http.message import Fields, Request, once
from headroom.layers.cachekey import READ, key_of, may_be_kept, wants_anew

SECRET = b"s" * 32
PATHS = ["/v1/messages", "/v1/chat/completions", "/v1/responses", "/v1beta/models/gemini-3-pro:generateContent"]


def request(path: str = "/v1/messages", fields: Fields | None = None, method: str = "POST") -> Request:
    return Request(method, path, fields or [], once(b""))


@pytest.mark.parametrize("path", PATHS)
def test_requests_for_an_answer_may_be_kept(path: str) -> None:
    assert may_be_kept(request(path))
    assert may_be_kept(request(path + "?beta=true", [(b"content-encoding", b"identity")]))


@pytest.mark.parametrize(("path", "method", "fields"), [
    ("/v1/messages", "GET", []),
    ("/v1/messages/count_tokens", "POST", []),
    ("/v1/messages/batches", "POST", []),
    ("/v1/files", "POST", []),
    ("/v1beta/models/gemini-3-pro:countTokens", "POST", []),
    ("/v1/messages", "POST", [(b"x-headroom-cache", b"no-store")]),
    ("/v1/messages", "POST", [(b"x-headroom-cache", b"No-Store, max-age=0")]),
    ("/v1/messages", "POST", [(b"content-encoding", b"gzip")]),
])
def test_others_may_not(path: str, method: str, fields: Fields) -> None:
    assert not may_be_kept(request(path, fields, method))


@pytest.mark.parametrize(("body", "anew"), [
    ({}, False),
    ({"temperature": 0}, False),
    ({"temperature": 0.0, "n": 1, "top_p": 0.5, "seed": 4}, False),
    ({"temperature": None, "n": None}, False),
    ({"temperature": 0.01}, True),
    ({"n": 2}, True),
    ({"generationConfig": {"temperature": 0.4}}, True),
    ({"generationConfig": {"candidateCount": 2}}, True),
    ({"generation_config": {"candidate_count": 2}}, True),
    ({"generationConfig": {"temperature": 0, "candidateCount": 1}}, False),
    ({"messages": [{"content": [{"type": "tool_use", "input": {"temperature": 20, "n": 9}}]}]}, False),
    ({"messages": [{"content": '"temperature": 1'}]}, False),
    ({"conversation": "conv_1"}, True),
    ({"conversation": None, "background": False, "mcp_servers": []}, False),
    ({"background": True}, True),
    ({"container": "c"}, True),
    ({"mcp_servers": [{"type": "url"}]}, True),
    ({"tools": [{"name": "web_search", "input_schema": {}}, {"name": "mcp__git__log", "input_schema": {}}]}, False),
    ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, True),
    ({"tools": [{"type": "function", "function": {"name": "n"}}]}, False),
    ({"tools": [{"type": "mcp", "server_url": "https://example.test"}]}, True),
    ({"tools": [{"functionDeclarations": [{"name": "mcp"}]}]}, False),
    ({"tools": [{"googleSearch": {}}]}, True),
    ([{"n": 1}], True),
], ids=str)
def test_what_asks_for_variety_or_for_an_act(body: Any, anew: bool) -> None:
    assert wants_anew(json.dumps(body).encode()) == anew
    assert wants_anew(json.dumps(body, indent=2).encode()) == anew


def test_what_cannot_be_read_is_not_answered_from_memory_if_it_hints() -> None:
    assert wants_anew(b'{"temperature": 0')
    assert not wants_anew(b"{")
    assert wants_anew(b'{"temperature": 0, "x": "%s"}' % (b"x" * READ))


BASE = (b"x-api-key", b"one"), (b"anthropic-version", b"2023-06-01"), (b"accept-encoding", b"gzip")


@pytest.mark.parametrize("field", [
    (b"authorization", b"Bearer x"), (b"x-api-key", b"two"), (b"x-goog-api-key", b"x"), (b"api-key", b"x"), (b"anthropic-beta", b"x"),
    (b"openai-organization", b"x"), (b"openai-project", b"x"), (b"accept", b"x"), (b"x-unheard-of", b"x"), (b"x-headroom-mode", b"cache"),
    (b"x-headroom-bypass", b"true"), (b"x-headroom-user-id", b"x"), (b"anthropic-version", b"2024-01-01"),
])
def test_what_tells_requests_apart(field: tuple[bytes, bytes]) -> None:
    assert key_of(request(fields=[*BASE, field]), b"{}", SECRET) != key_of(request(fields=[*BASE]), b"{}", SECRET)


@pytest.mark.parametrize("name", [b"user-agent", b"content-length", b"x-request-id", b"traceparent", b"x-stainless-retry-count", b"x-headroom-tag-a", b"x-headroom-session-id", b"connection"])
def test_what_does_not(name: bytes) -> None:
    assert key_of(request(fields=[(name, b"x"), *reversed(BASE)]), b"{}", SECRET) == key_of(request(fields=[*BASE]), b"{}", SECRET)


Asked = tuple[str, tuple[tuple[bytes, bytes], ...], bytes]
NAMES = st.sampled_from([b"authorization", b"x-api-key", b"a", b"b"])
ASKED = st.tuples(
    st.sampled_from([*PATHS, "/v1/messages?a", "/v1/messages?ab"]), st.lists(st.tuples(NAMES, st.binary(max_size=3)), max_size=3).map(tuple), st.binary(max_size=4),
)


@settings(deadline=None, max_examples=200)
@given(a=ASKED, b=ASKED, secret=st.binary(min_size=1, max_size=4))
def test_one_key_for_one_request(a: Asked, b: Asked, secret: bytes) -> None:
    """Fields of different names may change places; nothing else may."""

    def same(asked: Asked) -> tuple[object, ...]:
        return asked[0], sorted(asked[1], key=lambda field: field[0]), asked[2]

    keys = [key_of(request(target, list(fields)), body, secret) for target, fields, body in (a, b)]
    assert (keys[0] == keys[1]) == (same(a) == same(b))
    assert key_of(request(a[0], list(a[1])), a[2], secret + b"x") != keys[0]
