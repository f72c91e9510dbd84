"""`headroom prices`: what each model is taken to cost, from when and from whom, and what a name is found as."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import TextIO

from headroom import pricefile
from headroom.options import load
from headroom.prices import WINDOW, Model, Prices, Rates
from headroom.settings import Settings

UNKNOWN = "unknown: its tokens are counted, not priced; a window of {window:,} is assumed. --prices FILE can name it"


def run(argv: Sequence[str], environ: Mapping[str, str], stdout: TextIO) -> int:
    given = _parser().parse_args(argv)
    override = load(Settings, [], environ).settings.prices if given.prices is None else given.prices
    today = date.today()
    table = pricefile.prices(override).on(today)
    models = table.models() if given.model is None else tuple(filter(None, [table.find(given.model)]))
    if given.json:
        print(_json(table, models, today), file=stdout)
    elif given.model is None:
        print("\n".join([*_header(table, override, today), "", *_list(models)]), file=stdout)
    elif models:
        print("\n".join(_one(given.model, models[0])), file=stdout)
    else:
        print(f"{given.model}: {UNKNOWN.format(window=WINDOW)}", file=stdout)
    return 0 if models else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="headroom prices", allow_abbrev=False,
        description="Prices in USD per million tokens. A FILE holds {\"models\": {\"name\": {\"input\": 3, \"output\": 15}}}; "
        "what a row there does not say stays as it is. --json prints every member a row may have, rates and tier_from aside.",
    )
    parser.add_argument("model", nargs="?", metavar="MODEL", help="only this one, by any of its names")
    parser.add_argument("--prices", metavar="FILE", help="prices that lie over the bundled ones [HEADROOM_PRICES]")
    parser.add_argument("--json", action="store_true", help="for machines")
    return parser


def _json(table: Prices, models: Sequence[Model], today: date) -> str:
    """In the form of an override file, so that a copy can be edited and given back."""
    rows = {model.name: _entry(model) for model in models}
    return json.dumps({"as_of": table.as_of, "stale": table.stale(today), "models": rows}, indent=2)


def _entry(model: Model) -> dict[str, object]:
    row = asdict(model)
    rates, tier, start = row.pop("rates"), row.pop("tier"), row.pop("tier_from")
    del row["name"]
    return {**rates, "tier": tier and {"from": start, **tier}, **row}


def _header(table: Prices, override: str, today: date) -> list[str]:
    stale = table.stale(today)
    return [
        f"USD per million tokens, as of {table.as_of}" + (f", {override} over the bundled ones" if override else ""),
        *([f"warning: {stale}"] if stale else []),
    ]


def _list(models: Sequence[Model]) -> list[str]:
    width = max((len(model.name) for model in models), default=0)
    head = f"{'model':<{width}}  {'input':>7} {'output':>7} {'read':>7} {'write':>7} {'long':>7}  {'window':>9}  since"
    rows = []
    for model in models:
        rows.append(f"{model.name:<{width}}  {_rates(model.rates)}  {model.window:>9}  {model.effective_from}")
        if model.tier is not None:
            rows.append(f"{f'  above {model.tier_from}':<{width}}  {_rates(model.tier)}")
    return [head, *rows]


def _rates(rates: Rates) -> str:
    return " ".join(f"{value:>7g}" for value in (rates.input, rates.output, rates.read, rates.write_short, rates.write_long))


def _one(asked: str, model: Model) -> list[str]:
    return [
        *_list([model]), "",
        *([f"found as     {model.name}"] if asked != model.name else []),
        f"max output   {model.max_output}",
        f"cached from  {model.cache_min} tokens",
        f"batches      x {model.batch:g}",
        f"reasoning    {'bound to the exact prefix' if model.binds else 'not bound to the prefix'}",
        f"clearing     {'the provider clears old tool results when asked' if model.clears else 'none by the provider'}",
        f"source       {model.source}",
    ]
