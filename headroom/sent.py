"""The journal of sent forms: how each part of each conversation was sent, so that it is sent so ever after.

A row says, under the chain key of a part, which short form went out, or that it went out as it came. Rows are
written before the request leaves and never change, whoever writes first. They belong to no tenant: credentials
rotate within a session, and whoever has the chain has the text. Hidden rounds that hold more say whose they are (see
headroom.weaving).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from headroom.errors import StoreError
from headroom.memo import Absent, Memo
from headroom.stores.base import Space, Store

SENT = Space("sent", ttl=30 * 86400.0, max_bytes=512 << 20)
"""30 days after its last use: as long as Claude Code keeps a transcript that could be continued
(cleanupPeriodDays in code.claude.com/docs/en/settings)."""

MEMO_BYTES = 32 << 20
"""Remembered in this process: the forms of some hundred conversations."""

ROW_BYTES = 300
"""What a remembered row costs beyond its text: a key of 40 digits, two tuples, a dict entry; measured 250 to 290."""

REFRESH = 1 / 16
"""Part of a row's life after which the store is asked although we remember: it must see that the row is in use."""

AS_IS, TEXT = b"=", b"t"
"""The first byte of a row: what follows, and how it is written. As is: nothing. Text: the form in UTF-8."""

SETTLE_SECONDS = 30.0
"""After a store that many share was away, others may still have to write down what they sent meanwhile. Each does so
within a second or two of its return; the rest is for those that notice it late."""

SAMPLE = 100
"""Rows by which a store that comes back is asked whether it has kept what it had."""

BATCH = 1000
"""Rows written in one step when it has not; some milliseconds."""

Form = str | None
"""A short form; None for "as it came"."""

MAX_UNWRITTEN = 10_000
"""Forms that wait for the store to come back; with it down for longer, the oldest are given up."""


class Unread(StoreError):
    """The store could not be asked; `known` is what this process remembers all the same."""

    def __init__(self, message: str, known: Mapping[str, Form]) -> None:
        super().__init__(message)
        self.known = known


class Journal:
    """All methods raise StoreError. A read that fails is never "absent": absent means never sent by us."""

    def __init__(self, store: Store, now: Callable[[], float], space: Space = SENT, *, settle: float = 0.0) -> None:
        """`settle`: seconds after an outage in which a row that is not there may still be on its way."""
        self._store, self._now, self._space, self._settle = store, now, space, settle
        self._memo: Memo[str, tuple[Form, float]] = Memo(MEMO_BYTES)
        self._missing = Absent()
        self._unwritten: dict[str, Form] = {}
        self._failed = float("-inf")
        """When the store was last found to be away."""
        self._to_mend = False

    async def read(self, keys: Sequence[str], rare: Sequence[str] = (), new: Sequence[str] = ()) -> Mapping[str, Form]:
        """How the parts behind these chain keys were sent; a key that is not in the answer was not. Raises Unread.

        If all `keys` are remembered here, the store is not asked for the sake of others: `rare` ones, under which most often
        nothing stands, if nothing stood there before; `new` ones, which nobody has sent as far as the caller can tell, since
        `record` answers what stands."""
        found, wanted = self._remembered(keys)
        seldom, unsure = self._remembered(rare)
        sent, unsent = self._remembered(new)
        found = {**found, **seldom, **sent}
        if wanted or any(key in seldom or key not in self._missing for key in unsure):
            wanted += [*unsure, *unsent]
            try:
                rows = await self._store.get(self._space, "", wanted)
                found.update(self._remember({key: decode(row) for key, row in rows.items()}))
            except StoreError as error:
                self._away()
                raise Unread(error.message, found) from None
            if abs(self._now() - self._failed) < self._settle and any(key not in found for key in wanted):
                raise Unread("the store was away until a moment ago, and may not have been told everything yet", found)
            for key in unsure:
                if key not in found:
                    self._missing.add(key)
        return found

    async def record(self, forms: Mapping[str, Form]) -> Mapping[str, Form]:
        """Write what is about to be sent, unless something stands there already; answers what stands.

        What cannot be written leaves all the same, so it is remembered, and written with the next record.
        """
        waiting = {**self._unwritten, **forms}
        try:
            rows = await self._store.add(self._space, "", {key: encode(form) for key, form in waiting.items()})
            stands = self._remember({key: decode(row) for key, row in rows.items()})
        except StoreError:
            self._away()
            self._remember(forms)
            self._unwritten = dict(list(waiting.items())[-MAX_UNWRITTEN:])
            raise
        self._unwritten = {}
        return {key: stands[key] for key in forms}

    async def claim(self, key: str, form: Form) -> Form:
        """Write one row unless something stands there already; answers what stands. Unlike with `record`, what could not be
        written does not hold here either."""
        try:
            rows = await self._store.add(self._space, "", {key: encode(form)})
        except StoreError:
            self._away()
            raise
        return self._remember({key: decode(rows[key])})[key]

    async def amend(self, forms: Mapping[str, Form]) -> None:
        """Replace what stands: the provider has shown that it was not what was sent."""
        self._remember(forms)
        await self._store.put(self._space, "", {key: encode(form) for key, form in forms.items()})

    async def mend(self) -> bool:
        """Called now and then, twice a second: notices that the store is away, and when it is back writes down what it was not
        told, and all that is remembered here if it has lost what it had. Whether it had been away. Raises StoreError."""
        try:
            known = self._memo.items()[-SAMPLE:] if self._to_mend else []
            kept = await self._store.get(self._space, "", [key for key, _ in known] or [""])
            if not self._to_mend:
                return False
            lost = dict(self._memo.items()) if any(key not in kept and key not in self._unwritten for key, _ in known) else {}
            await self._rewrite({**{key: form for key, (form, _) in lost.items()}, **self._unwritten})
        except StoreError:
            self._away()
            raise
        self._to_mend = False
        return True

    async def _rewrite(self, forms: Mapping[str, Form]) -> None:
        rows = [(key, encode(form)) for key, form in forms.items()]
        for start in range(0, len(rows), BATCH):
            stands = await self._store.add(self._space, "", dict(rows[start : start + BATCH]))
            self._remember({key: decode(row) for key, row in stands.items()})
            for key in stands:
                self._unwritten.pop(key, None)

    def _away(self) -> None:
        self._failed, self._to_mend = self._now(), True

    def _remembered(self, keys: Sequence[str]) -> tuple[dict[str, Form], list[str]]:
        """What we know, and what the store must be asked; a row unseen there for long is in both."""
        found: dict[str, Form] = {}
        wanted: list[str] = []
        stale = self._now() - self._space.ttl * REFRESH
        for key in keys:
            row = self._memo.get(key)
            if row is not None:
                found[key] = row[0]
            if row is None or row[1] < stale:
                wanted.append(key)
        return found, wanted

    def _remember(self, forms: Mapping[str, Form]) -> Mapping[str, Form]:
        now = self._now()
        for key, form in forms.items():
            self._memo.put(key, (form, now), ROW_BYTES + len(form or ""))
            if key in self._missing:
                self._missing.discard(key)  # also for when the memo has forgotten it
        return forms


def encode(form: Form) -> bytes:
    return AS_IS if form is None else TEXT + form.encode("utf-8", "surrogatepass")


def decode(row: bytes) -> Form:
    """A row in a format we do not know (written by a later version) says that the part was sent, but not how. To call
    it absent would be to send the part another way; so the read fails, and the caller does what it does without a store."""
    if row == AS_IS:
        return None
    if row[:1] == TEXT:
        try:
            return row[1:].decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise StoreError("a row of the journal of sent forms is damaged") from None
    raise StoreError(f"the journal of sent forms holds a row of an unknown format ({row[:1]!r})")
