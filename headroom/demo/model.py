"""A scripted model behind the real wire formats: a Handler that answers as its scripts say and keeps what it was sent."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace

import anyio

from headroom.conversation import Json
from headroom.demo.anthropic import Anthropic
from headroom.demo.base import Answer, Question, Wire, dump
from headroom.demo.binding import Seals
from headroom.demo.gemini import Gemini
from headroom.demo.openai_chat import OpenAIChat
from headroom.demo.openai_responses import OpenAIResponses
from headroom.demo.promptcache import PromptCache
from headroom.demo.script import Fault, Place, Scripts, place, step_at
from headroom.errors import Garbled
from headroom.http.message import Body, Fields, Request, Response, once

JSON: Fields = [(b"content-type", b"application/json")]
EVENTS: Fields = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]

NOWHERE = Place("", 0)

RESET = "scripted reset"


@dataclass(frozen=True, slots=True)
class Rules:
    """How strict the model is, and what it offers."""

    bound: bool = True
    """Refuse, or drop, reasoning that does not fit the prefix it now comes with."""
    cache: bool = True
    """Report usage as a provider with a prompt cache does."""
    websocket: int = 426
    """Status for a WebSocket upgrade."""
    gzip: bool = False
    """Compress whole answers for clients that accept it."""
    secret: bytes = b"scripted model"


@dataclass(frozen=True, slots=True)
class Kept:
    """One request as it arrived, and the status it got (0: the connection was reset)."""

    method: str
    target: str
    fields: Fields
    body: bytes
    status: int

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


class Model:
    """Answers every API it knows from one set of scripts. Lives on one event loop."""

    def __init__(self, scripts: Scripts, rules: Rules | None = None) -> None:
        self._scripts, self._rules = scripts, rules or Rules()
        seals = Seals(self._rules.secret) if self._rules.bound else None
        self._responses = OpenAIResponses(seals, self._cache())
        self._wires: tuple[Wire, ...] = (
            Anthropic(seals, self._cache()), OpenAIChat(self._cache()), self._responses, Gemini(seals, self._cache()),
        )
        self._faults: Counter[Place] = Counter()
        self.requests: list[Kept] = []
        self.refused: list[str] = []
        """What it refused with a 400 of its own, in words."""

    @property
    def dropped_reasoning(self) -> int:
        """Reasoning items of the Responses API that no longer fitted their prefix."""
        return self._responses.dropped_reasoning

    async def __call__(self, request: Request) -> Response:
        """Raises Garbled for a scripted reset before the answer."""
        sent = b"".join([chunk async for chunk in request.body])
        try:
            response = self._answer(request, sent)
        except Garbled:
            self._keep(request, sent, 0)
            raise
        self._keep(request, sent, response.status)
        return replace(response, body=once(b"")) if request.method == "HEAD" else response

    def _keep(self, request: Request, sent: bytes, status: int) -> None:
        self.requests.append(Kept(request.method, request.target, request.fields, sent, status))

    def _cache(self) -> PromptCache | None:
        return PromptCache() if self._rules.cache else None

    def _answer(self, request: Request, sent: bytes) -> Response:
        if (request.get(b"upgrade") or b"").lower() == b"websocket":
            return _json(self._rules.websocket, {"error": {"message": "no WebSocket here"}})
        wire = next((wire for wire in self._wires if wire.hears(request.method, request.path)), None)
        if wire is None:
            return _catalogue(request)
        body = _parsed(request, sent)
        refusal = "the body is not a JSON object" if body is None else wire.refusal(body)
        if body is None or refusal:
            self.refused.append(refusal)
            return _json(400, wire.error(400, refusal))
        return self._say(wire, request, body)

    def _say(self, wire: Wire, request: Request, body: Mapping[str, Json]) -> Response:
        where = place(wire.turns(body))
        step = step_at(self._scripts, where)
        fault = self._due(where, step.fault)
        if fault is not None and fault.kind == "reset_before":
            raise Garbled(RESET)
        if fault is not None and fault.kind == "status":
            retry: Fields = [(b"retry-after", fault.retry_after.encode())] if fault.retry_after else []
            return _json(fault.status, wire.error(fault.status, fault.message), retry)
        answer = wire.answer(Question(body, request.path, step, where or NOWHERE))
        fields = [(b"request-id", b"req_%06d" % len(self.requests)), (b"x-request-id", b"req_%06d" % len(self.requests))]
        if answer.stream:
            return Response(200, [*EVENTS, *fields], Body(_stream(wire, answer, fault)))
        return self._whole(request, answer, fault, fields)

    def _whole(self, request: Request, answer: Answer, fault: Fault | None, fields: Fields) -> Response:
        data = dump(answer.whole)
        if self._rules.gzip and b"gzip" in (request.get(b"accept-encoding") or b""):
            data, fields = gzip.compress(data, mtime=0), [*fields, (b"content-encoding", b"gzip")]
        broken = fault is not None and fault.kind in ("reset", "truncate")
        if broken:
            declared = (b"content-length", b"%d" % len(data))
            return Response(200, [*JSON, *fields, declared], Body(_broken_off(data[: len(data) // 2])))
        return Response(200, [*JSON, *fields], once(data))

    def _due(self, where: Place | None, fault: Fault | None) -> Fault | None:
        if where is None or fault is None or self._faults[where] >= fault.times:
            return None
        self._faults[where] += 1
        return fault


async def _stream(wire: Wire, answer: Answer, fault: Fault | None) -> AsyncIterator[bytes]:
    for number, event in enumerate(answer.events):
        if fault is not None and number == fault.after:
            if fault.kind == "reset":
                raise Garbled(RESET)
            if fault.kind == "error_event":
                yield wire.complaint(fault.message)
            if fault.kind in ("truncate", "error_event"):
                return
            if fault.kind == "stall":
                await anyio.sleep(fault.seconds)
            if fault.kind == "pings":
                for noise in wire.noise(fault.count):
                    yield noise
        yield event


async def _broken_off(data: bytes) -> AsyncIterator[bytes]:
    yield data
    raise Garbled(RESET)


def _parsed(request: Request, sent: bytes) -> Mapping[str, Json] | None:
    try:
        value = json.loads(gzip.decompress(sent) if request.get(b"content-encoding") == b"gzip" else sent)
    except (ValueError, OSError, EOFError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _json(status: int, value: Json, more: Sequence[tuple[bytes, bytes]] = ()) -> Response:
    return Response(status, [*JSON, *more], once(dump(value)))


def _catalogue(request: Request) -> Response:
    """The small things clients ask besides."""
    models = [{"type": "model", "id": name, "object": "model", "display_name": name, "created_at": "2026-01-01T00:00:00Z",
               "created": 1_760_000_000, "owned_by": "scripted"} for name in ("scripted-1", "scripted-2")]
    if request.method == "GET" and request.path.endswith("/models"):
        return _json(200, {"object": "list", "data": models, "has_more": False})
    if request.method == "POST" and request.path.endswith("/embeddings"):
        vector = {"object": "embedding", "index": 0, "embedding": [0.25] * 8}
        usage = {"prompt_tokens": 3, "total_tokens": 3}
        return _json(200, {"object": "list", "data": [vector], "model": "scripted-1", "usage": usage})
    if request.method in ("GET", "HEAD") and request.path in ("/", "", "/api/hello"):
        return _json(200, {"scripted": True})
    message = f"no such route: {request.method} {request.path}"
    return _json(404, {"type": "error", "error": {"type": "not_found_error", "message": message}})
