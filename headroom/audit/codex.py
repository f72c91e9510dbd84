"""Codex's rollouts (~/.codex/sessions/**/rollout-*.jsonl) as the requests that were sent.

Lines of type response_item are the conversation, in its order. What the model says after something it was told, or
after a request that is closed by its token_usage_record, answers another request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from headroom.audit.lines import objects, seconds
from headroom.audit.recording import Step, Thread
from headroom.conversation import Json, Usage
from headroom.dialects.openai_responses import DEFINES_TOOLS, OUTPUTS
from headroom.dialects.shapes import mapping, text_of, tokens_of

TARGET, ITEMS = "/v1/responses", "input"

UNSENT = frozenset(("ghost_snapshot", "other"))
"""Items that the client keeps for itself."""

KEPT_BACK = frozenset(("internal_chat_message_metadata_passthrough", "metadata"))
"""Members of items that the client notes and does not send."""


def read(lines: Iterable[bytes]) -> tuple[tuple[Thread, ...], int]:
    """Threads, and the number of lines that could not be read."""
    rollout = _Rollout()
    broken = 0
    for value in objects(lines):
        if value is None:
            broken += 1
        else:
            rollout.add(value)
    return rollout.end(), broken


class _Rollout:
    """The session, as far as it has been read."""

    def __init__(self) -> None:
        self._threads: list[Thread] = []
        self._head: dict[str, Json] = {}
        self._items: list[Json] = []
        self._steps: list[Step] = []
        self._answering = False
        self._model = ""
        self._at = self._sent_at = 0.0

    def add(self, value: Mapping[str, Json]) -> None:
        self._at = seconds(value.get("timestamp"), self._at)
        payload = mapping(value.get("payload"))
        kind = value.get("type")
        if kind == "session_meta":
            self._begin(payload)
        elif kind == "turn_context":
            self._model = text_of(payload.get("model")) or self._model
        elif kind == "response_item" and text_of(payload.get("type")) not in UNSENT:
            self._item(payload)
        elif kind == "compacted":
            self._compacted(payload)
        elif kind == "token_usage_record":
            self._used(payload.get("usage"))
            self._answering = False
        elif kind == "event_msg" and payload.get("type") == "token_count":
            self._used(mapping(payload.get("info")).get("last_token_usage"))

    def end(self) -> tuple[Thread, ...]:
        self._close()
        return tuple(self._threads)

    def _begin(self, payload: Mapping[str, Json]) -> None:
        given = payload.get("base_instructions", payload.get("instructions"))
        text = text_of(given) or text_of(mapping(given).get("text"))
        if text and not self._head:
            self._head = {"instructions": text}

    def _item(self, payload: Mapping[str, Json]) -> None:
        item = {name: inner for name, inner in payload.items() if name not in KEPT_BACK}
        if not _is_answer(item):
            self._answering = False
        elif not self._answering:
            self._answering = True
            self._steps.append(Step(self._sent_at, self._model, len(self._items)))
        if not self._answering:
            self._sent_at = self._at
        self._items.append(item)

    def _used(self, value: Json) -> None:
        usage = _usage(mapping(value))
        if self._steps and self._steps[-1].usage is None and usage is not None:
            self._steps[-1] = replace(self._steps[-1], usage=usage)

    def _compacted(self, payload: Mapping[str, Json]) -> None:
        history = payload.get("replacement_history")
        self._close()
        text = text_of(payload.get("message"))
        said = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        self._items = list(history) if isinstance(history, list) else [said] if text else []
        self._sent_at = self._at

    def _close(self) -> None:
        if self._steps:
            self._threads.append(Thread(self._head, tuple(self._items), tuple(self._steps)))
        self._items, self._steps, self._answering = [], [], False


def _is_answer(item: Mapping[str, Json]) -> bool:
    kind = text_of(item.get("type"))
    if kind == "message":
        return item.get("role") == "assistant"
    return kind not in OUTPUTS and kind not in DEFINES_TOOLS


def _usage(value: Mapping[str, Json]) -> Usage | None:
    """Codex's own names; input_tokens are all of the input."""
    whole = tokens_of(value.get("input_tokens"))
    if whole is None:
        return None
    read, written = tokens_of(value.get("cached_input_tokens")) or 0, tokens_of(value.get("cache_write_input_tokens")) or 0
    return Usage(max(0, whole - read - written), tokens_of(value.get("output_tokens")), read, written)
