"""A stage for real clients: the scripted model, the real proxy in front of it, and a small project to work on."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from headroom.conversation import Json
from headroom.demo.model import Kept, Model
from headroom.demo.prefix import extends
from headroom.demo.script import Scripts
from headroom.dialects.hidden.base import NAME
from headroom.http.asgi import ASGIApp
from headroom.http.message import Request, Response, once
from headroom.options import load
from headroom.proxy.server import App
from headroom.settings import Settings


def proxy(upstream: str, state: str) -> ASGIApp:
    """The real proxy. `state` as the option takes it: a file lets another proxy take over, "memory:" does not."""
    urls = [f"--{provider}-api-url={upstream}" for provider in ("anthropic", "openai", "gemini")]
    return App(load(Settings, ["--quiet", f"--state={state}", *urls], {}).settings, {})


class Curious:
    """The scripted model, which can ask for the original behind the last marker that it was sent."""

    def __init__(self, scripts: Callable[[str], Scripts]) -> None:
        """`scripts` with that key, "" before there is one."""
        self._make, self._scripts = scripts, dict(scripts(""))
        self.model = Model(self._scripts)

    async def __call__(self, request: Request) -> Response:
        body = b"".join([chunk async for chunk in request.body])
        keys = re.findall(rb'headroom_retrieve\(key=\\?"([0-9a-f]{24})', body)
        if keys:
            self._scripts.update(self._make(keys[-1].decode()))
        return await self.model(replace(request, body=once(body)))

    @property
    def given_back(self) -> list[str]:
        """What calls of our tool got, in the last request that was answered."""
        body = json.loads([kept.body for kept in self.model.requests if kept.status == 200][-1])
        calls: list[str] = []
        found: dict[str, str] = {}

        def walk(value: Json) -> None:
            if isinstance(value, dict):
                called = value.get("id") if value.get("type") == "tool_use" else value.get("call_id")
                if value.get("name") == NAME and isinstance(called, str):
                    calls.append(called)
                for name, text in (("tool_use_id", "content"), ("call_id", "output")):
                    if isinstance(value.get(name), str) and isinstance(value.get(text), str):
                        found[value[name]] = value[text]
            for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
                walk(inner)

        walk(body)
        return [found[called] for called in calls]


def project(root: Path) -> None:
    """Something to look at: a log, a list, code, a history."""
    root.mkdir(parents=True, exist_ok=True)
    levels = ("INFO", "INFO", "DEBUG", "WARNING")
    (root / "service.log").write_text("".join(
        f"2026-03-02T09:{i // 60:02d}:{i % 60:02d}Z {levels[i % 4]} [worker-{i % 3}] api GET /orders/{i * 7 % 97} 200 {i % 40}ms\n"
        for i in range(240)
    ), "utf-8")
    rows = [{"id": i, "status": "paid" if i % 5 else "open", "cents": i * 113 % 9973, "tags": ["a", "b"]} for i in range(90)]
    (root / "orders.json").write_text(json.dumps(rows, indent=2), "utf-8")
    (root / "orders.py").write_text("".join(f"def order_{i}(cents: int) -> int:\n    return cents * {i}\n\n\n" for i in range(60)), "utf-8")
    identity = ["-c", "user.name=Robin Dale", "-c", "user.email=robin@example.com"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], [*identity, "commit", "-q", "-m", "Start"]):
        subprocess.run(["git", *command], cwd=root, check=True)


def threads(requests: Sequence[Kept], path: str, names: bytes = b"") -> list[list[bytes]]:
    """The bodies of answered requests on `path` by the agent that sent them; only those that follow a script."""
    found: dict[bytes, list[bytes]] = {}
    for kept in requests:
        if kept.path.endswith(path) and kept.status == 200 and b"[[script:" in kept.body:
            name = next((value for key, value in kept.fields if key == names), b"")
            found.setdefault(name, []).append(kept.body)
    return list(found.values())


def unbroken(bodies: Sequence[bytes], items: str) -> list[bool]:
    """For each request after the first, whether it extends the one before."""
    return [extends(earlier, later, items) for earlier, later in pairwise(bodies)]
