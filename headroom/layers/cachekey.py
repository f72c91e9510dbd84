"""Which requests may be answered from memory, and the key under which exactly the same request is found again.

The key covers the whole request: method, path, query, body, and every field but those that are known to change no answer.
So whatever tells accounts, versions or features apart, also where we do not know it, keeps answers apart.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator

from headroom import dialects
from headroom.conversation import Json
from headroom.http.message import HOP_BY_HOP, Request
from headroom.layers.ending import asks_a_model

NO_STORE = b"x-headroom-cache"

SAME_ANSWER = HOP_BY_HOP | frozenset((
    b"content-length", b"date", b"expect", b"host", b"idempotency-key", b"priority", b"user-agent", b"via", NO_STORE,
    # what proxies and tracing put in, anew for each request
    b"baggage", b"b3", b"cdn-loop", b"forwarded", b"sentry-trace", b"traceparent", b"tracestate", b"x-amzn-trace-id",
    b"x-client-request-id", b"x-cloud-trace-context", b"x-real-ip", b"x-request-id",
    # what our accounts are kept by, and no provider sees
    b"x-headroom-cwd", b"x-headroom-project-id", b"x-headroom-session-id",
))
"""Fields that may differ between requests that get the same answer."""

SAME_ANSWER_FAMILIES = (b"x-b3-", b"x-datadog-", b"x-forwarded-", b"x-headroom-tag-", b"x-stainless-")
"""Beginnings of more such fields. The SDKs that Stainless makes count retries and name their runtime so."""

STATEFUL = ("conversation", "background", "container", "mcp_servers")
"""Members with which the provider does something beside answering, or knows more than the request shows."""

HOSTED = (
    "codeExecution", "code_execution", "code_interpreter", "computerUse", "fileSearch", "file_search", "google", "image_generation",
    "mcp", "tool_search", "urlContext", "url_context", "web_fetch", "web_search",
)
"""How tools begin that the provider runs itself: they look at a world that changes, or change it."""

HINT = re.compile(rb'"(?:temperature"|n"|candidate_?[cC]ount"|(?:%s)"|%s)' % ("|".join(STATEFUL).encode(), "|".join(HOSTED).encode()))
"""Stands in every body that varies or acts. A name in which letters are escaped is not seen, but no serializer does that.
One pattern that begins with a quote takes half a millisecond for a megabyte, a third of reading it."""

READ = 2 << 20
"""Bytes of the largest body that is read to be sure. In a larger one a hint is taken for the thing: reading it takes several
milliseconds, in which nobody else is served."""


def may_be_kept(request: Request) -> bool:
    """Whether a request, by its head, is one whose answer may be kept."""
    if not asks_a_model(request.method, request.path) or dialects.find(request.method, request.path) is None:
        return False
    if "no-store" in (request.get(NO_STORE) or b"").decode("latin-1").lower():
        return False
    return request.get(b"content-encoding") in (None, b"identity")


def wants_anew(body: bytes) -> bool:
    """Whether a body asks for variety, or for something to be done, so that the answer to another is none to it."""
    if HINT.search(body) is None:
        return False
    if len(body) > READ:
        return True
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return True
    return not isinstance(value, dict) or _varies(value) or _acts(value)


def key_of(request: Request, body: bytes, secret: bytes) -> str:
    """64 hex digits. Nothing of the request can be read or guessed from them without the secret."""
    digest = hmac.new(secret, digestmod=hashlib.sha256)
    for piece in (request.method.encode(), request.target.encode("utf-8", "surrogateescape"), *_telling(request), body):
        digest.update(b"%d:" % len(piece))  # or two pieces could be cut elsewhere and read the same
        digest.update(piece)
    return digest.hexdigest()


def _telling(request: Request) -> Iterator[bytes]:
    """The fields that count, in an order of their own: those of one name in theirs."""
    for name, value in sorted(request.fields, key=lambda field: field[0]):
        if name not in SAME_ANSWER and not name.startswith(SAME_ANSWER_FAMILIES):
            yield name
            yield value


def _varies(body: dict[str, Json]) -> bool:
    """`temperature` above 0, or more than one answer."""
    settings = [body, *(inner for name in ("generationConfig", "generation_config") if isinstance(inner := body.get(name), dict))]
    return any(
        _above(setting.get("temperature"), 0) or any(_above(setting.get(name), 1) for name in ("n", "candidateCount", "candidate_count"))
        for setting in settings
    )


def _above(value: Json, most: int) -> bool:
    return isinstance(value, int | float) and value > most


def _acts(body: dict[str, Json]) -> bool:
    if any(body.get(name) for name in STATEFUL):
        return True
    tools = body.get("tools")
    return any(_hosted(tool) for tool in tools) if isinstance(tools, list) else bool(tools)


def _hosted(tool: Json) -> bool:
    """By its type, or, as Gemini has it, by the one member that it has."""
    if not isinstance(tool, dict):
        return True
    kind = tool.get("type")
    names = [kind] if isinstance(kind, str) else list(tool)
    return any(name.startswith(HOSTED) for name in names)
