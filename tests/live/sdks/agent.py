"""An agent's loop on any SDK, with tools that always print the same, and the model behind it."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import anyio

from headroom.demo.model import Model
from headroom.demo.script import Scripts
from headroom.http.asgi import ASGIApp
from headroom.http.message import Request, Response
from headroom.options import load
from headroom.proxy.server import App
from headroom.settings import Settings
from tests.live.sdks.base import Api, unsealed

PATIENCE = 20.0
"""Seconds after which what never comes fails a test; no test waits for it."""

THOUGHT = "What could it be? Let me look at the log before I say anything. " * 3
LOG = "\n".join(
    f"2026-03-02T09:{i // 60:02d}:{i % 60:02d}Z INFO [worker-{i % 3}] api GET /orders/{i * 7919 % 9973} status=200 took={i % 40}ms" for i in range(300)
)
FOUND = "\n".join(f"src/orders/service/{'ab'[i // 90]}/handlers.py:{i * 7 + 11}:    return load_order(session, number={i})" for i in range(180))
OUTPUTS = {"logs": LOG, "grep": FOUND}


class Watched:
    """The scripted model, and a flag that goes up when a stream of its ends before its time."""

    def __init__(self, scripts: Scripts) -> None:
        self.model = Model(scripts)
        self.left = threading.Event()

    async def __call__(self, request: Request) -> Response:
        response = await self.model(request)
        return response if response.body.data is not None else replace(response, body=response.body.through(self._watch))

    async def _watch(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        ended = False
        try:
            async for chunk in chunks:
                yield chunk
            ended = True
        finally:
            if not ended:
                self.left.set()


@dataclass(frozen=True, slots=True)
class Side:
    """A way to a model of its own."""

    url: str
    watched: Watched

    @property
    def answered(self) -> list[bytes]:
        return [kept.body for kept in self.watched.model.requests if kept.status == 200]


def proxy(upstream: str, *options: str) -> ASGIApp:
    urls = [f"--{provider}-api-url={upstream}" for provider in ("anthropic", "openai", "gemini")]
    return App(load(Settings, ["--quiet", *urls, *options], {}).settings, {})


def converse(api: Api, flavour: str, url: str, retries: int = 0) -> list[Any]:
    """An agent's loop until the model asks for nothing more: every answer as its program sees it."""

    async def run() -> list[Any]:
        shown = []
        history = api.opening("Why is it slow? [[script:story]]")
        with anyio.fail_after(PATIENCE):
            async with api.flavours[flavour](url, retries) as ask:
                while True:
                    answer = await ask(history)
                    shown.append(unsealed(api.shown(answer)))
                    calls = api.calls(answer)
                    if not calls:
                        return shown
                    history += [*api.said(answer), *api.results([(called, name, OUTPUTS[name]) for called, name, _ in calls])]

    return anyio.run(run)
