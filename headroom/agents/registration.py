"""Put an MCP server into an agent's configuration and take it off again: by the agent's own command, else by an edit."""

from __future__ import annotations

import difflib
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from headroom.agents import config_edit
from headroom.agents.base import Agent, McpServer, Unparsable
from headroom.errors import OurError

COMMAND_SECONDS = 60.0
"""For an agent's own command: it takes a second or two, more on a slow disk."""


class Registration:
    """One agent on this machine. `ours` tells our own entries from those of others under the same name."""

    def __init__(self, agent: Agent, environ: Mapping[str, str], ours: Callable[[McpServer], bool], *, dry_run: bool = False) -> None:
        self._agent, self._environ, self._ours, self._dry_run = agent, environ, ours, dry_run
        self._program = shutil.which(agent.program, path=environ.get("PATH", ""))
        self._file = agent.config(Path(environ.get("HOME") or environ.get("USERPROFILE") or "."), environ)

    @property
    def present(self) -> bool:
        """Whether the agent is here, as far as can be seen."""
        return self._program is not None or self._file.exists()

    def install(self, server: McpServer) -> Iterator[str]:
        """Do it, and say line by line what is done. Raises OurError."""
        known = self._known(server.name)
        if known == server:
            yield "already registered"
            return
        if known is not None:
            yield from self.uninstall(server.name)
        if self._program is not None:
            yield from self._ask(self._agent.add(server))
        else:
            yield from self._edit(partial(self._put, server=server))
        if not self._dry_run:
            if self._known(server.name) != server:
                raise OurError(f"{self._agent.name} did not keep the entry as it was given; see {self._file}")
            yield "registered; its next session has the tools"

    def uninstall(self, name: str) -> Iterator[str]:
        """Do it, and say line by line what is done. Raises OurError."""
        known = self._known(name)
        if known is None:
            yield "not registered"
            return
        if self._program is not None and not self._agent.marked(self._text()):
            yield from self._ask(self._agent.remove(name))
            if not self._dry_run:
                config_edit.forget(self._file)
        else:
            yield from self._edit(partial(self._agent.delete, name=name), partial(self._agent.insert, server=known))
        if not self._dry_run:
            if self._known(name) is not None:
                raise OurError(f"{self._agent.name} still has the entry; see {self._file}")
            yield "taken off"

    def _put(self, text: str, server: McpServer) -> str:
        """The configuration with this server; a dry run finds the old entry still there."""
        old = self._agent.registered(text, server.name)
        return self._agent.insert(text if old is None else self._agent.delete(text, server.name), server)

    def _known(self, name: str) -> McpServer | None:
        """Our entry, if there is one. Raises OurError where the name is somebody else's."""
        try:
            known = self._agent.registered(self._text(), name)
        except Unparsable as error:
            raise Unparsable(f"{self._file} was left alone: {error.message}") from None
        if known is not None and not self._ours(known):
            raise OurError(f"{self._agent.name} has another MCP server named {name}; it was left alone, see {self._file}")
        return known

    def _text(self) -> str:
        return config_edit.read(self._file)

    def _ask(self, arguments: Sequence[str]) -> Iterator[str]:
        assert self._program is not None
        command = [self._program, *arguments]
        yield f"runs: {shlex.join(command)}"
        if self._dry_run:
            return
        try:
            done = subprocess.run(
                command, env=dict(self._environ), stdin=subprocess.DEVNULL, capture_output=True, text=True, encoding="utf-8",
                errors="replace", timeout=COMMAND_SECONDS, check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise OurError(f"{self._program} does not work: {error}") from None
        if done.returncode:
            raise OurError(f"{shlex.join(command)} failed: {(done.stderr or done.stdout).strip()[-500:]}")

    def _edit(self, change: config_edit.Change, undoes: config_edit.Change | None = None) -> Iterator[str]:
        """`undoes`: the change that this one takes back."""
        yield f"edits: {self._file}"
        if self._dry_run:
            before = self._text()
            rows = difflib.unified_diff(before.splitlines(), change(before).splitlines(), lineterm="", n=0)
            yield from (row for row in rows if row[:3] not in ("---", "+++"))
        elif undoes is None:
            config_edit.apply(self._file, change)
        else:
            config_edit.undo(self._file, undoes, change)
