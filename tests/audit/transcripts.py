"""Transcripts as the clients write them, made up line by line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

LOG = "".join(f"2026-11-21 10:{i // 60:02}:{i % 60:02} INFO worker {i % 7} handled request {i * 37} in {i % 90} ms\n" for i in range(200))


def lines(*values: Any) -> list[bytes]:
    return [json.dumps(value).encode() + b"\n" for value in values]


def claude(uuid: str, parent: str | None, content: Any, *, minute: int = 0, **more: Any) -> dict[str, Any]:
    """A line of a user's; with `id`, a piece of an answer."""
    answer = more.pop("id", None)
    message: dict[str, Any] = {"role": "user", "content": content}
    if answer:
        message = {"id": answer, "role": "assistant", "model": "claude-opus-4-8", "content": content, "usage": more.pop("usage", {})}
    return {
        "uuid": uuid, "parentUuid": parent, "type": "assistant" if answer else "user", "message": message,
        "timestamp": f"2026-11-21T09:{minute:02}:00.000Z", "isSidechain": False, **more,
    }


def text(said: str) -> list[Any]:
    return [{"type": "text", "text": said}]


def use(call: str, **given: Any) -> list[Any]:
    return [{"type": "tool_use", "id": call, "name": "Bash", "input": given}]


def result(call: str, printed: str) -> list[Any]:
    return [{"type": "tool_result", "tool_use_id": call, "content": printed}]


def used(fresh: int, read: int = 0, written: int = 0, output: int = 10) -> dict[str, Any]:
    return {"input_tokens": fresh, "cache_read_input_tokens": read, "cache_creation_input_tokens": written, "output_tokens": output}


def codex(kind: str, minute: int = 0, **payload: Any) -> dict[str, Any]:
    return {"timestamp": f"2026-11-21T09:{minute:02}:00.000Z", "type": kind, "payload": payload}


def item(kind: str, minute: int = 0, **more: Any) -> dict[str, Any]:
    return codex("response_item", minute, **{"type": kind, **more})


def said(role: str, words: str, minute: int = 0) -> dict[str, Any]:
    return item("message", minute, role=role, content=[{"type": "input_text", "text": words}])


def session(rounds: int, printed: str = LOG) -> Sequence[dict[str, Any]]:
    """A session of Claude Code that runs one command in each round."""
    found = [claude("u", None, "Look at the logs.")]
    for n in range(rounds):
        found += [
            claude(f"a{n}", found[-1]["uuid"], use(f"t{n}", command=f"cat service-{n}.log"), minute=n, id=f"m{n}", usage=used(0, 0, 20_000 + 5_000 * n)),
            claude(f"r{n}", f"a{n}", result(f"t{n}", f"{n}\n{printed}"), minute=n),
        ]
    return found
