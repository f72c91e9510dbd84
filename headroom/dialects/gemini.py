"""Gemini: POST /v1beta/models/MODEL:generateContent and :streamGenerateContent, on Vertex too.

Texts stand in `systemInstruction` and in the parts of `contents`. The answer of a tool is an object, and stays one: its string
leaves are the texts. Member names come in camel case and in snake case. The model's name is in the path.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from headroom.conversation import Address, Conversation, Json, Role, Usage
from headroom.dialects.document import Document
from headroom.dialects.turns import Call, Text, Turn, objects, read, text_of

PATH = re.compile(r"(?:/v1(?:beta\d?|alpha)?)?(?:/projects/[^/]+/locations/[^/]+/publishers/google)?/models/(?P<model>[^/:]+):(?P<verb>generateContent|streamGenerateContent)")
STATUSES = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 405: "UNIMPLEMENTED",
    413: "INVALID_ARGUMENT", 426: "FAILED_PRECONDITION", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
}
BOUND = re.compile(r"thought[ _]?signature|reasoning", re.IGNORECASE)
BROKEN = re.compile(r"mismatch|missing|invalid|does not match|corrupt", re.IGNORECASE)
DEPTH = 8
"""How deep in a tool's answer texts are looked for; deeper ones are left alone."""


class Gemini:
    name = "gemini"
    provider = "gemini"

    def speaks(self, method: str, path: str) -> bool:
        return method == "POST" and PATH.fullmatch(path) is not None

    def forward(self, target: str) -> str:
        return "/v1beta" + target if target.startswith("/models/") else target

    def read(self, document: Document, path: str) -> Conversation:
        match = PATH.fullmatch(path)
        start: list[Text] = []
        for name in ("systemInstruction", "system_instruction"):
            instruction = document.get(name)
            if isinstance(instruction, dict):
                start += [
                    Text("system", p["text"], (name, "parts", j, "text"))
                    for j, p in objects(instruction.get("parts")) if isinstance(p.get("text"), str)
                ]
        reading = read(document, "contents", self.name, _turn, start)
        tools = document.source("tools")
        kept = document.get("cachedContent") or document.get("cached_content")
        return Conversation(
            match["model"] if match else "", tuple(reading.parts), reading.fresh,
            bool(match and match["verb"].startswith("stream")), (*reading.others, *([tools] if tools else [])), bool(kept),
        )

    def usage(self, message: Json) -> Usage | None:
        found = message.get("usageMetadata") if isinstance(message, dict) else None
        if not isinstance(found, dict):
            return None
        prompt, cached, said, thought = (
            v if isinstance(v := found.get(k), int) else None
            for k in ("promptTokenCount", "cachedContentTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
        )
        output = None if said is None and thought is None else (said or 0) + (thought or 0)
        return Usage(None if prompt is None else prompt - (cached or 0), output, cached)

    def error(self, status: int, message: str, kind: str = "") -> Json:
        return {"error": {"code": status, "message": message, "status": kind or STATUSES.get(status, "INTERNAL")}}

    def broken(self, message: str) -> bytes:
        return f"\n\ndata: {json.dumps(self.error(502, message))}\n\n".encode()

    def mismatch(self, status: int, body: Json) -> bool:
        error = body.get("error") if isinstance(body, dict) else None
        words = text_of(error.get("message")) if isinstance(error, dict) else ""
        return status == 400 and bool(BOUND.search(words) and BROKEN.search(words))


def _turn(i: int, content: Json) -> Turn:
    if not isinstance(content, dict):
        return Turn()
    role: Role = "assistant" if content.get("role") == "model" else "user"
    texts: list[Text] = []
    calls: list[Call] = []
    for j, part in objects(content.get("parts")):
        if isinstance(part.get("text"), str):
            texts.append(Text(role, part["text"], ("contents", i, "parts", j, "text")))
        call = part.get("functionCall") or part.get("function_call")
        if isinstance(call, dict):
            calls.append(Call(_id(call), text_of(call.get("name")), call.get("args")))
        texts += _answer(i, j, part)
    return Turn(tuple(texts), tuple(calls), role == "assistant")


def _answer(i: int, j: int, part: Mapping[str, Json]) -> Iterator[Text]:
    for member in ("functionResponse", "function_response"):
        answer = part.get(member)
        if isinstance(answer, dict) and isinstance(answer.get("response"), dict):
            at = ("contents", i, "parts", j, member, "response")
            failed = "error" in answer["response"]
            for where, text in _leaves(answer["response"], at, DEPTH):
                yield Text("tool", text, where, _id(answer), failed)


def _id(value: Mapping[str, Json]) -> str:
    """Calls have ids on some models only; else the name has to do, and the latest call of that name is meant."""
    return text_of(value.get("id")) or "name:" + text_of(value.get("name"))


def _leaves(value: Json, at: Address, depth: int) -> Iterator[tuple[Address, str]]:
    if isinstance(value, str):
        yield at, value
    elif depth and isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, (*at, key), depth - 1)
    elif depth and isinstance(value, list):
        for k, inner in enumerate(value):
            yield from _leaves(inner, (*at, k), depth - 1)
