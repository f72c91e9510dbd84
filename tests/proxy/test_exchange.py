from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from headroom.conversation import Address, Conversation, Part, Skip
from headroom.dialects import find
from headroom.dialects.document_memo import DocumentMemo
from headroom.errors import Garbled, HeadroomError, StoreError, TooLarge, Unreachable
from headroom.http.message import Body, Fields, Request, Response, once
from headroom.patterns import How
from headroom.pipeline import Pipeline, Scale
from headroom.proxy.compression import Compression
from headroom.proxy.exchange import Exchange
from headroom.proxy.intake import Intake
from headroom.proxy.services import Services
from headroom.sent import SENT, Journal
from headroom.stores.memory import Memory
from headroom.transforms.base import Sent, Short
from tests.bodies import drain, stream

pytestmark = pytest.mark.anyio

LONG = "long " + "word " * 50
REFUSAL = b'{"type":"error","error":{"type":"invalid_request_error","message":"messages.1.content.0: thinking block signature does not match the prefix"}}'


@dataclass(frozen=True, slots=True)
class Cut:
    name: str = "cut"

    def context(self, part: Part, past: Sequence[Sent], lossy: bool) -> str:
        return ""

    def __call__(self, part: Part, past: Sequence[Sent], lossy: bool) -> Short | Skip:
        return Short("cut " + part.text[-6:], "cut", "exact") if part.text.startswith("long") else "no_kind"


@dataclass
class World:
    """An exchange whose provider is a function, and everything it did."""

    answers: list[Response | HeadroomError] = field(default_factory=list)
    store: Memory = field(default_factory=lambda: Memory(lambda: 0.0))
    kept: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[Request, bytes]] = field(default_factory=list)
    mishaps: Counter[str] = field(default_factory=Counter)
    exact: tuple[int, int] | None = None
    keeps: bool = True
    durable: bool = True
    optimize: bool = True
    log_messages: bool = False

    async def keep(self, request: Request, originals: Mapping[str, str]) -> None:
        if not self.keeps:
            raise StoreError("disk full")
        self.kept |= originals

    async def original(self, request: Request, key: str, how: How, own: str | None) -> str | None:
        return self.kept.get(key) if own is None else own

    async def pinned(self, request: Request, conversation: Conversation, keys: Mapping[int, str]) -> None:
        return None

    async def recount(self, conversation: Conversation, changes: Mapping[Address, str]) -> tuple[int, int] | None:
        return self.exact

    async def upstream(self, request: Request) -> Response:
        assert request.body.data is not None
        self.asked.append((request, request.body.data))
        answer = self.answers.pop(0) if self.answers else Response(200, [(b"content-type", b"application/json")], once(b"{}"))
        if isinstance(answer, HeadroomError):
            raise answer
        return answer

    def exchange(self, path: str = "/v1/messages") -> Exchange:
        dialect = find("POST", path)
        assert dialect is not None
        compression = Compression(Pipeline([Cut()], Scale(lambda t: len(t.split()))), Journal(self.store, lambda: 0.0), DocumentMemo(), durable=self.durable)
        services = Services(
            compression=compression, intake=Intake(1 << 20), keep=self.keep, pinned=self.pinned, recount=self.recount, exact=lambda: self.exact is not None,
            original=self.original, mishap=lambda name: self.mishaps.update([name]), clock=lambda: 0.0, optimize=self.optimize,
            log_messages=self.log_messages,
        )
        return Exchange(dialect, services, self.upstream)


def body(*results: str, **more: Any) -> bytes:
    messages: list[Any] = []
    for i, text in enumerate(results):
        messages += [
            {"role": "assistant", "content": [{"type": "tool_use", "id": f"t{i}", "name": "Bash", "input": {"command": "ls"}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": f"t{i}", "content": text}]},
        ]
    return json.dumps({"model": "m", "messages": messages, **more}).encode()


def ask(raw: bytes, fields: Fields | None = None, target: str = "/v1/messages?beta=true") -> Request:
    return Request("POST", target, [(b"content-type", b"application/json"), (b"host", b"localhost"), *(fields or [])], once(raw))


async def test_what_leaves_is_shorter_and_the_answer_says_so() -> None:
    world = World()
    request = ask(body(LONG), [(b"content-length", b"%d" % len(body(LONG))), (b"x-headroom-tag-a", b"b"), (b"x-api-key", b"k"), (b"connection", b"keep-alive, x-hop"), (b"x-hop", b"1")])
    response = await world.exchange()(request)
    ((sent, data),) = world.asked
    assert json.loads(data)["messages"][1]["content"][0]["content"] == "cut  word "
    assert sent.target == "/v1/messages?beta=true"
    assert sorted(k for k, _ in sent.fields) == [b"accept-encoding", b"content-length", b"content-type", b"x-api-key"]
    assert sent.get(b"content-length") == b"%d" % len(data)
    assert world.kept
    saved = {k: int(v) for k, v in response.fields if k.startswith(b"x-headroom-tokens")}
    assert saved[b"x-headroom-tokens-before"] - saved[b"x-headroom-tokens-after"] == saved[b"x-headroom-tokens-saved"] > 0
    assert request.draft.model == "m"
    assert await drain(response) == b"{}"


async def test_nothing_to_shorten_leaves_byte_for_byte() -> None:
    world, raw = World(), b'{ "messages" : [{"role":"user","content":"hi"}] , "x":1.0e5 }'
    await world.exchange()(ask(raw))
    assert world.asked[0][1] is raw
    assert not world.kept


@pytest.mark.parametrize(("fields", "optimize", "reason"), [([(b"x-headroom-bypass", b"true")], True, "bypass"), ([], False, "optimize_off")])
async def test_left_alone_on_request(fields: Fields, optimize: bool, reason: str) -> None:
    world, raw = World(optimize=optimize), body(LONG)
    request = ask(raw, fields)
    response = await world.exchange()(request)
    assert world.asked[0][1] is raw
    assert [s.reason for s in request.draft.report.skipped] == [reason]
    assert response.get(b"x-headroom-tokens-saved") == b"0"
    assert (await world.store.size(SENT)).entries == 0


async def test_a_compressed_request_is_read_and_leaves_plain_only_if_edited() -> None:
    world = World()
    for text in (LONG, "plain"):
        await world.exchange()(ask(gzip.compress(body(text), mtime=0), [(b"content-encoding", b"gzip")]))
    (edited, data), (untouched, same) = world.asked
    assert json.loads(data)["model"] == "m"
    assert edited.get(b"content-encoding") is None
    assert same == gzip.compress(body("plain"), mtime=0)
    assert untouched.get(b"content-encoding") == b"gzip"


async def test_a_coding_that_nothing_can_be_saved_in_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    exchange = World().exchange()
    for encoding in (b"gzip", b"zzz", b"zzz"):
        await exchange(ask(b"whatever", [(b"content-encoding", encoding)]))
    assert [record.getMessage() for record in caplog.records if record.name.endswith("exchange")] == [
        "requests pass through as they come, and save nothing: no decoder for 'zzz'",
    ]


@pytest.mark.parametrize(("encoding", "raw", "reason"), [
    (b"zzz", b"whatever", "encoding"), (b"gzip", b"not gzip", "encoding"), (b"gzip", gzip.compress(b"\0" * (8 << 20)), "too_large"),
])
async def test_an_encoding_we_cannot_read_passes_as_it_came(encoding: bytes, raw: bytes, reason: str) -> None:
    world = World()
    request = ask(raw, [(b"content-encoding", encoding)])
    await world.exchange()(request)
    assert world.asked[0][1] is raw
    assert world.asked[0][0].get(b"content-encoding") == encoding
    assert [s.reason for s in request.draft.report.skipped] == [reason]


async def test_errors_come_out_as_they_are_and_a_refusal_is_relayed() -> None:
    world = World(answers=[Unreachable("refused"), Response(529, [(b"retry-after", b"3")], once(b"busy"))])
    with pytest.raises(Unreachable):
        await world.exchange()(ask(body(LONG)))
    response = await world.exchange()(ask(body(LONG)))
    assert (response.status, response.get(b"retry-after"), await drain(response)) == (529, b"3", b"busy")
    with pytest.raises(TooLarge):
        await world.exchange()(ask(b"x" * (2 << 20)))


async def test_originals_that_cannot_be_kept_are_a_mishap_and_no_failure() -> None:
    world = World(keeps=False)
    assert (await world.exchange()(ask(body(LONG)))).status == 200
    assert world.mishaps == {"originals": 1}


async def test_exact_counts_replace_the_estimate_where_there_are_any() -> None:
    world = World(exact=(100, 40))
    request = ask(body(LONG))
    response = await world.exchange()(request)
    assert (request.draft.tokens_before, request.draft.tokens_after) == (100, 40)
    assert response.get(b"x-headroom-tokens-saved") == b"60"


EVENTS = [(b"content-type", b"text/event-stream; charset=utf-8")]
START = b'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":5,"cache_read_input_tokens":7,"output_tokens":1}}}\n\n'
DELTA = b'event: message_delta\ndata: {"type":"message_delta","usage":{"output_tokens":42}}\n\n'


@pytest.mark.parametrize("wanted", [True, False])
async def test_bodies_are_kept_for_the_log_only_where_wanted(wanted: bool) -> None:
    world = World(answers=[Response(200, EVENTS, stream(START, DELTA))], log_messages=wanted)
    request = ask(body("x", stream=True))
    await drain(await world.exchange()(request))
    assert (request.draft.request != "", request.draft.response() == (START + DELTA).decode()) == (wanted, wanted)


async def test_usage_is_read_from_a_copy_of_the_stream() -> None:
    world = World(answers=[Response(200, EVENTS, stream(START[:30], START[30:], DELTA))])
    request = ask(body(LONG, stream=True))
    response = await world.exchange()(request)
    assert await drain(response) == START + DELTA
    usage = request.draft.usage()
    assert (usage.input_tokens, usage.cache_read_tokens, usage.output_tokens) == (5, 7, 42)
    assert world.asked[0][0].get(b"accept-encoding") == b"identity"


async def test_usage_is_read_from_a_compressed_answer_which_is_relayed_as_it_came() -> None:
    packed = gzip.compress(b'{"usage":{"input_tokens":5,"output_tokens":2}}')
    world = World(answers=[Response(200, [(b"content-type", b"application/json"), (b"content-encoding", b"gzip")], stream(packed[:9], packed[9:]))])
    request = ask(body("x"), [(b"accept-encoding", b"gzip, br")])
    assert await drain(await world.exchange()(request)) == packed
    assert world.asked[0][0].get(b"accept-encoding") == b"gzip"
    assert request.draft.usage().output_tokens == 2


async def until_it_breaks(response: Response) -> bytes:
    received = b""
    try:
        async for chunk in response.body:
            received += chunk
    except Garbled:
        return received
    finally:
        await response.body.aclose()
    raise AssertionError("it ended well")


async def test_a_stream_that_breaks_says_so_and_does_not_end_well() -> None:
    world = World(answers=[Response(200, EVENTS, stream(START, breaks=Garbled("the answer broke off")))])
    request = ask(body("x", stream=True))
    received = await until_it_breaks(await world.exchange()(request))
    assert received.startswith(START)
    assert b"event: error" in received[len(START):]
    assert request.draft.error == "Garbled"


async def test_an_answer_that_is_no_stream_just_breaks() -> None:
    world = World(answers=[Response(200, [(b"content-type", b"application/json")], stream(b'{"a":', breaks=Garbled("cut")))])
    assert await until_it_breaks(await world.exchange()(ask(body("x")))) == b'{"a":'


def results(data: bytes) -> list[str]:
    return [m["content"][0]["content"] for m in json.loads(data)["messages"] if m["role"] == "user"]


async def test_a_wrong_assumption_about_history_is_mended_once_and_remembered() -> None:
    world = World(durable=False, answers=[Response(400, [], once(REFUSAL))])
    raw = body(LONG + "a", LONG + "b")
    request = ask(raw)
    exchange = world.exchange()
    assert (await exchange(request)).status == 200
    assert [results(data) for _, data in world.asked] == [["cut word a", "cut word b"], [LONG + "a", "cut word b"]]
    assert world.mishaps == {"reread": 1}
    await exchange(ask(raw))
    assert results(world.asked[-1][1]) == [LONG + "a", "cut word b"]


@pytest.mark.parametrize("refusal", [b'{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: too large"}}', b"not json", b""])
async def test_any_other_refusal_is_the_clients_to_see(refusal: bytes) -> None:
    world = World(durable=False, answers=[Response(400, [(b"request-id", b"r")], stream(refusal))])
    response = await world.exchange()(ask(body(LONG + "a", LONG + "b")))
    assert (response.status, response.get(b"request-id"), await drain(response)) == (400, b"r", refusal)
    assert len(world.asked) == 1


async def test_an_assumption_the_provider_took_is_recorded() -> None:
    world = World(durable=False)
    await world.exchange()(ask(body(LONG + "a", LONG + "b")))
    assert (await world.store.size(SENT)).entries == 2


@pytest.mark.parametrize(("path", "forwarded"), [
    ("/v1/chat/completions", "/v1/chat/completions"), ("/chat/completions?a=b", "/v1/chat/completions?a=b"), ("/responses", "/v1/responses"),
])
async def test_shorter_paths_lead_where_the_provider_listens(path: str, forwarded: str) -> None:
    world = World()
    await world.exchange(path.partition("?")[0])(ask(b"{}", target=path))
    assert world.asked[0][0].target == forwarded


async def test_a_refusal_in_gzip_is_understood_and_a_long_one_arrives_whole() -> None:
    packed = gzip.compress(REFUSAL)
    world = World([Response(400, [(b"content-encoding", b"gzip")], once(packed))], durable=False)
    assert (await world.exchange()(ask(body(LONG, LONG)))).status == 200
    assert len(world.asked) == 2

    async def pieces() -> AsyncGenerator[bytes, None]:
        for _ in range(20):
            yield b"x" * 8192

    world = World([Response(400, [], Body(pieces()))], durable=False)
    response = await world.exchange()(ask(body(LONG, LONG)))
    assert await drain(response) == b"x" * 8192 * 20
    assert len(world.asked) == 1


@pytest.mark.parametrize(("fields", "expected"), [
    ([], "token"), ([(b"x-headroom-mode", b"cache")], "cache"), ([(b"x-headroom-mode", b"CACHE_MODE")], "cache"), ([(b"x-headroom-mode", b"?")], "token"),
])
async def test_a_request_may_choose_its_mode(fields: Fields, expected: str) -> None:
    request = ask(body(LONG), fields)
    world = World()
    await world.exchange()(request)
    assert request.draft.mode == expected
    assert world.asked[0][0].get(b"x-headroom-mode") is None


async def test_what_a_request_begins_with_is_told_once_it_is_answered() -> None:
    request, counted = ask(body(LONG), [(b"x-api-key", b"k")]), ask(body(LONG), target="/v1/messages/count_tokens")
    for each in (request, counted):
        await World().exchange()(each)
    assert request.draft.prefix is not None
    assert request.draft.credential != counted.draft.credential
    assert counted.draft.prefix is None
