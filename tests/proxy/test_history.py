from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from headroom.errors import BadRequest, Busy
from headroom.http.message import Request, once
from headroom.ledger.book import Book
from headroom.ledger.ledger import Ledger
from headroom.proxy.history import History
from tests.ledger.records import MONDAY, record

DAY = 86400


async def told(query: str, ledger: Ledger | None = None) -> tuple[bytes | None, str]:
    if ledger is None:
        ledger = Ledger(Book(None, lambda: float(MONDAY)))
        for i, model in enumerate(["m", "", '=HYPERLINK("x")', "m"]):
            ledger.write(record(f"{i}", MONDAY - i * DAY, model=model, spent=10**9, saved=1))
    response = await History(ledger)(Request("GET", f"/stats-history{query}", [], once(b"")))
    body = b"".join([chunk async for chunk in response.body])
    await ledger.aclose()
    assert response.status == 200
    return response.get(b"content-type"), body.decode()


async def starts(query: str) -> list[str]:
    rows: list[Any] = json.loads((await told(query))[1])["rows"]
    return [row["start"][:10] for row in rows]


@pytest.mark.anyio
@pytest.mark.parametrize(("query", "expected"), [
    ("", ["2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23"]),
    ("?series=daily&from=2026-11-22", ["2026-11-22", "2026-11-23"]),
    ("?from=2026-11-21&to=2026-11-23", ["2026-11-21", "2026-11-22"]),
    (f"?from={MONDAY}", ["2026-11-23"]),
    ("?from=2026-11-23T00:00:00Z", ["2026-11-23"]),
    ("?from=2026-11-23T01:00:00+01:00", ["2026-11-23"]),
    ("?series=weekly", ["2026-11-16", "2026-11-23"]),
    ("?series=monthly", ["2026-11-01"]),
    ("?series=hourly&to=2026-11-21", ["2026-11-20"]),
])
async def test_periods(query: str, expected: list[str]) -> None:
    assert await starts(query) == expected


@pytest.mark.anyio
@pytest.mark.parametrize("query", ["?series=yearly", "?format=xml", "?from=yesterday", "?since=2026-11-21", "?to=999999999999999999999"])
async def test_a_wrong_question_is_told_so(query: str) -> None:
    with pytest.raises(BadRequest):
        await told(query)


@pytest.mark.anyio
async def test_csv_has_the_whole_and_each_model_and_no_formulas() -> None:
    kind, text = await told("?series=monthly&format=csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert kind == b"text/csv; charset=utf-8"
    assert [(row["model"], row["requests"], row["spent_usd"]) for row in rows] == [("", "4", "4.0"), ("none", "1", "1.0"), ("'=HYPERLINK(\"x\")", "1", "1.0"), ("m", "2", "2.0")]


@pytest.mark.anyio
async def test_a_ledger_that_cannot_be_read_is_said_to_be_busy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(Busy):
        await told("", Ledger(Book(tmp_path / "file" / "x.db", lambda: 0.0)))
