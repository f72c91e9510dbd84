"""A folder of captured request bodies (*.json, in order of their names) as a recording; a file's time is when it was sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from headroom.audit.recording import Recording, Request
from headroom.conversation import Json
from headroom.demo.base import dump
from headroom.demo.binding import unmarked
from headroom.dialects.shapes import text_of


@dataclass(frozen=True, slots=True)
class Shape:
    target: str
    items: str


ANTHROPIC = Shape("/v1/messages", "messages")
CHAT = Shape("/v1/chat/completions", "messages")
RESPONSES = Shape("/v1/responses", "input")
GEMINI = Shape("/v1beta/models/gemini:generateContent", "contents")


def read(folder: Path) -> Iterator[Recording]:
    """A recording for each API whose bodies are in the folder."""
    found: dict[Shape, list[Path]] = {}
    broken = 0
    for path in sorted(folder.glob("*.json")):
        shape = shape_of(_body(path))
        if shape is None:
            broken += 1
        else:
            found.setdefault(shape, []).append(path)
    for shape, paths in found.items():
        yield _recording(folder, shape, paths, broken)
        broken = 0


def shape_of(body: Mapping[str, Json]) -> Shape | None:
    """Which API a body is for; None where it is for none."""
    if isinstance(body.get("contents"), list):
        return GEMINI
    if isinstance(body.get("input"), (list, str)):
        return RESPONSES
    messages = body.get("messages")
    if not isinstance(messages, list):
        return None
    # Anthropic's system prompt is a member and its tools have no "type": "function"; max_tokens alone proves nothing.
    roles = {text_of(message.get("role")) for message in messages if isinstance(message, dict)}
    ours = "system" in body or text_of(body.get("model")).partition("/")[2].startswith("claude") or text_of(body.get("model")).startswith("claude")
    return ANTHROPIC if ours and "tool" not in roles else CHAT


def _recording(folder: Path, shape: Shape, paths: Sequence[Path], broken: int) -> Recording:
    def requests() -> Iterator[Request]:
        threads: dict[bytes, int] = {}
        at = 0.0
        for path in paths:
            raw = path.read_bytes()
            body = json.loads(raw)
            items = body[shape.items]
            # Agents of one folder are told apart by how their conversations open.
            opening = dump(unmarked(items[0])) if isinstance(items, list) and items else b""
            at = max(at, path.stat().st_mtime)
            yield Request(threads.setdefault(opening, len(threads)), at, text_of(body.get("model")), raw)

    return Recording(str(folder), "requests", shape.target, shape.items, True, requests, broken)


def _body(path: Path) -> Mapping[str, Json]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
