"""Anthropic Messages: POST /v1/messages and /v1/messages/count_tokens, which is read alike and was never sent.

Texts stand in `system` and in message `content`, each a string or a list of blocks, and in the `content` of tool_result
blocks, again a string or blocks. All other blocks are opaque: many carry signatures or encrypted content.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from headroom.conversation import Address, Conversation, Json, Part, Role, Usage
from headroom.dialects.document import Document
from headroom.dialects.rewriting import appended, without
from headroom.dialects.shapes import compact, mapping, objects, text_of, tokens_of
from headroom.dialects.ties import UNKNOWN, Side, Ties
from headroom.dialects.turns import Call, Calls, Turn, read

KINDS = {
    400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error",
    404: "not_found_error", 405: "invalid_request_error", 409: "conflict_error", 413: "request_too_large",
    426: "invalid_request_error", 429: "rate_limit_error", 503: "overloaded_error", 504: "timeout_error",
    529: "overloaded_error",
}
ROLES: dict[str, Role] = {"assistant": "assistant", "system": "system", "developer": "system"}

INPUTS = frozenset(("tool_use", "server_tool_use", "mcp_tool_use"))
"""Blocks whose input the model reads."""

SIGNED = frozenset(("thinking", "redacted_thinking"))
STAYS = frozenset(("compaction", "container_upload"))
"""Blocks that stand for more than themselves: what was said before, files for later."""

COUNTERS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")

BOUND = re.compile(r"thinking|signature|reasoning", re.IGNORECASE)
BROKEN = re.compile(
    r"mismatch|(?:do(?:es)? not|doesn't|don't|must|no longer) match|(?:cannot|can't|must not) be (?:modified|changed|edited)"
    r"|(?:was|were|been) (?:modified|changed|edited)|must remain|invalid\b.{0,30}\bsignature|signature\b.{0,30}\binvalid",
    re.IGNORECASE,
)


class Anthropic:
    name = "anthropic"
    provider = "anthropic"
    turns = "messages"

    def speaks(self, method: str, path: str) -> bool:
        return method == "POST" and path in ("/v1/messages", "/v1/messages/count_tokens")

    def forward(self, target: str) -> str:
        return target

    def read(self, document: Document, path: str) -> Conversation:
        reading = read(document, self.name, (("system", _system), ("messages", _message)), ("tools",))
        # In a message thread the provider holds what was said before.
        kept = document.get("thread") is not None
        return Conversation(
            text_of(document.get("model")), reading.parts, reading.fresh, document.get("stream") is True,
            reading.others, kept, _forgets(document.get("context_management")), reading.definitions, reading.opaque, replies=reading.replies,
            traces=reading.traces, only_counted=path.endswith("/count_tokens"),
        )

    def ties(self, element: Json) -> Ties:
        message = mapping(element)
        content = message.get("content")
        blocks = [{"type": "text"}] if isinstance(content, str) else [block for _, block in objects(content)]
        if not blocks:
            return UNKNOWN
        kinds = {text_of(block.get("type")) for block in blocks}
        calls = tuple(_call(block) for block in blocks if text_of(block.get("type")) in INPUTS)
        answered = tuple(block["tool_use_id"] for block in blocks if isinstance(block.get("tool_use_id"), str))
        side: Side = ROLES.get(text_of(message.get("role")), "user")
        return Ties(
            "tool" if side == "user" and answered else side, calls, tuple(call.id for call in calls), answered,
            "text" in kinds, not kinds.isdisjoint(SIGNED), not kinds.isdisjoint(STAYS),
        )

    def noted(self, source: str, text: str) -> str:
        return appended(source, "content", text, lambda said: {"type": "text", "text": said})

    def bare(self, source: str) -> str | None:
        return without(source, "content", SIGNED)

    def usage(self, message: Json) -> Usage | None:
        """Of a whole answer, of message_start (where it is in `message`) or of message_delta."""
        answer = mapping(message)
        found = mapping(answer.get("message")).get("usage", answer.get("usage"))
        if not isinstance(found, dict):
            return None
        lasting = tokens_of(mapping(found.get("cache_creation")).get("ephemeral_1h_input_tokens")) or None
        return Usage(*(tokens_of(found.get(name)) for name in COUNTERS), cache_write_long_tokens=lasting)

    def error(self, status: int, message: str, kind: str = "") -> Json:
        return {"type": "error", "error": {"type": kind or KINDS.get(status, "api_error"), "message": message}}

    def broken(self, message: str) -> bytes:
        return b"\n\nevent: error\ndata: %s\n\n" % json.dumps(self.error(502, message)).encode()

    def mismatch(self, status: int, body: Json) -> bool:
        error = mapping(mapping(body).get("error"))
        words = text_of(error.get("message"))
        return (
            status == 400 and error.get("type") == "invalid_request_error"
            and BOUND.search(words) is not None and BROKEN.search(words) is not None
        )


def _forgets(management: Json) -> bool:
    """Whether the provider is asked to clear or compact earlier results; clearing of thinking touches none."""
    edits = [text_of(edit.get("type")) for _, edit in objects(mapping(management).get("edits"))]
    return any(not edit.startswith("clear_thinking") for edit in edits)


def _system(at: Address, value: Json, calls: Calls) -> Turn:
    """The system prompt, or one block of it."""
    if isinstance(value, str):
        return Turn((Part("system", value, at),))
    text = mapping(value).get("text")
    return Turn((Part("system", text, (*at, "text")),) if isinstance(text, str) else ())


def _message(at: Address, value: Json, calls: Calls) -> Turn:
    message = mapping(value)
    role, content, at = ROLES.get(text_of(message.get("role")), "user"), message.get("content"), (*at, "content")
    made = tuple(
        _call(block) for _, block in objects(content) if block.get("type") == "tool_use"
    )
    return Turn(
        tuple(_parts(role, content, at, calls)), made, others=tuple(filter(None, _others(content))),
        assistant=role == "assistant",
    )


def _call(block: Mapping[str, Json]) -> Call:
    return Call(text_of(block.get("id")), text_of(block.get("name")), block.get("input"))


def _parts(role: Role, content: Json, at: Address, calls: Calls) -> Iterator[Part]:
    if isinstance(content, str):
        yield Part(role, content, at)
    for j, block in objects(content):
        if block.get("type") == "text" and isinstance(block.get("text"), str):
            yield Part(role, block["text"], (*at, j, "text"))
        elif block.get("type") == "tool_result":
            call = calls.get(text_of(block.get("tool_use_id"))) or Call("", "", None)
            failed = block.get("is_error") is True
            for where, text in _result(block.get("content"), (*at, j, "content")):
                yield Part("tool", text, where, call.tool, call.input, failed)


def _result(content: Json, at: Address) -> Iterator[tuple[Address, str]]:
    """The texts of a tool's result; what stands beside them (images, documents, tool references) is opaque."""
    if isinstance(content, str):
        yield at, content
    for j, block in objects(content):
        if block.get("type") == "text" and isinstance(block.get("text"), str):
            yield (*at, j, "text"), block["text"]


def _others(content: Json) -> Iterator[str]:
    for _, block in objects(content):
        if text_of(block.get("type")) in INPUTS:
            yield compact(block.get("input"))
        elif block.get("type") == "thinking":
            yield text_of(block.get("thinking"))
