from __future__ import annotations

import pytest

from headroom.errors import ClientError, Forbidden, Unauthorized
from headroom.http.message import Fields, Request, Response, once
from headroom.layers.guard import Door, door, guard_control, guard_data, is_loopback
from headroom.proxy.exchange import forwarded
from headroom.proxy.tenants import identity

HOST = (b"host", b"127.0.0.1:8787")
TOKEN = (b"x-headroom-proxy-token", b"s3cret")


def ask(fields: Fields, peer: str = "127.0.0.1", path: str = "/stats", method: str = "GET") -> Request:
    return Request(method, path, fields, once(b""), peer)


@pytest.mark.parametrize(("peer", "loopback"), [
    ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("", True), ("::ffff:127.0.0.1", True),
    ("10.0.0.1", False), ("::ffff:10.0.0.1", False), ("fe80::1%eth0", False), ("nonsense", False),
])
def test_what_is_loopback(peer: str, loopback: bool) -> None:
    assert is_loopback(peer) is loopback


CONTROL = [
    # token, fields, peer, method → outcome
    ("", [HOST], "127.0.0.1", "GET", None),
    ("", [(b"host", b"localhost")], "::1", "GET", None),
    ("", [(b"host", b"[::1]:1")], "::1", "GET", None),
    ("", [(b"host", b"evil.example:8787")], "127.0.0.1", "GET", Forbidden),  # DNS rebinding
    ("", [(b"host", b"127.0.0.1.evil.example")], "127.0.0.1", "GET", Forbidden),
    ("", [], "127.0.0.1", "GET", Forbidden),
    ("", [HOST], "10.0.0.9", "GET", Forbidden),
    ("s3cret", [HOST], "10.0.0.9", "GET", Unauthorized),
    ("s3cret", [HOST, (b"x-headroom-proxy-token", b"wrong")], "10.0.0.9", "GET", Unauthorized),
    ("s3cret", [HOST, TOKEN], "10.0.0.9", "GET", None),
    ("s3cret", [HOST, (b"authorization", b"Bearer s3cret")], "10.0.0.9", "GET", None),
    ("s3cret", [HOST], "127.0.0.1", "GET", None),
    ("", [HOST, (b"x-forwarded-for", b"10.0.0.9")], "127.0.0.1", "GET", Forbidden),
    ("", [HOST, (b"forwarded", b"for=10.0.0.9")], "127.0.0.1", "GET", Forbidden),
    ("", [HOST, (b"origin", b"http://evil.example")], "127.0.0.1", "POST", Forbidden),
    ("", [HOST, (b"sec-fetch-site", b"cross-site")], "127.0.0.1", "POST", Forbidden),
    ("", [HOST, (b"origin", b"null")], "127.0.0.1", "POST", Forbidden),
    ("", [HOST, (b"origin", b"http://127.0.0.1:8787"), (b"sec-fetch-site", b"same-origin")], "127.0.0.1", "POST", None),
    ("", [HOST], "127.0.0.1", "POST", None),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("token", "fields", "peer", "method", "outcome"), CONTROL)
async def test_who_may_use_control_routes(token: str, fields: Fields, peer: str, method: str, outcome: type[ClientError] | None) -> None:
    async def inner(request: Request) -> Response:
        return Response(200)

    handle = guard_control(door(token, (), "127.0.0.1"), frozenset(("/livez",)))(inner)
    if outcome is None:
        assert (await handle(ask(fields, peer, method=method))).status == 200
    else:
        with pytest.raises(outcome) as caught:
            await handle(ask(fields, peer, method=method))
        assert type(caught.value) is outcome
    assert (await handle(ask([], "10.0.0.9", "/livez"))).status == 200


def test_named_hosts_are_allowed() -> None:
    assert door("", ("Proxy.Internal",), "10.1.2.3").hosts >= {"proxy.internal", "10.1.2.3", "localhost"}
    assert "0.0.0.0" not in door("", (), "0.0.0.0").hosts


DATA = [
    ("", [], "10.0.0.9", True),
    ("s3cret", [], "10.0.0.9", False),
    ("s3cret", [TOKEN], "10.0.0.9", True),
    ("s3cret", [(b"authorization", b"bearer s3cret")], "10.0.0.9", True),
    ("s3cret", [(b"x-headroom-proxy-token", b""), (b"authorization", b"Bearer s3cret")], "10.0.0.9", False),
    ("s3cret", [], "127.0.0.1", True),
    ("s3cret", [(b"x-forwarded-for", b"10.0.0.9")], "127.0.0.1", False),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("token", "fields", "peer", "allowed"), DATA)
async def test_who_may_use_data_routes(token: str, fields: Fields, peer: str, allowed: bool) -> None:
    seen: list[Request] = []

    async def inner(request: Request) -> Response:
        seen.append(request)
        return Response(200)

    handle = guard_data(Door(token))(inner)
    if not allowed:
        with pytest.raises(Unauthorized):
            await handle(ask(fields, peer, "/v1/messages", "POST"))
        assert not seen
    else:
        await handle(ask([*fields, (b"x-api-key", b"k")], peer, "/v1/messages", "POST"))
        assert not [v for k, v in seen[0].fields if b"s3cret" in v and k != TOKEN[0]]
        assert seen[0].get(b"x-api-key") == b"k"


@pytest.mark.anyio
async def test_any_other_authorization_goes_on_as_it_is() -> None:
    seen: list[Request] = []

    async def inner(request: Request) -> Response:
        seen.append(request)
        return Response(200)

    await guard_data(Door("s3cret"))(inner)(ask([TOKEN, (b"authorization", b"Bearer theirs")], "10.0.0.9"))
    assert seen[0].fields == [TOKEN, (b"authorization", b"Bearer theirs")]


@pytest.mark.anyio
@pytest.mark.parametrize("given", [[TOKEN], [(b"authorization", b"Bearer s3cret")], [TOKEN, (b"authorization", b"Bearer s3cret")]])
async def test_further_in_the_token_is_known_and_is_no_credential_of_the_caller(given: Fields) -> None:
    lock = Door("s3cret")
    seen: list[Request] = []

    async def inner(request: Request) -> Response:
        seen.append(request)
        return Response(200)

    for layer in (guard_data(lock), guard_control(lock, frozenset())):
        await layer(inner)(ask([*given, (b"x-headroom-user-id", b"u")], "10.0.0.9"))
    assert [lock.has_token(request) for request in seen] == [True, True]
    assert [identity(request, lock.has_token(request)) for request in seen] == ["user:u", "user:u"]
    assert not [f for request in seen for f in forwarded(request.fields)]
