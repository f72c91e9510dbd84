from __future__ import annotations

import pytest

from headroom.dialects import DIALECTS
from headroom.errors import UpgradeRefused
from headroom.http.message import Fields, Handler, Request, Response, once
from headroom.proxy.routes import Routes, error_shape, provider_of

pytestmark = pytest.mark.anyio


def ask(method: str, target: str, fields: Fields | None = None) -> Request:
    return Request(method, target, fields or [], once(b""))


def named(name: str) -> Handler:
    async def handle(request: Request) -> Response:
        return Response(200, [(b"by", name.encode()), (b"connection", b"x-gone"), (b"x-gone", b"1")], once(str(request.fields).encode()))

    return handle


ROUTES = Routes({d.name: named(d.name) for d in DIALECTS}, {p: named(p) for p in ("anthropic", "openai", "gemini")})
A, G = (b"anthropic-version", b"1"), (b"x-goog-api-key", b"k")


@pytest.mark.parametrize(("method", "target", "fields", "by"), [
    ("POST", "/v1/messages?beta=true", [], b"anthropic"),
    ("POST", "/v1/messages/count_tokens", [], b"anthropic"),
    ("POST", "/v1/chat/completions", [], b"openai-chat"),
    ("POST", "/chat/completions", [], b"openai-chat"),
    ("POST", "/v1/responses", [], b"openai-responses"),
    ("POST", "/v1beta/models/m:generateContent", [], b"gemini"),
    ("POST", "/v1beta/models/m:streamGenerateContent?alt=sse", [], b"gemini"),
])
async def test_what_a_dialect_reads_goes_to_it(method: str, target: str, fields: Fields, by: bytes) -> None:
    assert (await ROUTES(ask(method, target, fields))).get(b"by") == by


@pytest.mark.parametrize(("method", "target", "fields", "by"), [
    ("POST", "/v1/messages/batches", [A], b"anthropic"),
    ("GET", "/v1/models", [A], b"anthropic"),
    ("GET", "/v1/models", [(b"x-api-key", b"k")], b"anthropic"),
    ("GET", "/v1/models", [G], b"gemini"),
    ("GET", "/v1/models", [(b"authorization", b"Bearer k")], b"openai"),
    ("POST", "/v1/files", [], b"openai"),
    ("GET", "/v1beta/models", [], b"gemini"),
    ("POST", "/models/m:countTokens?key=k", [], b"gemini"),
    ("POST", "/upload/v1beta/files", [], b"gemini"),
    ("POST", "/v1/projects/p/locations/l/publishers/google/models/m:countTokens", [(b"authorization", b"Bearer ya29.k")], b"gemini"),
    ("GET", "/v1/files?limit=2&key=k", [], b"gemini"),
    ("GET", "/v1/messages/batches/b1", [], b"anthropic"),
    ("HEAD", "/api/hello", [], b"anthropic"),
    ("DELETE", "/anything", [], b"openai"),
])
async def test_everything_else_passes_to_the_provider_its_fields_point_to(method: str, target: str, fields: Fields, by: bytes) -> None:
    request = ask(method, target, [*fields, (b"x-headroom-tag-a", b"b"), (b"connection", b"close"), (b"host", b"h"), (b"x-mine", b"1")])
    response = await ROUTES(request)
    assert response.get(b"by") == by
    assert response.get(b"x-gone") is None
    assert response.body.data == str([*fields, (b"x-mine", b"1")]).encode()
    assert request.draft.provider == by.decode()


@pytest.mark.parametrize("target", ["/v1/responses", "/responses"])
async def test_a_websocket_is_refused_at_once(target: str) -> None:
    with pytest.raises(UpgradeRefused):
        await ROUTES(ask("GET", target, [(b"upgrade", b"WebSocket"), (b"connection", b"upgrade")]))


@pytest.mark.parametrize(("target", "fields", "key"), [
    ("/v1/messages", [], "type"), ("/v1/whatever", [A], "type"), ("/v1/responses", [], "error"), ("/v1beta/models/m:generateContent", [], "error"),
])
def test_errors_are_in_the_callers_words(target: str, fields: Fields, key: str) -> None:
    assert key in error_shape(ask("POST", target, fields), 502, "m")


def test_anthropic_wins_over_the_default() -> None:
    assert provider_of(ask("GET", "/x", [A])) == "anthropic"


def test_a_login_of_anthropic_goes_to_nobody_else() -> None:
    request = Request("GET", "/api/oauth/profile", [(b"authorization", b"Bearer sk-ant-oat01-x")], once(b""))
    assert provider_of(request) == "anthropic"
