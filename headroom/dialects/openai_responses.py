"""OpenAI Responses: POST /v1/responses, also without /v1.

`input` is a string or a list of items. Tool outputs are items of their own, `output` being a string or a list of texts,
or, for the shell, a list of stdout and stderr. What the provider signs or keeps (reasoning, computer screenshots) is never touched.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from headroom.conversation import Conversation, Json, Role, Usage
from headroom.dialects import openai
from headroom.dialects.document import Document
from headroom.dialects.turns import Call, Text, Turn, objects, parsed, read, text_of

OUTPUTS = frozenset((
    "function_call_output", "custom_tool_call_output", "local_shell_call_output", "shell_call_output",
    "apply_patch_call_output",
))
CALLS: Mapping[str, tuple[str, str]] = {
    "function_call": ("", "arguments"), "custom_tool_call": ("", "input"), "local_shell_call": ("local_shell", "action"),
    "shell_call": ("shell", "action"), "apply_patch_call": ("apply_patch", "operation"),
}
"""Type of a call → the tool's name where the item has none, and the member with its input."""

FAILED = frozenset(("failed", "incomplete"))
TEXTS = frozenset(("input_text", "output_text", "text"))
KEPT = ("previous_response_id", "conversation", "prompt")
"""With any of these the provider holds earlier turns itself."""


class OpenAIResponses:
    name = "openai-responses"
    provider = "openai"

    def speaks(self, method: str, path: str) -> bool:
        return method == "POST" and path in ("/v1/responses", "/responses")

    def forward(self, target: str) -> str:
        return openai.forward(target)

    def read(self, document: Document, path: str) -> Conversation:
        start = []
        if isinstance(document.get("instructions"), str):
            start.append(Text("system", document.get("instructions"), ("instructions",)))
        reading = read(document, "input", self.name, _turn, start)
        if isinstance(document.get("input"), str):
            reading.add(Turn((Text("user", document.get("input"), ("input",)),)))
        tools = document.source("tools")
        return Conversation(
            text_of(document.get("model")), tuple(reading.parts), reading.fresh, document.get("stream") is True,
            (*reading.others, *([tools] if tools else [])), any(document.get(name) is not None for name in KEPT),
        )

    def usage(self, message: Json) -> Usage | None:
        inner = message.get("response") if isinstance(message, dict) else None
        found = (inner if isinstance(inner, dict) else message).get("usage") if isinstance(message, dict) else None
        if not isinstance(found, dict) or not isinstance(found.get("input_tokens"), int):
            return None
        details = found.get("input_tokens_details")
        cached, written = (
            v if isinstance(details, dict) and isinstance(v := details.get(k), int) else None
            for k in ("cached_tokens", "cache_write_tokens")
        )
        output = found.get("output_tokens")
        uncached = found["input_tokens"] - (cached or 0) - (written or 0)
        return Usage(uncached, output if isinstance(output, int) else None, cached, written)

    def error(self, status: int, message: str, kind: str = "") -> Json:
        return openai.error(status, message, kind)

    def broken(self, message: str) -> bytes:
        data = json.dumps({"type": "error", "code": "server_error", "message": message, "param": None})
        return f"\n\nevent: error\ndata: {data}\n\n".encode()

    def mismatch(self, status: int, body: Json) -> bool:
        return openai.mismatch(status, body)


def _turn(i: int, item: Json) -> Turn:
    if not isinstance(item, dict):
        return Turn()
    kind = text_of(item.get("type")) or "message"
    if kind == "message":
        role = openai.ROLES.get(text_of(item.get("role")), "user")
        return Turn(tuple(_contents(role, item.get("content"), (i, "content"))), (), role == "assistant")
    if kind in OUTPUTS:
        return Turn(tuple(_outputs(i, item)))
    if kind == "additional_tools":
        return Turn(calls=(Call("", "", item.get("tools")),))
    if kind.endswith("_output"):
        return Turn()
    default, member = CALLS.get(kind, ("", ""))
    calls = (Call(text_of(item.get("call_id")), text_of(item.get("name")) or default, parsed(item.get(member))),) if member else ()
    return Turn((), calls, assistant=True)


def _outputs(i: int, item: Mapping[str, Json]) -> Iterator[Text]:
    call, failed = text_of(item.get("call_id")), item.get("status") in FAILED
    yield from _contents("tool", item.get("output"), (i, "output"), call, failed)
    for j, piece in objects(item.get("output")):
        for stream in ("stdout", "stderr"):
            if isinstance(piece.get(stream), str):
                yield Text("tool", piece[stream], ("input", i, "output", j, stream), call, failed)


def _contents(role: Role, content: Json, at: tuple[str | int, ...], answers: str = "", error: bool = False) -> Iterator[Text]:
    if isinstance(content, str):
        yield Text(role, content, ("input", *at), answers, error)
    for j, part in objects(content):
        if part.get("type") in TEXTS and isinstance(part.get("text"), str):
            yield Text(role, part["text"], ("input", *at, j, "text"), answers, error)
