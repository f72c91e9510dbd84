"""A small client for each API, which keeps its history as the vendors' SDKs do."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from headroom.conversation import Json
from headroom.demo.base import objects
from headroom.demo.session import marked
from headroom.dialects.hidden.base import NAME
from tests.dialects.hidden import anthropic_answers, gemini_answers
from tests.laws.outputs import Output
from tests.laws.sessions import Session

SYSTEM = "You are an agent. Use the tools."
SCHEMA: Json = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "title": "input", "properties": {"what": {"type": "string", "title": "What"}}}
TOOLS = {name: f"\n    {name} something.\n    And more.\n" for name in ("Bash", "Edit", "Fetch", "Grep", "Read")}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client makes of an answer."""

    history: tuple[Json, ...]
    """Elements that it appends."""
    thinking: str
    text: str
    calls: tuple[tuple[str, Json], ...]
    """Name and input."""
    ids: tuple[str, ...]

    @property
    def shown(self) -> tuple[str, str, tuple[tuple[str, Json], ...]]:
        return self.thinking, self.text, self.calls


@dataclass(frozen=True, slots=True)
class Called:
    """A call, or its result."""

    id: str
    text: str | None
    name: str = ""


def given_back(found: Iterable[Called]) -> list[str]:
    """Results of calls of our tool. An id that is made anew, as it is where rounds were lost, means the new call."""
    texts: list[str] = []
    due: dict[str, int] = {}
    for each in found:
        if each.text is None:
            due.pop(each.id, None)
            if each.name == NAME:
                due[each.id] = len(texts)
                texts.append("")
        elif each.id in due:
            texts[due.pop(each.id)] = each.text
    return texts


class Client(Protocol):
    @property
    def items(self) -> str:
        """The member that holds the conversation."""
        ...

    def request(self, session: Session, history: Sequence[Json], *, stream: bool) -> tuple[str, Json]:
        """Target and body."""
        ...

    def user(self, text: str) -> Json: ...

    def answer(self, data: bytes, *, stream: bool) -> Answer: ...

    def results(self, ids: Sequence[str], outputs: Sequence[Output]) -> list[Json]: ...

    def retrieved(self, body: Mapping[str, Json]) -> list[str]:
        """What our tool gave back, in the order of its calls."""
        ...


class Anthropic:
    items = "messages"

    def request(self, session: Session, history: Sequence[Json], *, stream: bool) -> tuple[str, Json]:
        shown = [*history[:-1], marked(history[-1])] if session.marked else list(history)
        thinking = {"thinking": {"type": "enabled", "budget_tokens": 1024}} if session.thinks else {}
        tools = [{"name": name, "description": about, "input_schema": SCHEMA} for name, about in TOOLS.items()]
        return "/v1/messages", {"model": "claude-opus-4-8", "max_tokens": 2000, "stream": stream, "system": SYSTEM, "tools": tools, **thinking, "messages": shown}

    def user(self, text: str) -> Json:
        return {"role": "user", "content": text}

    def answer(self, data: bytes, *, stream: bool) -> Answer:
        found = anthropic_answers.rebuilt(data) if stream else json.loads(data)
        blocks = found["content"]
        calls = [block for block in blocks if block["type"] == "tool_use"]
        assert found["stop_reason"] == ("tool_use" if calls else "end_turn")
        return Answer(
            ({"role": "assistant", "content": blocks},), "".join(block.get("thinking", "") for block in blocks), "".join(block.get("text", "") for block in blocks),
            tuple((call["name"], call["input"]) for call in calls), tuple(call["id"] for call in calls),
        )

    def results(self, ids: Sequence[str], outputs: Sequence[Output]) -> list[Json]:
        blocks = [{"type": "tool_result", "tool_use_id": called, "content": output.text, **({"is_error": True} if output.error else {})} for called, output in zip(ids, outputs, strict=True)]
        return [{"role": "user", "content": blocks}]

    def retrieved(self, body: Mapping[str, Json]) -> list[str]:
        blocks = [block for message in objects(body["messages"]) for block in objects(message["content"])]
        return given_back(
            Called(block["tool_use_id"], block["content"]) if block["type"] == "tool_result" else Called(block["id"], None, block["name"])
            for block in blocks if block["type"] in ("tool_result", "tool_use")
        )


class OpenAIChat:
    items = "messages"

    def request(self, session: Session, history: Sequence[Json], *, stream: bool) -> tuple[str, Json]:
        tools = [{"type": "function", "function": {"name": name, "description": about, "parameters": SCHEMA}} for name, about in TOOLS.items()]
        more: Json = {"stream_options": {"include_usage": True}} if stream else {}
        return "/v1/chat/completions", {"model": "gpt-4.1", "stream": stream, **more, "tools": tools, "messages": [{"role": "system", "content": SYSTEM}, *history]}

    def user(self, text: str) -> Json:
        return {"role": "user", "content": text}

    def answer(self, data: bytes, *, stream: bool) -> Answer:
        message, reason = self._rebuilt(data) if stream else self._whole(data)
        calls = message.get("tool_calls", [])
        assert reason == ("tool_calls" if calls else "stop")
        said = {"role": "assistant", "content": message["content"], **({"tool_calls": calls} if calls else {})}
        made = tuple((call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls)
        return Answer((said,), "", message["content"] or "", made, tuple(call["id"] for call in calls))

    def _whole(self, data: bytes) -> tuple[Json, str]:
        choice = json.loads(data)["choices"][0]
        return choice["message"], choice["finish_reason"]

    def _rebuilt(self, data: bytes) -> tuple[Json, str]:
        assert data.count(b"[DONE]") == 1
        found = [json.loads(line[6:]) for line in data.split(b"\n") if line.startswith(b"data: {")]
        assert len({each["id"] for each in found}) == 1
        choices = [choice for each in found for choice in each["choices"]]
        text, calls = "", list[Json]()
        for choice in choices:
            text += choice["delta"].get("content") or ""
            for delta in choice["delta"].get("tool_calls", []):
                if delta["index"] == len(calls):
                    calls.append({"id": delta["id"], "type": "function", "function": {"name": delta["function"]["name"], "arguments": ""}})
                calls[delta["index"]]["function"]["arguments"] += delta["function"].get("arguments", "")
        reasons = [choice["finish_reason"] for choice in choices if choice["finish_reason"]]
        assert len(reasons) == 1
        return {"content": text or None, **({"tool_calls": calls} if calls else {})}, reasons[0]

    def results(self, ids: Sequence[str], outputs: Sequence[Output]) -> list[Json]:
        return [{"role": "tool", "tool_call_id": called, "content": output.text} for called, output in zip(ids, outputs, strict=True)]

    def retrieved(self, body: Mapping[str, Json]) -> list[str]:
        found: list[Called] = []
        for message in objects(body["messages"]):
            if message["role"] == "tool":
                found.append(Called(message["tool_call_id"], message["content"]))
            found += (Called(call["id"], None, call["function"]["name"]) for call in objects(message.get("tool_calls")))
        return given_back(found)


class OpenAIResponses:
    items = "input"

    def request(self, session: Session, history: Sequence[Json], *, stream: bool) -> tuple[str, Json]:
        tools = [{"type": "function", "name": name, "description": about, "parameters": SCHEMA} for name, about in TOOLS.items()]
        return "/v1/responses", {
            "model": "gpt-5.2", "instructions": SYSTEM, "stream": stream, "store": False, "include": ["reasoning.encrypted_content"], "tools": tools, "input": list(history),
        }

    def user(self, text: str) -> Json:
        return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}

    def answer(self, data: bytes, *, stream: bool) -> Answer:
        items = self._rebuilt(data) if stream else json.loads(data)["output"]
        calls = [item for item in items if item["type"] == "function_call"]
        thinking = "".join(part["text"] for item in items if item["type"] == "reasoning" for part in item["summary"])
        text = "".join(part["text"] for item in items if item["type"] == "message" for part in item["content"])
        made = tuple((call["name"], json.loads(call["arguments"])) for call in calls)
        return Answer(tuple(items), thinking, text, made, tuple(call["call_id"] for call in calls))

    def _rebuilt(self, data: bytes) -> list[Json]:
        found = [json.loads(line[6:]) for line in data.split(b"\n") if line.startswith(b"data: {")]
        assert [each["sequence_number"] for each in found] == list(range(len(found)))
        done = [each["item"] for each in found if each["type"] == "response.output_item.done"]
        (whole,) = [each["response"]["output"] for each in found if each["type"] == "response.completed"]
        assert whole == done
        return done

    def results(self, ids: Sequence[str], outputs: Sequence[Output]) -> list[Json]:
        return [{"type": "function_call_output", "call_id": called, "output": output.text} for called, output in zip(ids, outputs, strict=True)]

    def retrieved(self, body: Mapping[str, Json]) -> list[str]:
        items = [item for item in objects(body["input"]) if "call_id" in item]
        return given_back(Called(item["call_id"], item.get("output"), item.get("name", "")) for item in items)


class Gemini:
    items = "contents"

    def request(self, session: Session, history: Sequence[Json], *, stream: bool) -> tuple[str, Json]:
        tools = [{"functionDeclarations": [{"name": name, "description": about, "parametersJsonSchema": SCHEMA} for name, about in TOOLS.items()]}]
        verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return f"/v1beta/models/gemini-3-pro:{verb}", {"systemInstruction": {"parts": [{"text": SYSTEM}]}, "tools": tools, "contents": list(history)}

    def user(self, text: str) -> Json:
        return {"role": "user", "parts": [{"text": text}]}

    def answer(self, data: bytes, *, stream: bool) -> Answer:
        if stream:
            chunks = gemini_answers.messages(data)
            reasons = [chunk["candidates"][0].get("finishReason") for chunk in chunks]
            assert reasons == [None] * (len(chunks) - 1) + ["STOP"]
            parts = gemini_answers.joined([part for chunk in chunks for part in chunk["candidates"][0]["content"]["parts"]])
        else:
            parts = json.loads(data)["candidates"][0]["content"]["parts"]
        calls = [part["functionCall"] for part in parts if "functionCall" in part]
        return Answer(
            ({"role": "model", "parts": parts},), "", "".join(part.get("text", "") for part in parts),
            tuple((call["name"], call["args"]) for call in calls), tuple(call["name"] for call in calls),
        )

    def results(self, ids: Sequence[str], outputs: Sequence[Output]) -> list[Json]:
        parts = [{"functionResponse": {"name": name, "response": {"error" if output.error else "output": output.text}}} for name, output in zip(ids, outputs, strict=True)]
        return [{"role": "user", "parts": parts}]

    def retrieved(self, body: Mapping[str, Json]) -> list[str]:
        parts = [part for content in objects(body["contents"]) for part in objects(content["parts"])]
        answers = [part["functionResponse"] for part in parts if "functionResponse" in part]
        return ["".join(answer["response"].values()) for answer in answers if answer["name"] == NAME]


CLIENTS: Mapping[str, Client] = {"anthropic": Anthropic(), "openai-chat": OpenAIChat(), "openai-responses": OpenAIResponses(), "gemini": Gemini()}
