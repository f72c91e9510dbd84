"""POST /v1/compress: what would leave in place of a body, without asking anybody.

As nothing is sent, nothing is recorded as sent; but originals are kept, since whoever asks may send the result by other ways.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from headroom import dialects
from headroom.conversation import Json, Skip
from headroom.dialects.document import Document, Unreadable
from headroom.errors import BadRequest, Busy, StoreError, TooLarge
from headroom.http.message import Request, Response, once
from headroom.proxy.compression import UNPARSED, Compression
from headroom.proxy.intake import Intake
from headroom.proxy.prepared import Caller, Prepared
from headroom.proxy.recount import Recount
from headroom.requestlog import told

TARGETS = {"anthropic": "/v1/messages", "openai-chat": "/v1/chat/completions", "openai-responses": "/v1/responses"}
"""Where bodies of each API are sent."""

GEMINI = "/v1beta/models/unknown:generateContent"


class Trial:
    """A Handler."""

    def __init__(
        self, compression: Compression, intake: Intake, keep: Callable[[Request, Mapping[str, str]], Awaitable[None]], recount: Recount,
        *, optimize: bool,
    ) -> None:
        self._compression, self._intake, self._keep, self._recount, self._optimize = compression, intake, keep, recount, optimize

    async def __call__(self, request: Request) -> Response:
        if not (request.get(b"content-type") or b"").startswith(b"application/json"):
            raise BadRequest("send JSON, and say so in Content-Type")
        async with self._intake.read(request) as raw:
            if len(raw) > UNPARSED:
                raise TooLarge(f"bodies above {UNPARSED} bytes are not shortened")
            return answer(*await self._tried(request, raw))

    async def _tried(self, request: Request, raw: bytes) -> tuple[Prepared, tuple[int, int]]:
        try:
            dialect = dialects.guess(await self._compression.aside(len(raw), lambda: Document.parse(raw)))
        except Unreadable as error:
            raise BadRequest(f"not the body of a request: {error.reason}") from None
        leave: Skip | None = None if self._optimize else "optimize_off"

        async def later(originals: Mapping[str, str]) -> None:
            """They are kept below, whatever their grade."""

        prepared = await self._compression.prepare(dialect, TARGETS.get(dialect.name, GEMINI), raw, leave, later, Caller(trial=True))
        if prepared.report.originals:
            try:
                await self._keep(request, prepared.report.originals)
            except StoreError as error:
                raise Busy(f"the originals cannot be kept now: {error.message}", retry_after=1) from None
        exact = None if prepared.reading is None else await self._recount(prepared.reading.conversation, prepared.changes)
        report = prepared.report
        return prepared, (report.before, report.after) if exact is None else (exact[0], exact[1] + prepared.added)


def answer(prepared: Prepared, tokens: tuple[int, int]) -> Response:
    """The body stands in it byte for byte."""
    skipped = Counter[str]()
    for skip in prepared.report.skipped:
        skipped[skip.reason] += skip.tokens
    facts: Json = {
        "tokens_before": tokens[0], "tokens_after": tokens[1],
        "edits": [told(edit) for edit in prepared.report.edits], "skipped": skipped,
    }
    text = b'{"body": %s, %s' % (prepared.body.strip(), json.dumps(facts, ensure_ascii=True).encode()[1:])
    fields = [
        (b"content-type", b"application/json"), (b"content-length", b"%d" % len(text)),
        (b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"),
    ]
    return Response(200, fields, once(text))
