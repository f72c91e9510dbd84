"""`headroom mcp serve|install|uninstall`: our tools for agents, and their entry in the agents' configurations."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import anyio

from headroom.agents import AGENTS
from headroom.agents.base import McpServer
from headroom.agents.registration import Registration
from headroom.cli.address import base_url
from headroom.errors import OurError
from headroom.mcp.server import MISSING, NAME, available, serve
from headroom.mcp.source import LocalSource
from headroom.mcp.tools import tools
from headroom.options import load
from headroom.pipeline import standard
from headroom.proxy.ask import Running
from headroom.proxy.choices import originals_space, state_url
from headroom.settings import Settings
from headroom.stores import open_store

SERVE = ("mcp", "serve")

START = "import sys; del sys.path[0]; from headroom.cli import main; main()"
"""`python -m headroom` without the folder it is started in on its path: that is the user's project, and may hold anything."""

CARRIED = {"url": "", "port": "HEADROOM_PORT", "state": "HEADROOM_STATE"}
"""Options of `serve`, and where their values come from if they are not given. `install` writes them into the entry: Codex
hands few of its own variables on to an MCP server."""


def run(argv: Sequence[str], environ: Mapping[str, str], stdout: TextIO) -> int:
    given = _parser().parse_args(argv)
    if given.action != "uninstall" and not available():
        print(f"headroom: {MISSING}", file=sys.stderr)
        return 2
    if given.action == "serve":
        anyio.run(_serve, given, environ)
        return 0
    for name, registration in _registrations(given, environ):
        lines = registration.uninstall(NAME) if given.action == "uninstall" else registration.install(_entry(given, environ))
        for line in lines:
            print(f"{name}: {line}", file=stdout, flush=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    place, client = argparse.ArgumentParser(add_help=False), argparse.ArgumentParser(add_help=False)
    place.add_argument("--url", help="the proxy [default: the one HEADROOM_HOST and HEADROOM_PORT name]")
    place.add_argument("--port", "-p", help="its port, where it runs on this machine")
    place.add_argument("--state", metavar="URL", help="where originals live, as of `headroom proxy`: read when no proxy runs, written by headroom_compress")
    client.add_argument("--client", choices=[a.name for a in AGENTS], help="this agent only [default: all that are here]")
    client.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    parser = argparse.ArgumentParser(prog="headroom mcp", allow_abbrev=False, description="Our tools for agents, by the Model Context Protocol.")
    actions = parser.add_subparsers(dest="action", required=True, metavar="serve|install|uninstall")
    actions.add_parser("serve", parents=[place], help="headroom_retrieve, headroom_compress and headroom_stats on standard input and output")
    actions.add_parser("install", parents=[client, place], help="register the server with an agent, for all projects of the user")
    actions.add_parser("uninstall", parents=[client], help="take it off again")
    return parser


async def _serve(given: Any, environ: Mapping[str, str]) -> None:
    options = [f"--{name}={value}" for name in ("port", "state") if (value := getattr(given, name)) is not None]
    settings = load(Settings, options, environ, "headroom mcp serve").settings
    url = state_url(settings, environ)
    proxy = Running(given.url or base_url(settings.host, settings.port), settings.proxy_token)
    pipeline = standard(protect=settings.protect_tool_results, ratio=settings.target_ratio)
    store = open_store(url, time.time)
    try:
        await serve(tools(LocalSource(proxy, store, originals_space(settings, url)), pipeline))
    finally:
        await store.aclose()


def _registrations(given: Any, environ: Mapping[str, str]) -> Sequence[tuple[str, Registration]]:
    all_of_them = [
        (agent.name, Registration(agent, environ, _is_ours, dry_run=given.dry_run))
        for agent in AGENTS if given.client in (None, agent.name)
    ]
    chosen = [(name, one) for name, one in all_of_them if given.client or one.present]
    if not chosen:
        raise OurError(f"neither the program nor the configuration of {' or '.join(a.name for a in AGENTS)} is here; name one with --client")
    return chosen


def _entry(given: Any, environ: Mapping[str, str]) -> McpServer:
    return McpServer(NAME, (*_program(Path(sys.argv[0])), *SERVE, *_carried(given, environ)))


def _program(started_as: Path) -> tuple[str, ...]:
    """This very installation: a `headroom` found later on the agent's PATH may be another one, without the extra."""
    script = shutil.which(started_as) if started_as.stem == NAME else None
    return (sys.executable, "-c", START) if script is None else (str(Path(script).absolute()),)


def _carried(given: Any, environ: Mapping[str, str]) -> Iterator[str]:
    for name, variable in CARRIED.items():
        value = getattr(given, name) or environ.get(variable)
        if value:
            yield f"--{name}={value}"


def _is_ours(server: McpServer) -> bool:
    words = server.command
    return (words[1:3] == SERVE and Path(words[0]).stem == NAME) or words[2:5] == (START, *SERVE)
