"""What the tests of all dialects share: a body drawn as a conversation, in short."""

from __future__ import annotations

import json

from headroom.conversation import Address, Conversation, Json, Part
from headroom.dialects.base import Dialect
from headroom.dialects.document import Document
from headroom.dialects.document_memo import DocumentMemo


def draw(dialect: Dialect, body: Json, path: str) -> Conversation:
    """Read cold, then again with a memo that knows the body; both must be the same."""
    raw, memo = json.dumps(body).encode(), DocumentMemo()
    cold = dialect.read(Document.parse(raw), path)
    for _ in range(2):
        assert dialect.read(Document.parse(raw, memo), path) == cold
    return cold


def brief(conversation: Conversation) -> list[tuple[str, str, Address]]:
    return [(part.role, part.text, part.at) for part in conversation.parts]


def tools(conversation: Conversation) -> list[Part]:
    return [part for part in conversation.parts if part.role == "tool"]


def event(raw: bytes) -> tuple[str, Json]:
    """Name and data of the one event in a piece of a stream."""
    assert raw.startswith(b"\n\n")
    assert raw.endswith(b"\n\n")
    fields = dict(line.split(": ", 1) for line in raw.decode().strip().split("\n"))
    return fields.get("event", ""), json.loads(fields["data"])
