"""OpenAI Responses: POST /v1/responses, also without /v1.

`input` is a string or a list of items. Tool outputs are items of their own, `output` being a string or a list of texts,
or, for the shell, a list of stdout and stderr. What the provider signs or runs itself is opaque.
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

OUTPUTS = frozenset((
    "function_call_output", "custom_tool_call_output", "local_shell_call_output", "shell_call_output",
    "apply_patch_call_output",
))
"""Items that hold what a tool on the client's side printed."""

INPUTS: Mapping[str, tuple[str, str]] = {
    "function_call": ("", "arguments"), "custom_tool_call": ("", "input"), "local_shell_call": ("local_shell", "action"),
    "shell_call": ("shell", "action"), "apply_patch_call": ("apply_patch", "operation"),
}
"""Type of a call that a client answers → the tool's name where the item has none, and the member with its input."""

SPOKEN = frozenset((
    "reasoning", "compaction", "mcp_list_tools", "mcp_approval_request", "program", "program_output",
))
"""Items of the model's that are not calls; the types of those all end with "_call"."""

DEFINES_TOOLS = frozenset(("additional_tools", "tool_search_output"))
FAILED = frozenset(("failed", "incomplete"))
TEXTS = frozenset(("input_text", "output_text", "text"))
STREAMS = ("stdout", "stderr")

KEPT = ("previous_response_id", "conversation", "prompt")
"""With any of these the provider holds a part of the prompt itself."""


class OpenAIResponses:
    name = "openai-responses"
    provider = "openai"
    turns = "input"

    def speaks(self, method: str, path: str) -> bool:
        return method == "POST" and path in ("/v1/responses", "/responses")

    def forward(self, target: str) -> str:
        return openai.forward(target)

    def read(self, document: Document, path: str) -> Conversation:
        reading = read(document, self.name, (("instructions", _instructions), ("input", _item)), ("tools",))
        kept = reading.elsewhere or any(document.get(name) is not None for name in KEPT)
        forgets = document.get("truncation") == "auto" or bool(document.get("context_management"))
        return Conversation(
            text_of(document.get("model")), reading.parts, reading.fresh, document.get("stream") is True,
            reading.others, kept, forgets, reading.definitions, reading.opaque, replies=reading.replies, tools_in=reading.tools_in,
            traces=reading.traces,
        )

    def ties(self, element: Json) -> Ties:
        item = mapping(element)
        kind = _kind(item)
        ids = tuple(item[name] for name in ("call_id", "id") if isinstance(item.get(name), str))
        if kind == "message":
            words = any(True for _ in _texts(item.get("content"), ()))
            return Ties(openai.ROLES.get(text_of(item.get("role")), "user"), words=words)
        if kind.endswith("_call"):
            return Ties("assistant", tuple(_calls(kind, item))[:1], ids)
        if kind in SPOKEN:
            return Ties("assistant", bound=kind == "reasoning", fixed=kind != "reasoning")
        return Ties("tool", answered=ids[:1], fixed=kind in DEFINES_TOOLS) if kind.endswith("_output") else UNKNOWN

    def noted(self, source: str, text: str) -> str:
        return appended(source, "content", text, lambda said: {"type": "input_text", "text": said})

    def bare(self, source: str) -> str | None:
        return source

    def usage(self, message: Json) -> Usage | None:
        """Of a whole answer, or of response.completed and its like. input_tokens are all of the input."""
        answer = mapping(message)
        found = mapping(answer.get("response")).get("usage", answer.get("usage"))
        if not isinstance(found, dict):
            return None
        details = mapping(found.get("input_tokens_details"))
        whole, cached, written = (
            tokens_of(found.get("input_tokens")), tokens_of(details.get("cached_tokens")),
            tokens_of(details.get("cache_write_tokens")),
        )
        uncached = None if whole is None else max(0, whole - (cached or 0) - (written or 0))
        return Usage(uncached, tokens_of(found.get("output_tokens")), cached, written)

    def error(self, status: int, message: str, kind: str = "") -> Json:
        return openai.error(status, message, kind)

    def broken(self, message: str) -> bytes:
        """An error event in both shapes clients look for: the documented flat one, and `error` as an object."""
        inner = openai.error(502, message)["error"]
        data = {"type": "error", "code": inner["type"], "message": message, "param": None, "sequence_number": 0, "error": inner}
        return b"\n\nevent: error\ndata: %s\n\n" % json.dumps(data).encode()

    def mismatch(self, status: int, body: Json) -> bool:
        return openai.mismatch(status, body)


def _instructions(at: Address, value: Json, calls: Calls) -> Turn:
    return Turn((Part("system", value, at),)) if isinstance(value, str) else Turn()


def _item(at: Address, value: Json, calls: Calls) -> Turn:
    if isinstance(value, str) and len(at) == 1:
        return Turn((Part("user", value, at),))
    item = mapping(value)
    kind = _kind(item)
    if kind == "message":
        role = openai.ROLES.get(text_of(item.get("role")), "user")
        parts = tuple(Part(role, text, where) for where, text in _texts(item.get("content"), (*at, "content")))
        return Turn(parts, assistant=role == "assistant")
    if kind in OUTPUTS:
        return Turn(tuple(_output(at, item, calls)))
    if kind in DEFINES_TOOLS:
        return Turn(others=tuple(filter(None, (compact(item.get("tools")),))), tools=kind == "additional_tools")
    made = tuple(_calls(kind, item))
    return Turn(
        calls=made, others=tuple(filter(None, (compact(call.input) for call in made[:1]))),
        assistant=kind in SPOKEN or kind.endswith("_call"), elsewhere=kind == "item_reference" and "id" in item,
    )


def _kind(item: Mapping[str, Json]) -> str:
    return text_of(item.get("type")) or ("message" if "role" in item else "item_reference")


def _output(at: Address, item: Mapping[str, Json], calls: Calls) -> Iterator[Part]:
    call = calls.get(text_of(item.get("call_id")) or text_of(item.get("id"))) or Call("", text_of(item.get("name")), None)
    failed = text_of(item.get("status")) in FAILED
    for where, text in _texts(item.get("output"), (*at, "output")):
        yield Part("tool", text, where, call.tool, call.input, failed)
    for j, piece in objects(item.get("output")):
        for stream in STREAMS:
            if isinstance(piece.get(stream), str):
                yield Part("tool", piece[stream], (*at, "output", j, stream), call.tool, call.input, failed)


def _texts(content: Json, at: Address) -> Iterator[tuple[Address, str]]:
    if isinstance(content, str):
        yield at, content
    for j, part in objects(content):
        if text_of(part.get("type")) in TEXTS and isinstance(part.get("text"), str):
            yield (*at, j, "text"), part["text"]


def _calls(kind: str, item: Mapping[str, Json]) -> Iterator[Call]:
    """The call under each id by which an output may name it: the local shell's outputs name the item's own id."""
    if kind not in INPUTS:
        return
    default, member = INPUTS[kind]
    given = item.get(member)
    # A custom tool takes text, which may happen to look like JSON.
    value = parsed(given) if isinstance(given, str) and kind == "function_call" else given
    for name in ("call_id", "id"):
        if isinstance(item.get(name), str):
            yield Call(item[name], text_of(item.get("name")) or default, value)
