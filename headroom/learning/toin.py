"""TOIN, tool output intelligence: hears what was shortened and what was asked for again, and says what follows for each kind of output.

Requests only leave notes here, in memory; `flush`, off their path, adds them to the shared log and reads what other
workers added. Nothing is kept of the outputs but counts (headroom.patterns) under a hash of their shape (headroom.signature).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import anyio

from headroom import ccr
from headroom.conversation import Json, Part, Report
from headroom.learning.additions import Additions
from headroom.learning.rows import Entry
from headroom.memo import Memo
from headroom.patterns import MAX_PATTERNS, MAX_TOOL, Counts, How, Name, News, Patterns, Policies
from headroom.signature import signature
from headroom.stores.base import Space, Store

POLICIES = Space("toin-policies", ttl=float("inf"), max_bytes=4 << 20)
"""Tables that conversations began with, by version. A new one is written when a policy changes, some kilobytes at most:
there is room for a thousand changes, and a conversation that began before them is long over."""

KINDS_BYTES = 16 << 20
"""For the kinds of originals: 120 bytes each, so 140,000 of them."""

MAX_NOTES = 10_000
"""Notes of each sort that wait for the store; with it down for longer, further ones are given up."""

KNOWN_BYTES = 1 << 20
"""For tables of policies remembered in this process."""

PATIENCE = 60
"""Flushes, ten minutes. What was shortened in a request is told at the end of its answer, and that of a thinking model, which
may ask in its midst, can take so long; another worker's notes wait too."""

FLUSH_SECONDS = 10.0
"""How late what is learned may be. It shapes new conversations only, and nobody waits for it; a process that is killed takes
so much of it along."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody asked for an original."""

    tenant: str | None
    """None: the owner of the machine, who may read every tenant's."""
    key: str
    how: How
    flushes: int = PATIENCE
    """Until it is given up that somebody says what kind it is."""


class Toin:
    """`writer`: a name no other process uses. `life`: seconds for which originals are kept. `shared`: all tenants learn together."""

    def __init__(self, store: Store, writer: str, life: float, *, shared: bool = False) -> None:
        self._store, self._additions, self._shared = store, Additions(store, writer), shared
        self._kinds_space = Space("toin-kinds", life, KINDS_BYTES)
        self._turn = anyio.Lock()
        self._news: dict[Name, tuple[str, Counts]] = {}
        self._kinds: dict[Name, Sequence[str]] = {}
        self._asked: list[Asked] = []
        self._entry: Entry | None = None
        self._published: Mapping[str, Policies] = {}
        self._known: Memo[str, Policies] = Memo(KNOWN_BYTES)

    @property
    def patterns(self) -> Patterns:
        return self._additions.patterns

    def count(self, tenant: str, kind: tuple[str, str], counts: Counts, key: str = "") -> None:
        """`kind`: tool and signature. `key`: of the original, if it can be asked for."""
        tool, name = kind[0][:MAX_TOOL], (self.owner(tenant), kind[1])
        if name in self._news or len(self._news) < MAX_PATTERNS:
            _, before = self._news.get(name, (tool, Counts()))
            self._news[name] = tool, before.plus(counts)
        if key and len(self._kinds) < MAX_NOTES:
            self._kinds[tenant, key] = (*name, tool)

    def compressed(self, tenant: str, report: Report) -> None:
        """The edits of one request, and what policies spared; edits to what no tool printed are none of ours."""
        keys = {text: key for key, text in report.originals.items()}
        for edit in report.edits:
            if edit.tool:
                lossy = edit.grade == "lossy"
                counts = Counts(compressed=1, lossy=int(lossy), before=edit.before, after=edit.after)
                kind = edit.tool, signature(edit.tool, edit.original)
                self.count(tenant, kind, counts, keys.get(edit.original, "") if lossy else "")
        for kind in report.spared:
            self.count(tenant, kind, Counts(spared=1))

    def dropped(self, tenant: str, part: Part, tokens: int) -> None:
        """A conversation did not fit, and this output was left out of it altogether; its original was kept."""
        if part.tool:
            kind = part.tool, signature(part.tool, part.text)
            self.count(tenant, kind, Counts(dropped=1, before=tokens), ccr.key_of(part.text))

    def retrieved(self, tenant: str | None, key: str, how: How) -> None:
        """An original was given back."""
        if len(self._asked) < MAX_NOTES:
            self._asked.append(Asked(tenant, key, how))

    def policies(self, tenant: str) -> Policies:
        """What a conversation that begins now is to go by. Every worker finds it by its version (`pinned`)."""
        found = self._published.get(self.owner(tenant))
        return found or self._published.get("") or Policies()

    async def pinned(self, version: str) -> Policies | None:
        """The policies a conversation began with; None if they are gone. Raises StoreError."""
        if not version:
            return Policies()
        known = self._known.get(version)
        if known is None:
            row = (await self._store.get(POLICIES, "", [version])).get(version)
            known = None if row is None else _decoded(row, version)
            if known is not None and row is not None:
                self._known.put(version, known, 2 * len(row))
        return known

    async def flush(self) -> None:
        """Add our notes to what all workers know, and read what they added. Raises StoreError; then notes are kept."""
        async with self._turn:
            await self._write_kinds()
            await self._resolve()
            if self._entry is None and self._news:
                self._entry, self._news = Entry(self._additions.entry(), self._news), {}
            await self._add()

    async def replace(self, news: News, *, reset: bool) -> None:
        """Add counts from elsewhere; `reset` forgets all others first, notes that wait included. Raises StoreError."""
        await self.flush()
        async with self._turn:
            self._entry = Entry(self._additions.entry(), news, reset)
            await self._add()

    def stats(self) -> Json:
        return {"enabled": True, "shared": self._shared, **self.patterns.summary()}

    def owner(self, tenant: str) -> str:
        """Whose policies a tenant goes by; "" is everybody."""
        return "" if self._shared else tenant

    async def _add(self) -> None:
        before = self._additions.read
        if self._entry is None:
            await self._additions.follow()
        else:
            await self._additions.write(self._entry)
            self._entry = None
        if self._additions.read != before or not self._published:
            await self._publish()

    async def _publish(self) -> None:
        """A version is in the store before anybody can be told of it."""
        tables = self.patterns.policies()
        rows = {table.version: table.encode() for table in tables.values() if table.table}
        new = {version: row for version, row in rows.items() if self._known.get(version) is None}
        if new:
            await self._store.add(POLICIES, "", new)
        for table in tables.values():
            self._known.put(table.version, table, 2 * len(rows.get(table.version, b"")))
        self._published = tables

    async def _write_kinds(self) -> None:
        by_tenant: dict[str, dict[str, bytes]] = {}
        written = dict(self._kinds)
        for (tenant, key), kind in written.items():
            by_tenant.setdefault(tenant, {})[key] = json.dumps(kind).encode()
        for tenant, rows in by_tenant.items():
            await self._store.put(self._kinds_space, tenant, rows)
        for name in written:
            del self._kinds[name]

    async def _resolve(self) -> None:
        """Which kinds were asked for. An original made before we counted, or by somebody else, is of none."""
        asked = tuple(self._asked)
        found: dict[tuple[str | None, str], bytes] = {}
        for tenant in {note.tenant for note in asked}:
            keys = [note.key for note in asked if note.tenant == tenant]
            rows = await self._store.get(self._kinds_space, tenant, keys)
            found.update({(tenant, key): row for key, row in rows.items()})
        del self._asked[: len(asked)]
        for note in asked:
            row = found.get((note.tenant, note.key))
            if row is not None:
                self._hear(row, note.how)
            elif note.flushes > 1:
                self._asked.append(replace(note, flushes=note.flushes - 1))

    def _hear(self, row: bytes, how: How) -> None:
        try:
            owner, name, tool = json.loads(row)
        except ValueError:
            return
        _, before = self._news.get((owner, name), (tool, Counts()))
        self._news[owner, name] = tool, before.plus(replace(Counts(), **{how: 1}))


def _decoded(row: bytes, version: str) -> Policies | None:
    """None for a damaged row."""
    try:
        table = Policies.decode(row)
    except ValueError:
        return None
    return table if table.version == version else None
