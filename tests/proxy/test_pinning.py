from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from headroom.conversation import Conversation, Part
from headroom.errors import StoreError
from headroom.http.message import Request, once
from headroom.layers.guard import Door
from headroom.learning.pins import Pins
from headroom.learning.toin import Toin
from headroom.proxy.originals import Originals
from headroom.proxy.pinning import Pinning
from headroom.sent import Journal
from headroom.stores.base import Space
from headroom.stores.memory import Memory
from tests.learning.test_additions import Shaky

pytestmark = pytest.mark.anyio

ANN = (b"x-api-key", b"ann")
NEW = Conversation("m", (Part("user", "go", ("u",)), Part("tool", "text", ("t",), "Bash")))
KEYS: Mapping[int, str] = {1: "1" * 40}


def pinning(store: Shaky, *, on: bool = True) -> tuple[Pinning, Originals]:
    toin = Toin(store, "w", 60.0)
    originals = Originals(store, Space("ccr", 100.0, 1 << 20), Door(), lambda n: b"r" * n, lambda: 0.0, open_to_local=True)
    return Pinning(Pins(toin, Journal(store, lambda: 0.0)) if on else None, originals), originals


def ask() -> Request:
    return Request("POST", "/v1/messages", [ANN], once(b""))


@pytest.mark.parametrize(("conversation", "keys", "on", "fail", "found", "told"), [
    (NEW, KEYS, True, "", True, True),
    (NEW, KEYS, False, "", False, False),
    (NEW, KEYS, True, "before", False, False),
    (replace(NEW, parts=NEW.parts[:1]), {}, True, "", False, False),
    (replace(NEW, only_counted=True), KEYS, True, "", True, False),
])
async def test_whose_policies(conversation: Conversation, keys: Mapping[int, str], on: bool, fail: str, found: bool, told: bool) -> None:
    store = Shaky(Memory(lambda: 0.0), fail)
    ours, originals = pinning(store, on=on)
    request = ask()
    pin = await ours.pin(request, conversation, keys)
    store.fail = ""
    owner = await originals.owner(request)
    assert (pin and pin.tenant) == (owner if found else None)
    assert request.draft.tenant == (owner if told else "")


async def test_the_store_is_needed_for_the_first_request_only() -> None:
    store = Shaky(Memory(lambda: 0.0), "")
    ours, originals = pinning(store)
    await originals.prepare()
    store.fail = "before"
    assert await ours.pin(ask(), NEW, KEYS) is not None
    with pytest.raises(StoreError):
        await store.add(Space("x", 1.0, 1), "", {"k": b""})
