"""What was learned, for one request: whose it is, and which policies its conversation goes by."""

from __future__ import annotations

from collections.abc import Mapping

from headroom.conversation import Conversation
from headroom.errors import StoreError
from headroom.http.message import Request
from headroom.learning.pins import Pin, Pins
from headroom.proxy.originals import Originals


class Pinning:
    """`pins`: None where nothing is learned."""

    def __init__(self, pins: Pins | None, originals: Originals) -> None:
        self._pins, self._originals = pins, originals

    async def pin(self, request: Request, conversation: Conversation, keys: Mapping[int, str]) -> Pin | None:
        """None where there is nothing that policies could bear on, or nobody can tell whose they are."""
        if self._pins is None:
            return None
        try:
            owner = await self._originals.owner(request)
        except StoreError:
            return None
        found = self._pins.pin(owner, conversation, keys)
        if found is not None and not conversation.only_counted:
            request.draft.tenant = owner  # so that what they spare is counted as this tenant's
        return found
