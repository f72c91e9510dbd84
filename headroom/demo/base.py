"""What the scripted model needs to know of a wire format."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from headroom.conversation import Json
from headroom.demo.script import Place, Step

PIECE = 40
"""Characters in one delta of a stream; about what providers send at a time."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request as far as the model understands it."""

    body: Mapping[str, Json]
    path: str
    step: Step
    where: Place
    """Script "" where none was asked for."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One turn of the model, in both of its shapes."""

    whole: Json
    events: tuple[bytes, ...]
    stream: bool


class Wire(Protocol):
    """One API, from the provider's side."""

    def hears(self, method: str, path: str) -> bool: ...

    def turns(self, body: Mapping[str, Json]) -> Sequence[str | None]:
        """User texts in order, None for each assistant turn (see script.place)."""
        ...

    def refusal(self, body: Mapping[str, Json]) -> str:
        """Why the request cannot be answered, in words; "" if it can."""
        ...

    def answer(self, question: Question) -> Answer: ...

    def error(self, status: int, message: str) -> Json: ...

    def noise(self, count: int) -> list[bytes]:
        """Events that mean nothing and that every client must bear."""
        ...

    def complaint(self, message: str) -> bytes:
        """An error in the middle of a stream."""
        ...


def dump(value: Json) -> bytes:
    """JSON as providers write it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def pieces(text: str) -> list[str]:
    return [text[at : at + PIECE] for at in range(0, len(text), PIECE)] or [""]


def event(name: str, data: Json) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + dump(data) + b"\n\n"


def data_only(value: Json) -> bytes:
    return b"data: " + dump(value) + b"\n\n"


def objects(value: Json) -> list[dict[str, Json]]:
    """The objects in what should be a list of objects."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def words(content: Json) -> str:
    """The text in a message's content, a string or a list of blocks."""
    if isinstance(content, str):
        return content
    texts = [block["text"] for block in objects(content) if isinstance(block.get("text"), str)]
    return "\n".join(texts)
