"""One request's body: how it was read, and what leaves in its place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from headroom.cacheguard import Held
from headroom.chain import Chain
from headroom.conversation import Address, Conversation, Report, Skip, Skipped
from headroom.dialects.base import Dialect
from headroom.dialects.document import Document
from headroom.fitting.refit import Occasion
from headroom.learning.pins import NONE, Pin
from headroom.patterns import Policies
from headroom.proxy.refitting import Fitted, Standing, never, unheld
from headroom.sent import Form
from headroom.weaving import Seams

Pinned = Callable[[Conversation, Mapping[int, str]], Awaitable[Pin | None]]
"""Finds what was learned before a conversation began, by the keys of its tool outputs."""

Owner = Callable[[], Awaitable[str]]
"""Finds the tenant of a request; raises StoreError."""

BYTES_PER_TOKEN = 4
"""For bodies that are not read: the usual rule of thumb, good to 25 %."""


@dataclass(frozen=True, slots=True)
class Caller:
    """What is known by whose request it is."""

    pinned: Pinned | None = None
    """None: nothing was learned."""
    owner: Owner | None = None
    cold: Callable[[str], bool] = never
    """By the key of its opening: the provider has nothing of a conversation cached, and the past may be changed for that."""
    held: Callable[[str, int], Held | None] = unheld
    """By that key and the number of texts in the last request: what it has cached, if the past may be changed where that pays."""
    trial: bool = False
    """Nothing will be sent, so nothing is recorded."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A body as far as it can be understood."""

    document: Document
    conversation: Conversation
    keys: Chain
    size: int
    """Bytes of the body."""
    target: str
    """Path and query of the request."""
    dialect: Dialect
    seams: Seams | None
    """None where this API has no way to hide something."""
    policies: Policies = NONE
    occasion: Occasion = "fit"
    held: Held | None = None
    """What the provider has cached of it, where that counts."""
    standing: Standing | None = None
    """What may be decided about the conversation as a whole; None where nothing may."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What leaves, and what there is to say about it."""

    body: bytes
    report: Report
    reading: Reading | None = None
    """None: the body was not read, it leaves as it came."""
    changed: bool = False
    """`body` is not what came."""
    changes: Mapping[Address, str] = field(default_factory=dict)
    """Texts in it that were edited."""
    sent: Mapping[str, Form] = field(default_factory=dict)
    """What the journal knew."""
    other: int | None = None
    """Where history would end if what has no record were read the other way; None where there is no doubt."""
    unsettled: Literal["", "record", "amend"] = ""
    """The forms are a guess, to be recorded once the provider has taken them."""
    store_failures: int = 0
    kept: bool = False
    """The originals are in the store already."""
    offered: bool = False
    """Our tool stands in the body, so calls of it are to be answered."""
    added: int = 0
    """Estimated tokens of what was put in; in the report already."""
    fitted: Fitted | None = None
    bare: int = 0
    """So many elements at the head of `body` stand without reasoning that was bound to what it was said behind."""
    unlike: int = 0
    """Answers with hidden rounds on record that the client has changed beyond recognition."""


def untouched(body: bytes, reason: Skip, tokens: int | None = None) -> Prepared:
    tokens = len(body) // BYTES_PER_TOKEN if tokens is None else tokens
    return Prepared(body, Report(before=tokens, after=tokens, skipped=(Skipped(reason, tokens),)))
