from __future__ import annotations

import pytest

from headroom.ccr import key_of
from headroom.http.message import Fields, Request, once
from headroom.layers.guard import Door
from headroom.proxy.originals import Originals
from headroom.stores.base import Space
from headroom.stores.memory import Memory

pytestmark = pytest.mark.anyio

SPACE = Space("ccr", 100.0, 1 << 20)
HOST = (b"host", b"localhost")
ANN, BOB = (b"x-api-key", b"ann"), (b"x-api-key", b"bob")


def ask(fields: Fields, peer: str = "127.0.0.1") -> Request:
    return Request("GET", "/v1/retrieve", fields, once(b""), peer)


def originals(*, local: bool = True, token: str = "") -> Originals:
    return Originals(Memory(lambda: 0.0), SPACE, Door(token), lambda n: b"r" * n, lambda: 0.0, open_to_local=local)


async def test_a_tenant_gets_its_own_and_nobody_elses() -> None:
    books = originals()
    await books.keep(ask([ANN]), {"k": "Ann's é"})
    assert await books.find(ask([ANN, HOST]), "k") == "Ann's é"
    assert await books.find(ask([BOB, HOST]), "k") is None
    assert (books.stored, books.retrieved, books.missed) == (1, 1, 1)
    size = await books.size()
    assert size is not None
    assert size.entries == 1


@pytest.mark.parametrize(("fields", "peer", "local", "found"), [
    ([HOST], "127.0.0.1", True, True),
    ([HOST], "127.0.0.1", False, False),
    ([HOST], "10.0.0.9", True, False),
    ([(b"host", b"evil.example")], "127.0.0.1", True, False),
])
async def test_the_owner_of_the_machine_reads_all_while_we_are_bound_to_loopback(fields: Fields, peer: str, local: bool, found: bool) -> None:
    books = originals(local=local)
    await books.keep(ask([ANN]), {"k": "text"})
    assert (await books.find(ask(fields, peer), "k") is not None) is found


async def test_a_verified_user_is_told_apart_by_name() -> None:
    books = originals(token="t")
    token = (b"x-headroom-proxy-token", b"t")
    await books.keep(ask([ANN, token, (b"x-headroom-user-id", b"u1")], "10.0.0.9"), {"k": "text"})
    assert await books.find(ask([BOB, token, (b"x-headroom-user-id", b"u1")], "10.0.0.9"), "k") == "text"
    assert await books.find(ask([ANN, token], "10.0.0.9"), "k") is None


async def test_what_a_request_brings_is_kept_under_the_tenant_that_reads_it() -> None:
    books = originals(local=False)
    request = ask([ANN, HOST])
    assert await books.owner(request) == await books.reader(request)
    assert request.draft.tenant == ""
    await books.keep(request, {"k": "text"})
    assert request.draft.tenant == await books.owner(request) != await books.owner(ask([BOB]))


async def test_each_tenant_has_what_it_brings_though_another_has_it_too() -> None:
    books = originals(local=False)
    text, other = "what both say", "another"
    texts = {key_of(text): text, key_of(other): "not what has this key"}
    assert await books.unkept(ask([ANN]), texts) == {key_of(text): text}
    await books.keep(ask([ANN]), {key_of(text): text})
    assert await books.unkept(ask([ANN]), texts) == {}
    assert await books.unkept(ask([BOB]), texts) == {key_of(text): text}


async def test_what_is_shown_for_long_is_stored_again_before_its_time_is_over() -> None:
    now = [0.0]
    books = Originals(Memory(lambda: now[0]), SPACE, Door(""), lambda n: b"r" * n, lambda: now[0], open_to_local=False)
    texts = {key_of("said"): "said"}
    await books.keep(ask([ANN]), texts)
    now[0] = SPACE.ttl / 20
    assert await books.unkept(ask([ANN]), texts) == {}
    now[0] = SPACE.ttl / 10
    assert await books.unkept(ask([ANN]), texts) == texts


async def test_lone_surrogates_survive() -> None:
    books = originals()
    await books.keep(ask([ANN]), {"k": "a\ud800"})
    assert await books.find(ask([ANN, HOST]), "k") == "a\ud800"


async def test_nodes_of_one_state_have_the_same_secrets_and_each_purpose_its_own() -> None:
    state = Memory(lambda: 0.0)
    one, other = (Originals(state, SPACE, Door(""), random, lambda: 0.0, open_to_local=False) for random in (lambda n: b"r" * n, lambda n: b"s" * n))
    assert await one.secret("x") == await other.secret("x") != await other.secret("y")
    assert len(await one.secret("x")) == 32


async def test_a_store_that_lost_the_key_gets_it_back() -> None:
    lost = Memory(lambda: 0.0)
    books = Originals(lost, SPACE, Door(""), lambda n: b"r" * n, lambda: 0.0, open_to_local=False)
    await books.keep(ask([ANN]), {"k": "text"})
    await lost.aclose()
    await books.restore()
    other = Originals(lost, SPACE, Door(""), lambda n: b"s" * n, lambda: 0.0, open_to_local=False)
    await other.keep(ask([ANN]), {"k": "text"})
    assert await books.find(ask([ANN]), "k") == "text"
