"""The coding agents we know, one line each."""

from __future__ import annotations

from headroom.agents.base import Agent
from headroom.agents.claude import Claude
from headroom.agents.codex import Codex

AGENTS: tuple[Agent, ...] = (Claude(), Codex())
