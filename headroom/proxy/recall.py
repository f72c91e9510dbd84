"""Recalls what is on record of a conversation, asking the store as seldom as can be: for what this process does not remember,
and once for what is most often not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headroom.chain import mended, reply
from headroom.dialects.hidden.base import Exchange
from headroom.errors import StoreError
from headroom.memo import Absent
from headroom.proxy.prepared import Owner, Reading
from headroom.sent import Form, Journal, Unread
from headroom.weaving import owner as owner_of
from headroom.weaving import write


@dataclass(frozen=True, slots=True)
class Known:
    """What the journal knows."""

    sent: Mapping[str, Form]
    failures: int = 0

    def having(self, other: Known) -> Known:
        return Known({**self.sent, **other.sent}, self.failures + other.failures)


class Recall:
    """Shared by all requests."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._plain = Absent()
        """Answers, by their keys, that are known to have no hidden rounds: those are on record before the client has the answer."""

    async def __call__(
        self, reading: Reading, owner: Owner | None = None, also: Sequence[str] = (), rare: Sequence[str] = (),
    ) -> Known:
        """`owner`: whose request it is. `also`: names to be asked for beside those of the conversation itself; under `rare` ones
        there is most often nothing."""
        conversation, keys = reading.conversation, reading.keys
        replies = [key for key in keys.replies if key not in self._plain] if conversation.defined else []
        past = [key for i, key in keys.parts.items() if i < conversation.fresh]
        new = [key for i, key in keys.parts.items() if i >= conversation.fresh]
        if conversation.defined:
            (past if conversation.replies else new).append(keys.opening)
        try:
            sent = await self._journal.read([*past, *replies, *also], rare, new)
        except Unread as error:
            return Known(await _own(error.known, keys.replies, owner), 1)
        for key in replies:
            if key not in sent:
                self._plain.add(key)
        return Known(await _own(sent, keys.replies, owner))

    async def repair(self, reading: Reading) -> str:
        """What had to be left out of a conversation for good, as this process or else the store has it at this moment; "" if
        nothing had to."""
        key = mended(reading.keys.opening)
        try:
            return (await self._journal.read([key])).get(key) or ""
        except Unread:
            return ""

    async def remember(self, end: bytes, text: str, exchange: Exchange, owner: str = "") -> None:
        """Record the hidden rounds of an answer. `owner` as in weaving.write. Raises StoreError."""
        key = reply(end, text)
        self._plain.discard(key)
        await self._journal.amend({key: write(exchange, owner)})


async def _own(sent: Mapping[str, Form], replies: Sequence[str], owner: Owner | None) -> Mapping[str, Form]:
    """What the journal knows, without hidden rounds in which another tenant's texts were given back."""
    owners = {key: name for key in replies if (name := owner_of(sent.get(key) or ""))}
    if not owners:
        return sent
    try:
        caller = "" if owner is None else await owner()
    except StoreError:
        caller = ""
    return {key: form for key, form in sent.items() if owners.get(key, caller) == caller}
