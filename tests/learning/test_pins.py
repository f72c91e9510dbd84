from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from headroom.errors import StoreError
from headroom.learning.pins import Pins
from headroom.learning.toin import POLICIES, Toin
from headroom.patterns import Counts, Policies
from headroom.sent import Form, Journal
from headroom.stores.memory import Memory
from tests.learning.test_additions import Shaky

pytestmark = pytest.mark.anyio

KIND = "lines-0123456789abcdef"
FIRST = "f" * 40
WHOLE = Policies({KIND: "whole"})


@dataclass
class Worker:
    """One of several processes on a store."""

    store: Shaky = field(default_factory=lambda: Shaky(Memory(lambda: 0.0), ""))
    shared: bool = False
    name: str = "w"

    def __post_init__(self) -> None:
        self.toin = Toin(self.store, self.name, 3600.0, shared=self.shared)
        self.journal = Journal(self.store, lambda: 0.0)
        self.pins = Pins(self.toin, self.journal)

    async def learn(self, counts: Counts, tenant: str = "a") -> None:
        self.toin.count(tenant, ("Bash", KIND), counts)
        await self.toin.flush()

    async def goes_by(self, tenant: str = "a", *, new: bool = False, record: bool = True) -> Policies:
        key = self.pins.key(tenant, FIRST)
        return await self.pins.policies(key, tenant, await self.journal.read([key]), new=new, record=record)


ASKED_FOR = Counts(compressed=6, lossy=6, whole=6)
NOT_MISSED = Counts(compressed=90, lossy=90, spared=50)


async def test_a_new_conversation_goes_by_what_is_known_then_and_to_its_end() -> None:
    worker = Worker()
    await worker.toin.flush()
    assert await worker.goes_by(new=True) == Policies()
    await worker.learn(ASKED_FOR)
    assert await worker.goes_by() == Policies()
    assert await worker.goes_by(new=True, record=False) == WHOLE
    assert await worker.goes_by() == Policies()
    assert await worker.goes_by(new=True) == WHOLE
    await worker.learn(NOT_MISSED)
    assert await worker.goes_by() == WHOLE
    assert await worker.goes_by(new=True) == WHOLE
    restarted = Worker(worker.store, name="r")
    assert await restarted.goes_by() == WHOLE


async def test_two_workers_that_begin_at_once_go_by_one_table() -> None:
    one = Worker()
    await one.learn(ASKED_FOR)
    two = Worker(one.store, name="two")
    await two.learn(NOT_MISSED)
    two.toin.count("a", ("Read", KIND[::-1]), ASKED_FOR)
    await two.toin.flush()
    key = one.pins.key("a", FIRST)
    unread: Mapping[str, Form] = {}
    first = await one.pins.policies(key, "a", unread, new=True, record=True)
    assert first == WHOLE
    assert two.toin.policies("a") != first
    assert await two.pins.policies(key, "a", unread, new=True, record=True) == first


@pytest.mark.parametrize("shared", [False, True])
async def test_what_other_tenants_do_matters_only_where_the_operator_said_so(shared: bool) -> None:
    worker = Worker(shared=shared)
    await worker.learn(ASKED_FOR)
    await worker.goes_by("a", new=True)
    assert await worker.goes_by("b", new=True) == (WHOLE if shared else Policies())
    assert (worker.pins.key("a", FIRST) == worker.pins.key("b", FIRST)) == shared


async def test_a_policy_that_cannot_be_recorded_is_not_gone_by() -> None:
    worker = Worker()
    await worker.learn(ASKED_FOR)
    key = worker.pins.key("a", FIRST)
    worker.store.fail = "before"
    with pytest.raises(StoreError):
        await worker.pins.policies(key, "a", {}, new=True, record=True)
    worker.store.fail = ""
    assert await worker.journal.read([key]) == {}
    await worker.journal.record({"other": None})
    assert await worker.goes_by() == Policies()


@pytest.mark.parametrize("row", ["toin 0000000000000000", "toin ", "toin2 x", "", None])
async def test_a_row_that_says_nothing_is_as_if_nothing_had_been_learned(row: Form) -> None:
    worker = Worker()
    await worker.learn(ASKED_FOR)
    await worker.journal.record({worker.pins.key("a", FIRST): row})
    assert await worker.goes_by() == Policies()


async def test_a_table_that_is_gone_is_as_if_nothing_had_been_learned() -> None:
    worker = Worker()
    await worker.learn(ASKED_FOR)
    await worker.goes_by(new=True)
    await worker.store.put(POLICIES, "", {WHOLE.version: b"damaged"})
    assert await worker.goes_by() == WHOLE
    assert await Worker(worker.store, name="r").goes_by() == Policies()
