"""`headroom tokenizer fetch|show`: get the vocabulary for exact counts, or say which counter would be used.

Exact counts change reports only; what is sent to the provider is the same with and without a vocabulary.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import TextIO

from headroom import vocabulary
from headroom.tokens import ESTIMATED, EXACT

FETCH_SECONDS = 120.0
"""3.6 MB over a slow line; the user waits and sees why."""


def run(argv: Sequence[str], environ: Mapping[str, str], stdout: TextIO) -> int:
    asked = _parser().parse_args(argv)
    if asked.action == "fetch":
        return _fetch(environ, stdout, asked.timeout)
    return _show(environ, stdout, as_json=asked.json)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="headroom tokenizer", allow_abbrev=False, description="Exact token counts for reports.")
    actions = parser.add_subparsers(dest="action", required=True, metavar="fetch|show")
    fetch = actions.add_parser("fetch", help="download the o200k_base vocabulary once (3.6 MB), verified by its SHA-256")
    fetch.add_argument("--timeout", type=_seconds, default=FETCH_SECONDS, metavar="S", help="give up after S seconds [default: 120]")
    show = actions.add_parser("show", help="which counter would be used, and where its vocabulary is")
    show.add_argument("--json", action="store_true", help="for machines")
    return parser


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError(text)
    return value


def _fetch(environ: Mapping[str, str], stdout: TextIO, timeout: float) -> int:
    destination = vocabulary.own_folder(environ) / vocabulary.NAME
    if (found := vocabulary.find(environ, destination.parent)) is not None:
        print(f"already here ({found.source}): {found.path}", file=stdout)
        return 0
    print(f"fetching {vocabulary.URL}", file=stdout, flush=True)
    vocabulary.fetch(vocabulary.URL, destination, timeout)
    print(f"verified and written: {destination}\nA running proxy uses it after its next start.", file=stdout)
    return 0


def _show(environ: Mapping[str, str], stdout: TextIO, *, as_json: bool) -> int:
    found = vocabulary.find(environ, vocabulary.own_folder(environ))
    counter = ESTIMATED if found is None else EXACT
    if as_json:
        row = {"counter": counter, "source": found and found.source, "path": found and str(found.path)}
        print(json.dumps(row), file=stdout)
    elif found is None:
        print(f"counter: {counter} (no o200k_base vocabulary on this machine; `headroom tokenizer fetch` gets it)", file=stdout)
    else:
        print(f"counter: {counter}\nvocabulary: {found.path} ({found.source})", file=stdout)
    return 0
