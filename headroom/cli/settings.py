"""`headroom settings`: every setting, its value, and where the value came from."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, TextIO

from headroom.options import Loaded, flag, load, spec_of, table, variable
from headroom.settings import Settings


def run(argv: Sequence[str], environ: Mapping[str, str], stdout: TextIO) -> int:
    parser = argparse.ArgumentParser(prog="headroom settings", allow_abbrev=False)
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument("--markdown", action="store_true", help="the table of README")
    given = parser.parse_args(argv)
    if given.markdown:
        print(table(Settings), file=stdout)
        return 0
    loaded = load(Settings, [], environ)
    rows = [_row(loaded, f) for f in fields(Settings)]
    if given.json:
        print(json.dumps({"settings": rows, "warnings": list(loaded.warnings)}, indent=2), file=stdout)
        return 0
    width = max(len(row["option"]) for row in rows)
    for row in rows:
        origin = "" if row["from"] == "default" else f"  ({row['from']}: {row['environment']})"
        print(f"{row['option']:<{width}}  {row['value']}{origin}", file=stdout)
    for warning in loaded.warnings:
        print(f"warning: {warning}", file=stdout)
    return 0


def _row(loaded: Loaded[Settings], f: Any) -> dict[str, Any]:
    spec, value = spec_of(f), getattr(loaded.settings, f.name)
    shown = ("set" if value else "none") if spec.secret else spec.show(value).strip("`")
    return {
        "option": flag(f) if spec.flag else variable(f), "environment": variable(f), "value": shown,
        "from": loaded.sources[f.name], "meaning": spec.help,
    }
