from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given, settings

from headroom.conversation import Edit, Report, Skipped, Usage
from headroom.ledger.entry import entry
from headroom.metrics import Metrics
from headroom.proxy.finished import CACHE, COST, EDIT, PLAIN, USAGE, Finished, dump, load
from headroom.record import Cost, PromptCache, Record
from headroom.requestlog import keys, line, row
from headroom.totals import Totals
from tests.ledger.records import RECORDS

REPORT = Report(
    900, 300, (Edit("logs", "Bash", "original text", "short text", "lossy", 800, 200), Edit("json", "", "{}", "", "exact", 100, 100)),
    (Skipped("short", 40), Skipped("short", 50, 2)), {"logs: ValueError": 2}, {"key": "original text"},
)
FULL = Record(
    ts=1_795_392_000.123456, request_id="r", provider="anthropic", dialect="anthropic", model="m\ud800", path="/v1/messages", stream=True, status=200,
    report=REPORT, tokens_before=900, tokens_after=300, usage=Usage(1, 2, 3, 4, cache_write_long_tokens=5), overhead_ms=0.1, ttfb_ms=12.5, total_ms=99.9,
    cache="hit", spared=Usage(7, 8), prompt_cache=PromptCache("bust", 10, 0.5, 0.25, 3), cost=Cost(5, -2, {"Bash": 4}, estimated=True),
    error="client left", tenant="t", session="s", project="p", client="agent/1.0", tags={"a": "b"}, request="secret", response="secret",
)


PARTS = {"usage", "spared", "prompt_cache", "cost", "report"}
WITHOUT = {"prefix", "credential", "tags", "request", "response"}


@pytest.mark.parametrize(("kind", "kept"), [
    (Record, {*PLAIN, *PARTS, *WITHOUT}), (Usage, {*USAGE, "rounds"}), (PromptCache, {*CACHE}), (Cost, {*COST}), (Edit, {*EDIT, "original", "short"}),
    (Skipped, {"reason", "tokens", "parts"}), (Report, {"before", "after", "edits", "skipped", "failed", "originals", "standing", "forms", "spared"}),
])
def test_a_field_that_is_new_is_kept_or_left_out_on_purpose(kind: type, kept: set[str]) -> None:
    assert {f.name for f in fields(kind)} == kept


def test_what_is_left_out_is_content_and_what_nobody_counts() -> None:
    read = load(dump(Finished(FULL))).record
    assert {f.name for f in fields(Record) if getattr(read, f.name) != getattr(FULL, f.name)} == {"report", "tags", "request", "response"}
    assert read.report == replace(
        REPORT, edits=tuple(replace(edit, original="", short="") for edit in REPORT.edits), originals={},
    )
    assert b"secret" not in dump(Finished(FULL))
    assert b"original text" not in dump(Finished(FULL))
    assert load(dump(Finished(replace(FULL, credential=9)))).record == read, "whose cache it is means nothing elsewhere"


@given(RECORDS)
@settings(max_examples=100, deadline=None)
def test_every_figure_is_that_of_the_record_itself(record: Record) -> None:
    read = load(dump(Finished(record, keys(record))))
    assert entry(read.record) == entry(record)
    assert line(row(read.record, read.keys)) == line(row(record))
    figures = []
    for one in (record, read.record):
        totals, metrics = Totals(), Metrics("1")
        totals.observe(one, 9.0)
        metrics.observe(one)
        figures.append((totals.dump(), metrics.dump()))
    assert figures[0] == figures[1]
