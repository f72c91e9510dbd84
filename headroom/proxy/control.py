"""The routes about ourselves: health, statistics, metrics, and originals given back."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

import anyio.to_thread

from headroom import ccr, retrieval
from headroom.conversation import Json
from headroom.errors import BadRequest, MethodNotAllowed, NotFound, TooLarge
from headroom.http.message import Handler, Request, Response, once
from headroom.patterns import HOWS, How, how_of

HEALTH = frozenset(("/livez", "/readyz", "/health"))
"""Open to everybody: orchestrators ask from outside and without credentials."""

RETRIEVE = "/v1/retrieve"
PATTERNS = "/v1/toin/patterns"
HISTORY = "/stats-history"
COMPRESS = "/v1/compress"
ALL_LINES = "1-999999999"
PERSON = "person"
"""Says in a question's `by` that somebody looks who is no model: it tells nothing of what the model missed."""

MAX_QUESTION = 64 * 1024
"""Bytes of a POST to a control route: a key, a range, a query."""


@dataclass(frozen=True, slots=True)
class Inside:
    """What the control routes may ask of the rest."""

    version: str
    optimize: bool
    uptime: Callable[[], float]
    checks: Callable[[], Awaitable[Mapping[str, str]]]
    """Name → "ok" or what is wrong. "draining" makes us not ready; anything else only degrades."""
    stats: Callable[[], Awaitable[Json]]
    metrics: Callable[[str], Awaitable[tuple[bytes, bytes]]]
    """Accept value → content type and exposition."""
    original: Callable[[Request, str], Awaitable[str | None]]
    """The caller's original behind a key."""
    reset: Callable[[], None]
    patterns: Callable[[Request], Awaitable[Json]]
    """What was learned of the caller's outputs."""
    retrieved: Callable[[Request, str, How], Awaitable[None]]
    """Hears that an original was given back to a model, and how it was asked for."""
    history: Handler
    """Answers HISTORY."""
    trial: Handler
    """Answers COMPRESS."""
    clear: Callable[[], Awaitable[None]]
    """Forget all answers that are kept to be given again."""


class Control:
    """A Handler for every path that it claims."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside
        self._routes: Mapping[str, tuple[str, Handler]] = {
            "/livez": ("GET", self._livez),
            "/readyz": ("GET", self._readyz),
            "/health": ("GET", self._health),
            "/stats": ("GET", self._stats),
            "/stats/reset": ("POST", self._reset),
            HISTORY: ("GET", inside.history),
            COMPRESS: ("POST", inside.trial),
            "/cache/clear": ("POST", self._clear),
            "/metrics": ("GET", self._metrics),
            PATTERNS: ("GET", self._patterns),
            RETRIEVE: ("GET POST", self._retrieve),
        }

    def claims(self, path: str) -> bool:
        return path in self._routes or path.startswith(RETRIEVE + "/")

    async def __call__(self, request: Request) -> Response:
        path = RETRIEVE if request.path.startswith(RETRIEVE + "/") else request.path
        methods, handler = self._routes[path]
        method = "GET" if request.method == "HEAD" else request.method
        if method not in methods.split():
            raise MethodNotAllowed(f"{path} takes {methods}")
        return await handler(request)

    async def _livez(self, request: Request) -> Response:
        return answer({"status": "alive", "version": self._inside.version, "uptime_seconds": round(self._inside.uptime(), 3)})

    async def _readyz(self, request: Request) -> Response:
        checks = await self._inside.checks()
        if "draining" in checks.values():
            return answer({"status": "not_ready", "checks": checks}, 503)
        return answer({"status": "ready", "checks": checks})

    async def _health(self, request: Request) -> Response:
        checks, stats = await self._inside.checks(), await self._inside.stats()
        return answer({
            "status": "healthy" if all(v == "ok" for v in checks.values()) else "degraded",
            "version": self._inside.version,
            "optimize": self._inside.optimize,
            "stats": {
                "total_requests": stats["requests"]["total"],
                "tokens_saved": stats["tokens"]["saved"],
                "savings_percent": stats["tokens"]["savings_percent"],
            },
            "checks": checks,
        })

    async def _stats(self, request: Request) -> Response:
        return answer(await self._inside.stats())

    async def _reset(self, request: Request) -> Response:
        self._inside.reset()
        return answer({"status": "reset"})

    async def _clear(self, request: Request) -> Response:
        await self._inside.clear()
        return answer({"status": "cleared"})

    async def _metrics(self, request: Request) -> Response:
        kind, text = await self._inside.metrics((request.get(b"accept") or b"").decode("latin-1"))
        return Response(200, [(b"content-type", kind), (b"content-length", b"%d" % len(text))], once(text))

    async def _retrieve(self, request: Request) -> Response:
        question = await _question(request)
        key = question.get("key")
        if not isinstance(key, str) or not ccr.KEY.fullmatch(key):
            raise NotFound("a key is 24 hex digits, as it stands in the marker")
        text = await self._inside.original(request, key)
        if text is None:
            raise NotFound("no original under this key: it was never stored here for you, or it expired; run the command again")
        lines, query = (None if (value := question.get(name)) is None else str(value) for name in ("lines", "query"))
        try:
            shown = await anyio.to_thread.run_sync(_shown, text, lines, query)
        except ValueError as error:
            raise BadRequest(str(error)) from None
        if question.get("by") != PERSON:
            told = next((how for how in HOWS if how == question.get("how")), None)  # by one of ours that cuts the text itself
            await self._inside.retrieved(request, key, told or how_of(lines, query))
        return answer({"key": key, **shown})

    async def _patterns(self, request: Request) -> Response:
        return answer(await self._inside.patterns(request))


def _shown(text: str, lines: str | None, query: str | None) -> Mapping[str, Json]:
    if lines is None and query is None:
        return {"text": text}
    where = ccr.lines(text, lines or ALL_LINES)
    return {"text": retrieval.part(text, lines, query), "lines": f"{where.first}-{where.last}", "total_lines": where.total}


async def _question(request: Request) -> Mapping[str, Json]:
    """Key, lines and query from the path and query of a GET, or from the JSON of a POST."""
    path, _, query = request.target.partition("?")
    found: dict[str, Json] = {name: values[-1] for name, values in parse_qs(query).items()}
    if path.startswith(RETRIEVE + "/"):
        found["key"] = path[len(RETRIEVE) + 1 :]
    if request.method == "POST":
        if not (request.get(b"content-type") or b"").startswith(b"application/json"):
            raise BadRequest("send JSON, and say so in Content-Type")
        found |= await _posted(request)
    return found


async def _posted(request: Request) -> Mapping[str, Json]:
    raw = bytearray()
    async for chunk in request.body:
        raw += chunk
        if len(raw) > MAX_QUESTION:
            raise TooLarge("a question to this route is small")
    try:
        value = json.loads(bytes(raw))
    except (ValueError, RecursionError):
        raise BadRequest("the body is not JSON") from None
    if not isinstance(value, dict):
        raise BadRequest("the body is not a JSON object")
    return value


def error_shape(request: Request, status: int, message: str, kind: str = "") -> Json:
    """Errors of control routes, which speak no provider's dialect."""
    return {"error": {"status": status, "message": message}}


def answer(value: Json, status: int = 200) -> Response:
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    fields = [
        (b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"),
    ]
    return Response(status, fields, once(body))


