from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from headroom.conversation import Edit, Json, Report, Usage
from headroom.learning.toin import Toin
from headroom.metrics import Metrics
from headroom.proxy.account import Account
from headroom.proxy.finished import Finished
from headroom.record import Record
from headroom.requestlog import row
from headroom.stores.memory import Memory
from headroom.tokens import Learned
from headroom.totals import Totals


class Lines:
    def __init__(self) -> None:
        self.records: list[Record] = []

    def write(self, record: Record) -> None:
        self.records.append(record)

    def restore(self, rows: Sequence[Json]) -> None:
        self.restored = rows


def record(status: int = 200, usage: Usage | None = None) -> Record:
    return Record(
        ts=0.0, request_id="r", provider="anthropic", dialect="anthropic", model="claude-opus-4-6", path="/v1/messages", stream=False,
        status=status, report=Report(before=2000, after=1000), tokens_before=2000, tokens_after=1000, usage=usage or Usage(),
    )


def test_a_record_reaches_everybody_who_counts() -> None:
    log = Lines()
    account = Account(Totals(), Metrics("1"), Learned(), log, lambda: 0.0)
    account.begin()
    assert b"headroom_active_requests 1" in account.metrics.render(False)
    account.end(record())
    text = account.metrics.render(False)
    assert b"headroom_active_requests 0" in text
    assert b"headroom_tokens_saved_total" in text
    assert account.totals.stats(0.0)["requests"]["total"] == 1
    assert len(log.records) == 1


def test_who_could_go_on_for_us_is_told_first_and_of_the_line_too() -> None:
    log, kept = Lines(), list[Finished]()
    account = Account(Totals(), Metrics("1"), Learned(), log, lambda: 0.0)
    account.keep = lambda one: kept.append(one) if not log.records else None
    account.begin()
    account.end(record())
    assert kept == [Finished(record(), ())]
    account.restore([*kept, Finished(record())])
    assert log.restored == [row(record())]
    alone = Account(Totals(), Metrics("1"), Learned(), None, lambda: 0.0)
    alone.restore(kept)
    alone.keep = kept.append
    alone.end(record())
    assert kept[1].keys is None


def test_the_factor_is_learned_from_what_the_provider_counted() -> None:
    account = Account(Totals(), Metrics("1"), Learned(), None, lambda: 0.0)
    start = account.learned.factor("claude-opus-4-6")
    useless = [record(200, Usage()), record(500, Usage(input_tokens=9000)), replace(record(200, Usage(input_tokens=9000)), partial=True)]
    for told in useless:
        account.begin()
        account.end(told)
    assert account.learned.factor("claude-opus-4-6") == start
    for _ in range(50):
        account.begin()
        account.end(record(200, Usage(input_tokens=200, cache_read_tokens=1000, cache_write_tokens=300)))
    assert abs(account.learned.factor("claude-opus-4-6") - 1.5) < 0.01


def test_mishaps_are_counted_by_name() -> None:
    account = Account(Totals(), Metrics("1"), Learned(), None, lambda: 0.0)
    account.mishap("journal")
    assert b'headroom_store_errors_total{operation="journal"} 1' in account.metrics.render(False)


@pytest.mark.anyio
@pytest.mark.parametrize(("tenant", "counted"), [("a", 1), ("", 0)])
async def test_what_was_shortened_is_counted_for_its_tenant(tenant: str, counted: int) -> None:
    toin = Toin(Memory(lambda: 0.0), "w", 60.0)
    account = Account(Totals(), Metrics("1"), Learned(), None, lambda: 0.0, toin)
    account.begin()
    report = Report(edits=(Edit("logs", "Bash", "text", "t", "lossy", 9, 1),), originals={"k": "text"})
    account.end(replace(record(), tenant=tenant, report=report))
    await toin.flush()
    assert len(toin.patterns.show(tenant)) == counted
