from __future__ import annotations

import pytest

from headroom.http.message import Request, Response, once
from headroom.metrics import Metrics
from headroom.proxy.account import Account
from headroom.proxy.answering import Answering, Shared, share
from headroom.stores.answers import Room, Told
from headroom.stores.memory import Memory
from headroom.tokens import Learned
from headroom.totals import Totals

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("processes", "entries", "size"), [(1, 10, 1000), (4, 2, 250), (40, 1, 25)])
def test_processes_share_the_room(processes: int, entries: int, size: int) -> None:
    assert share(Room(10, 1000, 5.0), processes) == Room(entries, size, 5.0)


async def secret(purpose: str) -> bytes:
    return b"s" * 32


async def provider(request: Request) -> Response:
    return Response(200, [], once(b"{}"))


@pytest.mark.parametrize(("room", "state", "shown"), [
    (None, b"bypass", {"entries": 0, "bytes": 0, "hits": 0, "misses": 0}),
    (Room(10, 1 << 20, 60.0), b"hit", {"entries": 1, "bytes": 2178, "hits": 1, "misses": 1}),
])
async def test_what_it_tells_of_itself(room: Room | None, state: bytes, shown: dict[str, int]) -> None:
    account, said = Account(Totals(), Metrics("1"), Learned(), None, lambda: 1.0), [0]
    answering = Answering(room, 1000, account, Shared(Memory(lambda: 0.0), secret, Told(lambda: said.append(0), lambda: len(said))))
    handler = answering(provider)
    for _ in range(2):
        response = await handler(Request("POST", "/v1/messages", [], once(b"{}")))
        async for _ in response.body:
            pass
    assert response.get(b"x-headroom-cache") == state
    assert await answering.stats(answering.counted(), account.metrics.value) == shown
    await answering.clear()
    assert len(said) == (1 if room is None else 2)
    assert await answering.stats(answering.counted(), account.metrics.value) == {**shown, "entries": 0, "bytes": 0}
