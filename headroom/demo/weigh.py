"""Weighs what reached the model against what the player sent, output by output and turn by turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from headroom import dialects
from headroom.ccr import key_of
from headroom.conversation import Part
from headroom.demo.kinds import kind_of
from headroom.demo.play import Sent
from headroom.demo.prefix import extends
from headroom.demo.session import Session
from headroom.dialects.document import Document


@dataclass(frozen=True, slots=True)
class Weighed:
    """One tool output, as it was sent and as the model got it."""

    kind: str
    original: str
    short: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one session came to. Tokens are counted by the counter that was handed in."""

    session: Session
    refused: int
    before: int
    """Tokens of all request bodies together: each turn sends the whole history again."""
    after: int
    kept: int
    """Turns whose request extended the thread's last one byte for byte, up to the moved cache mark."""
    turns: int
    """Turns that had a predecessor."""
    outputs: tuple[Weighed, ...]
    """Each tool output once."""


def weigh(session: Session, sent: Sequence[Sent], received: Sequence[bytes], count: Callable[[str], int]) -> Outcome:
    """`received`: the bodies that reached the model, in the order of `sent`."""
    last: dict[int, bytes] = {}
    kept = turns = 0
    for one, got in zip(sent, received, strict=True):
        if one.thread in last:
            turns += 1
            kept += extends(last[one.thread], got, session.items)
        last[one.thread] = got
    final = {one.thread: (one.body, got) for one, got in zip(sent, received, strict=True)}
    outputs = [row for pair in final.values() for row in _outputs(session, pair, count)]
    return Outcome(
        session, sum(one.status != 200 for one in sent),
        sum(count(one.body.decode()) for one in sent), sum(count(got.decode()) for got in received),
        kept, turns, tuple(outputs),
    )


def _outputs(session: Session, pair: tuple[bytes, bytes], count: Callable[[str], int]) -> list[Weighed]:
    ours, theirs = (_parts(session, raw) for raw in pair)
    return [
        Weighed(kind_of(part), part.text, got.text, count(part.text), count(got.text))
        for part, got in zip(ours, theirs, strict=True)
    ]


def _parts(session: Session, raw: bytes) -> list[Part]:
    path = session.target.partition("?")[0]
    dialect = dialects.find("POST", path)
    assert dialect is not None
    conversation = dialect.read(Document.parse(raw), path)
    return [part for part in conversation.parts if part.role == "tool"]


def shortened(outcomes: Sequence[Outcome]) -> tuple[str, str] | None:
    """Key and text of the original that was shortened most, if any was."""
    rows = [row for outcome in outcomes for row in outcome.outputs if row.short != row.original]
    if not rows:
        return None
    best = max(rows, key=lambda row: row.before - row.after)
    return key_of(best.original), best.original
