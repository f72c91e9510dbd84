"""`headroom savings`: what was spent and saved today, in seven days and ever since, by model, tool, project and client."""

from __future__ import annotations

import argparse
import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

import anyio

from headroom.conversation import Json
from headroom.errors import OurError
from headroom.ledger.book import Book
from headroom.ledger.ledger import Ledger
from headroom.ledger.queries import BREAKDOWNS, savings, windows
from headroom.ledger.tables import fact
from headroom.options import load
from headroom.proxy.booking import ledger_path, nodes
from headroom.proxy.choices import folder_of, state_url
from headroom.settings import Settings
from headroom.stores import is_remote, open_store, shown

SHOWN = 5
"""Lines of a breakdown; --json has them all."""

TITLES = {"today": "today (UTC)", "7_days": "7 days", "all_time": "all time"}
NAMELESS = {"tool": "(the rest, and later turns)", "model": "(none)", "project": "(none)", "client": "(unknown)"}


def run(argv: Sequence[str], environ: Mapping[str, str], stdout: TextIO) -> int:
    given = _parser().parse_args(argv)
    url = state_url(load(Settings, [] if given.state is None else ["--state", given.state], environ).settings, environ)
    path = ledger_path(url, folder_of(url, environ))
    if path is None:
        raise OurError("with state in memory, only the running proxy knows what was saved: ask GET /stats")
    book = Book(path, time.time) if path.exists() else None
    if is_remote(url):
        found = anyio.run(_read_all, url, book)
    else:
        found = {"windows": [], "lost": 0} if book is None else _read(book)
    if given.json:
        print(json.dumps({"ledger": shown(url) if is_remote(url) else str(path), "saved_usd_is": "an estimate", **found}, indent=2), file=stdout)
    else:
        print(_text(found), file=stdout)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="headroom savings", allow_abbrev=False,
        description="From the ledger of this machine; with state in Redis, from those of all that share it. Spent: by the providers' own counts and the price table. Saved: an estimate, at the price that "
        "what was left out would have had, from the provider's cache or not; below 0 is a loss.",
    )
    parser.add_argument("--state", metavar="URL", help="as of headroom proxy; a password is better put into HEADROOM_STATE")
    parser.add_argument("--json", action="store_true", help="for machines: all windows with all breakdowns")
    return parser


def _read(book: Book) -> dict[str, Json]:
    try:
        return book.run(_sums)
    finally:
        book.close()


async def _read_all(url: str, book: Book | None) -> dict[str, Json]:
    store, ledger = open_store(url, time.time), None if book is None else Ledger(book)
    accounts = nodes(store, ledger)
    assert accounts is not None, "a remote state is one that nodes share"
    try:
        found = await accounts.ask(_sums)
        return found | {"nodes": await accounts.nodes(), "current": accounts.current}
    finally:
        await accounts.aclose()
        if ledger is not None:
            await ledger.aclose()
        await store.aclose()


def _sums(db: sqlite3.Connection) -> dict[str, Json]:
    return {"windows": [savings(db, window) for window in windows(time.time())], "lost": fact(db, "lost")}


def _text(found: Mapping[str, Any]) -> str:
    lines = [] if found.get("current", True) else ["Redis cannot be read now: this machine alone"]
    return "\n".join([*lines, *_table(found)])


def _table(found: Mapping[str, Any]) -> list[str]:
    if not any(window["requests"] for window in found["windows"]):
        return ["nothing is in the ledger yet: send requests through headroom proxy"]
    lines = [f"{'':<14}{'requests':>10}{'tokens before':>16}{'saved':>14}{'':>8}{'spent':>13}{'saved, est.':>14}"]
    lines += [_line(TITLES[window["window"]], window) for window in found["windows"]]
    whole = found["windows"][-1]
    for dimension in BREAKDOWNS:
        rows = whole[f"by_{dimension}"]
        if any(row["name"] for row in rows):
            lines += ["", f"all time, by {dimension}"]
            lines += [_line(f"  {row['name'] or NAMELESS[dimension]}", row, spent=dimension != "tool") for row in rows[:SHOWN]]
            lines += [f"  and {len(rows) - SHOWN} more: --json"] if len(rows) > SHOWN else []
    lines += [""] if whole["unpriced"] or found["lost"] else []
    lines += [f"in no sum of dollars, since no price is known for their model: {_requests(whole['unpriced'])}; --prices FILE of headroom proxy can name one"] if whole["unpriced"] else []
    lines += [f"missing here, since the ledger could not be written: {_requests(found['lost'])}"] if found["lost"] else []
    return lines


def _line(title: str, sums: Mapping[str, Any], *, spent: bool = True) -> str:
    """`spent`: whether it is known of a row; a provider bills requests, not the outputs in them."""
    start = f"{title:<14}{sums['requests']:>10,}" if len(title) <= 14 else f"{title}\n{'':<14}{sums['requests']:>10,}"
    return (
        f"{start}{sums['tokens_before']:>16,}{sums['tokens_saved']:>14,}{sums['savings_percent']:>7.1f}%"
        f"{_dollars(sums['spent_usd']) if spent else '-':>13}{_dollars(sums['saved_usd']):>14}"
    )


def _requests(count: int) -> str:
    return f"{count:,} request{'' if count == 1 else 's'}"


def _dollars(usd: float) -> str:
    return f"{'-' if usd < 0 else ''}${abs(usd):,.4f}"
