"""The scripted model answers as the providers do, refuses what they refuse, and fails as it is told."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from headroom.conversation import Json
from headroom.demo.model import Model, Rules
from headroom.demo.script import Call, Fault, Step
from headroom.demo.session import messages_of
from headroom.errors import Garbled
from headroom.http.message import Fields, Request, once

pytestmark = pytest.mark.anyio

LS = Call("shell", {"command": "ls"})
THINK = "I should look around."


@dataclass(frozen=True)
class Api:
    """How to ask one API for a step, streaming or not."""

    target: str
    body: Mapping[str, Json]
    streams_by: str
    """Target of the streaming call, where that is how one asks for a stream."""

    def ask(self, script: str, *, stream: bool) -> tuple[str, bytes]:
        text = json.dumps(self.body).replace("SCRIPT", f"[[script:{script}]]")
        value = json.loads(text)
        if self.streams_by:
            return (self.streams_by if stream else self.target), json.dumps(value).encode()
        return self.target, json.dumps({**value, "stream": stream}).encode()


USER = [{"role": "user", "content": "SCRIPT"}]
APIS = {
    "anthropic": Api("/v1/messages?beta=true", {"model": "m", "messages": USER, "thinking": {"type": "adaptive"}}, ""),
    "chat": Api("/v1/chat/completions", {"model": "m", "messages": USER}, ""),
    "responses": Api("/v1/responses", {"model": "m", "input": USER}, ""),
    "gemini": Api("/v1beta/models/m:generateContent", {"contents": [{"role": "user", "parts": [{"text": "SCRIPT"}]}]},
                  "/v1beta/models/m:streamGenerateContent?alt=sse"),
}
ENDS = {"anthropic": b"message_stop", "chat": b"[DONE]", "responses": b"response.completed", "gemini": b"STOP"}


async def ask(model: Model, target: str, body: bytes, fields: Fields | None = None, method: str = "POST") -> tuple[int, bytes]:
    response = await model(Request(method, target, fields or [], once(body)))
    return response.status, b"".join([chunk async for chunk in response.body])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", APIS)
async def test_every_api_speaks_the_step(name: str, stream: bool) -> None:
    model = Model({"go": (Step(text="Looking.", thinking=THINK, calls=(LS,)),)})
    target, body = APIS[name].ask("go", stream=stream)
    status, answer = await ask(model, target, body)
    text = json.dumps(list(messages_of(answer)))
    assert status == 200
    assert "Looking." in text
    assert '"ls' in text or '\\"ls' in text
    assert (ENDS[name] in answer) or not stream
    assert [(kept.target, kept.body, kept.status) for kept in model.requests] == [(target, body, 200)]


@pytest.mark.parametrize("name", APIS)
async def test_a_status_fault_happens_as_often_as_told(name: str) -> None:
    fault = Fault("status", times=2, status=429, retry_after="7", message="slow down")
    model = Model({"go": (Step(text="At last.", fault=fault),)})
    target, body = APIS[name].ask("go", stream=True)
    for _ in range(2):
        response = await model(Request("POST", target, [], once(body)))
        assert (response.status, response.get(b"retry-after")) == (429, b"7")
    assert (await ask(model, target, body))[0] == 200


@pytest.mark.parametrize("name", APIS)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_reset_breaks_the_answer(name: str, stream: bool) -> None:
    model = Model({"go": (Step(text="Too long to arrive whole.", fault=Fault("reset", after=0)),)})
    with pytest.raises(Garbled):
        await ask(model, *APIS[name].ask("go", stream=stream))


async def test_a_reset_before_the_answer() -> None:
    model = Model({"go": (Step(text="x", fault=Fault("reset_before")),)})
    with pytest.raises(Garbled):
        await ask(model, *APIS["anthropic"].ask("go", stream=True))
    assert [kept.status for kept in model.requests] == [0]


@pytest.mark.parametrize(("kind", "holds", "lacks"), [
    ("truncate", b"message_start", b"message_stop"),
    ("error_event", b"overloaded_error", b"message_stop"),
    ("pings", b"x_novelty", b"overloaded_error"),
    ("stall", b"message_stop", b"overloaded_error"),
])
async def test_faults_in_a_stream(kind: str, holds: bytes, lacks: bytes) -> None:
    model = Model({"go": (Step(text="Some text.", fault=Fault(kind, after=3)),)})  # type: ignore[arg-type]  # a table
    status, answer = await ask(model, *APIS["anthropic"].ask("go", stream=True))
    assert status == 200
    assert holds in answer
    assert lacks not in answer


@pytest.mark.parametrize(("method", "target", "fields", "body", "status"), [
    ("GET", "/v1/models", [], b"", 200),
    ("HEAD", "/", [], b"", 200),
    ("POST", "/v1/embeddings", [], b"{}", 200),
    ("GET", "/v1/nothing", [], b"", 404),
    ("GET", "/v1/responses", [(b"upgrade", b"websocket")], b"", 404),
    ("POST", "/v1/messages", [], b"not json", 400),
    ("POST", "/v1/messages", [], b"[]", 400),
    ("POST", "/v1/messages", [], b"{}", 400),
    ("POST", "/v1/chat/completions", [], b"{}", 400),
    ("POST", "/v1/responses", [], b"{}", 400),
    ("POST", "/v1beta/models/m:generateContent", [], b"{}", 400),
    ("POST", "/v1/messages", [(b"content-encoding", b"gzip")], gzip.compress(b'{"messages":[]}', mtime=0), 200),
    ("POST", "/v1/messages/count_tokens", [], b'{"messages":[]}', 200),
    ("POST", "/v1beta/models/m:countTokens", [], b'{"contents":[{}]}', 200),
])
async def test_routes(method: str, target: str, fields: Fields, body: bytes, status: int) -> None:
    assert (await ask(Model({}, Rules(websocket=404)), target, body, fields, method))[0] == status


async def test_whole_answers_are_compressed_where_that_is_wanted() -> None:
    model = Model({"go": (Step(text="x"),)}, Rules(gzip=True))
    response = await model(Request("POST", "/v1/messages", [(b"accept-encoding", b"gzip")], once(APIS["anthropic"].ask("go", stream=False)[1])))
    assert response.get(b"content-encoding") == b"gzip"


async def thinking_turn(model: Model) -> tuple[dict[str, Json], list[Json]]:
    """A conversation whose first turn the model has answered: the body, and what it said."""
    body: dict[str, Json] = json.loads(APIS["anthropic"].ask("go", stream=False)[1])
    body |= {"system": "Be kind.", "tools": [{"name": "a"}, {"name": "b"}]}
    said = json.loads((await ask(model, "/v1/messages", json.dumps(body).encode()))[1])["content"]
    result = {"type": "tool_result", "tool_use_id": said[-1]["id"], "content": "a b c"}
    body["messages"] += [{"role": "assistant", "content": said}, {"role": "user", "content": [result]}]
    return body, said


SCRIPT = {"go": (Step(thinking=THINK, calls=(LS,)), Step(thinking=THINK, redacted=True, text="Done."), Step(text="More."))}


def _mark(body: Json) -> None:
    body["messages"][2]["content"][0]["cache_control"] = {"type": "ephemeral"}


def _as_block(body: Json) -> None:
    body["messages"][0]["content"] = [{"type": "text", "text": body["messages"][0]["content"]}]


def _edit_user(body: Json) -> None:
    body["messages"][0]["content"] += " "


def _edit_system(body: Json) -> None:
    body["system"] = "Be quick."


def _swap_tools(body: Json) -> None:
    body["tools"].reverse()


def _defer_tool(body: Json) -> None:
    body["tools"].insert(1, {"name": "later", "defer_loading": True})


def _add_tool(body: Json) -> None:
    body["tools"].append({"name": "new"})


def _edit_result(body: Json) -> None:
    body["messages"][2]["content"][0]["content"] = "anything: it is new"


def _drop_thinking(body: Json) -> None:
    del body["messages"][1]["content"][0]


def _edit_seal(body: Json) -> None:
    body["messages"][1]["content"][0]["signature"] = "no seal of mine"


@pytest.mark.parametrize(("change", "status"), [
    (_mark, 200), (_as_block, 200), (_swap_tools, 200), (_defer_tool, 200), (_edit_result, 200), (_drop_thinking, 200),
    (_edit_user, 400), (_edit_system, 400), (_add_tool, 400), (_edit_seal, 400),
], ids=lambda value: getattr(value, "__name__", str(value)))
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
async def test_thinking_is_bound_to_what_stands_before_it(change: Json, status: int, path: str) -> None:
    model = Model(SCRIPT)
    body, _ = await thinking_turn(model)
    change(body)
    got, answer = await ask(model, path, json.dumps(body).encode())
    assert got == status
    if status == 400:
        error = json.loads(answer)["error"]
        assert error["type"] == "invalid_request_error"
        assert error["message"].startswith("messages.1.content.0: ")
        assert "does not match the prefix it was generated with" in error["message"]
        assert len(model.refused) == 1


async def test_thinking_may_be_left_out_at_either_end_but_not_in_the_middle() -> None:
    model = Model(SCRIPT)
    body, _ = await thinking_turn(model)
    said = json.loads((await ask(model, "/v1/messages", json.dumps(body).encode()))[1])["content"]
    assert [block["type"] for block in said] == ["thinking", "redacted_thinking", "text"]
    body["messages"] += [{"role": "assistant", "content": said}, {"role": "user", "content": "Go on."}]
    wanted = {(): 200, (0,): 200, (0, 1): 200, (0, 1, 2): 200, (2,): 200, (1, 2): 200, (1,): 400}
    for without, status in wanted.items():
        sent = json.loads(json.dumps(body))
        blocks = [(1, 0), (3, 0), (3, 1)]
        for number in sorted(without, reverse=True):
            message, block = blocks[number]
            del sent["messages"][message]["content"][block]
        assert (await ask(model, "/v1/messages", json.dumps(sent).encode()))[0] == status, without


async def test_an_unbound_model_takes_anything() -> None:
    model = Model(SCRIPT, Rules(bound=False))
    body, _ = await thinking_turn(model)
    _edit_seal(body)
    assert (await ask(model, "/v1/messages", json.dumps(body).encode()))[0] == 200


async def responses_turn(model: Model) -> tuple[dict[str, Json], list[Json]]:
    body: dict[str, Json] = json.loads(APIS["responses"].ask("go", stream=False)[1])
    said = json.loads((await ask(model, "/v1/responses", json.dumps(body).encode()))[1])["output"]
    result = {"type": "function_call_output", "call_id": said[-1]["call_id"], "output": "a b c"}
    body["input"] = [*body["input"], *said, result]
    return body, said


@pytest.mark.parametrize(("change", "status", "dropped"), [
    (lambda items: None, 200, 0),
    (lambda items: items[0].update(content="another question [[script:go]]"), 200, 1),
    (lambda items: items[-1].update(output="new"), 200, 0),
    (lambda items: [item.pop("id", None) for item in items], 200, 0),
    (lambda items: items.pop(2), 400, 0),  # the reasoning without its call
    (lambda items: items.pop(1), 200, 0),  # the call without its reasoning
])
async def test_reasoning_that_does_not_fit_is_dropped_silently(change: Json, status: int, dropped: int) -> None:
    model = Model(SCRIPT)
    body, _ = await responses_turn(model)
    change(body["input"])
    assert (await ask(model, "/v1/responses", json.dumps(body).encode()))[0] == status
    assert model.dropped_reasoning == dropped


@pytest.mark.parametrize(("change", "status"), [
    (lambda part: None, 200),
    (lambda part: part.update(thoughtSignature=part["thoughtSignature"].translate(str.maketrans("+/", "-_"))), 200),
    (lambda part: part["functionCall"].update(id="added by the client"), 200),
    (lambda part: part.pop("thoughtSignature"), 400),
    (lambda part: part.update(thoughtSignature="other"), 400),
    (lambda part: part["functionCall"]["args"].update(command="rm"), 400),
])
async def test_a_thought_signature_must_come_back(change: Json, status: int) -> None:
    model = Model({"go": (Step(calls=(LS, LS)), Step(text="Done."))})
    target, raw = APIS["gemini"].ask("go", stream=False)
    body = json.loads(raw)
    parts = json.loads((await ask(model, target, raw))[1])["candidates"][0]["content"]["parts"]
    assert ["thoughtSignature" in part for part in parts] == [True, False]
    change(parts[0])
    answers = [{"functionResponse": {"name": "shell", "response": {"output": "a"}}}] * 2
    body["contents"] += [{"role": "model", "parts": parts}, {"role": "user", "parts": answers}]
    assert (await ask(model, target, json.dumps(body).encode()))[0] == status


async def test_usage_is_what_a_cache_would_make_it() -> None:
    model = Model({"go": (Step(calls=(LS,)), Step(text="Done."))})
    mark = {"type": "ephemeral"}
    body: dict[str, Json] = {"model": "m", "system": [{"type": "text", "text": "s" * 8000, "cache_control": mark}],
                             "messages": [{"role": "user", "content": "[[script:go]]"}]}
    usages = [json.loads((await ask(model, "/v1/messages", json.dumps(body).encode()))[1])["usage"] for _ in range(2)]
    assert usages[0]["cache_creation_input_tokens"] == usages[1]["cache_read_input_tokens"] > 2000
    assert usages[0]["cache_read_input_tokens"] == usages[1]["cache_creation_input_tokens"] == 0
