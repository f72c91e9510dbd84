"""GET /stats-history: what the ledger's sums were over time, as JSON or as CSV."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from datetime import datetime, timezone
from urllib.parse import parse_qs

from headroom.conversation import Json
from headroom.errors import BadRequest, Busy, StoreError
from headroom.http.message import Request, Response, once
from headroom.ledger.nodes import Accounts
from headroom.ledger.queries import COLUMNS, Window, history
from headroom.ledger.rollup import SERIES

PATH = "/stats-history"
FORMATS = {"json": b"application/json", "csv": b"text/csv; charset=utf-8"}
KNOWN = ("series", "format", "from", "to")
SECONDS = re.compile(r"[0-9]{9,12}")
ZONE = re.compile(r"(T.+) (\d\d:?\d\d)$")
"""A "+" that was not escaped in a query reads as a space."""
UNNAMED = "none"
"""As /stats has it."""
RISKY = ("=", "+", "-", "@", "\t", "\r")
"""What makes spreadsheets take a text for a formula (owasp.org/www-community/attacks/CSV_Injection)."""


class History:
    """A Handler."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    async def __call__(self, request: Request) -> Response:
        asked = _asked(request)
        series, kind = next((s for s in SERIES if s == asked.get("series", "daily")), None), asked.get("format", "json")
        if series is None or kind not in FORMATS:
            raise BadRequest(f"series is one of {', '.join(SERIES)}; format is json or csv")
        window = Window("asked", _moment("from", asked.get("from"), 0), _moment("to", asked.get("to"), 1 << 40))
        try:
            rows = await self._accounts.ask(lambda db: history(db, series, window))
        except StoreError as error:
            raise Busy(f"the ledger cannot be read now: {error.message}", retry_after=1) from None
        text = as_csv(rows) if kind == "csv" else json.dumps({"series": series, "rows": rows}, ensure_ascii=True)
        body = text.encode()
        fields = [
            (b"content-type", FORMATS[kind]), (b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
        ]
        return Response(200, fields, once(body))


def as_csv(rows: Sequence[Json]) -> str:
    """RFC 4180: one line for each period in all (model "") and one for each model in it, UNNAMED where a request named none."""
    out = io.StringIO()
    lines = csv.writer(out)
    lines.writerow(("start", "model", *COLUMNS))
    for row in rows:
        for model, sums in (("", row), *((name or UNNAMED, one) for name, one in row["by_model"].items())):
            inert = f"'{model}" if model.startswith(RISKY) else model
            lines.writerow((row["start"], inert, *(sums[name] for name in COLUMNS)))
    return out.getvalue()


def _asked(request: Request) -> dict[str, str]:
    found = {name: values[-1] for name, values in parse_qs(request.target.partition("?")[2]).items()}
    if unknown := sorted(found.keys() - set(KNOWN)):
        raise BadRequest(f"no parameter {unknown[0][:40]!r}; there are {', '.join(KNOWN)}")
    return found


def _moment(name: str, given: str | None, default: int) -> int:
    """A date, a time in ISO 8601 (UTC unless it says otherwise), or seconds since the epoch."""
    if given is None:
        return default
    try:
        if SECONDS.fullmatch(given):
            return int(given)
        when = datetime.fromisoformat(ZONE.sub(r"\1+\2", given.replace("Z", "+00:00")))
        return int((when if when.tzinfo else when.replace(tzinfo=timezone.utc)).timestamp())
    except (ValueError, OverflowError):
        raise BadRequest(f"{name} must be a date such as 2026-11-21, a time in ISO 8601, or seconds since the epoch") from None
