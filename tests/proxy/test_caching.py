from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.cacheguard import CacheGuard, Held
from headroom.chain import mended
from headroom.conversation import Json, Report, Usage
from headroom.dialects import find
from headroom.http.message import Fields
from headroom.prefix import Common, Prefix, common
from headroom.prices import load
from headroom.proxy.caching import Caching, beginning, credential, rewritten
from headroom.proxy.prepared import Prepared
from headroom.record import PromptCache, Record
from tests.proxy.test_compression import LONG, SAID, Books, body, compression, dialect, prepare, result

pytestmark = pytest.mark.anyio

PRICES = load('{"models": {"m": {"input": 4, "output": 8, "read": 1, "write_short": 5, "write_long": 7, "cache_min": 1000}}}')
FIRST = body(result(LONG + "a"))
SECOND = body(result(LONG + "a"), SAID, result(LONG + "b"))


@dataclass
class Ledger:
    """Who is told of records in the end."""

    begun: int = 0
    records: list[Record] = field(default_factory=list)

    def begin(self) -> None:
        self.begun += 1

    def end(self, record: Record) -> None:
        self.records.append(record)

    @property
    def outcomes(self) -> list[PromptCache]:
        """Dollars to the thousandth of a millionth: sums of floats."""
        found = (record.prompt_cache for record in self.records)
        return [replace(each, saved_usd=round(each.saved_usd, 9), lost_usd=round(each.lost_usd, 9)) for each in found]


def begins(prepared: Prepared) -> Prefix:
    found = beginning(prepared)
    assert found is not None
    return found


def record(prefix: Prefix | None, usage: Usage, ts: float = 0.0, **more: object) -> Record:
    made = Record(
        ts=ts, request_id="r", provider="anthropic", dialect="anthropic", model="m", path="/v1/messages", stream=False, status=200,
        report=Report(), tokens_before=0, tokens_after=0, usage=usage, prefix=prefix, credential=1, ttfb_ms=500.0, total_ms=900.0,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def used(read: int, written: int) -> Usage:
    return Usage(0, 10, read, written)


async def test_a_conversation_that_is_appended_to_begins_as_before() -> None:
    books = Books()
    one, two = begins(await prepare(compression(books), FIRST)), begins(await prepare(compression(books), SECOND))
    assert one.conversation == two.conversation
    assert common(one, two) == Common(1, 1)


async def test_other_forms_of_the_same_texts_are_our_doing() -> None:
    one = begins(await prepare(compression(Books(), "v1"), FIRST))
    two = begins(await prepare(compression(Books(), "version 2", durable=False), SECOND))
    found = common(one, two)
    assert found.left < found.came == 1


async def test_what_is_no_turn_of_ours_to_follow_has_no_beginning() -> None:
    c = compression(Books())
    assert beginning(await prepare(c, b"no JSON")) is None
    assert beginning(await c.prepare(dialect(), "/v1/messages", FIRST, "bypass")) is None
    assert beginning(await c.prepare(dialect(), "/v1/messages/count_tokens", FIRST)) is None
    assert beginning(await c.prepare(dialect(), "/v1/messages", FIRST, "optimize_off")) is not None


@pytest.mark.parametrize(("one", "other", "same"), [
    ([(b"x-api-key", b"a")], [(b"x-api-key", b"a"), (b"accept", b"x")], True),
    ([(b"x-api-key", b"a")], [(b"x-api-key", b"b")], False),
    ([(b"authorization", b"a")], [(b"x-api-key", b"a")], False),
    ([], [], True),
])
def test_accounts_are_told_apart(one: Fields, other: Fields, same: bool) -> None:
    assert (credential(one) == credential(other)) is same


async def test_records_say_what_became_of_the_cache_and_what_it_comes_to() -> None:
    ledger, books = Ledger(), Books()
    caching = Caching(ledger, CacheGuard(), PRICES.find)
    one, two = begins(await prepare(compression(books), FIRST)), begins(await prepare(compression(books), SECOND))
    other = begins(await prepare(compression(Books(), "version 2", durable=False), SECOND))
    for asked in (
        record(one, used(0, 10_000)), record(two, used(10_000, 5_000), 10), record(other, used(1_000, 14_000), 20),
        record(None, used(0, 0), 30), record(None, used(4_000, 0), 40), record(two, used(0, 0), 50, status=529),
        record(one, used(3_000, 0), 60, model="unheard of"),
    ):
        caching.begin()
        caching.end(asked)
    assert ledger.begun == 7
    outcomes = ledger.outcomes
    lost = outcomes[2].lost
    assert 0 < lost < 15_000
    assert outcomes == [
        PromptCache("first"), PromptCache("hit", saved_usd=0.03),
        PromptCache("bust", lost, round(lost * 4 / 1e6, 9), 0.003),
        PromptCache(), PromptCache(saved_usd=0.012), PromptCache(), PromptCache("first", unpriced=3_000),
    ]


@pytest.mark.parametrize(("usage", "dollars"), [
    (Usage(10_000, 1, 0, None), 0.03), (Usage(0, 1, 0, 10_000), 0.04), (Usage(0, 1, 0, 10_000, cache_write_long_tokens=10_000), 0.06),
])
async def test_what_a_bust_costs_is_what_is_paid_for_what_is_not_found(usage: Usage, dollars: float) -> None:
    ledger = Ledger()
    caching = Caching(ledger, CacheGuard(), PRICES.find)
    one = begins(await prepare(compression(Books(), "v1"), SECOND))
    other = begins(await prepare(compression(Books(), "version 2", durable=False), SECOND))
    caching.end(record(one, usage))
    caching.end(record(other, usage, 10))
    outcome = ledger.outcomes[1]
    assert (outcome.cause, outcome.lost, outcome.lost_usd) == ("bust", 10_000, dollars)


async def test_an_answer_that_did_not_say_when_it_began_began_at_its_end() -> None:
    ledger = Ledger()
    caching = Caching(ledger, CacheGuard(), PRICES.find)
    one = begins(await prepare(compression(Books()), FIRST))
    caching.end(record(one, used(0, 10_000), ttfb_ms=None))
    caching.end(record(one, used(0, 10_000), 0.8))
    assert ledger.outcomes[1].cause == "parallel"


async def test_marks_are_no_part_of_what_a_request_begins_with() -> None:
    """Clients move them with each turn."""
    marked = json.loads(SECOND)
    marked["messages"][-1]["content"][0]["cache_control"] = {"type": "ephemeral"}
    c = compression(Books())
    assert common(begins(await prepare(c, json.dumps(marked).encode())), begins(await prepare(c, SECOND))) == Common(1, 1)


def chat(turns: Sequence[str]) -> tuple[str, Json]:
    messages: list[Json] = [{"role": "system", "content": "be kind"}, {"role": "user", "content": "go"}]
    for n, text in enumerate(turns):
        call = {"id": f"c{n}", "type": "function", "function": {"name": "Bash", "arguments": json.dumps({"command": f"ls {n}"})}}
        messages += [{"role": "assistant", "content": None, "tool_calls": [call]}, {"role": "tool", "tool_call_id": f"c{n}", "content": text}]
    return "/v1/chat/completions", {"model": "m", "messages": messages}


def responses(turns: Sequence[str]) -> tuple[str, Json]:
    items: list[Json] = [{"type": "message", "role": "user", "content": "go"}]
    for n, text in enumerate(turns):
        items += [
            {"type": "function_call", "call_id": f"c{n}", "name": "Bash", "arguments": json.dumps({"command": f"ls {n}"})},
            {"type": "function_call_output", "call_id": f"c{n}", "output": text},
        ]
    return "/v1/responses", {"model": "m", "input": items, "store": False}


def messages(turns: Sequence[str]) -> tuple[str, Json]:
    said: list[Json] = [{"role": "user", "content": "go"}]
    for n, text in enumerate(turns):
        said += [
            {"role": "assistant", "content": [{"type": "tool_use", "id": f"t{n}", "name": "Bash", "input": {"command": f"ls {n}"}}]}, result(text, n),
        ]
    return "/v1/messages", {"model": "m", "system": "be kind", "messages": said}


def gemini(turns: Sequence[str]) -> tuple[str, Json]:
    contents: list[Json] = [{"role": "user", "parts": [{"text": "go"}]}]
    for n, text in enumerate(turns):
        contents += [
            {"role": "model", "parts": [{"functionCall": {"name": "Bash", "args": {"command": f"ls {n}"}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "Bash", "response": {"output": text}}}]},
        ]
    return "/v1beta/models/m:generateContent", {"contents": contents}


TEXTS = st.sampled_from([LONG + "a", LONG + "b", "short", "other " * 40])


@settings(deadline=None, max_examples=40)
@given(st.sampled_from([messages, chat, responses, gemini]), st.lists(TEXTS, min_size=1, max_size=6), st.data())
def test_what_we_send_on_is_never_a_bust_whatever_the_provider_says(
    write: Callable[[Sequence[str]], tuple[str, Json]], turns: list[str], data: st.DataObject
) -> None:
    """Also when another process, of another version, takes over."""

    async def converse() -> None:
        books, guard, ledger = Books(), CacheGuard(), Ledger()
        caching = Caching(ledger, guard, PRICES.find)
        for n in range(len(turns) + 1):
            path, asked = write(turns[:n])
            spoken, version = find("POST", path), data.draw(st.sampled_from(["v1", "v2"]))
            assert spoken is not None
            prepared = await compression(books, version).prepare(spoken, path, json.dumps(asked).encode())
            caching.end(record(begins(prepared), used(data.draw(st.sampled_from([0, 20_000])), 20_000), 10.0 * n))
        assert {outcome.cause for outcome in ledger.outcomes} <= {"first", "hit", "unexplained"}
        assert not guard.append_only(begins(prepared).conversation)

    anyio.run(converse)


async def test_what_is_left_without_its_reasoning_leaves_otherwise_from_its_beginning_on_and_is_meant_to() -> None:
    c = compression(Books())
    whole = await prepare(c, SECOND)
    bare = replace(whole, bare=2)
    later = replace(whole, sent={mended(begins(whole).conversation): "2"})
    assert (rewritten(whole), rewritten(bare), rewritten(later)) == (False, True, False)
    assert common(begins(whole), begins(bare)) == Common(1, 0)
    assert common(begins(bare), begins(later)) == Common(1, 1)


async def test_cold_is_a_conversation_that_the_provider_has_nothing_of() -> None:
    prepared = await prepare(compression(Books()), FIRST)
    begin = begins(prepared)
    caching = Caching(Ledger(), CacheGuard(), PRICES.find)
    assert not caching.cold(begin.conversation)
    caching.end(record(begin, Usage(5000, 10, 0, 0)))
    assert caching.cold(begin.conversation)
    caching.end(record(begin, Usage(100, 10, 0, 4900), ts=1.0))
    assert not caching.cold(begin.conversation)


async def test_what_is_held_counts_for_the_next_turn_of_a_conversation_that_lost_nothing_by_us() -> None:
    prepared = await prepare(compression(Books()), FIRST)
    begin = begins(prepared)
    caching = Caching(Ledger(), CacheGuard(), PRICES.find)
    caching.end(record(begin, Usage(100, 10, 0, 4900)))
    assert caching.held(begin.conversation, len(begin.came)) == Held(0.98)
    assert caching.held(begin.conversation, len(begin.came) + 1) is None
    caching.end(record(replace(begin, left=array("q", [hash("other")] * len(begin.came))), Usage(5000, 10, 0, 0), ts=1.0))
    assert caching.guard.append_only(begin.conversation)
    assert caching.held(begin.conversation, len(begin.came)) is None
