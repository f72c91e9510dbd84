from __future__ import annotations

from pathlib import Path

import pytest

from headroom import ccr
from headroom.conversation import Edit, Grade, Part, Report
from headroom.errors import StoreError
from headroom.learning import toin
from headroom.learning.toin import Toin
from headroom.patterns import Counts, How, Policies
from headroom.signature import signature
from headroom.stores.base import Space, Store
from headroom.stores.memory import Memory
from headroom.stores.sqlite import SQLite
from tests.learning.test_additions import Shaky

pytestmark = pytest.mark.anyio

LOG = "".join(f"09:00:{i:02d} INFO step {i} done\n" for i in range(60))
KIND = "Bash", signature("Bash", LOG)
HARD = Counts(compressed=6, lossy=6, whole=6)


def learned(store: Store, writer: str = "w", *, shared: bool = False) -> Toin:
    return Toin(store, writer, 3600.0, shared=shared)


def report(*texts: str, grade: Grade = "lossy", tool: str = "Bash") -> Report:
    edits = tuple(Edit("logs", tool, text, "short", grade, 100, 10) for text in texts)
    return Report(edits=edits, originals={ccr.key_of(text): text for text in texts})


def lines(start: int) -> str:
    return "".join(f"09:00:{i % 60:02d} INFO step {i} done\n" for i in range(start, start + 60))


@pytest.mark.parametrize("how", ["whole", "lines", "query"])
async def test_what_is_asked_for_again_is_counted_under_its_kind(how: How) -> None:
    ours = learned(Memory(lambda: 0.0))
    ours.compressed("a", report(LOG))
    ours.compressed("a", report("[1,\n2]", grade="exact"))
    ours.compressed("a", report("text", tool=""))
    ours.retrieved("a", ccr.key_of(LOG), how)
    ours.retrieved("b", ccr.key_of(LOG), how)
    ours.retrieved("a", "0" * 24, how)
    await ours.flush()
    await ours.flush()
    assert [(row["signature"], row["compressed"], row["lossy"], row["retrieved"], row[how]) for row in ours.patterns.show("a")] == [
        (signature("Bash", "[1,\n2]"), 1, 0, 0, 0), (KIND[1], 1, 1, 1, 1),
    ]
    assert ours.patterns.show("b") == []


async def test_the_owner_of_the_machine_asks_for_anybodys() -> None:
    ours = learned(Memory(lambda: 0.0))
    ours.compressed("a", report(LOG))
    ours.retrieved(None, ccr.key_of(LOG), "whole")
    await ours.flush()
    (row,) = ours.patterns.show("a")
    assert row["whole"] == 1


async def test_a_worker_may_hear_of_a_retrieval_before_another_has_told_of_what_kind_it_is() -> None:
    store = Memory(lambda: 0.0)
    maker, teller = learned(store, "m"), learned(store, "t")
    maker.compressed("a", report(LOG))
    teller.retrieved("a", ccr.key_of(LOG), "lines")
    teller.retrieved("a", "0" * 24, "lines")
    for _ in range(toin.PATIENCE - 1):
        await teller.flush()
    assert teller.patterns.show() == []
    await maker.flush()
    for _ in range(2):
        await teller.flush()
    (row,) = teller.patterns.show()
    assert (row["lossy"], row["lines"]) == (1, 1)


@pytest.mark.parametrize("shared", [False, True])
async def test_tenants_learn_together_only_if_told_to(shared: bool) -> None:
    ours = learned(Memory(lambda: 0.0), shared=shared)
    ours.count("a", KIND, HARD)
    await ours.flush()
    assert ours.policies("a").of(KIND[1]) == "whole"
    assert ours.policies("b").of(KIND[1]) == ("whole" if shared else "as_is")


async def test_a_store_that_is_down_loses_nothing() -> None:
    store = Shaky(Memory(lambda: 0.0), "before")
    ours = learned(store)
    ours.compressed("a", report(LOG))
    ours.retrieved("a", ccr.key_of(LOG), "lines")
    for _ in range(2):
        with pytest.raises(StoreError):
            await ours.flush()
    ours.compressed("a", report(lines(60)))
    store.fail = ""
    await ours.flush()
    await ours.flush()
    (row,) = ours.patterns.show("a")
    assert (row["compressed"], row["lines"]) == (2, 1)


async def test_notes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toin, "MAX_NOTES", 5)
    monkeypatch.setattr(toin, "MAX_PATTERNS", 5)
    ours = learned(Memory(lambda: 0.0))
    for i in range(9):
        ours.count("a", ("T" * 100, f"json-{i:016x}"), Counts(compressed=1), key=f"{i}")
        ours.retrieved("a", f"{i}", "whole")
    await ours.flush()
    rows = ours.patterns.show()
    assert len(rows) == 5
    assert {row["tool"] for row in rows} == {"T" * 64}


async def test_no_content_is_kept() -> None:
    store = Memory(lambda: 0.0)
    ours = learned(store)
    secret = '{"password_of_ann": "hunter2", "x": 1}'
    ours.compressed("a", report(secret))
    await ours.flush()
    rows = await store.get(toin_space(), "", ["1"])
    kinds = await store.get(Space("toin-kinds", 3600.0, 1 << 20), "a", [ccr.key_of(secret)])
    assert rows
    assert kinds
    written = b"".join((*rows.values(), *kinds.values()))
    assert b"password" not in written
    assert b"hunter2" not in written


def toin_space() -> Space:
    return Space("toin", float("inf"), 1 << 20)


async def test_several_workers_go_by_one_table_and_find_the_ones_conversations_began_with(tmp_path: Path) -> None:
    here, there = (SQLite(tmp_path / "state.db", lambda: 0.0) for _ in range(2))
    one, two = learned(here, "one"), learned(there, "two")
    assert one.policies("a") == Policies()
    for i in range(4):
        worker = (one, two)[i % 2]
        worker.compressed("a", report(lines(i * 60), lines(i * 60 + 7000)))
        worker.retrieved("a", ccr.key_of(lines(i * 60)), "whole")
        worker.retrieved("a", ccr.key_of(lines(i * 60 + 7000)), "lines")
        await worker.flush()
    await one.flush()
    first = one.policies("a")
    assert first == two.policies("a")
    assert first.of(KIND[1]) == "gentle"
    two.count("a", KIND, Counts(spared=50, lossy=90))
    await two.flush()
    await one.flush()
    assert one.policies("a").of(KIND[1]) == "as_is"
    assert one.policies("a").version != first.version
    restarted = learned(here, "three")
    await restarted.flush()
    assert restarted.policies("a") == one.policies("a")
    assert await restarted.pinned(first.version) == first
    assert await restarted.pinned("") == Policies()
    assert await restarted.pinned("0" * 16) is None
    await here.aclose()
    await there.aclose()


async def test_what_comes_from_elsewhere_is_everybodys() -> None:
    ours = learned(Memory(lambda: 0.0))
    ours.count("a", KIND, Counts(compressed=1))
    await ours.replace({("", KIND[1]): ("Bash", HARD)}, reset=False)
    assert ours.policies("nobody").of(KIND[1]) == "whole"
    assert [row["shared"] for row in ours.patterns.show("a")] == [True, False]
    await ours.replace({}, reset=True)
    assert ours.patterns.show() == []
    assert ours.policies("a") == Policies()
    assert ours.stats() == {
        "enabled": True, "shared": False, "patterns": 0, "gentle": 0, "whole": 0, "compressed": 0, "lossy": 0, "dropped": 0,
        "spared": 0, "retrieved": 0,
    }


async def test_what_was_left_out_of_a_conversation_can_be_asked_for_too() -> None:
    ours = learned(Memory(lambda: 0.0))
    ours.dropped("a", Part("tool", LOG, (), "Bash"), 900)
    ours.dropped("a", Part("tool", LOG, ()), 900)
    ours.retrieved("a", ccr.key_of(LOG), "query")
    await ours.flush()
    (row,) = ours.patterns.show("a")
    assert (row["signature"], row["dropped"], row["before"], row["after"], row["query"]) == (KIND[1], 1, 900, 0, 1)


@pytest.mark.parametrize("row", [b"", b"[]", b'{"lines-0123456789abcdef":"whole"}'])
async def test_a_damaged_table_is_none(row: bytes) -> None:
    store = Memory(lambda: 0.0)
    await store.put(toin.POLICIES, "", {"0" * 16: row})
    assert await learned(store).pinned("0" * 16) is None
