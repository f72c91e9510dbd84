"""`headroom toin`: look at what was learned of which kinds of output get asked for again, carry it to another machine, forget it."""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import anyio

from headroom.conversation import Json
from headroom.errors import OurError, SettingsError
from headroom.learning.rows import export, read_export
from headroom.learning.toin import Toin
from headroom.options import load
from headroom.patterns import Counts, News
from headroom.proxy.choices import state_url
from headroom.settings import Settings
from headroom.stores import open_store

ABOUT = {
    "show": "list the kinds of output, how often each was shortened and asked for again, and what follows",
    "export": "print the counts of all tenants as JSON; no content, no names of fields, no tenants",
    "import": "put the counts of an exported file in the place of everything learned so far",
    "merge": "add the counts of exported files to everybody's",
    "reset": "forget everything learned",
}

POLICIES = {"as_is": "shortened", "gentle": "lossless", "whole": "untouched"}
"""In words: of an output, "as is" would say the opposite."""

MAX_FILE = 4 << 20
"""Bytes of an exported file; the largest we write has 2,000 patterns of some 250 bytes."""


def run(argv: Sequence[str], environ: Mapping[str, str], stdout: TextIO) -> int:
    given = _parser().parse_args(argv)
    settings = load(Settings, [], environ).settings
    url = state_url(settings, environ)
    if url == "memory:":
        raise OurError("with state in memory, only the running proxy knows what it learned: ask GET /v1/toin/patterns")
    answer = anyio.run(_work, given, settings, url)
    if given.json or given.action == "export":
        print(json.dumps(answer, indent=2), file=stdout)
    elif given.action == "show":
        print("\n".join(_table(answer)), file=stdout)
    else:
        print(f"{answer['patterns']} kinds of output are known now", file=stdout)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="headroom toin", allow_abbrev=False)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, about in ABOUT.items():
        action = actions.add_parser(name, help=about, description=about, allow_abbrev=False)
        action.add_argument("--json", action="store_true", help="for machines")
        if name in ("import", "merge"):
            action.add_argument("files", nargs=1 if name == "import" else "+", metavar="FILE", help="of `headroom toin export`; - is standard input")
    return parser


async def _work(given: Any, settings: Settings, url: str) -> Json:
    """Additions go to everybody's pool: who imports counts says that they hold for all."""
    news: News = _news(given.files) if given.action in ("import", "merge") else {}
    store = open_store(url, time.time)
    try:
        toin = Toin(store, secrets.token_hex(8), settings.ccr_ttl, shared=settings.toin_shared)
        await toin.flush()
        if given.action in ("import", "merge", "reset"):
            await toin.replace(news, reset=given.action != "merge")
        if given.action == "export":
            return export(toin.patterns)
        return {**toin.stats(), "patterns": toin.patterns.show()} if given.action == "show" else toin.stats()
    finally:
        await store.aclose()


def _news(files: Sequence[str]) -> News:
    sums: dict[str, tuple[str, Counts]] = {}
    for file in files:
        try:
            rows = read_export(_text(file))
        except SettingsError as error:
            raise SettingsError(f"{file}: {error.message}") from None
        for signature, (tool, counts) in rows.items():
            sums[signature] = tool, sums.get(signature, (tool, Counts()))[1].plus(counts)
    return {("", signature): row for signature, row in sums.items()}


def _text(file: str) -> str:
    try:
        if file == "-":
            data = sys.stdin.buffer.read(MAX_FILE + 1)
        else:
            with Path(file).open("rb") as opened:
                data = opened.read(MAX_FILE + 1)
        if len(data) > MAX_FILE:
            raise SettingsError(f"larger than {MAX_FILE >> 20} MiB, so nothing we wrote")
        return data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot be read: {error}") from None


def _table(answer: Json) -> list[str]:
    rows = answer["patterns"]
    if not rows:
        return ["nothing was learned yet: no output was shortened and counted on this state"]
    head = f"{'tool':<20} {'signature':<23} {'compressed':>10} {'lossy':>6} {'dropped':>7} {'spared':>6} {'retrieved':>9} {'whole':>6} {'tokens saved':>12}  what follows"
    return [head, *(
        f"{_plain(row['tool']):<20} {row['signature']:<23} {row['compressed']:>10} {row['lossy']:>6} {row['dropped']:>7} {row['spared']:>6} {row['retrieved']:>9} "
        f"{row['whole']:>6} {row['before'] - row['after']:>12,}  {POLICIES[row['policy']]}{' (shared)' if row['shared'] else ''}"
        for row in rows
    )]


def _plain(tool: str) -> str:
    """A client chose it: nothing that a terminal would act on."""
    return "".join(c if c.isprintable() else "?" for c in tool)[:20]
