"""Claude Code's transcripts (~/.claude/projects/*/*.jsonl, and subagents/ below) as the requests that were sent.

A line is a piece of a message: an answer has a line for each block, all with the message's id, and each result of
a parallel call hangs at the line of its own call. Lines form a tree by parentUuid; a branch is a rewind, a line
without a parent begins a conversation (the first, a compaction's, a sub-agent's).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from headroom.audit.lines import objects, seconds
from headroom.audit.recording import Step, Thread
from headroom.conversation import Json, Usage
from headroom.dialects.anthropic import Anthropic
from headroom.dialects.shapes import mapping, text_of, tokens_of

TARGET, ITEMS = "/v1/messages", "messages"

SYNTHETIC = "<synthetic>"
"""Model of the lines by which the client itself reports that a request failed."""

HEAD: Mapping[str, Json] = {"max_tokens": 32_000}

TOLD = 40
"""Characters from which a text of an attachment counts as said to the model; shorter ones are names and types."""

Kind = Literal["said", "result", "answer"]


@dataclass(frozen=True, slots=True)
class _Line:
    uuid: str
    kind: Kind
    id: str
    """Of the answer it is a piece of."""
    blocks: tuple[Json, ...]
    at: float
    model: str = ""
    usage: Usage | None = None
    hour: bool = False


@dataclass(slots=True)
class _Path:
    """One way through the tree, as the messages it makes."""

    lines: list[_Line] = field(default_factory=list)
    place: dict[str, int] = field(default_factory=dict)
    messages: list[tuple[str, tuple[Json, ...]]] = field(default_factory=list)
    steps: dict[str, Step] = field(default_factory=dict)
    """By the id of the answer."""
    opened: int = 0
    """The first line of the last answer."""
    answer: int = 0
    """The message that is the last answer."""

    def takes(self, parent: str, line: _Line) -> bool:
        """Whether the line continues this path; else it branches off."""
        at = self.place[parent]
        rest = self.lines[at + 1 :]
        return not rest or (at >= self.opened and all(later.kind != "said" for later in rest))

    def add(self, line: _Line, *, asked: bool = True) -> None:
        """`asked`: an answer was asked for on this path, not on one that this branched off from."""
        self.place[line.uuid] = len(self.lines)
        self.lines.append(line)
        if line.kind != "answer":
            self._say(line)
            return
        if self.messages and self.lines[self.opened].id == line.id:
            self.messages[self.answer] = "assistant", self.messages[self.answer][1] + line.blocks
        else:
            self.opened, self.answer = len(self.lines) - 1, len(self.messages)
            if asked and self.messages:
                self.steps[line.id] = Step(self.lines[-2].at, line.model, len(self.messages), id=line.id)
            self.messages.append(("assistant", line.blocks))
        if line.id in self.steps and line.usage is not None:
            # The last line of an answer has its final count.
            self.steps[line.id] = replace(self.steps[line.id], usage=line.usage, hour=line.hour)

    def _say(self, line: _Line) -> None:
        if self.messages and self.messages[-1][0] == "user":
            self.messages[-1] = "user", self.messages[-1][1] + line.blocks
        else:
            self.messages.append(("user", line.blocks))

    def branch(self, parent: str) -> _Path:
        path = _Path()
        for line in self.lines[: self.place[parent] + 1]:
            path.add(line, asked=False)
        return path


def read(lines: Iterable[bytes]) -> tuple[tuple[Thread, ...], int]:
    """Threads, and the number of lines that could not be read."""
    tree = _Tree()
    broken = 0
    for value in objects(lines):
        if value is None:
            broken += 1
        else:
            tree.add(value)
    return tuple(_threads(tree.paths)), broken


class _Tree:
    """The transcript, as far as it has been read."""

    def __init__(self) -> None:
        self.paths: list[_Path] = []
        self._home: dict[str, _Path] = {}
        self._stands_for: dict[str, str] = {}
        """A line that says nothing to the model → the line above it that does."""
        self._at = 0.0

    def add(self, value: Mapping[str, Json]) -> None:
        uuid = text_of(value.get("uuid"))
        if not uuid:
            return
        self._at = seconds(value.get("timestamp"), self._at)
        parent = text_of(value.get("parentUuid"))
        parent = self._stands_for.get(parent, parent)
        line = _line(value, uuid, self._at)
        if line is None:
            self._stands_for[uuid] = parent
            return
        path = self._home.get(parent)
        if path is None:
            path = _Path()
            self.paths.append(path)
        elif not path.takes(parent, line):
            path = path.branch(parent)
            self.paths.append(path)
        path.add(line)
        self._home[uuid] = path


def _line(value: Mapping[str, Json], uuid: str, at: float) -> _Line | None:
    kind = value.get("type")
    message = mapping(value.get("message"))
    if kind == "attachment":
        told = "\n".join(_told(value.get("attachment")))
        return _Line(uuid, "said", "", ({"type": "text", "text": told},), at) if told else None
    if kind == "user":
        blocks = _blocks(message.get("content"))
        result = any(mapping(block).get("type") == "tool_result" for block in blocks)
        return _Line(uuid, "result" if result else "said", "", blocks, at) if blocks else None
    model = text_of(message.get("model"))
    if kind != "assistant" or model == SYNTHETIC or value.get("isApiErrorMessage"):
        return None
    written = mapping(mapping(message.get("usage")).get("cache_creation"))
    hour = bool(tokens_of(written.get("ephemeral_1h_input_tokens")))
    usage = Anthropic().usage(message)
    return _Line(uuid, "answer", text_of(message.get("id")) or uuid, _blocks(message.get("content")), at, model, usage, hour)


def _blocks(content: Json) -> tuple[Json, ...]:
    if isinstance(content, str):
        return ({"type": "text", "text": content},) if content else ()
    return tuple(content) if isinstance(content, list) else ()


def _told(value: Json) -> Iterator[str]:
    """The texts of an attachment, in whatever members this version of the client keeps them."""
    if isinstance(value, str):
        if len(value) >= TOLD:
            yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _told(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _told(inner)


def _threads(paths: Iterable[_Path]) -> Iterator[Thread]:
    for path in paths:
        if path.steps:
            yield Thread(HEAD, [{"role": role, "content": list(blocks)} for role, blocks in path.messages], tuple(path.steps.values()))
