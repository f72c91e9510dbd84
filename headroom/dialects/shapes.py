"""Reading JSON of unknown shape: each function answers something harmless where the shape is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from headroom.conversation import Json

OPAQUE = frozenset((
    "image", "document", "search_result", "redacted_thinking", "container_upload", "web_search_tool_result", "web_fetch_tool_result",
    "code_execution_tool_result", "bash_code_execution_tool_result", "text_editor_code_execution_tool_result", "mcp_tool_result",
    "image_url", "input_audio", "file", "input_image", "input_file", "computer_screenshot", "reasoning", "compaction", "image_generation_call",
))
"""Types of blocks that the model reads and we do not: pictures, files, what is signed or encrypted. Of all four APIs."""

DATA = frozenset(("inlineData", "inline_data", "fileData", "file_data"))
"""Members by which Gemini's parts carry the same."""

_INPUTS = frozenset(("input", "arguments", "args"))
_LEVELS = 5

_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def objects(value: Json) -> Iterator[tuple[int, Mapping[str, Json]]]:
    """The objects of a list with their positions."""
    if isinstance(value, list):
        for i, item in enumerate(value):
            if isinstance(item, dict):
                yield i, item


def opaque(value: Json, levels: int = _LEVELS) -> int:
    """How many blocks of a message are opaque to us; what a tool was called with is none."""
    if isinstance(value, list):
        return sum(opaque(inner, levels) for inner in value if isinstance(inner, (dict, list))) if levels else 0
    if not isinstance(value, dict) or not levels:
        return 0
    if text_of(value.get("type")) in OPAQUE or not DATA.isdisjoint(value):
        return 1
    return sum(opaque(inner, levels - 1) for name, inner in value.items() if isinstance(inner, (dict, list)) and name not in _INPUTS)


def mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def text_of(value: Json) -> str:
    return value if isinstance(value, str) else ""


def tokens_of(value: Json) -> int | None:
    """A count of tokens; true and false are no numbers here."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def compact(value: Json) -> str:
    """What the model reads of a value, for counting; "" for nothing."""
    if value is None:
        return ""
    return value if isinstance(value, str) else _ENCODE(value)
