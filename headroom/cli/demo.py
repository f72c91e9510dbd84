"""`headroom demo`: a scripted model and the real proxy on free ports in this process, driven with recorded sessions."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from typing import TextIO

import anyio

from headroom.demo import table
from headroom.demo.model import Model
from headroom.demo.serving import application, serving
from headroom.demo.session import recorded
from headroom.demo.show import Counter, Shown, Way, scripts_of, show
from headroom.errors import OurError
from headroom.http.asgi import ASGIApp
from headroom.http.client import Client, ClientLimits
from headroom.http.tls import Trust
from headroom.http.tunnel import Proxies
from headroom.options import load
from headroom.proxy.server import App
from headroom.settings import Settings
from headroom.tokens import ESTIMATED, estimate


def run(argv: Sequence[str], environ: Mapping[str, str], stdout: TextIO) -> int:
    parser = argparse.ArgumentParser(prog="headroom demo", allow_abbrev=False, description=__doc__)
    parser.add_argument("--json", action="store_true", help="for machines")
    given = parser.parse_args(argv)
    started = time.perf_counter()
    shown = anyio.run(_demo)
    seconds = time.perf_counter() - started
    stdout.write(json.dumps(table.as_json(shown, seconds), indent=2) + "\n" if given.json else table.text(shown, seconds))
    if not table.fine(shown):
        raise OurError("the demo did not show what it should; please report the output above")
    return 0


async def _demo() -> Shown:
    sessions = tuple(recorded())
    scripts = scripts_of(sessions)
    alone, behind = Model(scripts), Model(scripts)
    async with serving(application(alone)) as straight, serving(application(behind)) as upstream, serving(_proxy(upstream)) as proxy:
        client = Client(ClientLimits(), Trust(), Proxies(), time.monotonic)
        try:
            ways = Way(alone, client.to(straight)), Way(behind, client.to(proxy))
            return await show(sessions, *ways, Counter(ESTIMATED, estimate), time.perf_counter)
        finally:
            await client.aclose()


def _proxy(upstream: str) -> ASGIApp:
    """The real thing with default settings, but for where it asks and that it leaves nothing on disk."""
    urls = [f"--{provider}-api-url={upstream}" for provider in ("anthropic", "openai", "gemini")]
    return App(load(Settings, ["--stateless", "--quiet", *urls], {}).settings, {})
