"""Anthropic Messages: POST /v1/messages and /v1/messages/count_tokens, which is read exactly alike.

Texts stand in `system` and in message `content`, each a string or a list of blocks, and in the `content` of tool_result
blocks, again a string or blocks. Blocks with signatures or encrypted content are never touched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from headroom.conversation import Address, Conversation, Json, Role, Usage
from headroom.dialects.document import Document
from headroom.dialects.turns import Call, Text, Turn, objects, read, text_of

KINDS = {
    400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
    405: "invalid_request_error", 413: "request_too_large", 426: "invalid_request_error", 429: "rate_limit_error",
    503: "overloaded_error", 504: "timeout_error",
}
ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}
BOUND = re.compile(r"thinking|signature|reasoning", re.IGNORECASE)
BROKEN = re.compile(r"mismatch|does not match|do not match|cannot be modified|invalid .{0,20}signature|must (?:match|remain)", re.IGNORECASE)


class Anthropic:
    name = "anthropic"
    provider = "anthropic"

    def speaks(self, method: str, path: str) -> bool:
        return method == "POST" and path in ("/v1/messages", "/v1/messages/count_tokens")

    def forward(self, target: str) -> str:
        return target

    def read(self, document: Document, path: str) -> Conversation:
        start = _texts("system", document.get("system"), ("system",))
        reading = read(document, "messages", self.name, _turn, start)
        tools = document.source("tools")
        return Conversation(
            text_of(document.get("model")), tuple(reading.parts), reading.fresh, document.get("stream") is True,
            (*reading.others, *([tools] if tools else [])),
        )

    def usage(self, message: Json) -> Usage | None:
        if not isinstance(message, dict):
            return None
        inner = message.get("message")
        found = (inner if isinstance(inner, dict) else message).get("usage")
        if not isinstance(found, dict):
            return None
        return Usage(*(
            v if isinstance(v := found.get(k), int) else None
            for k in ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
        ))

    def error(self, status: int, message: str, kind: str = "") -> Json:
        return {"type": "error", "error": {"type": kind or KINDS.get(status, "api_error"), "message": message}}

    def broken(self, message: str) -> bytes:
        data = json.dumps(self.error(502, message))
        return f"\n\nevent: error\ndata: {data}\n\n".encode()

    def mismatch(self, status: int, body: Json) -> bool:
        error = body.get("error") if isinstance(body, dict) else None
        if status != 400 or not isinstance(error, dict) or error.get("type") != "invalid_request_error":
            return False
        words = text_of(error.get("message"))
        return bool(BOUND.search(words) and BROKEN.search(words))


def _turn(i: int, message: Json) -> Turn:
    if not isinstance(message, dict):
        return Turn()
    role = ROLES.get(text_of(message.get("role")), "user")
    content, at = message.get("content"), ("messages", i, "content")
    calls = tuple(
        Call(text_of(b.get("id")), text_of(b.get("name")), b.get("input"))
        for _, b in objects(content) if b.get("type") == "tool_use"
    )
    return Turn(tuple(_texts(role, content, at)), calls, role == "assistant")


def _texts(role: Role, content: Json, at: Address, answers: str = "", error: bool = False) -> Iterator[Text]:
    if isinstance(content, str):
        yield Text(role, content, at, answers, error)
        return
    for j, block in objects(content):
        if block.get("type") == "text" and isinstance(block.get("text"), str):
            yield Text(role, block["text"], (*at, j, "text"), answers, error)
        elif block.get("type") == "tool_result" and role != "tool":
            failed = block.get("is_error") is True
            yield from _texts("tool", block.get("content"), (*at, j, "content"), text_of(block.get("tool_use_id")), failed)
