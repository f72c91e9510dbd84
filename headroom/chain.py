"""Name what was sent: each part of a conversation, each answer in it, by a hash of all that was said before.

Whoever has the same names has the same past. Under them the journal says how each was sent (see headroom.sent), on
whatever machine a turn arrives.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from headroom.conversation import Conversation, Part, Reply
from headroom.traces import shared

_TRACE = "chain"


@dataclass(frozen=True, slots=True)
class Chain:
    """Keys of 40 hex digits."""

    opening: str = ""
    """Of all that was said before the model's first turn: of what stands for the conversation as a whole."""
    parts: Mapping[int, str] = field(default_factory=dict)
    """Index of each tool part → its key: of its text, of the call that it answers and of all that was said before. Without the
    call, a form that may stand for a command's output would be replayed for a file."""
    replies: tuple[str, ...] = ()
    """Of each answer of the model's, in order, where there are tools, and so may be one of ours; see `reply`."""
    end: bytes = b""
    """Stands for all that was said."""
    links: tuple[bytes, ...] = ()
    """Of each part: stands for all that was said up to it."""


@dataclass(frozen=True, slots=True)
class _Named:
    """What an earlier request of the conversation left."""

    parts: tuple[Part, ...]
    replies: tuple[Reply, ...]
    chain: Chain


def chain(conversation: Conversation, digest: Callable[[str], bytes]) -> Chain:
    """`digest` of a text.

    System text is left out: clients change it in mid-session (the date, a mode), and the forms of earlier results stay
    true. So are blocks that are not text.
    """
    old = conversation.traces.find(_TRACE) if conversation.traces is not None else None
    old = old or _Named((), (), Chain())
    known = shared(old.parts, conversation.parts)
    links = list(old.chain.links[:known])
    parts = {i: key for i, key in old.chain.parts.items() if i < known} if known < len(old.parts) else dict(old.chain.parts)
    for i in range(known, len(conversation.parts)):
        links.append(_link(links[-1] if links else b"", conversation.parts[i], digest))
        if conversation.parts[i].role == "tool":
            parts[i] = links[i].hex()[:40]
    opens = conversation.replies[0].first if conversation.replies else len(links)
    found = Chain(_opening(_before(links, opens)), parts, _replies(conversation, links, old, known), _before(links, len(links)), tuple(links))
    if conversation.traces is not None:
        conversation.traces.leave(_TRACE, _Named(conversation.parts, conversation.replies, found))
    return found


def _link(link: bytes, part: Part, digest: Callable[[str], bytes]) -> bytes:
    if part.role == "system":
        return link
    link = hashlib.sha256(link + part.role[0].encode() + digest(part.text)).digest()
    if part.role != "tool":
        return link
    call = repr((part.tool, part.call, part.error)).encode("utf-8", "surrogatepass")
    return hashlib.sha256(link + call).digest()


def _before(links: Sequence[bytes], part: int) -> bytes:
    """What stands for all that was said before a part."""
    return links[part - 1] if part else b""


def _replies(conversation: Conversation, links: Sequence[bytes], old: _Named, known: int) -> tuple[str, ...]:
    """`known`: how many of the parts are those of `old`."""
    if not conversation.defined:
        return ()
    replies, parts = conversation.replies, conversation.parts
    same = min(shared(old.replies, replies), len(old.chain.replies))
    while same and replies[same - 1].last > known:
        same -= 1
    texts = ((each.first, "".join(part.text for part in parts[each.first : each.last])) for each in replies[same:])
    return old.chain.replies[:same] + tuple(reply(_before(links, first), text) for first, text in texts)


def reply(before: bytes, text: str) -> str:
    """The key of an answer with this visible text, behind `before` (as Chain.end). Clients trim and join texts, so no white
    space counts."""
    squeezed = "".join(text.split()).encode("utf-8", "surrogatepass")
    return hashlib.sha256(b"reply" + before + squeezed).hexdigest()[:40]


def mended(opening: str) -> str:
    """The key of what had to be left out of a conversation for good (see compression.Compression.repaired)."""
    return hashlib.sha256(b"mended" + opening.encode()).hexdigest()[:40]


def _opening(link: bytes) -> str:
    return hashlib.sha256(b"definitions" + link).hexdigest()[:40]
