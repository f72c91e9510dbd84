from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from headroom.conversation import Conversation, Json, Part, Skip
from headroom.dialects import find
from headroom.dialects.base import Dialect
from headroom.dialects.document_memo import DocumentMemo
from headroom.errors import StoreError
from headroom.learning.pins import Pin, Pins
from headroom.learning.toin import Toin
from headroom.patterns import Counts
from headroom.pipeline import Pipeline, Scale
from headroom.proxy.compression import MAX_PARTS, UNPARSED, Compression, Views
from headroom.proxy.prepared import Caller, Prepared
from headroom.sent import Form, Journal, decode, encode
from headroom.signature import signature
from headroom.stores.base import Size, Space
from headroom.stores.memory import Memory
from headroom.transforms.base import Sent, Short

pytestmark = pytest.mark.anyio

LONG = "long " + "word " * 50


@dataclass(frozen=True, slots=True)
class Cut:
    """A transform with a version, as an upgrade would change it."""

    version: str = "v1"
    name: str = "cut"

    def context(self, part: Part, past: Sequence[Sent], lossy: bool) -> str:
        return ""

    def __call__(self, part: Part, past: Sequence[Sent], lossy: bool) -> Short | Skip:
        return Short(f"{self.version} {part.text[-6:]}", "cut", "exact") if part.text.startswith("long") else "no_kind"


@dataclass
class Books:
    """A real store that can go down, or be full; a journal on it for each process that there is."""

    down: bool = False
    full: bool = False
    reads: int = 0
    rows: dict[str, Form] = field(default_factory=dict)
    store: Memory = field(default_factory=lambda: Memory(lambda: 0.0))

    async def put(self, space: Space, tenant: str, rows: Mapping[str, bytes]) -> None:
        self._write()
        await self.store.put(space, tenant, rows)
        self.rows |= {key: decode(row) for key, row in rows.items()}

    async def add(self, space: Space, tenant: str, rows: Mapping[str, bytes]) -> Mapping[str, bytes]:
        self._write()
        stands = await self.store.add(space, tenant, rows)
        self.rows |= {key: decode(row) for key, row in stands.items()}
        return stands

    async def get(self, space: Space, tenant: str | None, keys: Sequence[str]) -> Mapping[str, bytes]:
        self.reads += 1
        if self.down:
            raise StoreError("down")
        return await self.store.get(space, tenant, keys)

    async def size(self, space: Space) -> Size:
        return await self.store.size(space)

    async def aclose(self) -> None:
        await self.store.aclose()

    def _write(self) -> None:
        if self.down or self.full:
            raise StoreError("disk full")


def dialect() -> Dialect:
    found = find("POST", "/v1/messages")
    assert found is not None
    return found


def compression(books: Books, version: str = "v1", *, durable: bool = True) -> Compression:
    """What a process makes of it when it starts."""
    journal = Journal(books, lambda: 0.0)
    return Compression(Pipeline([Cut(version)], Scale(lambda text: len(text.split()))), journal, DocumentMemo(), durable=durable)


def result(text: str, n: int = 0) -> Json:
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": f"t{n}", "content": text}]}


SAID = {"role": "assistant", "content": "ok"}


def body(*messages: Json) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": "go"}, *messages]}).encode()


async def prepare(c: Compression, raw: bytes) -> Prepared:
    return await c.prepare(dialect(), "/v1/messages", raw)


def texts(prepared: Prepared) -> list[str]:
    return [m["content"][0]["content"] for m in json.loads(prepared.body)["messages"] if m["role"] == "user" and not isinstance(m["content"], str)]


async def test_what_is_new_is_shortened_and_recorded_before_it_leaves() -> None:
    books = Books()
    prepared = await prepare(compression(books), body(result(LONG + "a")))
    assert texts(prepared) == ["v1 word a"]
    assert list(books.rows.values()) == ["v1 word a"]


async def test_an_upgrade_in_mid_conversation_changes_nothing_that_was_sent() -> None:
    books = Books()
    await prepare(compression(books, "v1"), body(result(LONG + "a")))
    prepared = await prepare(compression(books, "v2"), body(result(LONG + "a"), SAID, result(LONG + "b")))
    assert texts(prepared) == ["v1 word a", "v2 word b"]


async def test_history_that_somebody_else_sent_is_left_alone_for_good() -> None:
    books = Books()
    first = await prepare(compression(books), body(result(LONG + "a"), SAID, result(LONG + "b")))
    assert texts(first) == [LONG + "a", "v1 word b"]
    second = await prepare(compression(books), body(result(LONG + "a"), SAID, result(LONG + "b"), SAID, result(LONG + "c")))
    assert texts(second) == [LONG + "a", "v1 word b", "v1 word c"]
    assert second.body.startswith(first.body[:-2])


async def test_a_journal_that_cannot_be_read_is_not_an_empty_one() -> None:
    books = Books(down=True)
    prepared = await prepare(compression(books), body(result(LONG + "a"), SAID, result(LONG + "b")))
    assert texts(prepared) == ["v1 word a", "v1 word b"]  # as purity says we would have sent it
    assert prepared.unsettled == "record"
    assert prepared.store_failures == 1


async def test_a_store_that_goes_down_does_not_undo_what_this_process_remembers() -> None:
    books = Books()
    c = compression(books)
    await prepare(c, body(result(LONG + "a"), SAID, result(LONG + "b")))  # the first is foreign
    books.down = True
    prepared = await prepare(c, body(result(LONG + "a"), SAID, result(LONG + "b"), SAID, result(LONG + "c")))
    assert texts(prepared) == [LONG + "a", "v1 word b", "v1 word c"]
    assert prepared.other is None
    books.down = False
    prepared = await prepare(c, body(result(LONG + "a"), SAID, result(LONG + "b"), SAID, result(LONG + "c"), SAID, result(LONG + "d")))
    assert texts(prepared) == [LONG + "a", "v1 word b", "v1 word c", "v1 word d"]


async def test_a_journal_that_was_lost_can_be_read_the_other_way() -> None:
    c = compression(Books())
    prepared = await prepare(c, body(result(LONG + "a"), SAID, result(LONG + "b")))
    assert texts(prepared) == [LONG + "a", "v1 word b"]
    other = await c.other_reading(prepared)
    assert texts(other) == ["v1 word a", "v1 word b"]
    assert await c.settle(other) == 0
    again = await prepare(c, body(result(LONG + "a"), SAID, result(LONG + "b"), SAID, result(LONG + "c")))
    assert texts(again) == ["v1 word a", "v1 word b", "v1 word c"]


@pytest.mark.parametrize("other", [
    {"tool": "Read", "input": {"file_path": "x"}}, {"tool": "Bash", "input": {"command": "cat x"}},
])
async def test_the_same_text_from_another_call_is_another_part(other: dict[str, Json]) -> None:
    def turn(tool: str, given: Json, text: str) -> list[Json]:
        use = {"type": "tool_use", "id": "t0", "name": tool, "input": given}
        return [{"role": "assistant", "content": [use]}, result(text)]

    books = Books()
    for tool, given in (("Bash", {"command": "make"}), (other["tool"], other["input"])):
        await prepare(compression(books), body(*turn(tool, given, LONG + "a")))
    assert len(books.rows) == 2


async def test_a_journal_that_lives_no_longer_than_we_do_assumes_purity() -> None:
    books = Books()
    c = compression(books, durable=False)
    raw = body(result(LONG + "a"), SAID, result(LONG + "b"))
    prepared = await prepare(c, raw)
    assert texts(prepared) == ["v1 word a", "v1 word b"]
    assert prepared.unsettled == "record"
    assert not books.rows  # not before the provider took it
    other = await c.other_reading(prepared)
    assert texts(other) == [LONG + "a", "v1 word b"]
    assert await c.settle(other) == 0
    again = await prepare(c, raw)
    assert not again.unsettled
    assert again.body == other.body


async def test_a_failed_record_is_counted_and_the_bytes_are_the_same() -> None:
    raw = body(result(LONG + "a"))
    failed, fine = await prepare(compression(Books(full=True)), raw), await prepare(compression(Books()), raw)
    assert failed.body == fine.body
    assert (failed.store_failures, fine.store_failures) == (1, 0)


async def test_what_another_worker_recorded_first_is_what_leaves() -> None:
    class Raced(Books):
        async def add(self, space: Space, tenant: str, rows: Mapping[str, bytes]) -> Mapping[str, bytes]:
            return dict.fromkeys(rows, encode("theirs"))

    assert texts(await prepare(compression(Raced()), body(result(LONG + "a")))) == ["theirs"]


@pytest.mark.parametrize(("raw", "reason"), [
    (b"{", "not_json"), (b"[]", "not_an_object"), (b'{"messages":"\xff"}', "not_utf8"), (b'{"a":1,"a":2}', "duplicate_keys"),
    (b'{"messages":[' + b"[" * 200_000, "too_deep"), (b'{"a":"' + b"x" * UNPARSED + b'"}', "too_large"),
])
async def test_what_cannot_be_read_leaves_as_it_came(raw: bytes, reason: str) -> None:
    prepared = await prepare(compression(Books()), raw)
    assert prepared.body is raw
    assert [s.reason for s in prepared.report.skipped] == [reason]
    assert prepared.reading is None


@pytest.mark.parametrize("raw", [b'{"messages":[]}', b'{"messages":7,"model":3}', b'{ "messages" : [ {"role":7}, null, "x" ] }'])
async def test_what_needs_no_change_is_the_same_object(raw: bytes) -> None:
    books = Books()
    assert (await prepare(compression(books), raw)).body is raw
    assert books.reads == 0


async def test_bypass_reads_for_the_account_only() -> None:
    raw = body(result(LONG + "a"))
    prepared = await compression(Books()).prepare(dialect(), "/v1/messages", raw, "bypass")
    assert prepared.body is raw
    assert [(s.reason, s.tokens) for s in prepared.report.skipped] == [("bypass", 53)]
    assert prepared.reading is not None


async def test_a_large_body_is_worked_on_in_a_thread_with_the_same_result() -> None:
    raw = body(*[result(LONG * 40 + str(i), i) for i in range(20)])
    a, b = await prepare(compression(Books()), raw), await prepare(compression(Books()), raw)
    assert a.body == b.body
    assert len(a.body) < len(raw) / 20


async def test_what_the_journal_could_not_take_is_sent_alike_next_turn_and_recorded_when_it_can() -> None:
    books = Books(full=True)
    c = compression(books)
    first = await prepare(c, body(result(LONG + "a")))
    second = await prepare(c, body(result(LONG + "a"), SAID, result(LONG + "b")))
    assert (texts(first), texts(second)) == (["v1 word a"], ["v1 word a", "v1 word b"])
    assert not books.rows
    books.full = False
    third = await prepare(c, body(result(LONG + "a"), SAID, result(LONG + "b"), SAID, result(LONG + "c")))
    assert texts(third) == [books.rows[key] for key in books.rows] == ["v1 word a", "v1 word b", "v1 word c"]


async def test_a_body_of_very_many_texts_is_left_alone() -> None:
    raw = body({"role": "user", "content": [{"type": "text", "text": "a"}] * (MAX_PARTS + 1)})
    prepared = await prepare(compression(Books()), raw)
    assert prepared.body is raw
    assert [s.reason for s in prepared.report.skipped] == ["too_costly"]


@dataclass(frozen=True, slots=True)
class View:
    """Leaves out all but the end of a text, where there is a way back; else what it keeps is marked as all."""

    name: str = "view"

    def context(self, part: Part, past: Sequence[Sent], lossy: bool) -> str:
        return ""

    def __call__(self, part: Part, past: Sequence[Sent], lossy: bool) -> Short | Skip:
        return Short(part.text[-6:], "view", "lossy", "nearly all") if lossy else Short("all " + part.text[-6:], "view", "exact")


def views(books: Books, when: Views = "always") -> Compression:
    return Compression(
        Pipeline([View()], Scale(lambda text: len(text))), Journal(books, lambda: 0.0), DocumentMemo(), durable=True, views=when,
    )


LONGER = LONG * 10


@pytest.mark.parametrize(("rest", "can_keep", "expected"), [
    ({}, True, "view"), ({}, False, "all"), ({}, None, "all"), ({"thread": {"type": "continue"}}, True, "all"),
], ids=["kept", "the store is full", "no store", "the provider keeps the history"])
async def test_something_is_left_out_only_once_its_original_is_kept(rest: dict[str, Json], can_keep: bool | None, expected: str) -> None:
    kept: dict[str, str] = {}

    async def keep(originals: Mapping[str, str]) -> None:
        if not can_keep:
            raise StoreError("disk full")
        kept.update(originals)

    books = Books()
    raw = json.dumps({**json.loads(body(result(LONGER + "a"))), **rest}).encode()
    prepared = await views(books).prepare(dialect(), "/v1/messages", raw, keep=None if can_keep is None else keep)
    (text,) = texts(prepared)
    assert text.startswith("[view" if expected == "view" else "all ")
    assert prepared.kept is (expected == "view") is bool(kept)
    assert prepared.store_failures == (can_keep is False)
    assert list(books.rows.values()) == [text]
    again = await views(books).prepare(dialect(), "/v1/messages", raw, keep=keep)
    assert texts(again) == [text]


@pytest.mark.parametrize(("when", "tool", "expected"), [
    ("where_offered", "headroom_retrieve", "view"), ("where_offered", "mcp__headroom__headroom_retrieve", "view"),
    ("where_offered", "read", "all"), ("where_offered", "not_headroom_retrieve", "all"), ("where_offered", "", "all"),
    ("never", "headroom_retrieve", "all"), ("always", "", "view"),
])
async def test_something_is_left_out_where_the_client_offers_our_tool(when: Views, tool: str, expected: str) -> None:
    raw = json.dumps({
        "model": "m", "tools": [{"name": tool, "input_schema": {}}] if tool else [],
        "messages": [{"role": "user", "content": "go"}, result(LONGER + "a")],
    }).encode()
    (text,) = texts(await views(Books(), when).prepare(dialect(), "/v1/messages", raw, keep=kept_well))
    assert text.startswith("[view" if expected == "view" else "all ")


async def kept_well(originals: Mapping[str, str]) -> None:
    """A store that has room."""


async def test_what_is_only_counted_was_not_sent() -> None:
    books = Books()
    raw = body(result(LONGER + "a"))
    counted = await views(books, "where_offered").prepare(dialect(), "/v1/messages/count_tokens", raw, keep=kept_well)
    assert texts(counted) == ["all word a"]
    assert (books.rows, counted.kept) == ({}, True)
    sent = await views(books).prepare(dialect(), "/v1/messages", raw, keep=kept_well)
    assert texts(sent)[0].startswith("[view")


TOOL = {"name": "read", "description": "\n    Read a file.\n    ", "input_schema": {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}}
COMPACT = {"name": "read", "description": "Read a file.", "input_schema": {"type": "object"}}


def compacting(books: Books, compact: bool, *, durable: bool = True) -> Compression:
    pipeline = Pipeline([], Scale(lambda text: len(text)), compact_tools=compact)
    return Compression(pipeline, Journal(books, lambda: 0.0), DocumentMemo(), durable=durable)


async def tools(c: Compression, *messages: Json, first: str = "go") -> Json:
    raw = json.dumps({"model": "m", "tools": [TOOL], "messages": [{"role": "user", "content": first}, *messages]}).encode()
    prepared = await prepare(c, raw)
    after = json.loads(prepared.body)
    assert after["messages"] == json.loads(raw)["messages"]
    assert prepared.report.before == sum(s.tokens for s in prepared.report.skipped) + (len(json.dumps(TOOL)) if after["tools"] == [COMPACT] else 0)
    return after["tools"]


async def test_tool_definitions_stay_as_the_first_request_had_them() -> None:
    books = Books()
    off, on = compacting(books, False), compacting(books, True)
    assert await tools(on) == [COMPACT]
    assert await tools(on, SAID, result("x")) == [COMPACT]
    assert await tools(compacting(books, False), SAID, result("x"), SAID) == [COMPACT]
    assert await tools(off, first="another") == [TOOL]
    assert await tools(on, SAID, first="another") == [TOOL]
    # One that somebody else began stays as they sent it, for good.
    assert await tools(on, SAID, first="foreign") == [TOOL]
    assert await tools(on, SAID, result("x"), SAID, first="foreign") == [TOOL]


async def test_definitions_without_a_journal_are_assumed_to_have_gone_out_as_we_would_send_them() -> None:
    assert await tools(compacting(Books(), True, durable=False), SAID, result("x")) == [COMPACT]
    assert await tools(compacting(Books(), False, durable=False), SAID, result("x")) == [TOOL]


@pytest.mark.parametrize(("down", "full", "expected"), [(False, False, "long"), (False, True, "[view"), (True, False, "[view")])
async def test_what_was_learned_holds_once_that_is_on_record(down: bool, full: bool, expected: str) -> None:
    books, toin, text = Books(), Toin(Memory(lambda: 0.0), "w", 60.0), LONGER + "a"
    toin.count("ann", ("", signature("", text)), Counts(compressed=6, lossy=6, whole=6))
    await toin.flush()
    pins = Pins(toin, Journal(books, lambda: 0.0))

    async def pinned(conversation: Conversation, keys: Mapping[int, str]) -> Pin | None:
        return pins.pin("ann", conversation, keys)

    async def keep(originals: Mapping[str, str]) -> None:
        """Kept."""

    compression = views(books)

    async def sent(*messages: Json) -> list[str]:
        return texts(await compression.prepare(dialect(), "/v1/messages", body(*messages), keep=keep, caller=Caller(pinned)))

    books.down, books.full = down, full
    (first,) = await sent(result(text))
    assert first.startswith(expected)
    books.down = books.full = False
    assert (await sent(result(text), SAID, result(text + "b")))[0] == first
