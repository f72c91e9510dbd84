"""Watch every exchange to its end and write one Record of it, whoever ends it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Protocol

from headroom.http.message import Body, Handler, Layer, Request, Response, get
from headroom.layers.ending import asks_a_model
from headroom.record import Draft, Record

SANE_ID = re.compile(rb"[\x21-\x7e]{1,128}")
TAG = b"x-headroom-tag-"
MAX_TAGS, MAX_LABEL = 8, 200
"""A client can send any number of tags of any length; we keep a few, short."""


class Account(Protocol):
    """Where exchanges are accounted for."""

    def begin(self) -> None: ...
    def end(self, record: Record) -> None: ...


@dataclass(frozen=True, slots=True)
class Clocks:
    """`wall` in seconds since the epoch, `steady` in seconds since whenever, `new_id` for request ids."""

    wall: Callable[[], float]
    steady: Callable[[], float]
    new_id: Callable[[], str]


def observe(account: Account, clocks: Clocks) -> Layer:
    def layer(inner: Handler) -> Handler:
        async def handle(request: Request) -> Response:
            watch = _Watch(account, clocks, request)
            account.begin()
            try:
                response = await inner(request)
            except BaseException:
                # Cancelled: the client left before there was an answer (rescue has made all errors answers).
                watch.end("client left")
                raise
            watch.answered(response)
            fields = [*response.fields, (b"x-headroom-request-id", request.draft.request_id.encode())]
            return Response(response.status, fields, watch.watched(response.body))

        return handle

    return layer


class _Watch:
    def __init__(self, account: Account, clocks: Clocks, request: Request) -> None:
        self._account, self._clocks, self._request = account, clocks, request
        self._started, self._ts = clocks.steady(), clocks.wall()
        self._first: float | None = None
        self._left: int | None = None
        """Bytes of the answer still to come, where its length is known."""
        self._status = 0
        self._done = False
        request.draft.request_id = _request_id(request, clocks.new_id)

    def answered(self, response: Response) -> None:
        self._status = response.status
        self._first = self._clocks.steady()
        length = response.get(b"content-length")
        self._left = int(length) if length and length.isdigit() else None
        if self._request.method == "HEAD" or response.status in (204, 304):
            self.end("")

    def watched(self, body: Body) -> Body:
        through = body.through(self._chunks)

        async def close() -> None:
            try:
                await through.aclose()
            finally:
                self.end("client left")  # does nothing after the last chunk

        return Body(through.__aiter__(), close)

    async def _chunks(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        try:
            async for chunk in chunks:
                if self._left is not None:
                    self._left -= len(chunk)
                    if self._left <= 0:
                        self.end("")  # before the last byte leaves: who has the answer finds it accounted for
                yield chunk
        except Exception as error:
            self.end(type(error).__name__)
            raise
        self.end("")

    def end(self, error: str) -> None:
        if self._done:
            return
        self._done = True
        self._account.end(self._record(self._request.draft, error))

    def _record(self, draft: Draft, error: str) -> Record:
        request, fields = self._request, self._request.fields
        asked, report = asks_a_model(request.method, request.path), draft.report
        before, after = _tokens(draft) if asked and self._status < 400 else (0, 0)
        return Record(
            ts=self._ts, request_id=draft.request_id, provider=draft.provider, dialect=draft.dialect, model=draft.model,
            path=request.path, stream=draft.stream, status=self._status, report=report if asked else replace(report, edits=(), skipped=()),
            tokens_before=before, tokens_after=after, usage=draft.usage(), overhead_ms=draft.overhead_ms,
            ttfb_ms=None if self._first is None else (self._first - self._started) * 1000,
            total_ms=(self._clocks.steady() - self._started) * 1000, error=draft.error or error, partial=draft.partial,
            cache=draft.cache, spared=draft.spared, tenant=draft.tenant, prefix=draft.prefix, credential=draft.credential, rewritten=draft.rewritten,
            session=_label(get(fields, b"x-headroom-session-id") or get(fields, b"x-claude-code-session-id")),
            project=_label(get(fields, b"x-headroom-project-id")), client=_label(get(fields, b"user-agent")),
            tags={_label(k[len(TAG):]): _label(v) for k, v in [f for f in fields if f[0].startswith(TAG)][:MAX_TAGS]},
            request=draft.request, response=draft.response(),
        )


def _tokens(draft: Draft) -> tuple[int, int]:
    """Before and after. Not for a request that was refused, or asked for a count: what it would save is saved when it is sent
    again, and would be told twice."""
    report = draft.report
    before, after = draft.tokens_before, draft.tokens_after
    return report.before if before is None else before, report.after if after is None else after


def _request_id(request: Request, new_id: Callable[[], str]) -> str:
    given = request.get(b"x-request-id")
    return given.decode() if given and SANE_ID.fullmatch(given) else new_id()


def _label(value: bytes | None) -> str:
    return (value or b"").decode("latin-1")[:MAX_LABEL]
