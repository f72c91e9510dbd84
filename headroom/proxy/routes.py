"""Which door a request takes: a dialect's exchange where we can read it, straight through where we cannot."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from headroom import dialects
from headroom.conversation import Json
from headroom.dialects.base import Dialect
from headroom.errors import UpgradeRefused
from headroom.http.message import Handler, Request, Response, end_to_end
from headroom.proxy.exchange import forwarded

HINTS: tuple[tuple[bytes, str], ...] = (
    (b"anthropic-version", "anthropic"),
    (b"x-api-key", "anthropic"),
    (b"x-goog-api-key", "gemini"),
)
"""Fields that tell whose API an unknown request is meant for."""

PATHS: tuple[tuple[str, str], ...] = (
    ("/v1/messages", "anthropic"),
    ("/api/hello", "anthropic"),  # Claude Code's connection check, which carries no credentials
    ("/v1beta/", "gemini"),
    ("/upload/v1beta/", "gemini"),
    ("/v1/projects/", "gemini"),  # Vertex: whatever credential comes with it is Google's
)

GOOGLE = re.compile(r"/models/[^/]+:\w+|[?&]key=")
"""In a target: a verb of Gemini's, or its way to carry a key in the query."""

DEFAULT = "openai"

MARK_END = len("Bearer sk-ant-")
"""Anthropic's keys and login tokens open so; none of them may be shown to anybody else."""


def provider_of(request: Request) -> str:
    """Whose a request is that no dialect reads."""
    for name, provider in HINTS:
        if request.get(name) is not None:
            return provider
    if (request.get(b"authorization") or b"")[:MARK_END].lower().endswith(b" sk-ant-"):
        return "anthropic"
    if GOOGLE.search(request.target):
        return "gemini"
    return next((provider for prefix, provider in PATHS if request.path.startswith(prefix)), DEFAULT)


def error_shape(request: Request, status: int, message: str, kind: str = "") -> Json:
    """An error in the words of whichever API the caller speaks."""
    dialect = dialects.find("POST", request.path)
    if dialect is None:
        provider = provider_of(request)
        dialect = next(d for d in dialects.DIALECTS if d.provider == provider)
    return dialect.error(status, message, kind)


class Routes:
    """All data routes. A Handler."""

    def __init__(self, exchanges: Mapping[str, Handler], upstreams: Mapping[str, Handler]) -> None:
        """`exchanges` by dialect name, `upstreams` by provider name."""
        self._exchanges, self._upstreams = exchanges, upstreams

    async def __call__(self, request: Request) -> Response:
        if (request.get(b"upgrade") or b"").lower() == b"websocket" and _would_read(request):
            # Codex tries a WebSocket first and goes on over HTTP at once when told so; any other
            # answer costs it seven attempts.
            raise UpgradeRefused("WebSocket is not spoken here; use HTTP")
        dialect: Dialect | None = dialects.find(request.method, request.path)
        if dialect is not None:
            return await self._exchanges[dialect.name](request)
        return await self._pass(request)

    async def _pass(self, request: Request) -> Response:
        """A request we do not know: to its provider as it came, streaming both ways."""
        provider = provider_of(request)
        request.draft.provider = provider
        response = await self._upstreams[provider](replace(request, fields=forwarded(request.fields)))
        return replace(response, fields=end_to_end(response.fields))


def _would_read(request: Request) -> bool:
    return dialects.find("POST", request.path) is not None
