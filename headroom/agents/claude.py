"""Claude Code: MCP servers of the user stand in ~/.claude.json (code.claude.com/docs/en/mcp)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headroom.agents.base import McpServer, Unparsable

SERVERS = "mcpServers"


class Claude:
    """The file is Claude Code's own state, rewritten by it all the time, so it is written in its own layout."""

    name = "claude"
    program = "claude"

    def config(self, home: Path, environ: Mapping[str, str]) -> Path:
        folder = environ.get("CLAUDE_CONFIG_DIR")
        return (Path(folder) if folder else home) / ".claude.json"

    def add(self, server: McpServer) -> tuple[str, ...]:
        return ("mcp", "add-json", "--scope", "user", server.name, json.dumps(_entry(server)))

    def remove(self, name: str) -> tuple[str, ...]:
        return ("mcp", "remove", "--scope", "user", name)

    def registered(self, text: str, name: str) -> McpServer | None:
        entry = _servers(_read(text)).get(name)
        if entry is None:
            return None
        if not isinstance(entry, dict):
            raise Unparsable(f"the MCP server {name} is no JSON object")
        arguments = entry.get("args") or []
        words = [entry["command"], *arguments] if "command" in entry and isinstance(arguments, list) else []
        return McpServer(name, tuple(map(str, words)))

    def insert(self, text: str, server: McpServer) -> str:
        whole = _read(text)
        return _write({**whole, SERVERS: {**_servers(whole), server.name: _entry(server)}}, text)

    def delete(self, text: str, name: str) -> str:
        whole = _read(text)
        left = {key: entry for key, entry in _servers(whole).items() if key != name}
        return _write({**whole, SERVERS: left}, text)

    def marked(self, text: str) -> bool:
        return False  # JSON has no comments


def _entry(server: McpServer) -> dict[str, Any]:
    """`alwaysLoad`: a session waits for the server and has its tools from the first request on, not deferred behind a search.
    Tools that come later would change the prefix that the provider has cached."""
    return {"type": "stdio", "command": server.command[0], "args": list(server.command[1:]), "env": {}, "alwaysLoad": True}


def _read(text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        whole = json.loads(text, object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as error:
        raise Unparsable(f"it is not JSON that we can read: {error}") from None
    if not isinstance(whole, dict):
        raise Unparsable("it is no JSON object")
    return whole


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in one object")  # one of the two would be lost
    return found


def _servers(whole: Mapping[str, Any]) -> dict[str, Any]:
    servers = whole.get(SERVERS, {})
    if not isinstance(servers, dict):
        raise Unparsable(f"{SERVERS} is no JSON object")
    return servers


def _write(whole: Mapping[str, Any], before: str) -> str:
    """As JSON.stringify(whole, null, 2) has it, which is what Claude Code writes."""
    return json.dumps(whole, indent=2, ensure_ascii=False) + ("\n" if before.endswith("\n") else "")
