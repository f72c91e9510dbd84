"""OpenAI Chat Completions: POST /v1/chat/completions, also without /v1.

Texts stand in message `content`, a string or a list of parts. A message of role tool names the call it answers; the call,
on an earlier assistant message, names the tool. Role function is the older form, which names the tool itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from headroom.conversation import Conversation, Json, Usage
from headroom.dialects import openai
from headroom.dialects.document import Document
from headroom.dialects.turns import Call, Text, Turn, objects, parsed, read, text_of


class OpenAIChat:
    name = "openai-chat"
    provider = "openai"

    def speaks(self, method: str, path: str) -> bool:
        return method == "POST" and path in ("/v1/chat/completions", "/chat/completions")

    def forward(self, target: str) -> str:
        return openai.forward(target)

    def read(self, document: Document, path: str) -> Conversation:
        reading = read(document, "messages", self.name, _turn)
        tools = [source for name in ("tools", "functions") if (source := document.source(name))]
        return Conversation(
            text_of(document.get("model")), tuple(reading.parts), reading.fresh, document.get("stream") is True,
            (*reading.others, *tools),
        )

    def usage(self, message: Json) -> Usage | None:
        found = message.get("usage") if isinstance(message, dict) else None
        if not isinstance(found, dict) or not isinstance(found.get("prompt_tokens"), int):
            return None
        details = found.get("prompt_tokens_details")
        cached = details.get("cached_tokens") if isinstance(details, dict) else None
        cached = cached if isinstance(cached, int) else 0
        output = found.get("completion_tokens")
        return Usage(found["prompt_tokens"] - cached, output if isinstance(output, int) else None, cached)

    def error(self, status: int, message: str, kind: str = "") -> Json:
        return openai.error(status, message, kind)

    def broken(self, message: str) -> bytes:
        return f"\n\ndata: {json.dumps(self.error(502, message))}\n\n".encode()

    def mismatch(self, status: int, body: Json) -> bool:
        return openai.mismatch(status, body)


def _turn(i: int, message: Json) -> Turn:
    if not isinstance(message, dict):
        return Turn()
    role = openai.ROLES.get(text_of(message.get("role")), "user")
    answers = text_of(message.get("tool_call_id")) or ("name:" + text_of(message.get("name")) if role == "tool" else "")
    return Turn(tuple(_texts(i, message, answers)), tuple(_calls(message)), role == "assistant")


def _texts(i: int, message: Mapping[str, Json], answers: str) -> Iterator[Text]:
    role, content = openai.ROLES.get(text_of(message.get("role")), "user"), message.get("content")
    if isinstance(content, str):
        yield Text(role, content, ("messages", i, "content"), answers)
    for j, part in objects(content):
        if part.get("type") == "text" and isinstance(part.get("text"), str):
            yield Text(role, part["text"], ("messages", i, "content", j, "text"), answers)


def _calls(message: Mapping[str, Json]) -> Iterator[Call]:
    for _, call in objects(message.get("tool_calls")):
        of = call.get("function") or call.get("custom")
        if isinstance(of, dict):
            yield Call(text_of(call.get("id")), text_of(of.get("name")), parsed(of.get("arguments", of.get("input"))))
    older = message.get("function_call")
    if isinstance(older, dict):
        name = text_of(older.get("name"))
        yield Call("name:" + name, name, parsed(older.get("arguments")))
