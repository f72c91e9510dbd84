"""`headroom retrieve KEY`: print an original, from the running proxy or, if none runs, from its state."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

import anyio

from headroom import ccr, retrieval
from headroom.cli.address import base_url
from headroom.options import load
from headroom.patterns import how_of
from headroom.proxy.ask import NoProxy, Running
from headroom.proxy.choices import originals_space, state_url
from headroom.settings import Settings
from headroom.stores import open_store


def run(argv: Sequence[str], environ: Mapping[str, str], stdout: TextIO) -> int:
    parser = argparse.ArgumentParser(prog="headroom retrieve", allow_abbrev=False)
    parser.add_argument("key", help="the 24 hex digits of a marker")
    parser.add_argument("--lines", metavar="A-B", help="only these lines of it")
    parser.add_argument("--query", metavar="WORDS", help="only what matches these words best, with line numbers")
    parser.add_argument("--url", help="the proxy [default: the one HEADROOM_HOST and HEADROOM_PORT name]")
    parser.add_argument("--json", action="store_true", help="for machines")
    given = parser.parse_args(argv)
    if not ccr.KEY.fullmatch(given.key):
        print("headroom: a key is 24 hex digits, as it stands in the marker", file=sys.stderr)
        return 2
    if given.lines is not None and not ccr.RANGE.fullmatch(given.lines):
        print("headroom: --lines must look like 41-180", file=sys.stderr)
        return 2
    settings = load(Settings, [], environ).settings
    answer = _from_proxy(given, settings, person=stdout.isatty())
    if answer is None:
        answer = anyio.run(_from_state, given.key, settings, environ)
    if answer is None:
        print("headroom: no original under this key; it was never stored here, or it expired", file=sys.stderr)
        return 1
    try:
        text = retrieval.part(answer, given.lines, given.query)
    except ValueError as error:
        print(f"headroom: {error}", file=sys.stderr)
        return 2
    if given.json:
        text = json.dumps({"key": given.key, "text": text})
    stdout.write(text if _exact(given, stdout) or text.endswith("\n") else f"{text}\n")
    return 0


def _exact(given: Any, stdout: TextIO) -> bool:
    """A whole original goes into a file or a pipe byte for byte; a prompt should not stand behind the last line of anything else."""
    return not (given.json or given.lines or given.query or stdout.isatty())


def _from_proxy(given: Any, settings: Settings, *, person: bool) -> str | None:
    """`person`: who asks sits at a terminal. An agent's shell reads from a pipe, and then it is the model that misses something."""
    running = Running(given.url or base_url(settings.host, settings.port), settings.proxy_token)
    try:
        return running.original(given.key, how_of(given.lines, given.query), person=person)
    except NoProxy:
        if given.url:
            print(f"headroom: nothing answers at {given.url}; the state here is asked instead", file=sys.stderr)
        return None


async def _from_state(key: str, settings: Settings, environ: Mapping[str, str]) -> str | None:
    url = state_url(settings, environ)
    if url == "memory:":
        return None
    store = open_store(url, time.time)
    try:
        row = (await store.get(originals_space(settings), None, [key])).get(key)
    finally:
        await store.aclose()
    return None if row is None else row.decode("utf-8", "surrogatepass")
