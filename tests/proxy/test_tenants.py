from __future__ import annotations

import base64
import json

import pytest

from headroom.http.message import Fields, Request, once
from headroom.proxy.tenants import identity, tenant


def jwt(claims: object) -> bytes:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
    return b"Bearer head." + payload + b".sig"


def of(*fields: tuple[bytes, bytes], verified: bool = False) -> str:
    return identity(Request("POST", "/", list(fields), once(b"")), verified)


@pytest.mark.parametrize(("fields", "verified", "name"), [
    ([(b"x-api-key", b"sk-1")], False, "key:sk-1"),
    ([(b"authorization", b"Bearer sk-2")], False, "key:sk-2"),
    ([(b"x-goog-api-key", b"g")], False, "key:g"),
    ([(b"authorization", b"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261101/x, Signature=1")], False, "aws:AKIAIOSFODNN7EXAMPLE"),
    ([(b"authorization", jwt({"iss": "i", "sub": "s", "exp": 1}))], False, 'jwt:["i", "s"]'),
    ([(b"authorization", jwt({"iss": "i", "sub": "s", "exp": 2}))], False, 'jwt:["i", "s"]'),  # rotated: the same tenant
    ([(b"authorization", b"Basic eA==")], False, "auth:Basic eA=="),
    ([(b"x-headroom-user-id", b"ann"), (b"x-api-key", b"sk-1")], True, "user:ann"),
    ([(b"x-headroom-user-id", b"ann"), (b"x-api-key", b"sk-1")], False, "key:sk-1"),  # unverified: anybody can say so
    ([(b"authorization", b"Bearer company"), (b"x-api-key", b"sk-1")], False, "key:company\nkey:sk-1"),
    ([(b"authorization", b"Bearer sk-1"), (b"x-api-key", b"sk-1")], False, "key:sk-1"),
    ([], False, ""),
])
def test_who_is_who(fields: Fields, verified: bool, name: str) -> None:
    assert of(*fields, verified=verified) == name


GENERATE = "/v1beta/models/gemini-3-pro:generateContent"


@pytest.mark.parametrize(("target", "fields", "name"), [
    (GENERATE + "?key=g", [], "key:g"),
    (GENERATE + "?alt=sse&key=g%2B", [], "key:g+"),
    (GENERATE + "?key=g", [(b"x-goog-api-key", b"h")], "key:h\nkey:g"),
    (GENERATE + "?key=", [], ""),
    ("/v1/retrieve?key=0123456789abcdef01234567", [], ""),  # of an original
    ("/v1/messages?key=g", [], ""),
])
def test_a_key_in_the_query_is_a_credential_where_google_takes_it(target: str, fields: Fields, name: str) -> None:
    assert identity(Request("POST", target, fields, once(b"")), verified=False) == name


@pytest.mark.parametrize("token", [b"a.b.c", b"a.%%%.c", b"a." + b"x" * 20000 + b".c", jwt([1])[7:], jwt({"iss": 1, "sub": "s"})[7:], b"\xff.\xff.\xff"])
def test_a_token_that_is_no_jwt_is_told_apart_whole(token: bytes) -> None:
    assert of((b"authorization", b"Bearer " + token)) == "key:" + token.decode("latin-1")


def test_a_tenant_shows_nothing_of_the_credential_and_differs_by_secret() -> None:
    one, other = tenant("key:sk-1", b"a"), tenant("key:sk-1", b"b")
    assert one != other
    assert len(one) == 32
    assert "sk-1" not in one
    assert one == tenant("key:sk-1", b"a") != tenant("key:sk-2", b"a")
