"""A recorded session as the requests that were sent, in their order; bodies are built one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from headroom.conversation import Json, Usage
from headroom.demo.base import dump


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a session."""

    thread: int
    """Requests of one thread continue each other; a rewind, a compaction, a sub-agent begins another."""
    at: float
    """Seconds since 1970: when it was sent, as near as the file tells."""
    model: str
    body: bytes
    usage: Usage | None = None
    """As the provider reported it, where the file says so."""
    hour: bool = False
    """The provider wrote to its cache for an hour, not for its shorter default."""
    again: bool = False
    """It stands in another file too, where it was counted."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What one file, or one folder of bodies, holds."""

    name: str
    client: str
    """"Claude Code", "Codex" or "requests"."""
    target: str
    """The path that the requests went to, and the query if there was one."""
    items: str
    """The member of a body that holds the conversation."""
    whole: bool
    """Bodies are as they were sent; else the file has neither tool definitions nor all of the system prompt."""
    requests: Callable[[], Iterator[Request]]
    """From the first, each time it is called."""
    broken: int = 0
    """Lines or files that could not be read."""


@dataclass(frozen=True, slots=True)
class Step:
    """One request of a thread, its body not built yet."""

    at: float
    model: str
    upto: int
    """Items of the thread that it carried."""
    usage: Usage | None = None
    hour: bool = False
    id: str = ""
    """Of the answer, where the file has one."""
    again: bool = False


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation that only grew."""

    head: Mapping[str, Json]
    """The body's members beside model and items; written before the items."""
    items: Sequence[Json]
    steps: Sequence[Step]


def once(threads: Sequence[Thread], seen: set[str]) -> tuple[Thread, ...]:
    """The threads with every request marked whose answer is among `seen`; the others are entered there."""
    marked = []
    for thread in threads:
        steps = tuple(replace(step, again=bool(step.id) and step.id in seen) for step in thread.steps)
        seen.update(step.id for step in steps)
        marked.append(replace(thread, steps=steps))
    return tuple(marked)


def requests(threads: Sequence[Thread], member: str) -> Iterator[Request]:
    """The requests of all threads as they followed each other; what a thread has said is written out once."""
    written = [[dump(item) for item in thread.items] for thread in threads]
    order = sorted(((step.at, n, step) for n, thread in enumerate(threads) for step in thread.steps), key=lambda row: row[:2])
    for at, n, step in order:
        head = dump({"model": step.model, **threads[n].head})[:-1]
        body = b'%b,"%b":[%b]}' % (head, member.encode(), b",".join(written[n][: step.upto]))
        yield Request(n, at, step.model, body, step.usage, step.hour, step.again)
