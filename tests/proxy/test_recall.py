"""Which turns ask the store, and which go on by what this process remembers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from headroom.chain import mended, reply
from headroom.conversation import Json
from headroom.dialects.anthropic import Anthropic
from headroom.dialects.document import Document
from headroom.dialects.document_memo import DocumentMemo
from headroom.dialects.hidden.base import Exchange
from headroom.errors import StoreError
from headroom.pipeline import Pipeline, Scale
from headroom.proxy.compression import Compression
from headroom.proxy.prepared import Reading
from headroom.proxy.recall import Known, Recall
from headroom.sent import Journal
from headroom.stores.base import Size, Space
from headroom.stores.memory import Memory
from headroom.tokens import estimate

pytestmark = pytest.mark.anyio

TOOLS: Json = [{"name": "Bash", "input_schema": {"type": "object"}}]


@dataclass
class Asked:
    """A store in memory that says how often it was asked, and can be down."""

    inner: Memory = field(default_factory=lambda: Memory(lambda: 0.0))
    reads: int = 0
    writes: int = 0
    down: bool = False

    async def put(self, space: Space, tenant: str, rows: Mapping[str, bytes]) -> None:
        self._up()
        self.writes += 1
        await self.inner.put(space, tenant, rows)

    async def add(self, space: Space, tenant: str, rows: Mapping[str, bytes]) -> Mapping[str, bytes]:
        self._up()
        self.writes += 1
        return await self.inner.add(space, tenant, rows)

    async def get(self, space: Space, tenant: str | None, keys: Sequence[str]) -> Mapping[str, bytes]:
        self._up()
        self.reads += 1
        return await self.inner.get(space, tenant, keys)

    async def size(self, space: Space) -> Size:
        return await self.inner.size(space)

    async def aclose(self) -> None:
        await self.inner.aclose()

    def _up(self) -> None:
        if self.down:
            raise StoreError("down")


@dataclass
class Process:
    """One that works on a store, and a client that talks to it."""

    store: Asked
    compression: Compression = field(init=False)

    def __post_init__(self) -> None:
        self.compression = Compression(Pipeline([], Scale(estimate)), Journal(self.store, lambda: 0.0), DocumentMemo(), durable=True, offer=True, views="where_offered")

    async def turn(self, messages: list[Json], *, tools: bool = True) -> tuple[int, int]:
        """Times that the store was read and written for it."""
        reads, writes = self.store.reads, self.store.writes
        body = json.dumps({"model": "m", "messages": messages, **({"tools": TOOLS} if tools else {})}).encode()
        prepared = await self.compression.prepare(Anthropic(), "/v1/messages", body)
        assert prepared.reading is not None
        assert prepared.store_failures == 0
        self.end = prepared.reading.keys.end
        return self.store.reads - reads, self.store.writes - writes


def user(text: str) -> Json:
    return {"role": "user", "content": text}


def call(n: int) -> list[Json]:
    return [
        {"role": "assistant", "content": [{"type": "text", "text": f"Step {n}."}, {"type": "tool_use", "id": f"t{n}", "name": "Bash", "input": {"n": n}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": f"t{n}", "content": f"{n} files"}]},
    ]


async def test_a_session_asks_for_each_answer_once() -> None:
    process, messages = Process(Asked()), [user("Look around.")]
    assert await process.turn(messages) == (0, 1)  # that our tool was offered
    for n in range(4):
        messages += call(n)
        assert await process.turn(messages) == (1, 1)
        assert await process.turn(messages) == (0, 0)


async def test_a_question_behind_a_known_answer_asks_nothing() -> None:
    process, messages = Process(Asked()), [user("Look around."), *call(1)]
    await process.turn(messages, tools=False)
    for n in range(3):
        assert await process.turn([*messages, user(f"And number {n}?")], tools=False) == (0, 0)


async def test_where_another_process_goes_on_it_reads() -> None:
    store = Asked()
    one, other, messages = Process(store), Process(store), [user("Look around."), *call(1)]
    await one.turn(messages)
    messages += call(2)
    assert await other.turn(messages) == (1, 1)
    assert await other.turn(messages) == (0, 0)
    messages += call(3)
    assert await one.turn(messages) == (1, 1)


async def test_talk_without_tools_asks_once() -> None:
    process = Process(Asked())
    messages = [user("Hello."), {"role": "assistant", "content": "Hello!"}, user("Bye.")]
    assert await process.turn([user("Hello.")], tools=False) == (0, 0)
    assert await process.turn(messages, tools=False) == (1, 0)
    assert await process.turn([*messages, {"role": "assistant", "content": "Bye!"}, user("?")], tools=False) == (0, 0)


async def test_a_hidden_round_is_found_by_any_process() -> None:
    store = Asked()
    one, other, messages = Process(store), Process(store), [user("Look around.")]
    await one.turn(messages)
    await other.turn([*messages, *call(0)])  # it has looked for the answer, and there was none
    exchange = Exchange(((('{"role":"assistant","content":"?"}',), ('{"role":"user","content":"!"}',)),))
    await one.compression.recall.remember(one.end, "Step 1.", exchange)
    reading = _reading(one, [*messages, *call(1)])
    for process in (one, other):
        known = await process.compression.recall(reading)
        assert reply(one.end, "Step 1.") in known.sent


async def test_a_repair_by_another_process_is_seen_when_it_is_looked_for() -> None:
    store = Asked()
    process, messages = Process(store), [user("Look around."), *call(1)]
    await process.turn(messages)
    reading = _reading(process, messages)
    assert await process.compression.recall.repair(reading) == ""
    await Journal(store, lambda: 0.0).amend({mended(reading.keys.opening): "2"})
    assert await process.compression.recall.repair(reading) == "2"
    store.down = True
    assert await Process(store).compression.recall.repair(reading) == ""


async def test_a_store_that_is_down_is_a_failure_and_nothing_is_taken_for_absent() -> None:
    store = Asked(down=True)
    process = Process(Asked())
    recall = Recall(Journal(store, lambda: 0.0))
    reading = _reading(process, [user("Look around."), *call(1)])
    assert await recall(reading) == Known({}, 1)
    store.down = False
    await store.inner.add(Space("sent", 30 * 86400.0, 1 << 20), "", {reading.keys.replies[0]: b"="})
    assert (await recall(reading)).sent == {reading.keys.replies[0]: None}


def _reading(process: Process, messages: list[Json]) -> Reading:
    body = json.dumps({"model": "m", "messages": messages, "tools": TOOLS}).encode()
    document = Document.parse(body)
    conversation = Anthropic().read(document, "/v1/messages")
    keys = Pipeline([], Scale(estimate)).chain(conversation)
    return Reading(document, conversation, keys, len(body), "/v1/messages", Anthropic(), None)
