"""OpenAI Chat Completions: POST /v1/chat/completions, also without /v1.

Texts stand in message `content`, a string or a list of parts. A message of role tool names the call it answers; the call,
on an earlier assistant message, names the tool. Role function is the older form, which names the tool itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from headroom.conversation import Address, Conversation, Json, Part, Usage
from headroom.dialects import openai
from headroom.dialects.document import Document
from headroom.dialects.rewriting import appended
from headroom.dialects.shapes import compact, mapping, objects, text_of, tokens_of
from headroom.dialects.strict import parsed
from headroom.dialects.ties import UNKNOWN, Ties
from headroom.dialects.turns import Call, Calls, Turn, read


class OpenAIChat:
    name = "openai-chat"
    provider = "openai"
    turns = "messages"

    def speaks(self, method: str, path: str) -> bool:
        return method == "POST" and path in ("/v1/chat/completions", "/chat/completions")

    def forward(self, target: str) -> str:
        return openai.forward(target)

    def read(self, document: Document, path: str) -> Conversation:
        reading = read(document, self.name, (("messages", _message),), ("tools", "functions"))
        return Conversation(
            text_of(document.get("model")), reading.parts, reading.fresh, document.get("stream") is True, reading.others,
            definitions=reading.definitions, opaque=reading.opaque, replies=reading.replies, traces=reading.traces,
        )

    def ties(self, element: Json) -> Ties:
        message = mapping(element)
        role = text_of(message.get("role"))
        if role in ("tool", "function"):
            return Ties("tool", answered=(text_of(message.get("tool_call_id")) or _id_of(text_of(message.get("name"))),))
        calls = tuple(_calls(message))
        if not calls and message.get("content") is None:
            return UNKNOWN
        words = any(True for _ in _texts(message.get("content"), ()))
        return Ties(openai.ROLES.get(role, "user"), calls, tuple(call.id for call in calls), words=words)

    def noted(self, source: str, text: str) -> str:
        return appended(source, "content", text, lambda said: {"type": "text", "text": said})

    def bare(self, source: str) -> str | None:
        return source

    def usage(self, message: Json) -> Usage | None:
        """prompt_tokens are all of the prompt, what was cached and what was written to the cache included."""
        found = mapping(message).get("usage")
        if not isinstance(found, dict):
            return None
        details = mapping(found.get("prompt_tokens_details"))
        prompt, cached, written = (
            tokens_of(found.get("prompt_tokens")), tokens_of(details.get("cached_tokens")),
            tokens_of(details.get("cache_write_tokens")),
        )
        uncached = None if prompt is None else max(0, prompt - (cached or 0) - (written or 0))
        return Usage(uncached, tokens_of(found.get("completion_tokens")), cached, written)

    def error(self, status: int, message: str, kind: str = "") -> Json:
        return openai.error(status, message, kind)

    def broken(self, message: str) -> bytes:
        return b"\n\ndata: %s\n\n" % json.dumps(self.error(502, message)).encode()

    def mismatch(self, status: int, body: Json) -> bool:
        return openai.mismatch(status, body)


def _message(at: Address, value: Json, calls: Calls) -> Turn:
    message = mapping(value)
    named, texts = text_of(message.get("role")), tuple(_texts(message.get("content"), (*at, "content")))
    if named in ("tool", "function"):
        call = _answered(message, calls)
        return Turn(tuple(Part("tool", text, where, call.tool, call.input) for where, text in texts))
    role = openai.ROLES.get(named, "user")
    made = tuple(_calls(message))
    others = (*(compact(call.input) for call in made), text_of(message.get("reasoning_content")))
    return Turn(
        tuple(Part(role, text, where) for where, text in texts), made, others=tuple(filter(None, others)),
        assistant=role == "assistant",
    )


def _texts(content: Json, at: Address) -> Iterator[tuple[Address, str]]:
    if isinstance(content, str):
        yield at, content
    for j, part in objects(content):
        if part.get("type") == "text" and isinstance(part.get("text"), str):
            yield (*at, j, "text"), part["text"]


def _answered(message: Mapping[str, Json], calls: Calls) -> Call:
    name = text_of(message.get("name"))
    known = calls.get(text_of(message.get("tool_call_id")) or _id_of(name))
    return known or Call("", name, None)


def _calls(message: Mapping[str, Json]) -> Iterator[Call]:
    for _, call in objects(message.get("tool_calls")):
        made = mapping(call.get("function") or call.get("custom"))
        given = made.get("arguments", made.get("input"))
        yield Call(text_of(call.get("id")), text_of(made.get("name")), parsed(given) if isinstance(given, str) else given)
    older = message.get("function_call")
    if isinstance(older, dict):
        name = text_of(older.get("name"))
        yield Call(_id_of(name), name, parsed(text_of(older.get("arguments"))))


def _id_of(name: str) -> str:
    """Calls of the older form have no ids; the latest call of that name is the one answered."""
    return "function " + name
