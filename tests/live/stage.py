"""A stage for real clients: the scripted model, the real proxy in front of it, and a small project to work on."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from headroom.demo.model import Kept
from headroom.demo.prefix import extends
from headroom.http.asgi import ASGIApp
from headroom.options import load
from headroom.proxy.server import App
from headroom.settings import Settings


def proxy(upstream: str, state: str) -> ASGIApp:
    """The real proxy. `state` as the option takes it: a file lets another proxy take over, "memory:" does not."""
    urls = [f"--{provider}-api-url={upstream}" for provider in ("anthropic", "openai", "gemini")]
    return App(load(Settings, ["--quiet", f"--state={state}", *urls], {}).settings, {})


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
