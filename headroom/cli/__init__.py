"""The `headroom` command: finds the module of a sub-command and runs it.

Modules are imported only when asked for, so `headroom --help` and `headroom proxy` start in a blink.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TextIO

from headroom import __version__
from headroom.errors import OurError, SettingsError

COMMANDS: Mapping[str, str] = {
    "proxy": "run the proxy",
    "demo": "see it work: a scripted model, recorded agent sessions, no key, no network",
    "compress": "show what would become of a text, by which compressor and why",
    "audit": "what your recorded agent sessions would have cost through Headroom",
    "retrieve": "print an original by its key",
    "toin": "what was learned of which kinds of output get asked for again: show, export, import, merge, reset",
    "savings": "what was spent and saved: today, in 7 days, ever; by model, tool, project and client",
    "budget": "what was spent of the budget and when it begins anew; reset it",
    "mcp": "our tools for agents by MCP: serve them, register them with Claude Code or Codex",
    "settings": "list every setting, its value and where it came from",
    "prices": "what each model is taken to cost, since when and by which source",
    "tokenizer": "exact token counts: fetch the vocabulary once, or show what is used",
}
"""Name → what it does; headroom/cli/NAME.py has `run`."""

Run = Callable[[Sequence[str], Mapping[str, str], TextIO], int]
"""Arguments, environment, standard output → exit code."""


def main() -> None:
    sys.exit(dispatch(sys.argv[1:], os.environ, sys.stdout))  # noqa: TID251  # the one entry from the shell


def dispatch(argv: Sequence[str], environ: Mapping[str, str], stdout: TextIO) -> int:
    """Exit codes: 0 fine, 1 it failed, 2 it was asked wrongly, 130 interrupted."""
    if not argv or argv[0] in ("-h", "--help", "help", "-V", "--version", "version"):
        return _about(argv, stdout)
    if argv[0] not in COMMANDS:
        print(f"headroom: no command {argv[0]!r}; see headroom --help", file=sys.stderr)
        return 2
    if "--stateless" in argv or environ.get("HEADROOM_STATELESS"):
        sys.dont_write_bytecode = True  # "not one byte": nor caches of the modules that are imported from here on
    run: Run = importlib.import_module(f"headroom.cli.{argv[0]}").run
    try:
        return run(argv[1:], environ, stdout)
    except SettingsError as error:
        print(f"headroom: {error.message}", file=sys.stderr)
        return 2
    except OurError as error:
        print(f"headroom: {error.message}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 1  # `headroom … | head` is no fault
    except KeyboardInterrupt:
        return 130


def _about(argv: Sequence[str], stdout: TextIO) -> int:
    version = argv and argv[0] in ("-V", "--version", "version")
    try:
        print(f"headroom {__version__}" if version else usage(), file=stdout)
    except BrokenPipeError:
        return 1  # `headroom | head` is no fault either
    return 0


def usage() -> str:
    width = max(map(len, COMMANDS))
    rows = [f"  {name:<{width}}  {text}" for name, text in COMMANDS.items()]
    return "\n".join([
        f"headroom {__version__}: shortens what LLM agents read, before it is paid for", "",
        "usage: headroom COMMAND [options]", "", *rows, "", "headroom COMMAND --help lists a command's options.",
    ])
