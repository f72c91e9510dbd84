from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from headroom.conversation import Conversation, Part
from headroom.errors import StoreError
from headroom.learning.pins import Pin, Pins
from headroom.learning.toin import POLICIES, Toin
from headroom.patterns import Counts, Policies
from headroom.sent import Form, Journal
from headroom.stores.memory import Memory
from tests.learning.test_additions import Shaky

pytestmark = pytest.mark.anyio

KIND = "lines-0123456789abcdef"
FIRST, SECOND = "1" * 40, "2" * 40
WHOLE = Policies({KIND: "whole"}, {"Bash": "whole"})
ASKED_FOR = Counts(compressed=6, lossy=6, whole=6)
NOT_MISSED = Counts(compressed=90, lossy=90, spared=50)

USER, SAID, OUTPUT = Part("user", "go", ("u",)), Part("assistant", "ok", ("a",)), Part("tool", "text", ("t",), "Bash")
TURNS = (USER, SAID, OUTPUT, SAID, OUTPUT, SAID)
"""One request has the first three of them, the next five, and the last all."""
KEYS = {2: FIRST, 4: SECOND}


def turn(number: int) -> tuple[Conversation, dict[int, str]]:
    parts = TURNS[: (3, 5, 6)[number]]
    return Conversation("m", parts, (2, 4, 6)[number]), {i: key for i, key in KEYS.items() if i < len(parts)}


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

    def pin(self, number: int = 0, tenant: str = "a") -> Pin:
        found = self.pins.pin(tenant, *turn(number))
        assert found is not None
        return found

    async def goes_by(self, pin: Pin) -> Policies:
        return await pin.policies(await self.journal.read([pin.key, pin.first]), read=True)


@pytest.mark.parametrize(("number", "begins"), [(0, True), (1, False), (2, None)])
def test_only_what_is_new_can_go_by_policies(number: int, begins: bool | None) -> None:
    found = Worker().pins.pin("a", *turn(number))
    assert (found and found.begins) == begins
    assert Worker().pins.pin("a", Conversation("m", (USER,)), {}) is None


async def test_a_new_conversation_goes_by_what_is_known_then_and_to_its_end() -> None:
    worker = Worker()
    await worker.learn(ASKED_FOR)
    assert await worker.goes_by(worker.pin()) == WHOLE
    await worker.journal.record({FIRST: None})
    await worker.learn(NOT_MISSED)
    assert worker.toin.policies("a") == Policies()
    for each in (worker, Worker(worker.store, name="restarted")):
        assert await each.goes_by(each.pin(0)) == WHOLE
        assert await each.goes_by(each.pin(1)) == WHOLE


async def test_one_that_began_when_nothing_was_known_learns_nothing_on_the_way() -> None:
    worker = Worker()
    await worker.toin.flush()
    assert await worker.goes_by(worker.pin()) == Policies()
    await worker.journal.record({FIRST: None})
    await worker.learn(ASKED_FOR)
    assert await worker.goes_by(worker.pin(0)) == Policies()
    assert await worker.goes_by(worker.pin(1)) == Policies()


@pytest.mark.parametrize("conversation", [replace(turn(0)[0], only_counted=True), replace(turn(0)[0], kept_by_provider=True)])
async def test_what_will_not_come_again_needs_no_row(conversation: Conversation) -> None:
    worker = Worker()
    await worker.learn(ASKED_FOR)
    pin = worker.pins.pin("a", conversation, turn(0)[1])
    assert pin is not None
    assert await worker.goes_by(pin) == WHOLE
    assert await worker.journal.read([pin.key]) == {}


async def test_two_workers_that_begin_at_once_go_by_one_table() -> None:
    one = Worker()
    await one.learn(ASKED_FOR)
    two = Worker(one.store, name="two")
    await two.learn(NOT_MISSED)
    two.toin.count("a", ("Read", KIND[::-1]), ASKED_FOR)
    await two.toin.flush()
    assert two.toin.policies("a") != one.toin.policies("a")
    for worker in (one, two):
        assert await worker.pin().policies({}, read=True) == WHOLE


@pytest.mark.parametrize("shared", [False, True])
async def test_what_other_tenants_do_matters_only_where_the_operator_said_so(shared: bool) -> None:
    worker = Worker(shared=shared)
    await worker.learn(ASKED_FOR)
    mine, theirs = (worker.pin(tenant=tenant) for tenant in "ab")
    assert (mine.key == theirs.key) == shared
    assert await worker.goes_by(mine) == WHOLE
    assert await worker.goes_by(theirs) == (WHOLE if shared else Policies())


async def test_a_policy_that_cannot_be_recorded_is_not_gone_by() -> None:
    worker = Worker()
    await worker.learn(ASKED_FOR)
    worker.store.fail = "before"
    with pytest.raises(StoreError):
        await worker.pin().policies({}, read=True)
    worker.store.fail = ""
    await worker.journal.record({FIRST: None})
    assert await worker.goes_by(worker.pin(1)) == Policies()


async def test_nor_is_one_pinned_where_nobody_can_tell_whether_the_conversation_is_new() -> None:
    worker = Worker()
    await worker.learn(ASKED_FOR)
    assert await worker.pin().policies({}, read=False) == Policies()
    assert await worker.goes_by(worker.pin(1)) == Policies()


@pytest.mark.parametrize("row", ["toin 0000000000000000", "toin ", "toin2 x", ""])
async def test_a_row_that_says_nothing_is_as_if_nothing_had_been_learned(row: Form) -> None:
    worker = Worker()
    await worker.learn(ASKED_FOR)
    await worker.journal.record({worker.pin().key: row})
    assert await worker.goes_by(worker.pin()) == Policies()


async def test_a_table_that_is_gone_is_as_if_nothing_had_been_learned() -> None:
    worker = Worker()
    await worker.learn(ASKED_FOR)
    await worker.goes_by(worker.pin())
    await worker.store.put(POLICIES, "", {WHOLE.version: b"damaged"})
    assert await worker.goes_by(worker.pin()) == WHOLE
    restarted = Worker(worker.store, name="restarted")
    assert await restarted.goes_by(restarted.pin()) == Policies()
