"""What the SDK tests need to know of an SDK: how it asks, and how its answers go back into a conversation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

Ask = Callable[[list[Any]], Awaitable[Any]]
"""The whole conversation in, the SDK's own answer out; a synchronous client blocks the loop it is called on."""

Connect = Callable[[str, int], AbstractAsyncContextManager[Ask]]
"""A client of the service at this URL that retries so many times by itself."""

Leave = Callable[[str, list[Any]], Awaitable[None]]
"""Ask the service at this URL for a stream, take its first event, and leave."""

SEALED = ("signature", "encrypted_content", "thought_signature")

TOOLS = {"logs": "Read the log of a service.", "grep": "Search the project."}
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"what": {"type": "string"}}, "required": ["what"]}
INSTRUCTIONS = "You look into what went wrong. Use the tools."


@dataclass(frozen=True, slots=True)
class Api:
    """One API as one SDK speaks it. Each flavour is a way to ask: synchronous or not, streamed or not."""

    items: str
    """The member of a request that holds the conversation."""
    opening: Callable[[str], list[Any]]
    said: Callable[[Any], list[Any]]
    """The answer as the next request repeats it."""
    calls: Callable[[Any], Sequence[tuple[str, str, Any]]]
    """Id, name and input of each tool call."""
    results: Callable[[Sequence[tuple[str, str, str]]], list[Any]]
    """What id, name and output of each tool make in the conversation."""
    shown: Callable[[Any], Any]
    """All that a program can see of an answer, but the token counts: they are smaller through the proxy."""
    flavours: Mapping[str, Connect]
    leave: Mapping[str, Leave]
    failures: Mapping[int, type[Exception]]
    """What the SDK raises for a status."""


def unsealed(value: Any) -> Any:
    """The value with all seals alike: each is made over what the model was sent, which is shorter through the proxy."""
    if isinstance(value, dict):
        return {key: "a seal" if key in SEALED and inner else unsealed(inner) for key, inner in value.items()}
    return [unsealed(inner) for inner in value] if isinstance(value, list) else value
