"""What the settings choose, for each part that the composition root builds."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import timezone
from pathlib import Path

from headroom.compressors.code import indentation, python_ast, syntax
from headroom.compressors.code.base import Method
from headroom.errors import extra
from headroom.http.client import ClientLimits
from headroom.layers.budget import Terms
from headroom.learning.toin import Toin
from headroom.proxy.compression import Views
from headroom.proxy.limiting import Allowed
from headroom.sent import SENT
from headroom.settings import Settings
from headroom.stores import is_remote
from headroom.stores.base import Space, Store
from headroom.transforms.outline import Outline

FOLDER = ".headroom"

IN_MEMORY = 64 << 20
"""Bytes of originals, and half as many of sent forms, where they live in memory and not in a file."""

log = logging.getLogger(__name__)


def state_url(settings: Settings, environ: Mapping[str, str]) -> str:
    """Where state lives: as set, in memory when stateless, else one file in the home directory."""
    if settings.stateless:
        return "memory:"
    return settings.state or f"sqlite:{folder_of('', environ) / 'state.db'}"


def folder_of(url: str, environ: Mapping[str, str]) -> Path:
    """Where files lie that go with the state: beside it, or in the home directory."""
    scheme, _, path = url.partition(":")
    if scheme == "sqlite":
        return Path(path).expanduser().parent
    return Path(environ.get("HOME") or environ.get("USERPROFILE") or ".") / FOLDER


def originals_space(settings: Settings, url: str = "") -> Space:
    most = IN_MEMORY if url == "memory:" else settings.ccr_max_bytes
    return Space("ccr", settings.ccr_ttl, min(most, settings.ccr_max_bytes))


def sent_space(url: str) -> Space:
    return replace(SENT, max_bytes=IN_MEMORY // 2) if url == "memory:" else SENT


def client_limits(settings: Settings) -> ClientLimits:
    return ClientLimits(
        max_connections=settings.max_connections, max_keepalive=settings.max_keepalive,
        connect_timeout=settings.connect_timeout, first_byte_timeout=settings.request_timeout,
        idle_timeout=settings.idle_timeout,
    )


def allowed(settings: Settings, url: str) -> Allowed:
    """With proxies elsewhere the days of a budget are everybody's."""
    budget = None
    if settings.budget is not None:
        budget = Terms(settings.budget, settings.budget_period, settings.budget_strict, timezone.utc if is_remote(url) else None)
    rpm, tpm = (0, 0) if settings.no_rate_limit else (settings.rpm, settings.tpm)
    return Allowed(rpm, tpm, budget)


def learning(settings: Settings, store: Store) -> Toin | None:
    """What is learned would be lost with the process under --stateless, so nothing is."""
    return None if settings.stateless else Toin(store, secrets.token_hex(8), settings.ccr_ttl, shared=settings.toin_shared)


def views(settings: Settings) -> Views:
    """When something may be left out of a text."""
    if settings.lossless:
        return "never"
    return "always" if settings.no_ccr_inject_tool else "where_offered"


def outline_of(settings: Settings) -> Outline | None:
    """Outlines of source files, if they were asked for. Which methods find bodies is decided here, once: what leaves must not
    depend on what else is installed."""
    if not (settings.code_aware or settings.intercept_tool_results):
        return None
    methods: list[Method] = [python_ast.bodies, indentation.bodies]
    if settings.code_aware and syntax.available():
        methods.insert(1, syntax.method())
    elif settings.code_aware:
        log.warning("--code-aware: no syntax trees without the extra, %s; bodies are found by indentation", extra("code"))
    return Outline(methods, whole_reads=settings.intercept_tool_results, code=settings.code_aware)
