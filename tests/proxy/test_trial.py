from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from headroom import dialects
from headroom.ccr import key_of
from headroom.dialects.document import Document
from headroom.dialects.document_memo import DocumentMemo
from headroom.errors import BadRequest, Busy, StoreError, TooLarge
from headroom.http.message import Request, once
from headroom.pipeline import standard
from headroom.proxy.compression import UNPARSED, Compression, Views
from headroom.proxy.intake import Intake
from headroom.proxy.recount import Recount
from headroom.proxy.trial import Trial
from headroom.sent import SENT, Journal
from headroom.stores.memory import Memory

pytestmark = pytest.mark.anyio

LOG = "".join(f"2026-03-02T09:{i // 60:02d}:{i % 60:02d}Z INFO [worker-{i % 3}] api GET /orders/{i * 7 % 97} 200 {i % 40}ms\n" for i in range(240))
CALL = {"id": "c", "type": "function", "function": {"name": "Bash", "arguments": "{}"}}
BODIES: Mapping[str, Mapping[str, Any]] = {
    "anthropic": {"model": "m", "messages": [
        {"role": "user", "content": "look"}, {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "Bash", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": LOG}]},
    ]},
    "openai-chat": {"model": "m", "messages": [
        {"role": "user", "content": "look"}, {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c", "content": LOG},
    ]},
    "openai-responses": {"model": "m", "input": [
        {"type": "function_call", "call_id": "c", "name": "Bash", "arguments": "{}"}, {"type": "function_call_output", "call_id": "c", "output": LOG},
    ]},
    "gemini": {"contents": [
        {"role": "model", "parts": [{"functionCall": {"name": "Bash", "args": {}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "Bash", "response": {"output": LOG}}}]},
    ]},
}


@dataclass
class World:
    store: Memory = field(default_factory=lambda: Memory(lambda: 0.0))
    kept: dict[str, str] = field(default_factory=dict)
    keeps: bool = True
    views: Views = "where_offered"
    optimize: bool = True

    async def keep(self, request: Request, originals: Mapping[str, str]) -> None:
        if not self.keeps:
            raise StoreError("disk full")
        self.kept |= originals

    async def ask(self, body: bytes, kind: bytes = b"application/json; charset=utf-8") -> Any:
        compression = Compression(
            standard(), Journal(self.store, lambda: 0.0), DocumentMemo(), durable=True, views=self.views, offer=self.views == "where_offered",
        )
        trial = Trial(compression, Intake(UNPARSED + 9), self.keep, Recount(), optimize=self.optimize)
        response = await trial(Request("POST", "/v1/compress", [(b"content-type", kind)], once(body)))
        assert response.body.data is not None
        assert response.get(b"content-length") == b"%d" % len(response.body.data)
        return json.loads(response.body.data)


@pytest.mark.parametrize("name", BODIES)
async def test_a_body_of_any_api_is_answered_with_what_would_be_sent(name: str) -> None:
    world, raw = World(), json.dumps(BODIES[name]).encode()
    assert dialects.guess(Document.parse(raw)).name == name
    found = await world.ask(raw)
    assert list(found) == ["body", "tokens_before", "tokens_after", "edits", "skipped"]
    assert found["tokens_after"] < found["tokens_before"]
    assert len(json.dumps(found["body"])) < len(raw)
    assert [(edit["by"], edit["tool"], edit["key"]) for edit in found["edits"]] == [("logs", "Bash", key_of(LOG))]
    assert list(world.kept.values()) == [LOG]
    assert (await world.store.size(SENT)).entries == 0, "nothing was sent"


async def test_what_needs_no_change_comes_back_as_it_was() -> None:
    found = await World().ask(b' {"messages": [{"role": "user", "content": "hi", "n": 1.0e2}]}\n')
    assert found["body"] == {"messages": [{"role": "user", "content": "hi", "n": 100.0}]}
    assert found["edits"] == []


async def test_with_no_optimize_nothing_is_changed() -> None:
    found = await World(optimize=False).ask(json.dumps(BODIES["anthropic"]).encode())
    assert (found["body"], list(found["skipped"])) == (BODIES["anthropic"], ["optimize_off"])


@pytest.mark.parametrize(("body", "kind", "error"), [
    (b"{}", b"text/plain", BadRequest), (b"not json", b"application/json", BadRequest), (b"[]", b"application/json", BadRequest),
    (b" " * (UNPARSED + 1), b"application/json", TooLarge),
])
async def test_what_is_no_request_is_told_so(body: bytes, kind: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        await World().ask(body, kind)


async def test_a_form_whose_original_cannot_be_kept_is_not_given() -> None:
    with pytest.raises(Busy):
        await World(keeps=False).ask(json.dumps(BODIES["anthropic"]).encode())


@pytest.mark.parametrize(("body", "name"), [
    ({"messages": [], "tools": [{"type": "function", "function": {"name": "x"}}]}, "openai-chat"),
    ({"messages": [], "tools": [{"name": "x", "input_schema": {}}]}, "anthropic"),
    ({"messages": [{"role": "system", "content": "x"}]}, "openai-chat"), ({"input": "x"}, "openai-responses"), ({}, "anthropic"),
])
async def test_whose_a_body_is(body: Mapping[str, Any], name: str) -> None:
    assert dialects.guess(Document.parse(json.dumps(body).encode())).name == name
