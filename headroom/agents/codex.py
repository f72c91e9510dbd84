"""Codex: MCP servers stand in ~/.codex/config.toml (developers.openai.com/codex/mcp)."""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headroom.agents.base import McpServer, Unparsable
from headroom.errors import extra

SERVERS = "mcp_servers"
BEGIN, END = "# >>> headroom mcp install >>>", "# <<< headroom mcp install <<<"

BLOCK = re.compile(rf"^{re.escape(BEGIN)}\n.*?^{re.escape(END)}(?:\n|\Z)", re.MULTILINE | re.DOTALL)
"""What we wrote, and nothing else."""

BARE = re.compile(r"[A-Za-z0-9_-]+")
"""A key of TOML that needs no quotes (TOML 1.0, keys)."""


class Codex:
    """People write this file by hand, so a marked block is appended and nothing else is touched."""

    name = "codex"
    program = "codex"

    def config(self, home: Path, environ: Mapping[str, str]) -> Path:
        folder = environ.get("CODEX_HOME")
        return (Path(folder) if folder else home / ".codex") / "config.toml"

    def add(self, server: McpServer) -> tuple[str, ...]:
        return ("mcp", "add", server.name, "--", *server.command)

    def remove(self, name: str) -> tuple[str, ...]:
        return ("mcp", "remove", name)

    def registered(self, text: str, name: str) -> McpServer | None:
        entry = _servers(_read(text)).get(name)
        if entry is None:
            return None
        if not isinstance(entry, dict):
            raise Unparsable(f"the MCP server {name} is no TOML table")
        arguments = entry.get("args", [])
        words = [entry["command"], *arguments] if "command" in entry and isinstance(arguments, list) else []
        return McpServer(name, tuple(map(str, words)))

    def insert(self, text: str, server: McpServer) -> str:
        before = _read(text)
        gap = "" if not text or text.endswith("\n") else "\n"
        block = [
            BEGIN, f"[{SERVERS}.{_key(server.name)}]", f"command = {_string(server.command[0])}",
            f"args = [{', '.join(map(_string, server.command[1:]))}]", END,
        ]
        after = f"{text}{gap}" + "\n".join(block) + "\n"
        entry = {"command": server.command[0], "args": list(server.command[1:])}
        if _read(after) != {**before, SERVERS: {**_servers(before), server.name: entry}}:
            raise Unparsable("a block at its end would change what stands before it")
        return after

    def delete(self, text: str, name: str) -> str:
        before = _read(text)
        after = BLOCK.sub("", text)
        left = {key: entry for key, entry in _servers(before).items() if key != name}
        now = _read(after)
        if {**now, SERVERS: _servers(now)} != {**before, SERVERS: left}:
            raise Unparsable(f"{SERVERS}.{name} was not written by us, or its block was edited: take it out by hand")
        return after

    def marked(self, text: str) -> bool:
        return BLOCK.search(text) is not None


def _read(text: str) -> dict[str, Any]:
    try:
        whole: dict[str, Any] = _toml().loads(text)
    except (ValueError, RecursionError) as error:
        raise Unparsable(f"it is not TOML that we can read: {error}") from None
    return whole


def _toml() -> Any:
    """tomllib came with Python 3.11; before, the extra `mcp` brings the library it was made of."""
    try:
        return importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    except ImportError:
        raise Unparsable(f"this Python cannot read TOML without the extra: {extra('mcp')}") from None


def _servers(whole: Mapping[str, Any]) -> dict[str, Any]:
    servers = whole.get(SERVERS, {})
    if not isinstance(servers, dict):
        raise Unparsable(f"{SERVERS} is no table")
    return servers


def _key(name: str) -> str:
    return name if BARE.fullmatch(name) else _string(name)


def _string(text: str) -> str:
    """A basic string of TOML takes the escapes of JSON; what JSON leaves bare and TOML does not is DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
