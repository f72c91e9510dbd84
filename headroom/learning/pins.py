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

from headroom.learning.toin import Toin
from headroom.patterns import Policies
from headroom.sent import Form, Journal

MARK = "toin "
ROW = re.compile(MARK + "([0-9a-f]{16})")

NONE = Policies()


class Pins:
    """All methods raise StoreError, or do not touch the store."""

    def __init__(self, toin: Toin, journal: Journal) -> None:
        self._toin, self._journal = toin, journal

    def key(self, tenant: str, first: str) -> str:
        """The journal's key of a conversation's policies. `first`: the chain key of its first tool output."""
        told = f"{MARK}{self._toin.owner(tenant)} {first}"
        return hashlib.sha256(told.encode()).hexdigest()[:40]

    async def policies(self, key: str, tenant: str, sent: Mapping[str, Form], *, new: bool, record: bool) -> Policies:
        """`sent`: the journal's answer. `new`: nothing was sent yet that policies could bear on, so those in force are pinned,
        before anything leaves. `record`: without it the pin is not written, since nothing will be sent."""
        row = sent.get(key)
        if row is None and new:
            now = self._toin.policies(tenant)
            if not now.table:
                return NONE  # no row says as much
            if not record:
                return now
            row = await self._journal.claim(key, MARK + now.version)
        found = ROW.fullmatch(row or "")
        return (found and await self._toin.pinned(found[1])) or NONE
