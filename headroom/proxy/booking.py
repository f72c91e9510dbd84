"""Sees to it that each record says what it cost, and stands in the ledger, before it is accounted for elsewhere."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from headroom.conversation import Json
from headroom.cost import cost
from headroom.errors import StoreError
from headroom.layers.observe import Account
from headroom.ledger.book import Book
from headroom.ledger.ledger import Ledger
from headroom.ledger.nodes import Accounts, Nodes
from headroom.ledger.queries import persistent
from headroom.prices import Model
from headroom.proxy.history import History
from headroom.record import Record
from headroom.stores import is_remote, open_figures
from headroom.stores.base import Store

NAME = "state-ledger.db"


def ledger_path(url: str, folder: Path) -> Path | None:
    """Where the ledger lies for a state: in a file of its own beside it, so that neither waits for the other's locks, nor
    is set aside with it when it breaks. `folder`: for a state that is not here. None: in memory."""
    scheme, _, rest = url.partition(":")
    if scheme == "memory":
        return None
    path = Path(rest).expanduser() if scheme == "sqlite" else folder / NAME
    return path.with_name(f"{path.stem}-ledger{path.suffix}") if scheme == "sqlite" else path


def ledger(url: str, folder: Path) -> Ledger:
    """In memory also where nothing can be written and the sums are kept elsewhere: in containers with a read-only root."""
    path = ledger_path(url, folder)
    if path is not None and is_remote(url) and not _writable(path.parent):
        path = None
    return Ledger(Book(path, time.time))


def _writable(folder: Path) -> bool:
    """Or could be made."""
    existing = next((each for each in (folder, *folder.parents) if os.path.exists(each)), folder)
    return os.access(existing, os.W_OK | os.X_OK)


def nodes(store: Store, ledger: Ledger | None) -> Nodes | None:
    """The account of all who share a state; None where this is the only ledger."""
    figures = open_figures(store)
    return None if figures is None else Nodes(ledger, figures, time.time, lambda: secrets.randbits(62) + 1)


class Booking:
    """An Account in front of another. Not locked: it lives on one thread, the event loop's."""

    def __init__(self, account: Account, ledger: Ledger, find: Callable[[str], Model | None], store: Store | None = None) -> None:
        """`find` gives a model of the price table, by any name. `store`: where state is that other nodes may share."""
        self._account, self.ledger, self._find = account, ledger, find
        self._nodes = None if store is None else nodes(store, ledger)
        self._accounts: Accounts = self._nodes or ledger
        self.history = History(self._accounts)

    def begin(self) -> None:
        self._account.begin()

    def end(self, record: Record) -> None:
        booked = replace(record, cost=cost(record, self._find(record.model))) if record.model else record
        self._account.end(booked)  # first: once it is kept, another process can write what we do not
        self.ledger.write(booked)

    def again(self, records: Iterable[Record]) -> None:
        """Of a process that was killed: what it has written into the ledger stays as it is."""
        for record in records:
            self.ledger.write(record)

    async def stats(self) -> Json:
        """For /stats. `lost` is what the ledger itself knows of; `lost_here` and `waiting` this process alone. With other
        nodes: of how many this is the sum, and whether they could be asked now or it is what they published before."""
        try:
            found = await self._accounts.ask(persistent)
            if self._nodes is not None:
                found |= {"nodes": await self._nodes.nodes(), "current": self._nodes.current}
        except StoreError as error:
            found = {"error": error.message}
        return {**found, "where": self.ledger.where, "lost_here": self.ledger.lost, "waiting": self.ledger.waiting}

    async def keep_publishing(self, mishap: Callable[[str], None]) -> None:
        """For other nodes, until cancelled, or for nothing if there are none."""
        if self._nodes is not None:
            await self._nodes.keep_publishing(mishap)

    async def aclose(self) -> None:
        if self._nodes is not None:
            await self._nodes.aclose()
        await self.ledger.aclose()
