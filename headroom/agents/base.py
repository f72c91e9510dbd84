"""What we know of a coding agent: where it keeps its configuration, and how an MCP server gets into it.

Everything here is a function of texts; headroom.agents.config_edit reads and writes the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from headroom.errors import OurError


class Unparsable(OurError):
    """A configuration that we cannot read, or could not change without touching what is not ours: it is left alone."""


@dataclass(frozen=True, slots=True)
class McpServer:
    """An MCP server on standard input and output, as clients register it."""

    name: str
    command: tuple[str, ...]
    """The program and its arguments."""


class Agent(Protocol):
    """An agent that can use MCP servers. `text` is its configuration, "" where the file does not exist."""

    @property
    def name(self) -> str:
        """What it is called on our command line."""
        ...

    @property
    def program(self) -> str:
        """Its own command, which is asked first: it knows its files best."""
        ...

    def config(self, home: Path, environ: Mapping[str, str]) -> Path:
        """The user's configuration file."""
        ...

    def add(self, server: McpServer) -> tuple[str, ...]:
        """Arguments of its own command that register a server for all projects of the user."""
        ...

    def remove(self, name: str) -> tuple[str, ...]:
        """Arguments of its own command that take it off again."""
        ...

    def registered(self, text: str, name: str) -> McpServer | None:
        """The server under this name; one that is reached by a URL has no command. Raises Unparsable."""
        ...

    def insert(self, text: str, server: McpServer) -> str:
        """The configuration with a server that it does not have yet. Raises Unparsable."""
        ...

    def delete(self, text: str, name: str) -> str:
        """The configuration without what `insert` put in. Raises Unparsable."""
        ...

    def marked(self, text: str) -> bool:
        """Whether what `insert` put in is there, told by a mark; False where the format has no room for one."""
        ...
