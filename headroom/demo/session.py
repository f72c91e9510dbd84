"""A recorded agent session: what the client added turn by turn, and how its request bodies are built from that.

Stored without what the model itself says anew on each playing: the seals on its reasoning, which it binds
to the prefix it really receives. In their place stands SEAL; the player fills in what the model just sent.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import chain

from headroom.conversation import Json
from headroom.demo.base import dump
from headroom.demo.script import Scripts, from_json, to_json

SEAL = "<seal>"

SEALED = ("signature", "data", "encrypted_content", "thoughtSignature")
"""Members that hold a seal; "data" only in redacted thinking, images have one too."""

MARK = {"type": "ephemeral"}


@dataclass(frozen=True, slots=True)
class Turn:
    """One request: the first `keep` items of the thread's last request, then new ones."""

    thread: int
    keep: int
    add: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class Session:
    name: str
    client: str
    """Program and version that sent the requests."""
    about: str
    target: str
    fields: Mapping[str, str]
    items: str
    """The member that holds the conversation: "messages", "input", "contents"."""
    marked: bool
    """The client puts a cache mark on the last block of the last message, and moves it on each turn."""
    spaced: bool
    """The client writes JSON with spaces and in ASCII, as Python does by default; else compact, in UTF-8."""
    heads: tuple[Mapping[str, Json], ...]
    """Bodies by thread (the agent, then its sub-agents), in member order, with the conversation left empty."""
    turns: tuple[Turn, ...]
    scripts: Scripts


def save(session: Session) -> bytes:
    value = {
        "name": session.name, "client": session.client, "about": session.about, "target": session.target,
        "fields": session.fields, "items": session.items, "marked": session.marked, "spaced": session.spaced,
        "heads": session.heads,
        "turns": [[turn.thread, turn.keep, *turn.add] for turn in session.turns], "scripts": to_json(session.scripts),
    }
    return gzip.compress(dump(value), 9, mtime=0)


def load(data: bytes) -> Session:
    value = json.loads(gzip.decompress(data))
    turns = tuple(Turn(thread, keep, tuple(add)) for thread, keep, *add in value.pop("turns"))
    scripts = from_json(value.pop("scripts"))
    return Session(**{**value, "heads": tuple(value["heads"])}, turns=turns, scripts=scripts)


def recorded() -> Iterator[Session]:
    """The sessions that come with the package, in order of their names."""
    folder = files("headroom.demo").joinpath("sessions")
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if path.name.endswith(".json.gz"):
            yield load(path.read_bytes())


def body(session: Session, thread: int, items: Sequence[Json]) -> bytes:
    """The request body of a thread that has come to hold `items`."""
    shown = list(items)
    spoken = [place for place, item in enumerate(items) if item.get("role") != "system"]
    if session.marked and spoken:
        shown[spoken[-1]] = marked(shown[spoken[-1]])
    value = {**session.heads[thread], session.items: shown}
    return json.dumps(value).encode() if session.spaced else dump(value)


def marked(message: Json) -> Json:
    """The message with a cache mark on its last block; a string becomes a block, as clients do it."""
    content = message["content"]
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return {**message, "content": [*blocks[:-1], {**blocks[-1], "cache_control": MARK}]}


def seals(value: Json) -> Iterator[str]:
    """All seals in a message, in order; those not yet given read ""."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in SEALED and isinstance(inner, str) and (key != "data" or value.get("type") == "redacted_thinking"):
                yield inner
            else:
                yield from seals(inner)
    elif isinstance(value, list):
        yield from chain.from_iterable(map(seals, value))


def fill(value: Json, given: Iterator[str]) -> Json:
    """Replace each SEAL by the next one given."""
    if value == SEAL:
        return next(given, "")
    if isinstance(value, Mapping):
        return {key: fill(inner, given) for key, inner in value.items()}
    if isinstance(value, list):
        return [fill(inner, given) for inner in value]
    return value


def messages_of(answer: bytes) -> Iterator[Json]:
    """The JSON values of an answer: one, or the data of each event of a stream."""
    if not answer.lstrip().startswith((b"event:", b"data:", b":")):
        yield json.loads(answer)
        return
    for line in answer.splitlines():
        if line.startswith(b"data: {"):
            yield json.loads(line[len(b"data: ") :])


def seals_given(answer: bytes) -> Iterable[str]:
    """The seals of an answer, each once: streams repeat them when an item is done."""
    found = chain.from_iterable(map(seals, messages_of(answer)))
    return dict.fromkeys(seal for seal in found if seal)
