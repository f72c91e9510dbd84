"""`headroom budget`: what was spent of a budget and when it begins anew, and a new beginning at once."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from datetime import timezone, tzinfo
from typing import Any, TextIO

import anyio

from headroom.budget import NANO, PERIODS, Period, dollars, moment, resets_at, window
from headroom.conversation import Json
from headroom.errors import OurError
from headroom.layers.budget import EACH, account
from headroom.options import load
from headroom.proxy.choices import state_url
from headroom.settings import Settings
from headroom.stores import is_remote, open_counters, open_store
from headroom.stores.counters import Counters

ABOUT = {"show": "what was spent, what is in flight, what remains and until when", "reset": "forget what was spent; what is in flight will count"}


def run(argv: Sequence[str], environ: Mapping[str, str], stdout: TextIO) -> int:
    given = _parser().parse_args(argv)
    url = state_url(load(Settings, [], environ).settings, environ)
    if url == "memory:":
        raise OurError("with state in memory, only the running proxy knows what was spent: ask GET /stats")
    zone = timezone.utc if is_remote(url) else None
    now = time.time()
    rows = anyio.run(_work, given, url, now, zone)
    if given.json:
        print(json.dumps({"budgets": rows}, indent=2), file=stdout)
    else:
        print("\n".join(_line(row, now, zone) for row in rows) or "no budget was ever used on this state: headroom proxy --budget USD", file=stdout)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="headroom budget", allow_abbrev=False, description="Of every period that was ever used on this state.")
    parser.add_argument("action", nargs="?", choices=tuple(ABOUT), default="show", help="; ".join(f"{name}: {about}" for name, about in ABOUT.items()))
    parser.add_argument("--period", choices=PERIODS, help="of this period only")
    parser.add_argument("--json", action="store_true", help="for machines: dollars, and seconds since the epoch")
    return parser


async def _work(given: Any, url: str, now: float, zone: tzinfo | None) -> list[Json]:
    store = open_store(url, time.time)
    try:
        counters = open_counters(store, time.time)
        rows = []
        for period in PERIODS if given.period is None else (given.period,):
            if given.action == "reset":
                await counters.reset(account(period))
            rows.append(await _row(counters, period, now, zone))
        return [row for row in rows if row["limit"] is not None]
    finally:
        await store.aclose()


async def _row(counters: Counters, period: Period, now: float, zone: tzinfo | None) -> dict[str, Json]:
    """The limit is that of the last request: the proxy's own command line is not known here."""
    balance = await counters.balance(account(period), window(period, now, zone))
    limit = None if balance.limit is None else balance.limit / NANO
    return {
        "period": period, "limit": limit, "spent": balance.spent / NANO, "reserved": balance.reserved / NANO,
        "remaining": None if balance.limit is None else max(balance.limit - balance.spent, 0) / NANO,
        "resets_at": resets_at(period, balance.slot, balance.oldest, zone),
    }


def _line(row: dict[str, Json], now: float, zone: tzinfo | None) -> str:
    flight = f", ${row['reserved']:,.4f} in flight" if row["reserved"] else ""
    begins = moment(row["resets_at"], now, zone)
    again = f"there is more {begins}" if row["period"] == "hourly" and row["spent"] else f"begins anew {begins}"
    return f"{row['period']}: ${row['spent']:,.4f} of {dollars(row['limit'])} {EACH[row['period']]} spent{flight}, ${row['remaining']:,.4f} left; {again}"
