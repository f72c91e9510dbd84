"""What is learned shapes new conversations only: whatever is heard of in the middle of one, on however many workers, changes no byte of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import anyio
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headroom import dialects
from headroom.conversation import Conversation, Part, Skip
from headroom.dialects.document import Document
from headroom.dialects.document_memo import DocumentMemo
from headroom.learning.pins import MARK, Pin, Pins
from headroom.learning.toin import Toin
from headroom.patterns import Counts
from headroom.pipeline import Pipeline, Scale
from headroom.proxy.compression import Compression
from headroom.proxy.prepared import Caller
from headroom.sent import Journal, encode
from headroom.signature import signature
from headroom.stores.base import Size, Space
from headroom.stores.memory import Memory
from headroom.transforms.base import Sent, Short
from tests.laws.bodies import APIS, Step
from tests.laws.outputs import Output

KINDS = {
    "Bash": "".join(f"09:00:{i:02d} INFO step {i} done\n" for i in range(40)),
    "Fetch": json.dumps([{"id": i, "name": f"n{i}"} for i in range(40)]),
    "Read": "".join(f"{word} is on a line\nof its own: {word}\n" for word in ("one", "two", "three", "four") * 8),
}
NAMED = {dialect.name: dialect for dialect in dialects.DIALECTS}
DIALECTS = pytest.mark.parametrize("dialect", APIS)


@dataclass(frozen=True, slots=True)
class View:
    """Three ways to send a text: whole, without loss, and as a view."""

    name: str = "view"

    def context(self, part: Part, past: Sequence[Sent], lossy: bool) -> str:
        return ""

    def __call__(self, part: Part, past: Sequence[Sent], lossy: bool) -> Short | Skip:
        return Short(part.text[:40], "view", "lossy", "the rest") if lossy else Short(part.text[:400], "view", "exact")


@dataclass(frozen=True, slots=True)
class Heard:
    """News of one kind of output."""

    tenant: str
    tool: str
    counts: Counts
    worker: int


@dataclass(frozen=True, slots=True)
class Turn:
    outputs: Sequence[str]
    worker: int
    """Which takes it; workers are started when they are first needed, and again where `restart` says so."""
    restart: bool = False
    heard: Sequence[Heard] = ()
    """Before it, and by whom."""


TENANTS = st.sampled_from(["mine", "theirs"])
COUNTS = st.builds(
    Counts, compressed=st.integers(0, 20), lossy=st.integers(0, 20), spared=st.sampled_from([0, 0, 60]), whole=st.integers(0, 20),
    lines=st.integers(0, 20),
)
NEWS = st.lists(st.builds(Heard, TENANTS, st.sampled_from(sorted(KINDS)), COUNTS, st.integers(0, 1)), max_size=4)
OUTPUTS = st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=3)
TURNS = st.lists(st.builds(Turn, OUTPUTS, st.integers(0, 1), st.booleans(), NEWS), min_size=1, max_size=5)


@dataclass
class Forgetful:
    """A store that may have lost what conversations were pinned to."""

    forgets: bool = False
    inner: Memory = field(default_factory=lambda: Memory(lambda: 0.0))

    async def put(self, space: Space, tenant: str, rows: Mapping[str, bytes]) -> None:
        await self.inner.put(space, tenant, rows)

    async def add(self, space: Space, tenant: str, rows: Mapping[str, bytes]) -> Mapping[str, bytes]:
        return await self.inner.add(space, tenant, rows)

    async def get(self, space: Space, tenant: str | None, keys: Sequence[str]) -> Mapping[str, bytes]:
        rows = await self.inner.get(space, tenant, keys)
        return {key: row for key, row in rows.items() if not (self.forgets and row.startswith(encode(MARK)))}

    async def size(self, space: Space) -> Size:
        return await self.inner.size(space)

    async def aclose(self) -> None:
        await self.inner.aclose()


@dataclass
class World:
    """Workers on one state."""

    dialect: str
    shared: bool = False
    store: Forgetful = field(default_factory=Forgetful)
    started: int = 0
    workers: dict[int, tuple[Toin, Compression, Pins]] = field(default_factory=dict)

    async def worker(self, number: int, *, restart: bool = False) -> tuple[Toin, Compression, Pins]:
        if restart or number not in self.workers:
            self.started += 1
            toin = Toin(self.store, f"w{self.started}", 3600.0, shared=self.shared)
            await toin.flush()
            journal = Journal(self.store, lambda: 0.0)
            pipeline = Pipeline([View()], Scale(len))
            self.workers[number] = toin, Compression(
                pipeline, journal, DocumentMemo(), durable=True, views="always",
            ), Pins(toin, journal)
        return self.workers[number]

    async def hear(self, news: Sequence[Heard]) -> None:
        for each in news:
            toin, _, _ = await self.worker(each.worker)
            toin.count(each.tenant, (each.tool, signature(each.tool, KINDS[each.tool])), each.counts)
            await toin.flush()

    async def send(self, body: bytes, turn: Turn) -> list[str]:
        """The texts that leave."""
        _, compression, pins = await self.worker(turn.worker, restart=turn.restart)

        async def pinned(conversation: Conversation, keys: Mapping[int, str]) -> Pin | None:
            return pins.pin("mine", conversation, keys)

        target = APIS[self.dialect].target
        prepared = await compression.prepare(NAMED[self.dialect], target, body, keep=keep, caller=Caller(pinned))
        left = NAMED[self.dialect].read(Document.parse(prepared.body), target)
        return [part.text for part in left.parts if part.role == "tool"]


async def keep(originals: Mapping[str, str]) -> None:
    """They are no concern of these laws."""


def bodies(dialect: str, turns: Sequence[Turn]) -> list[bytes]:
    """Each turn's request: all that was said before, and the outputs of the turn."""
    steps = [
        Step("" if n else "go", n % 2 == 1, tuple(Output(tool, {}, f"{KINDS[tool]}\nend {n}-{i}") for i, tool in enumerate(turn.outputs)))
        for n, turn in enumerate(turns)
    ]
    return [APIS[dialect].body(steps[: n + 1]) for n in range(len(steps))]


async def forwarded(
    dialect: str, turns: Sequence[Turn], *, shared: bool = False, begun_with: Sequence[Heard] = (), forgets_at: int | None = None,
) -> list[list[str]]:
    """What leaves in each turn."""
    world = World(dialect, shared)
    await world.hear(begun_with)
    sent: list[list[str]] = []
    for turn, body in zip(turns, bodies(dialect, turns), strict=True):
        await world.hear(turn.heard)
        for number in range(2):
            toin, _, _ = await world.worker(number)
            await toin.flush()
        world.store.forgets = len(sent) == forgets_at
        sent.append(await world.send(body, turn))
    return sent


BEFORE = [Heard("mine", "Bash", Counts(compressed=9, lossy=9, whole=9), 0), Heard("mine", "Read", Counts(compressed=9, lossy=9, lines=9), 1)]
AFTER = [Heard("mine", "Bash", Counts(spared=60), 0), Heard("mine", "Fetch", Counts(compressed=9, lossy=9, whole=9), 1)]
STORY = [Turn(["Bash", "Read", "Fetch"], 0), Turn(["Bash", "Read", "Fetch"], 1, True, AFTER), Turn(["Bash", "Read", "Fetch"], 0)]


@DIALECTS
@settings(deadline=None, max_examples=20)
@given(turns=TURNS, before=NEWS, shared=st.booleans())
@example(turns=STORY, before=BEFORE, shared=False)
def test_what_was_sent_stays_sent_whatever_is_learned_and_whoever_sends(dialect: str, turns: list[Turn], before: list[Heard], shared: bool) -> None:
    sent = anyio.run(lambda: forwarded(dialect, turns, shared=shared, begun_with=before))
    for one, two in pairwise(sent):
        assert two[: len(one)] == one


@DIALECTS
@settings(deadline=None, max_examples=20)
@given(turns=TURNS, before=NEWS, shared=st.booleans())
@example(turns=STORY, before=BEFORE, shared=False)
def test_all_of_a_conversation_goes_by_what_was_known_when_it_began(dialect: str, turns: list[Turn], before: list[Heard], shared: bool) -> None:
    first, *rest = turns
    quiet = [Turn(first.outputs, 0), *(Turn(turn.outputs, 0) for turn in rest)]
    known = [*before, *first.heard]
    assert anyio.run(lambda: forwarded(dialect, turns, shared=shared, begun_with=before)) == anyio.run(
        lambda: forwarded(dialect, quiet, shared=shared, begun_with=known)
    )


@DIALECTS
@settings(deadline=None, max_examples=15)
@given(turns=TURNS, before=NEWS)
@example(turns=STORY, before=BEFORE)
def test_what_others_do_has_no_effect_unless_they_share(dialect: str, turns: list[Turn], before: list[Heard]) -> None:
    ours = [each for each in before if each.tenant == "mine"]
    alone = [Turn(t.outputs, t.worker, t.restart, [each for each in t.heard if each.tenant == "mine"]) for t in turns]
    assert anyio.run(lambda: forwarded(dialect, turns, begun_with=before)) == anyio.run(lambda: forwarded(dialect, alone, begun_with=ours))


@DIALECTS
def test_the_three_policies_are_three_ways_to_send(dialect: str) -> None:
    first, *_ = anyio.run(lambda: forwarded(dialect, STORY, begun_with=BEFORE))
    assert [len(text) > 400 for text in first] == [True, False, False]
    assert [text.startswith("[view") for text in first] == [False, False, True]


@DIALECTS
def test_a_row_that_was_lost_costs_what_it_would_have_saved_and_no_more(dialect: str) -> None:
    first, second, third = anyio.run(lambda: forwarded(dialect, STORY, begun_with=BEFORE, forgets_at=1))
    assert third[:6] == second
    assert second[:3] == first
    assert [text.startswith("[view") for text in second[3:]] == [True, True, True]
