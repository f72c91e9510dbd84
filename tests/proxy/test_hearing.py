from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from headroom import ccr
from headroom.conversation import Address, Conversation, Part, Skip
from headroom.demo.model import Model
from headroom.demo.script import Call, Step
from headroom.dialects.anthropic import Anthropic
from headroom.dialects.document_memo import DocumentMemo
from headroom.dialects.hidden.base import NAME
from headroom.errors import Garbled, StoreError
from headroom.http.message import Body, Request, Response, once
from headroom.patterns import How
from headroom.pipeline import Pipeline, Scale
from headroom.proxy import intake
from headroom.proxy.compression import Compression
from headroom.proxy.exchange import Exchange
from headroom.proxy.intake import Intake
from headroom.proxy.rounds import BAD_KEY, MISS, MOST
from headroom.proxy.services import Services
from headroom.sent import Journal
from headroom.stores.memory import Memory
from headroom.transforms.base import Sent, Short

pytestmark = pytest.mark.anyio

LOG = "\n".join(f"line {i} of a log" for i in range(200))
TOOLS = [{"name": "Bash", "input_schema": {"type": "object"}}]
RUN = Call("Bash", {"command": "cat log"})


def look(key: str = ccr.key_of(LOG), **part: Any) -> Step:
    return Step(thinking="Hm. " * 9, calls=(Call(NAME, {"key": key, **part}),))


@dataclass(frozen=True, slots=True)
class View:
    name: str = "view"

    def context(self, part: Part, past: Sequence[Sent], lossy: bool) -> str:
        return ""

    def __call__(self, part: Part, past: Sequence[Sent], lossy: bool) -> Short | Skip:
        return Short(part.text[:60], "view", "lossy", "190 lines") if lossy and len(part.text) > 500 else "no_kind"


@dataclass
class Scene:
    """An agent, an exchange, and the scripted model behind it, which refuses thinking that does not fit its prefix."""

    steps: Sequence[Step]
    store: Memory = field(default_factory=lambda: Memory(lambda: 0.0))
    stored: dict[str, str] = field(default_factory=dict)
    mishaps: Counter[str] = field(default_factory=Counter)
    stream: bool = False
    unlucky: Mapping[int, Response] = field(default_factory=dict)
    """Number of a request to the model → what comes instead of its answer."""
    closed: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.model = Model({"story": self.steps})
        self.intake = Intake(1 << 20)
        self.asked: list[bytes] = []
        self.usage: list[Any] = []
        self.start()

    def start(self) -> None:
        """A new process on the same store."""
        compression = Compression(
            Pipeline([View()], Scale(lambda text: len(text) // 4)), Journal(self.store, lambda: 0.0), DocumentMemo(), durable=True,
            views="where_offered", offer=True,
        )
        self.exchange = Exchange(Anthropic(), Services(
            compression=compression, intake=self.intake, keep=self.keep, original=self.original, recount=self.recount,
            exact=lambda: False, mishap=lambda name: self.mishaps.update([name]), clock=lambda: 0.0, pinned=self.pinned,
        ), self.upstream)
        self.history: list[Any] = [{"role": "user", "content": "Look. [[script:story]]"}] if not self.asked else self.history

    async def keep(self, request: Request, originals: Mapping[str, str]) -> None:
        self.stored |= originals

    async def original(self, request: Request, key: str, how: How, own: str | None) -> str | None:
        return self.stored.get(key) if own is None else own

    async def pinned(self, request: Request, conversation: Conversation, keys: Mapping[int, str]) -> None:
        return None

    async def recount(self, conversation: Conversation, changes: Mapping[Address, str]) -> tuple[int, int] | None:
        return None

    async def upstream(self, request: Request) -> Response:
        number = len(self.asked)
        assert request.body.data is not None
        self.asked.append(request.body.data)
        response = self.unlucky[number] if number in self.unlucky else await self.model(request)

        body = response.body.through(lambda chunks: chunks)

        async def close() -> None:
            self.closed.append(number)
            await body.aclose()

        return replace(response, body=Body(aiter(body), close))

    async def say(self, output: str = "") -> Response:
        """One request of the agent; its answer goes into the history, and `output` is what its calls give."""
        body = {
            "model": "claude-opus-4-8", "max_tokens": 1000, "stream": self.stream, "tools": TOOLS, "messages": self.history,
            "thinking": {"type": "enabled", "budget_tokens": 1024},
        }
        request = Request("POST", "/v1/messages", [(b"content-type", b"application/json"), (b"x-api-key", b"k")], once(json.dumps(body).encode()))
        response = await self.exchange(request)
        data = b"".join([chunk async for chunk in response.body])
        await response.body.aclose()
        self.usage.append(request.draft.usage())
        if response.status != 200 or self.stream:
            return replace(response, body=once(data))
        assert NAME.encode() not in data
        answer = json.loads(data)
        self.history.append({"role": "assistant", "content": answer["content"]})
        calls = [block["id"] for block in answer["content"] if block["type"] == "tool_use"]
        results = [{"type": "tool_result", "tool_use_id": called, "content": output} for called in calls]
        self.history.append({"role": "user", "content": results or "Go on."})
        return replace(response, body=once(data))

    @property
    def sent(self) -> list[Any]:
        return [json.loads(body)["messages"] for body in self.asked]


def results(messages: Sequence[Any]) -> list[str]:
    """What our tool gave back, in the order of the conversation."""
    calls = [block["id"] for message in messages if isinstance(message["content"], list) for block in message["content"] if block.get("name") == NAME]
    found = {block["tool_use_id"]: block["content"] for message in messages if isinstance(message["content"], list)
             for block in message["content"] if block["type"] == "tool_result"}
    return [found[called] for called in calls]


async def test_a_view_is_sent_and_the_original_given_back() -> None:
    scene = Scene([Step(calls=(RUN,)), look(), Step(text="Done.")])
    await scene.say(LOG)
    answer = await scene.say()
    assert LOG not in scene.sent[1][2]["content"][0]["content"]
    assert results(scene.sent[2]) == [LOG]
    assert scene.model.refused == []
    assert answer.get(b"content-length") is None
    assert scene.intake.retained == 0


async def test_usage_is_that_of_all_rounds() -> None:
    scene = Scene([Step(calls=(RUN,)), look(), Step(text="Done.")])
    await scene.say(LOG)
    answer = json.loads((await scene.say()).body.data or b"")["usage"]
    billed = scene.usage[-1]
    assert billed.output_tokens == answer["output_tokens"]
    whole = answer["input_tokens"] + answer["cache_read_input_tokens"] + answer["cache_creation_input_tokens"]
    assert billed.input_tokens + billed.cache_read_tokens + billed.cache_write_tokens > whole


async def test_a_call_beyond_the_last_round_is_answered_with_the_next_request() -> None:
    scene = Scene([Step(calls=(RUN,)), *[look(lines=f"{n}-{n}") for n in range(1, MOST + 2)], Step(text="Done.")])
    await scene.say(LOG)
    answer = json.loads((await scene.say()).body.data or b"")
    assert answer["stop_reason"] == "end_turn"
    assert len(scene.asked) == 2 + MOST
    await scene.say()
    assert results(scene.sent[-1]) == [f"line {n} of a log" for n in range(MOST + 1)]
    assert scene.model.refused == []


async def test_rounds_are_woven_in_by_another_process_too() -> None:
    scene = Scene([Step(calls=(RUN,)), look(), Step(text="There.", calls=(RUN,)), Step(text="Done.")])
    await scene.say(LOG)
    await scene.say("ok")
    scene.start()
    await scene.say()
    assert results(scene.sent[-1]) == [LOG]
    assert scene.model.refused == []
    assert scene.sent[-1][: len(scene.sent[-2])] == scene.sent[-2]


async def test_what_cannot_be_had_is_said_to_be_so() -> None:
    scene = Scene([Step(calls=(RUN,)), look("0" * 24), look("no key"), look(lines="many"), Step(text="Done.")])
    await scene.say(LOG)
    await scene.say()
    assert results(scene.sent[-1]) == [MISS, BAD_KEY, "lines must look like 41-180, not 'many'"]


async def test_the_store_serves_what_the_request_does_not_carry() -> None:
    scene = Scene([Step(calls=(RUN,)), look(ccr.key_of("long gone")), Step(text="Done.")], stored={ccr.key_of("long gone"): "long gone"})
    await scene.say(LOG)
    await scene.say()
    assert results(scene.sent[-1]) == ["long gone"]


async def test_where_too_much_is_held_already_the_call_is_answered_later(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene([Step(calls=(RUN,)), look(), Step(text="Done.")])
    await scene.say(LOG)
    monkeypatch.setattr(intake, "ALL_RETAINED", 10)
    await scene.say()
    assert len(scene.asked) == 2
    monkeypatch.undo()
    await scene.say()
    assert results(scene.sent[-1]) == [LOG]
    assert scene.model.refused == []


OVERLOADED = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'


async def test_a_whole_answer_whose_second_round_is_refused_is_that_refusal() -> None:
    refusal = Response(529, [(b"content-type", b"application/json"), (b"retry-after", b"3")], once(OVERLOADED))
    scene = Scene([Step(calls=(RUN,)), look(), Step(text="Done.")], unlucky={2: refusal})
    await scene.say(LOG)
    answer = await scene.say()
    assert (answer.status, answer.get(b"retry-after"), answer.body.data) == (529, b"3", OVERLOADED)
    await scene.say()  # the client asks again
    assert scene.model.refused == []
    assert set(scene.closed) == {0, 1, 2, 3, 4}


def refused(says: str) -> Response:
    data = json.dumps({"type": "error", "error": {"type": "invalid_request_error", "message": says}}).encode()
    return Response(400, [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(data))], once(data))


async def test_a_refusal_names_places_as_the_client_has_them() -> None:
    # As sent: 0 words, 1 a call, 2 its result, 3 our call, 4 our result, 5 words (the client has the thinking of 3 before them), 6 words.
    says = "messages.6.content: no; messages.5.content.0: no; messages.4: no; messages.2.content.0: no; tools.1: no"
    scene = Scene([Step(calls=(RUN,)), look(), Step(text="Done.")], unlucky={3: refused(says)})
    await scene.say(LOG)
    await scene.say()
    answer = await scene.say()
    assert [message["role"] for message in scene.sent[3]] == ["user", "assistant"] * 3 + ["user"]
    assert json.loads(answer.body.data or b"")["error"]["message"] == (
        "messages.4.content: no; messages.3.content.1: no; messages.3: no; messages.2.content.0: no; tools.0: no"
    )
    assert answer.get(b"content-length") == b"%d" % len(answer.body.data or b"")


async def test_a_refusal_of_a_second_round_names_the_last_that_the_client_sent() -> None:
    says = refused("messages.4.content.0: no; messages.0: no")
    scene = Scene([Step(calls=(RUN,)), look(), Step(text="Done.")], unlucky={2: says, 3: says})
    await scene.say(LOG)
    answer = await scene.say()
    assert (answer.status, json.loads(answer.body.data or b"")["error"]["message"]) == (400, "messages.2.content.0: no; messages.0: no")
    assert scene.intake.retained == 0


async def test_a_stream_whose_second_round_is_refused_breaks_off_and_says_so() -> None:
    refusal = Response(529, [(b"content-type", b"application/json")], once(OVERLOADED))
    scene = Scene([Step(text="Let me see.", calls=(Call(NAME, {"key": "0" * 24}),)), Step(text="Done.")], stream=True, unlucky={1: refusal})
    body = {"model": "m", "max_tokens": 1000, "stream": True, "tools": TOOLS, "messages": scene.history}
    request = Request("POST", "/v1/messages", [], once(json.dumps(body).encode()))
    response = await scene.exchange(request)
    chunks: list[bytes] = []

    async def read() -> None:
        async for chunk in response.body:
            chunks.append(chunk)

    with pytest.raises(Garbled):
        await read()
    await response.body.aclose()
    got = b"".join(chunks)
    assert b"Let me see." in got
    assert b"event: error" in got[got.rindex(b"event:") :]
    assert NAME.encode() not in got
    assert scene.closed == [0, 1]
    assert scene.intake.retained == 0


async def test_an_answer_that_is_compressed_all_the_same_is_relayed_and_counted() -> None:
    strange = Response(200, [(b"content-type", b"application/json"), (b"content-encoding", b"br")], once(b"\x00\x01"))
    scene = Scene([Step(text="x")], unlucky={0: strange})
    body = {"model": "m", "tools": TOOLS, "messages": scene.history}
    response = await scene.exchange(Request("POST", "/v1/messages", [(b"accept-encoding", b"br")], once(json.dumps(body).encode())))
    assert b"".join([chunk async for chunk in response.body]) == b"\x00\x01"
    assert response.get(b"content-encoding") == b"br"
    assert scene.mishaps == {"encoding": 1}


async def test_no_compressed_answer_is_asked_for() -> None:
    seen: list[bytes | None] = []
    scene = Scene([Step(text="x")])

    async def upstream(request: Request) -> Response:
        seen.append(request.get(b"accept-encoding"))
        return await scene.model(request)

    scene.exchange._upstream = upstream
    response = await scene.exchange(Request("POST", "/v1/messages", [(b"accept-encoding", b"gzip, br")], once(json.dumps({"tools": TOOLS, "messages": scene.history}).encode())))
    await response.body.aclose()
    assert seen == [b"identity"]


async def test_who_leaves_in_the_middle_leaves_nothing_behind() -> None:
    scene = Scene([Step(text="Long. " * 50, calls=(RUN,))], stream=True)
    body = {"model": "m", "max_tokens": 9, "stream": True, "tools": TOOLS, "messages": scene.history}
    for taken in (0, 1):
        response = await scene.exchange(Request("POST", "/v1/messages", [], once(json.dumps(body).encode())))
        chunks: AsyncIterator[bytes] = aiter(response.body)
        for _ in range(taken):
            await anext(chunks)
        await response.body.aclose()
        assert scene.intake.retained == 0
    assert scene.closed == [0, 1]


async def test_a_store_that_fails_costs_the_original_and_is_counted() -> None:
    scene = Scene([Step(calls=(RUN,)), look("1" * 24), Step(text="Done.")])

    async def broken(request: Request, key: str, how: How, own: str | None) -> str | None:
        raise StoreError("away")

    scene.exchange._services = replace(scene.exchange._services, original=broken)
    await scene.say(LOG)
    await scene.say()
    assert results(scene.sent[-1]) == [MISS]
    assert scene.mishaps == {"originals": 1}


async def test_where_nothing_but_the_offer_is_lost_it_is_made_again() -> None:
    scene = Scene([Step(thinking="Hm. " * 9, text="Hello."), Step(text="There."), Step(text="Done.")])
    await scene.say()
    scene.store = Memory(lambda: 0.0)
    scene.start()
    assert [(await scene.say()).status for _ in range(2)] == [200, 200]
    assert len(scene.model.refused) == 1
    assert scene.mishaps == {"reread": 1}
    assert all(NAME.encode() in body for body in (scene.asked[0], *scene.asked[2:]))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("restarted", [False, True])
async def test_where_rounds_are_lost_the_conversation_goes_on_without_its_reasoning(stream: bool, restarted: bool) -> None:
    scene = Scene([Step(calls=(RUN,)), look(), Step(thinking="Ah. " * 9, text="There.", calls=(RUN,)), Step(thinking="So. " * 9, calls=(RUN,)), Step(text="Done.")])
    await scene.say(LOG)
    await scene.say("ok")
    scene.store = Memory(lambda: 0.0)
    scene.start()
    answer = await scene.say("ok")
    assert answer.status == 200
    assert scene.mishaps["mended"] == 1
    refused = len(scene.model.refused)
    assert refused == 2
    if restarted:
        scene.start()
    scene.stream = stream
    assert (await scene.say()).status == 200
    assert len(scene.model.refused) == refused
    assert scene.mishaps["mended"] == 1
