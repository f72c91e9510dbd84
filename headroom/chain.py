"""Name what was sent: each part of a conversation, each answer in it, by a hash of all that was said before.

Whoever has the same names has the same past. Under them the journal says how each was sent (see headroom.sent), on
whatever machine a turn arrives.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from headroom.conversation import Conversation


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


def chain(conversation: Conversation, digest: Callable[[str], bytes]) -> Chain:
    """`digest` of a text.

    System text is left out: clients change it in mid-session (the date, a mode), and the forms of earlier results stay
    true. So are blocks that are not text.
    """
    parts: dict[int, str] = {}
    replies: list[str] = []
    links: list[bytes] = []
    link, opening = b"", ""
    opens = conversation.replies[0].first if conversation.replies else len(conversation.parts)
    named = conversation.replies if conversation.defined else ()
    for i, part in enumerate(conversation.parts):
        if i == opens:
            opening = _opening(link)
        while len(replies) < len(named) and named[len(replies)].first <= i:
            replies.append(_reply(conversation, len(replies), link))
        if part.role == "system":
            links.append(link)
            continue
        link = hashlib.sha256(link + part.role[0].encode() + digest(part.text)).digest()
        if part.role == "tool":
            call = repr((part.tool, part.call, part.error)).encode("utf-8", "surrogatepass")
            link = hashlib.sha256(link + call).digest()
            parts[i] = link.hex()[:40]
        links.append(link)
    replies += (_reply(conversation, n, link) for n in range(len(replies), len(named)))
    return Chain(opening or _opening(link), parts, tuple(replies), link, tuple(links))


def reply(before: bytes, text: str) -> str:
    """The key of an answer with this visible text, behind `before` (as Chain.end). Clients trim and join texts, so no white
    space counts."""
    squeezed = "".join(text.split()).encode("utf-8", "surrogatepass")
    return hashlib.sha256(b"reply" + before + squeezed).hexdigest()[:40]


def mended(opening: str) -> str:
    """The key of what had to be left out of a conversation for good (see compression.Compression.repaired)."""
    return hashlib.sha256(b"mended" + opening.encode()).hexdigest()[:40]


def _reply(conversation: Conversation, number: int, before: bytes) -> str:
    found = conversation.replies[number]
    return reply(before, "".join(part.text for part in conversation.parts[found.first : found.last]))


def _opening(link: bytes) -> str:
    return hashlib.sha256(b"definitions" + link).hexdigest()[:40]
