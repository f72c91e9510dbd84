"""Which policies a conversation goes by: those in force when its first tool output came, to its end and on every worker.

The journal of sent forms has the row, under a key of the conversation's opening: everything up to and including the first
output, since before it no policy has anything to say, and since prompts alone are often the same. The row is the version of
a table that stands in the store (headroom.learning.toin). Where it was lost, or cannot be read, the conversation goes on as
if nothing had been learned; what was sent is replayed all the same.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from headroom.conversation import Conversation
from headroom.learning.toin import Toin
from headroom.patterns import Policies
from headroom.sent import Form, Journal

MARK = "toin "
ROW = re.compile(MARK + "([0-9a-f]{16})")

NONE = Policies()


@dataclass(frozen=True, slots=True)
class Pin:
    """What a request must know of its conversation to go by policies."""

    pins: Pins = field(repr=False)
    key: str
    """Under which the journal has the row."""
    tenant: str
    first: str
    """The journal's key of the first tool output."""
    begins: bool
    """That output may never have been sent before."""
    kept: bool
    """Requests to come will show it again, so the row is needed."""

    async def policies(self, sent: Mapping[str, Form], *, read: bool) -> Policies:
        """See Pins.policies."""
        return await self.pins.policies(self, sent, read=read)


class Pins:
    """Shared by all requests."""

    def __init__(self, toin: Toin, journal: Journal) -> None:
        self._toin, self._journal = toin, journal

    def pin(self, tenant: str, conversation: Conversation, keys: Mapping[int, str]) -> Pin | None:
        """None where no tool output is new. `keys`: by the index of each tool output, in order."""
        if not keys or max(keys) < conversation.fresh:
            return None
        start, first = next(iter(keys.items()))
        told = f"{MARK}{self._toin.owner(tenant)} {first}"
        kept = not (conversation.only_counted or conversation.kept_by_provider)
        return Pin(self, hashlib.sha256(told.encode()).hexdigest()[:40], tenant, first, start >= conversation.fresh, kept)

    async def policies(self, pin: Pin, sent: Mapping[str, Form], *, read: bool) -> Policies:
        """`sent`: the journal's answer; `read`: it could be read. A conversation that begins is pinned to what is in force,
        before anything leaves. Raises StoreError."""
        row = sent.get(pin.key)
        if row is None and pin.begins and read and pin.first not in sent:
            now = self._toin.policies(pin.tenant)
            if not now.table or not pin.kept:
                return now  # without a row there are no policies
            row = await self._journal.claim(pin.key, MARK + now.version)
        found = ROW.fullmatch(row or "")
        return (found and await self._toin.pinned(found[1])) or NONE
