"""The price table: finds a model by name, as of a day; the bundled one, an override over it, litellm's behind it.

The JSON is read when `load` is called and never before. A model that nobody knows has no price: it is counted and said
to be unknown, and no other model's price stands in. Resellers' surcharges (a region of Bedrock) are not in the table;
an override may hold them under the name that the reseller uses.
"""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Mapping
from datetime import date
from typing import Any

from headroom.errors import SettingsError
from headroom.memo import Memo
from headroom.prices.model import Model
from headroom.prices.names import LONGEST, forms
from headroom.prices.rows import from_litellm, iso, row

STALE_DAYS = 90
"""A quarter: hardly one passes without a vendor's new model or price."""
MEMO_BYTES = 64 << 10
"""Some three hundred names: more than one proxy sees, and made-up ones cannot fill memory."""
OVERHEAD = 100
"""Bytes: a string, a tuple and an entry of a dict, beside the characters of the name."""

Rows = Mapping[str, tuple[Model, ...]]
"""Rows by name, each name's by date."""


class Prices:
    """The table on one day. It changes nothing but its memory of names, so threads may share it."""

    def __init__(self, rows: Rows, as_of: str, day: str = "", rest: Mapping[str, Any] | None = None) -> None:
        self.rows = rows
        self.as_of = as_of
        """ISO date on which the table was last compared with its sources."""
        self.day = day or as_of
        self.rest = {} if rest is None else rest  # not `or`: to ask a lazy table for its length reads it
        self._found: Memo[str, tuple[Model | None]] = Memo(MEMO_BYTES)

    def on(self, day: date) -> Prices:
        """The same table as it is on that day."""
        return Prices(self.rows, self.as_of, day.isoformat(), self.rest)

    def find(self, name: str) -> Model | None:
        """The model, however a client or a reseller writes its name; None if nobody here knows it."""
        if len(name) > LONGEST:
            return None
        known = self._found.get(name)
        if known is None:
            known = (self._search(name),)
            self._found.put(name, known, len(name) + OVERHEAD)
        return known[0]

    def _search(self, name: str) -> Model | None:
        spelled = tuple(forms(name))
        for form in spelled:
            if form in self.rows:
                return self._standing(self.rows[form])
        keys = (key for form in spelled for key in (form, f"gemini/{form}"))  # litellm puts Google's own API so
        return next(filter(None, (from_litellm(key, self.rest.get(key), self.as_of) for key in keys)), None)

    def _standing(self, rows: tuple[Model, ...]) -> Model:
        """The last that has begun. The first holds before its date too: often that is when it was read, not when it began."""
        begun = [one for one in rows if one.effective_from <= self.day]
        return begun[-1] if begun else rows[0]

    def models(self) -> tuple[Model, ...]:
        """Every model of the table and the override; not what only litellm knows."""
        return tuple(map(self._standing, self.rows.values()))

    def stale(self, today: date) -> str | None:
        """A warning if prices may well have changed since the table was made."""
        age = (today - date.fromisoformat(self.as_of)).days
        if age <= STALE_DAYS:
            return None
        return f"the price table is of {self.as_of}, {age} days old: figures in dollars may be off; --prices FILE gives newer prices"


def load(text: str | None = None) -> Prices:
    """The bundled table, with an override file's JSON over it if there is one. Raises SettingsError for a wrong shape."""
    bundled = pkgutil.get_data("headroom.prices", "prices.json")
    assert bundled is not None, "part of the package"
    prices = _over(Prices({}, ""), bundled.decode())
    return prices if text is None else _over(prices, text)


def filled(prices: Prices, table: Mapping[str, Any]) -> Prices:
    """`prices`, and an installed litellm's `model_cost` for what they do not know; looked into only when asked for such."""
    return Prices(prices.rows, prices.as_of, prices.day, table)


def _over(under: Prices, text: str) -> Prices:
    """The rows of a file over a table. Without a date they replace that model's; with one they stand beside them."""
    document = _document(text)
    as_of = iso("as_of", document["as_of"]) if "as_of" in document else under.as_of
    rows = dict(under.rows)
    for name, entry in document["models"].items():
        given = entry if isinstance(entry, list) else [entry]
        base = under.find(name)
        made = [row(name, one, base, as_of) for one in given]
        dated = bool(given) and all("effective_from" in one for one in given)
        kept = [one for one in rows.get(name, ()) if dated] if made else []
        days = {one.effective_from: one for one in [*kept, *made]}
        if not days:
            raise SettingsError(f"prices: {name}: has no row")
        rows[name] = tuple(days[day] for day in sorted(days))
    return Prices(rows, max(as_of, under.as_of))


def _document(text: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"prices: not JSON: {error}") from None
    if not isinstance(document, dict) or not isinstance(document.get("models"), dict):
        raise SettingsError('prices: must be {"models": {"name": {"input": 3, "output": 15}}}, in USD per million tokens')
    if unknown := sorted(document.keys() - {"about", "as_of", "stale", "models"}):
        raise SettingsError(f"prices: {unknown[0]} is not a member; there are about, as_of, models")
    return document
