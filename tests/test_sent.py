from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.errors import StoreError
from headroom.sent import MEMO_BYTES, SENT, Form, Journal, Unread, decode, encode
from headroom.stores import open_store
from headroom.stores.base import Size, Space
from headroom.stores.memory import Memory
from tests.clock import Clock

pytestmark = pytest.mark.anyio


@dataclass
class Watched:
    """A store in memory that says what it was asked, and can be down."""

    inner: Memory
    asked: list[list[str]] = field(default_factory=list)
    down: bool = False

    async def put(self, space: Space, tenant: str, rows: Mapping[str, bytes]) -> None:
        await self.inner.put(space, tenant, rows)

    async def add(self, space: Space, tenant: str, rows: Mapping[str, bytes]) -> Mapping[str, bytes]:
        self._ask(list(rows))
        return await self.inner.add(space, tenant, rows)

    async def get(self, space: Space, tenant: str | None, keys: Sequence[str]) -> Mapping[str, bytes]:
        self._ask(list(keys))
        return await self.inner.get(space, tenant, keys)

    async def size(self, space: Space) -> Size:
        return await self.inner.size(space)

    async def aclose(self) -> None:
        await self.inner.aclose()

    def _ask(self, keys: list[str]) -> None:
        if self.down:
            raise StoreError("down")
        self.asked.append(keys)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> Watched:
    return Watched(Memory(clock))


@pytest.mark.parametrize(
    ("form", "row"),
    [(None, b"="), ("", b"t"), ("=", b"t="), ("a\nb", b"ta\nb"), ("grün", b"tgr\xc3\xbcn"), ("\ud800", b"t\xed\xa0\x80")],
)
def test_a_row_says_its_format_first(form: Form, row: bytes) -> None:
    assert encode(form) == row
    assert decode(row) == form


@pytest.mark.parametrize("row", [b"", b"z\x78\x9c", b"\x00", b"==", b"t\xff"])
def test_a_row_we_cannot_read_is_an_error_and_not_absent(row: bytes) -> None:
    with pytest.raises(StoreError):
        decode(row)


@given(st.none() | st.text())
def test_every_form_comes_back(form: Form) -> None:
    assert decode(encode(form)) == form


async def test_recorded_forms_are_read_back_and_the_rest_is_absent(store: Watched, clock: Clock) -> None:
    journal = Journal(store, clock)
    forms = {"a": "short", "b": None}
    assert await journal.record(forms) == forms
    assert await journal.read(["a", "b", "c"]) == forms
    assert await Journal(store, clock).read(["a", "b", "c"]) == forms


async def test_the_first_writer_wins(store: Watched, clock: Clock) -> None:
    first, second = Journal(store, clock), Journal(store, clock)
    await first.record({"a": "one"})
    assert await second.record({"a": "two", "b": None}) == {"a": "one", "b": None}
    assert await second.read(["a"]) == {"a": "one"}


async def test_what_is_remembered_is_not_asked_again(store: Watched, clock: Clock) -> None:
    journal = Journal(store, clock)
    await journal.record({"a": "short", "b": None})
    await journal.read(["a", "b", "c"])
    await journal.read(["a", "b"])
    assert store.asked == [["a", "b"], ["c"]]


async def test_absence_is_not_remembered(store: Watched, clock: Clock) -> None:
    journal = Journal(store, clock)
    assert await journal.read(["a"]) == {}
    await Journal(store, clock).record({"a": "by another worker"})
    assert await journal.read(["a"]) == {"a": "by another worker"}


@pytest.mark.parametrize(("keys", "rare", "new", "asked"), [
    ((), (), (), []),
    (("mine",), (), ("n",), []),
    ((), (), ("n",), []),
    (("other",), (), ("n",), ["other", "n"]),
    (("mine",), ("r",), ("n",), ["r", "n"]),
    (("mine",), ("looked for",), ("n",), []),
    (("other",), ("looked for",), (), ["other", "looked for"]),
    (("mine",), ("mine",), ("mine",), []),
], ids=str)
async def test_the_store_is_not_asked_for_what_is_rare_or_new_alone(
    store: Watched, clock: Clock, keys: tuple[str, ...], rare: tuple[str, ...], new: tuple[str, ...], asked: list[str],
) -> None:
    journal = Journal(store, clock)
    await journal.record({"mine": "short"})
    await journal.read([], ["looked for"])
    before = len(store.asked)
    await Journal(store, clock).record({"other": "theirs", "n": "new", "looked for": None})
    found = await journal.read(keys, rare, new)
    assert store.asked[before + 1 :] == ([asked] if asked else [])
    assert dict(found) == {key: form for key, form in {"mine": "short", "other": "theirs", "n": "new", "looked for": None}.items()
                           if key in asked or (key == "mine" and key in keys)}


async def test_what_was_rare_and_is_recorded_here_is_known(store: Watched, clock: Clock) -> None:
    journal = Journal(store, clock)
    assert await journal.read([], ["r"]) == {}
    await journal.amend({"r": "4"})
    assert await journal.read([], ["r"]) == {"r": "4"}
    for n in range(3):
        await journal.record({str(n): "x" * (MEMO_BYTES // 2 - 1000)})
    assert await journal.read([], ["r"]) == {"r": "4"}
    assert store.asked[-1] == ["r"]


async def test_a_row_in_use_here_lives_on_in_the_store(store: Watched, clock: Clock) -> None:
    journal = Journal(store, clock)
    await journal.record({"a": "short"})
    for _ in range(40):
        clock.now += SENT.ttl / 8
        assert await journal.read(["a"]) == {"a": "short"}
    assert await Journal(store, clock).read(["a"]) == {"a": "short"}


async def test_what_the_store_forgot_is_still_remembered(store: Watched, clock: Clock) -> None:
    journal = Journal(store, clock)
    await journal.record({"a": "short"})
    await store.aclose()
    clock.now += SENT.ttl / 8
    assert await journal.read(["a"]) == {"a": "short"}


async def test_a_store_that_is_down_fails_the_call(store: Watched, clock: Clock) -> None:
    journal = Journal(store, clock)
    await journal.record({"a": "short"})
    store.down = True
    assert await journal.read(["a"]) == {"a": "short"}, "remembered: no store needed"
    with pytest.raises(StoreError):
        await journal.read(["a", "b"])
    with pytest.raises(StoreError):
        await journal.record({"b": None})


async def test_one_unreadable_row_fails_the_whole_read(store: Watched, clock: Clock) -> None:
    await store.put(SENT, "", {"a": b"\x7fof a later version", "b": b"="})
    with pytest.raises(StoreError):
        await Journal(store, clock).read(["a", "b"])
    with pytest.raises(StoreError):
        await Journal(store, clock).record({"a": None})


async def test_a_conversation_survives_a_restart(tmp_path: Path, clock: Clock) -> None:
    url = f"sqlite:{tmp_path}/db"
    sent: dict[str, Form] = {}
    for turn in range(5):
        store = open_store(url, clock)
        journal = Journal(store, clock)
        assert await journal.read(list(sent)) == sent
        new = {f"{turn}": None if turn % 2 else f"form {turn}\n" * 1000}
        assert await journal.record(new) == new
        sent |= new
        await store.aclose()


@given(st.lists(st.dictionaries(st.sampled_from("abcdef"), st.none() | st.sampled_from(["x", "y"]), max_size=3), max_size=12))
@settings(max_examples=40, deadline=None)
def test_what_was_sent_stays_sent(turns: list[dict[str, Form]]) -> None:
    """Whichever of two workers records, every later read answers what the first of them said."""

    async def story() -> None:
        clock = Clock()
        store = Memory(clock)
        workers = [Journal(store, clock), Journal(store, clock)]
        stands: dict[str, Form] = {}
        for turn, forms in enumerate(turns):
            stands = {**forms, **stands}
            assert await workers[turn % 2].record(forms) == {key: stands[key] for key in forms}
            for worker in workers:
                assert await worker.read("abcdef") == stands

    anyio.run(story)


async def test_what_is_claimed_holds_only_once_it_is_written() -> None:
    store = Watched(Memory(lambda: 0.0))
    journal = Journal(store, lambda: 0.0)
    store.down = True
    with pytest.raises(StoreError):
        await journal.claim("k", "mine")
    store.down = False
    await journal.record({"other": None})
    assert await journal.read(["k"]) == {}
    assert await journal.claim("k", "mine") == "mine"
    assert await Journal(store, lambda: 0.0).claim("k", "theirs") == "mine"
    store.asked.clear()
    assert await journal.read(["k"]) == {"k": "mine"}
    assert store.asked == []


async def test_a_store_that_comes_back_is_told_what_it_missed(store: Watched, clock: Clock) -> None:
    journal = Journal(store, clock)
    assert not await journal.mend()
    store.down = True
    with pytest.raises(StoreError):
        await journal.record({"a": "short", "b": None})
    with pytest.raises(StoreError):
        await journal.mend()
    store.down = False
    assert await journal.mend()
    assert await Journal(store, clock).read(["a", "b"]) == {"a": "short", "b": None}
    assert not await journal.mend()


async def test_a_store_that_lost_everything_is_told_all_that_is_remembered(store: Watched, clock: Clock) -> None:
    journal = Journal(store, clock)
    rows: dict[str, Form] = {f"{i}": f"form {i}" for i in range(2_500)}
    await journal.record(rows)
    store.down = True
    with pytest.raises(StoreError):
        await journal.mend()
    await store.inner.aclose()
    store.down = False
    assert await journal.mend()
    assert await Journal(store, clock).read(list(rows)) == rows


async def test_a_store_that_kept_everything_is_told_nothing(store: Watched, clock: Clock) -> None:
    journal = Journal(store, clock)
    await journal.record({f"{i}": None for i in range(2_500)})
    store.down = True
    with pytest.raises(StoreError):
        await journal.mend()
    store.down, store.asked = False, []
    assert await journal.mend()
    assert [len(keys) for keys in store.asked] == [100]


async def test_what_others_recorded_meanwhile_stands(store: Watched, clock: Clock) -> None:
    journal = Journal(store, clock)
    store.down = True
    with pytest.raises(StoreError):
        await journal.record({"a": "mine"})
    store.down = False
    await Journal(store, clock).record({"a": "theirs"})
    await journal.mend()
    assert await journal.read(["a"]) == {"a": "theirs"}


async def test_just_after_an_outage_absent_is_not_taken_for_never_sent(store: Watched, clock: Clock) -> None:
    journal = Journal(store, clock, settle=30.0)
    await journal.record({"a": "short"})
    store.down = True
    with pytest.raises(StoreError):
        await journal.mend()
    store.down = False
    with pytest.raises(Unread) as raised:
        await journal.read(["a", "b"])
    assert raised.value.known == {"a": "short"}
    assert await journal.read(["a"]) == {"a": "short"}
    clock.now += 31
    assert await journal.read(["a", "b"]) == {"a": "short"}
