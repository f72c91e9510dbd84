"""From paths to recordings: a transcript of Claude Code or of Codex, a folder of either, a folder of request bodies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from headroom.audit import captured, claude_code, codex
from headroom.audit.recording import Recording, Thread, once, requests
from headroom.errors import OurError

GLANCE = 10
"""Lines within which a transcript shows whose it is."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who writes a kind of transcript."""

    name: str
    target: str
    items: str
    read: Callable[[Iterable[bytes]], tuple[tuple[Thread, ...], int]]


CLAUDE_CODE = Client("Claude Code", claude_code.TARGET, claude_code.ITEMS, claude_code.read)
CODEX = Client("Codex", codex.TARGET, codex.ITEMS, codex.read)


def own_folders(environ: Mapping[str, str], home: Path) -> list[Path]:
    """Where the user's own sessions are, as far as there are any."""
    claude = Path(environ.get("CLAUDE_CONFIG_DIR") or home / ".claude") / "projects"
    codexes = Path(environ.get("CODEX_HOME") or home / ".codex") / "sessions"
    return [folder for folder in (claude, codexes) if folder.is_dir()]


def find(paths: Iterable[Path], since: float = 0.0) -> Iterator[Recording]:
    """Every recording under the paths, one in memory at a time; files last written before `since` are passed over.

    A session that was resumed may have taken its history along into another file; what stands there is counted once.
    """
    seen: set[str] = set()
    for path in paths:
        if not path.exists():
            raise OurError(f"no such file or folder: {path}")
        files = sorted(path.rglob("*.jsonl")) if path.is_dir() else [path]
        for file in files:
            if file.stat().st_mtime >= since:
                yield transcript(file, seen)
        if path.is_dir() and not files:
            for folder in sorted({file.parent for file in path.rglob("*.json")}):
                yield from captured.read(folder)


def transcript(file: Path, seen: set[str]) -> Recording:
    try:
        client = _client(file)
        with file.open("rb") as lines:
            threads, broken = client.read(lines)
    except OSError as error:
        raise OurError(f"cannot read {file}: {error.strerror}") from None
    threads = once(threads, seen)
    return Recording(str(file), client.name, client.target, client.items, False, lambda: requests(threads, client.items), broken)


def _client(file: Path) -> Client:
    with file.open("rb") as lines:
        for line, _ in zip(lines, range(GLANCE), strict=False):
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(value, dict) and isinstance(value.get("payload"), dict):
                return CODEX
    return CLAUDE_CODE
