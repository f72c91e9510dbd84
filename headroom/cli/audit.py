"""`headroom audit [PATH…]`: what recorded agent sessions would have cost through Headroom. Nothing is sent anywhere."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TextIO

import anyio

from headroom.audit import account
from headroom.audit.finding import find, own_folders
from headroom.audit.passage import MODES, Find, Mode
from headroom.audit.recording import Recording
from headroom.audit.replay import Outcome, replay
from headroom.errors import OurError
from headroom.pipeline import standard
from headroom.pricefile import prices

DAY = 86_400.0


def run(argv: Sequence[str], environ: Mapping[str, str], stdout: TextIO) -> int:
    given = _parser().parse_args(argv)
    paths = [Path(path) for path in given.paths] or own_folders(environ, _home(environ))
    if not paths:
        raise OurError("no sessions of Claude Code or Codex here; name a transcript, or a folder of request bodies")
    table = prices(given.prices or environ.get("HEADROOM_PRICES", ""))
    modes: tuple[Mode, ...] = (*([given.mode] if given.mode else MODES), *([account.LOSSLESS] if given.lossless else []))
    since = time.time() - given.days * DAY if given.days else 0.0
    outcomes = anyio.run(_replay_all, find(paths, since), table.find, modes, _progress(sys.stderr))
    if not outcomes:
        raise OurError("no session with a request in it")
    if given.json:
        print(json.dumps(account.as_json(outcomes, modes), indent=2), file=stdout)
    else:
        stdout.write(account.text(outcomes, modes, given.sessions, table.stale(date.today())))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="headroom audit", allow_abbrev=False, description=__doc__)
    parser.add_argument("paths", nargs="*", metavar="PATH", help="transcripts of Claude Code or Codex (*.jsonl), folders of them, or folders of "
                        "request bodies (*.json, in order of their names) [default: your own ~/.claude/projects and ~/.codex/sessions]")
    parser.add_argument("--mode", choices=MODES, help="only as with this --mode of the proxy [default: both]")
    parser.add_argument("--lossless", action="store_true", help="also as with --lossless, where nothing is left out of an output")
    parser.add_argument("--days", type=float, metavar="N", help="only files written to in the last N days")
    parser.add_argument("--sessions", type=int, default=20, metavar="N", help="how many sessions to list, worst first [default: 20]")
    parser.add_argument("--prices", metavar="FILE", help="prices of your own over the bundled ones")
    parser.add_argument("--json", action="store_true", help="for machines")
    return parser


async def _replay_all(
    recordings: Iterable[Recording], model: Find, modes: Sequence[Mode], progress: Callable[[int, str], None]
) -> list[Outcome]:
    pipeline = standard()
    outcomes = []
    for number, recording in enumerate(recordings, 1):
        progress(number, recording.name)
        outcomes.append(await replay(recording, pipeline, model, modes))
    return [outcome for outcome in outcomes if outcome.direct.requests]


def _progress(stderr: TextIO) -> Callable[[int, str], None]:
    """Hundreds of sessions take minutes; a terminal shows where it is."""
    def show(number: int, name: str) -> None:
        if stderr.isatty():
            print(f"\r\033[K{number}: {name[-70:]}", end="", file=stderr, flush=True)
    return show


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HOME") or environ.get("USERPROFILE") or ".")
