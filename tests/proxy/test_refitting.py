from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from headroom.cacheguard import Held
from headroom.conversation import Conversation, Json, Reply
from headroom.demo.anthropic import Anthropic
from headroom.demo.base import Question
from headroom.demo.binding import Seals
from headroom.demo.script import Call, Place, Step
from headroom.dialects import find
from headroom.dialects.document_memo import DocumentMemo
from headroom.errors import StoreError
from headroom.fitting.choice import Budget, most_cuts
from headroom.fitting.refit import Occasion
from headroom.pipeline import standard
from headroom.prices import Model, Rates, load
from headroom.proxy.compression import Compression
from headroom.proxy.prepared import Caller, Prepared
from headroom.proxy.refitting import COUNTED, Refitting, left_out, means, never, shown, unheld
from headroom.sent import Journal
from headroom.stores.base import Size, Space
from headroom.stores.memory import Memory
from headroom.tokens import starting_factor
from tests.fitting.conversations import text

pytestmark = pytest.mark.anyio

INTELLIGENT = means(by_age=False, by_place=False, fold=True, lifecycle=True)


class Client:
    """An agent with a model that binds its reasoning, and a proxy between them on a store that can be full."""

    def __init__(self, window: int = 12_000, *, views: bool = True, store: Memory | None = None, model: Model | None = None) -> None:
        (sonnet,) = [each for each in load().models() if each.name == "claude-sonnet-5-5"]
        self.refitting = Refitting(lambda name: model or replace(sonnet, window=window, max_output=500), INTELLIGENT)
        self._store = store or Memory(lambda: 0.0)
        self._views = views
        self.kept: dict[str, str] = {}
        self.model = Anthropic(Seals(b"secret"), None)
        self.messages: list[Json] = []
        self.full = False
        self.start()

    def start(self) -> None:
        """Another process of the proxy."""
        made = Compression(
            standard(), Journal(self, lambda: 0.0), DocumentMemo(), durable=True, views="always" if self._views else "never",
        )
        self._compression = made.fitting(self.refitting)

    async def get(self, space: Space, tenant: str | None, keys: Sequence[str]) -> Mapping[str, bytes]:
        return await self._store.get(space, tenant, keys)

    async def put(self, space: Space, tenant: str, rows: Mapping[str, bytes]) -> None:
        await self._store.put(space, tenant, rows)

    async def add(self, space: Space, tenant: str, rows: Mapping[str, bytes]) -> Mapping[str, bytes]:
        if self.full:
            raise StoreError("disk full")
        return await self._store.add(space, tenant, rows)

    async def size(self, space: Space) -> Size:
        return await self._store.size(space)

    async def aclose(self) -> None:
        await self._store.aclose()

    def body(self, **more: Json) -> bytes:
        return json.dumps({"model": "m", "max_tokens": 500, "thinking": {"type": "adaptive"}, "messages": self.messages, **more}).encode()

    async def send(self, body: bytes | None = None, target: str = "/v1/messages", *, cold: bool = False, held: Held | None = None) -> Prepared:
        dialect = find("POST", target)
        assert dialect is not None
        caller = Caller(cold=lambda conversation: cold, held=lambda conversation, parts: held)
        return await self._compression.prepare(dialect, target, body or self.body(), keep=self._keep, caller=caller)

    async def say(self, said: str) -> None:
        self.messages.append({"role": "user", "content": said})
        await self._answered(Step("Done.", "Hm."))

    async def read(self, path: str, shown: str) -> None:
        call = Step(thinking=f"Let me see {path}.", calls=(Call("Read", {"file_path": path}),))
        await self._answered(call)
        use = self.messages[-1]["content"][-1]["id"]
        self.messages.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": use, "content": shown}]})

    async def _answered(self, step: Step) -> None:
        prepared = await self.send()
        asked = json.loads(prepared.body)
        assert self.model.refusal(asked) == ""
        answer = self.model.answer(Question(asked, "/v1/messages", step, Place("s", len(self.messages))))
        self.messages.append({"role": "assistant", "content": answer.whole["content"]})

    async def _keep(self, originals: Mapping[str, str]) -> None:
        self.kept |= originals


@pytest.mark.parametrize("views", [True, False])
async def test_a_model_that_binds_its_reasoning_takes_every_turn_of_a_long_session(views: bool) -> None:
    client = Client(views=views)
    client.messages.append({"role": "user", "content": "Tidy up."})
    for n in range(30):
        await client.read(f"src/{n % 7}.py", text(n, 3000))
        if n % 8 == 7:
            await client.say("Go on.")
            client.messages.append({"role": "user", "content": f"Now {n}."})
        if n % 5 == 0:
            client.start()
    assert client.refitting.cuts > 1
    assert client.refitting.elements if not views else client.refitting.folds
    assert client.refitting.tight == 0
    assert dict(shown(client.refitting.counted()))["cuts"] == client.refitting.cuts
    assert [*shown(client.refitting.counted())] == [*COUNTED]


async def test_what_is_counted_is_cut_too_but_nothing_is_recorded() -> None:
    client = Client()
    client.messages.append({"role": "user", "content": "Tidy up."})
    for n in range(3):
        await client.read(f"src/{n}.py", text(n, 3000))
    for n in range(3, 12):
        client.messages += [
            {"role": "assistant", "content": [{"type": "tool_use", "id": f"t{n}", "name": "Read", "input": {"file_path": f"src/{n}.py"}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": f"t{n}", "content": text(n, 3000)}]},
        ]
    counted = await client.send(target="/v1/messages/count_tokens")
    assert counted.fitted is not None
    assert counted.fitted.found is not None
    assert counted.fitted.found.decision.cuts
    assert client.refitting.cuts == 0
    sent = await client.send()
    assert client.refitting.cuts == 1
    assert json.loads(sent.body)["messages"] == json.loads(counted.body)["messages"]


async def test_the_report_says_what_is_gone_and_where_it_is() -> None:
    client = Client(views=False)
    client.messages.append({"role": "user", "content": "Tidy up."})
    gone: list[str] = []
    for n in range(12):
        await client.read(f"src/{n}.py", text(n, 3000))
        report = (await client.send()).report
        gone += [edit.original for edit in report.edits if edit.by == "fit"]
        assert 0 <= report.after <= report.before
    assert gone
    assert {*client.kept.values()} >= {*gone}
    assert all(json.loads(each) for each in gone)
    fitted = (await client.send()).fitted
    assert fitted is not None
    assert fitted.found is not None
    for note in fitted.found.decision.notes.values():
        (key,) = re.findall(r'key="(\w+)"', note)
        assert left_out(fitted, key) == client.kept[key]
    assert left_out(fitted, "0" * 24) is None
    assert left_out(None, key) is None


async def test_system_text_that_grows_by_a_block_moves_nothing() -> None:
    client = Client()
    client.messages.append({"role": "user", "content": "Tidy up."})
    for n in range(12):
        await client.read(f"src/{n % 3}.py", text(n, 3000))
    before = json.loads((await client.send()).body)["messages"]
    after = json.loads((await client.send(client.body(system=[{"type": "text", "text": "Be brief."}] * 2))).body)["messages"]
    assert client.refitting.cuts
    assert after == before


def seen(n: int) -> list[Json]:
    """Without reasoning: a model that binds it has lost it, or never had any."""
    return [
        {"role": "assistant", "content": [{"type": "tool_use", "id": f"t{n}", "name": "Read", "input": {"file_path": f"src/{n % 2}.py"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": f"t{n}", "content": text(n, 4000)}]},
    ]


async def test_with_a_cold_cache_what_had_its_day_is_folded_and_stays_so() -> None:
    client = Client(200_000)
    client.messages.append({"role": "user", "content": "Tidy up."})
    for n in range(9):
        client.messages += seen(n)
        whole = await client.send()
    assert client.refitting.folds == 0
    client.messages += seen(9)
    folded = await client.send(cold=True)
    assert client.refitting.folds > 2
    assert folded.fitted is not None
    assert folded.fitted.rewritten
    assert len(folded.body) < len(whole.body)
    client.start()
    client.messages += seen(10)
    now, before = (json.loads(each.body)["messages"] for each in (await client.send(), folded))
    assert now[: len(before)] == before


async def test_what_follows_from_its_record_alone_is_not_done_without_it() -> None:
    client = Client(200_000)
    client.messages.append({"role": "user", "content": "Tidy up."})
    for n in range(9):
        client.messages += seen(n)
        whole = await client.send()
    client.messages += seen(9)
    client.full = True
    now = await client.send(cold=True)
    assert client.refitting.folds == 0
    before = json.loads(whole.body)["messages"]
    assert json.loads(now.body)["messages"][: len(before)] == before
    client.full = False
    client.messages += seen(10)
    assert json.loads((await client.send()).body)["messages"][: len(before)] == before


async def test_a_client_that_goes_back_finds_what_was_decided_there_from_then_on() -> None:
    client = Client(200_000)
    client.messages.append({"role": "user", "content": "Tidy up."})
    for n in range(12):
        client.messages += seen(n)
    await client.send()
    whole = client.messages
    client.messages = whole[:19]
    folded = await client.send(cold=True)
    assert client.refitting.folds
    client.messages = whole[:21]
    now, before = (json.loads(each.body)["messages"] for each in (await client.send(), folded))
    assert now[: len(before)] == before


async def test_where_the_choice_fails_the_request_goes_on_and_the_failure_is_counted() -> None:
    client = Client()
    for n in range(12):
        await client.read(f"f{n}.py", text(n, 4_000))
    whole = await client.send()
    assert whole.fitted is not None
    assert whole.fitted.found is not None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client.refitting, "_means", None)
        prepared = await client.send()
    assert prepared.report.failed == {"fit: AttributeError": 1}
    assert len(json.loads(prepared.body)["messages"]) == len(client.messages)


TENTH = Rates(2.0, 10.0, 0.2, 2.5, 4.0)


def unbound(window: int = 200_000, tier_from: int | None = None) -> Model:
    (sonnet,) = [each for each in load().models() if each.name == "claude-sonnet-5-5"]
    dear = Rates(4.0, 20.0, 0.4, 5.0, 8.0) if tier_from else None
    return replace(sonnet, rates=TENTH, tier_from=tier_from, tier=dear, window=window, max_output=500, binds=False)


def talk(replies: int, **more: bool) -> Conversation:
    return Conversation("m", (), replies=tuple(Reply(n, n + 1, 3 * n, 3 * n + 1) for n in range(replies)), **more)  # type: ignore[arg-type]  # one flag


@pytest.mark.parametrize(("talk", "size", "model", "cold", "occasion"), [
    pytest.param(talk(27), 50_000, unbound(), False, "priced", id="cached, and a turn to think of it"),
    pytest.param(talk(26), 50_000, unbound(), False, "fit", id="no such turn"),
    pytest.param(talk(27), 3_000, unbound(), False, "fit", id="short"),
    pytest.param(talk(27), 50_000, replace(unbound(), binds=True), False, "fit", id="reasoning is bound"),
    pytest.param(talk(27), 50_000, None, False, "fit", id="an unknown model"),
    pytest.param(talk(26), 50_000, unbound(), True, "cold", id="cold"),
    pytest.param(talk(27), 50_000, unbound(), True, "cold", id="cold comes first"),
    pytest.param(talk(27, only_counted=True), 50_000, unbound(), True, "fit", id="only counted"),
    pytest.param(talk(0), 50_000, unbound(), False, "fit", id="its first turn"),
])
def test_why_the_past_may_be_changed(talk: Conversation, size: int, model: Model | None, cold: bool, occasion: Occasion) -> None:
    asked: list[tuple[str, int]] = []

    def held(opening: str, parts: int) -> Held:
        asked.append((opening, parts))
        return Held(0.9)

    found = Refitting(lambda name: model, INTELLIGENT).occasion(talk, "o", size, lambda opening: cold, held)
    assert found == (occasion, Held(0.9) if occasion == "priced" else None)
    assert asked == ([("o", 78)] if occasion == "priced" else [])
    assert Refitting(lambda name: model, INTELLIGENT).occasion(talk, "o", size, never, unheld) == ("fit", None)


async def priced(client: Client, turns: int, held: Held | None) -> list[Prepared]:
    found: list[Prepared] = []
    for n in range(turns):
        found.append(await client.send(held=held))
        client.messages += seen(n)
    return found


def elements(prepared: Prepared) -> list[Json]:
    found: list[Json] = json.loads(prepared.body)["messages"]
    return found


def breaks(sent: Sequence[Prepared]) -> list[int]:
    """Turns at which what was sent before leaves otherwise."""
    found = [elements(each) for each in sent]
    return [n for n in range(1, len(found)) if found[n][: len(found[n - 1])] != found[n - 1]]


async def test_what_is_cached_is_folded_at_few_turns_and_stays_so() -> None:
    client = Client(model=unbound())
    client.messages.append({"role": "user", "content": "Tidy up."})
    sent = await priced(client, 30, Held(1.0))
    assert breaks(sent) == [18, 27] or breaks(sent) == [12, 18, 27]
    assert client.refitting.cuts == len(breaks(sent))
    for n in breaks(sent):
        fitted = sent[n].fitted
        assert fitted is not None
        assert fitted.rewritten
    assert len(sent[-1].body) < len(client.body()) / 2


@pytest.mark.parametrize("held", [None, Held(1.0)])
async def test_without_a_word_of_the_cache_or_with_bound_reasoning_nothing_is(held: Held | None) -> None:
    model = replace(unbound(), binds=held is not None)
    client = Client(model=model)
    client.messages.append({"role": "user", "content": "Tidy up."})
    assert breaks(await priced(client, 30, held)) == []


async def test_another_worker_and_another_process_send_what_was_decided() -> None:
    store = Memory(lambda: 0.0)
    first, second = (Client(model=unbound(), store=store) for _ in range(2))
    first.messages.append({"role": "user", "content": "Tidy up."})
    second.messages = first.messages
    sent: list[Prepared] = []
    for n in range(30):
        knows, other = (first, second) if n % 2 else (second, first)
        sent.append(await knows.send(held=Held(1.0)))
        assert (await other.send()).body == sent[-1].body
        if n % 5 == 4:
            other.start()
            assert (await other.send()).body == sent[-1].body
        first.messages += seen(n)
    assert breaks(sent)
    assert {*breaks(sent)} <= {8, 12, 18, 27}


async def test_whoever_is_second_to_decide_sends_what_stands() -> None:
    store = Memory(lambda: 0.0)
    first, second = (Client(model=unbound(), store=store) for _ in range(2))
    first.messages.append({"role": "user", "content": "Tidy up."})
    await priced(first, 18, None)
    second.messages = [*first.messages]
    await second.send()  # it has looked, and found nothing
    decided = await first.send(held=Held(1.0))
    assert decided.fitted is not None
    assert decided.fitted.rewritten
    assert (await second.send(held=Held(0.0))).body == decided.body


async def test_what_cannot_be_recorded_is_not_folded() -> None:
    client = Client(model=unbound())
    client.messages.append({"role": "user", "content": "Tidy up."})
    sent = await priced(client, 18, None)
    client.full = True
    sent.append(await client.send(held=Held(1.0)))
    client.full = False
    assert breaks(sent) == []
    client.messages += seen(18)
    assert breaks([sent[-1], await client.send(held=Held(1.0))]) == []


async def test_a_price_tier_is_crossed_by_a_cut_and_every_worker_makes_it() -> None:
    store = Memory(lambda: 0.0)
    client, other = (Client(model=unbound(tier_from=80_000), store=store, views=False) for _ in range(2))
    client.messages.append({"role": "user", "content": "Tidy up."})
    other.messages = client.messages
    sent: list[Prepared] = []
    for n in range(60):
        sent.append(await client.send())
        assert (await other.send()).body == sent[-1].body
        if n % 7 == 6:
            other.start()
        client.messages += seen(n)
    standing = sent[-1].fitted.standing if sent[-1].fitted else None
    assert standing is not None
    assert 1 <= len(breaks(sent)) <= most_cuts(sum(standing.base), Budget(int(80_000 * 0.95 / starting_factor("m")), 0))
    assert max(each.report.after for each in sent) < 80_000
    assert client.refitting.tight == 0
