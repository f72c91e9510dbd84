"""Fails in several ways, one after the other, with tracebacks of some depth."""

from __future__ import annotations

import json
import subprocess
import sys
import traceback
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def deep(depth: int) -> int:
    if depth == 0:
        return int(json.loads('{"port": "80a"}')["port"])
    return deep(depth - 1) + 1


def chained() -> None:
    try:
        deep(4)
    except ValueError as error:
        raise RuntimeError("settings could not be read") from error


def pooled() -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda name: Path(name).read_text(encoding="utf-8"), ["/srv/app/none.conf"]))


FAULTS: tuple[Callable[[], object], ...] = (
    chained,
    pooled,
    lambda: json.loads('{"a": [1, 2,, 3]}'),
    lambda: urllib.request.urlopen("http://127.0.0.1:9/", timeout=1),
    lambda: subprocess.run(["false"], check=True),
    lambda: "ü".encode("ascii"),
    lambda: compile("for x in y\n    pass", "worker.py", "exec"),
)

if __name__ == "__main__":
    for fault in FAULTS:
        try:
            fault()
        except (OSError, RuntimeError, SyntaxError, ValueError, subprocess.SubprocessError):
            traceback.print_exc(file=sys.stdout)
            print()
