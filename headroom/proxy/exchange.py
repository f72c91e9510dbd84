"""The flow of one request, for every dialect alike: read, shorten, ask, hand back the answer as it comes."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace

import anyio

from headroom.conversation import Json, Report, Skip, Usage
from headroom.dialects.base import Dialect
from headroom.errors import HeadroomError, StoreError, UpstreamError
from headroom.http.coding import Decoder, Oversized, Undecodable, UnknownCoding, accept_encoding, decode
from headroom.http.message import DESCRIBES_THE_BODY, Fields, Handler, Request, Response, end_to_end, once
from headroom.http.sse import Tap
from headroom.mode import chosen
from headroom.proxy import refusal
from headroom.proxy.caching import beginning, credential, rewritten
from headroom.proxy.compression import UNPARSED
from headroom.proxy.hearing import Circumstances, heard
from headroom.proxy.prepared import Caller, Prepared, untouched
from headroom.proxy.services import Services

log = logging.getLogger(__name__)

LOGGED = 1 << 20
"""Bytes of a body that the request log gets to see."""

MOST_SMALLER = 1000
"""A deflated body can be that much smaller than what it stands for (zlib.net/zlib_tech.html)."""

HOST = frozenset((b"host",))
WRITTEN_ANEW = frozenset((b"content-length", b"accept-encoding", b"expect"))
"""In every request that leaves."""


Asked = tuple[Response, Prepared]
"""An answer, and the reading of the request that it answers."""


class Exchange:
    """Answers the requests of one dialect. A Handler."""

    def __init__(self, dialect: Dialect, services: Services, upstream: Handler) -> None:
        self._dialect, self._services, self._upstream = dialect, services, upstream
        self._warned = False

    async def __call__(self, request: Request) -> Response:
        draft = request.draft
        draft.dialect, draft.provider = self._dialect.name, self._dialect.provider
        draft.mode = chosen(request.get(b"x-headroom-mode"), self._services.mode)
        async with self._services.intake.read(request) as raw:
            started = self._services.clock()
            prepared = await self._prepare(request, raw)
            _describe(request, prepared)
            draft.overhead_ms = (self._services.clock() - started) * 1000
            response, prepared = await self._ask(request, raw, prepared)
            # Not before: nobody needs it until the end, and the provider takes its time.
            draft.prefix, draft.credential, draft.rewritten = beginning(prepared), credential(request.fields), rewritten(prepared)
            response = await refusal.told(response, refusal.made(prepared), self._services.compression.aside)
        return self._answer(request, *await self._heard(request, response, prepared))

    async def _prepare(self, request: Request, raw: bytes) -> Prepared:
        services = self._services
        encoding = (request.get(b"content-encoding") or b"").decode("latin-1")
        try:
            # What would not be read anyway need not be decoded to its end.
            body = await services.compression.aside(
                len(raw) * MOST_SMALLER if encoding else 0, lambda: decode(raw, encoding, min(services.intake.max_body, UNPARSED)),
            )
        except Oversized:
            return untouched(raw, "too_large")
        except Undecodable as error:
            if isinstance(error, UnknownCoding) and not self._warned:
                self._warned = True  # once: a client that does so does it each time
                log.warning("requests pass through as they come, and save nothing: %s", error)
            return untouched(raw, "encoding")
        if services.log_messages:
            request.draft.request = body[:LOGGED].decode("utf-8", "replace")
        prepared = await services.compression.prepare(
            self._dialect, request.target, body, self._left_alone(request), functools.partial(services.keep, request),
            Caller(
                functools.partial(services.pinned, request), functools.partial(services.owner, request),
                *((services.cold, services.held) if request.draft.mode == "token" else ()),
            ),
        )
        if prepared.store_failures:
            services.mishap("journal")
        return prepared

    def _left_alone(self, request: Request) -> Skip | None:
        if not self._services.optimize:
            return "optimize_off"
        return "bypass" if (request.get(b"x-headroom-bypass") or b"").lower() == b"true" else None

    async def _ask(self, request: Request, raw: bytes, prepared: Prepared) -> Asked:
        """Ask the provider; meanwhile keep the originals and count exactly, where there is anything to do."""
        originals = await self._to_keep(request, prepared)
        if prepared.reading is None or not (originals or self._services.exact()):
            return await self._ask_until_taken(request, raw, prepared)
        results: list[Asked | HeadroomError] = []
        try:
            async with anyio.create_task_group() as meanwhile:
                if originals:
                    meanwhile.start_soon(self._keep, request, originals)
                meanwhile.start_soon(self._recount, request, prepared)
                results.append(await _caught(self._ask_until_taken(request, raw, prepared)))
        except BaseException:
            for result in results:
                if not isinstance(result, HeadroomError):
                    await result[0].body.aclose()
            raise
        (result,) = results
        if isinstance(result, HeadroomError):
            raise result
        return result

    async def _ask_until_taken(self, request: Request, raw: bytes, prepared: Prepared) -> Asked:
        """The answer, and the reading that it is an answer to."""
        response = await self._upstream(self._outgoing(request, raw, prepared))
        if response.status == 400:
            return await self._after_refusal(request, raw, prepared, response)
        await self._settle(prepared, response)
        return response, prepared

    async def _after_refusal(self, request: Request, raw: bytes, prepared: Prepared, refused: Response) -> Asked:
        """The provider may say that this is not the past that its reasoning was made behind. Where no record told our history
        from foreign, we may have guessed wrong: then the other reading is tried; and at last the reasoning is left out. A
        conversation must not end with it."""
        said, asked = await self._mismatched(refused), prepared
        if said[0] and prepared.other is not None:
            await said[1].body.aclose()
            self._services.mishap("reread")
            asked = await self._services.compression.other_reading(prepared, functools.partial(self._services.keep, request))
            said = await self._again(request, raw, asked)
        # Where we changed nothing and are sure of it, the client has changed the past, and is told so. A body that has become
        # too large to be read is not: it lacks what we had put in.
        ours = prepared.changed or prepared.other is not None or prepared.reading is None
        last: Prepared | None = prepared if ours else None
        while said[0] and last is not None:
            last = await self._services.compression.repaired(self._dialect, last)
            if last is not None:
                await said[1].body.aclose()
                self._services.mishap("mended")
                asked = last
                said = await self._again(request, raw, asked)
        return said[1], asked

    async def _again(self, request: Request, raw: bytes, prepared: Prepared) -> tuple[bool, Response]:
        """The answer to another reading, and whether that is refused too."""
        _describe(request, prepared)
        response = await self._upstream(self._outgoing(request, raw, prepared))
        await self._settle(prepared, response)
        return await self._mismatched(response)

    async def _mismatched(self, response: Response) -> tuple[bool, Response]:
        """Whether an answer refuses reasoning because of what stands before it, and the answer, still whole."""
        if response.status != 400:
            return False, response
        text, whole = await refusal.peeked(response)
        return self._dialect.mismatch(400, _json(text, whole.get(b"content-encoding") or b"")), whole

    async def _settle(self, prepared: Prepared, response: Response) -> None:
        """What the provider took becomes the record."""
        if (prepared.unsettled or prepared.bare) and response.status < 400 and await self._services.compression.settle(prepared):
            self._services.mishap("journal")

    async def _to_keep(self, request: Request, prepared: Prepared) -> Mapping[str, str]:
        """What is kept only now left without loss, so that it can be read from its form where it cannot be kept, or it stands in
        the request, and only the caller's right to have it from us is new."""
        report = prepared.report
        originals = {} if prepared.kept else report.originals
        if not report.standing:
            return originals
        try:
            return {**originals, **await self._services.unkept(request, report.standing)}
        except StoreError:
            self._services.mishap("originals")
            return originals

    async def _keep(self, request: Request, originals: Mapping[str, str]) -> None:
        try:
            await self._services.keep(request, originals)
        except StoreError:
            self._services.mishap("originals")

    async def _recount(self, request: Request, prepared: Prepared) -> None:
        assert prepared.reading is not None
        exact = await self._services.recount(prepared.reading.conversation, prepared.changes)
        if exact is not None:
            request.draft.tokens_before, request.draft.tokens_after = exact[0], exact[1] + prepared.added

    async def _heard(self, request: Request, response: Response, prepared: Prepared) -> tuple[Response, Callable[[], Usage] | None]:
        """The answer without calls of our tool, and the usage of all that it was made of."""

        # Without what was read of the body, which is let go of while the answer comes.
        later = Prepared(b"", Report(), changed=True, offered=prepared.offered)

        async def ask(body: bytes) -> Response:
            return await self._upstream(self._outgoing(request, body, replace(later, body=body)))

        return await heard(request, response, prepared, Circumstances(self._services, self._dialect.usage, ask))

    def _outgoing(self, request: Request, raw: bytes, prepared: Prepared) -> Request:
        body = prepared.body if prepared.changed else raw
        fields = forwarded(request.fields, WRITTEN_ANEW | DESCRIBES_THE_BODY if prepared.changed else WRITTEN_ANEW)
        accepts = request.get(b"accept-encoding")
        # Inside a gzip stream we could neither see usage cheaply nor say that it broke; who refuses identity gets it.
        # Nor could we hear a call of our tool.
        plain = (request.draft.stream or prepared.offered) and b"identity;q=0" not in (accepts or b"").replace(b" ", b"")
        wanted = b"identity" if plain else accept_encoding(accepts)
        fields += [(b"accept-encoding", wanted), (b"content-length", b"%d" % len(body))]
        return Request(request.method, self._dialect.forward(request.target), fields, once(body), request.peer, request.draft)

    def _answer(self, request: Request, response: Response, usage: Callable[[], Usage] | None) -> Response:
        """The provider's answer, relayed as it comes; a copy is watched for usage, where nobody else did so."""
        draft = request.draft
        encoding = (response.get(b"content-encoding") or b"identity").decode("latin-1").lower()
        events = (response.get(b"content-type") or b"").lower().startswith(b"text/event-stream")
        decoder, tap = Decoder(encoding), Tap(self._dialect.usage)
        draft.usage = usage or tap.close
        logged = bytearray() if self._services.log_messages else None
        draft.response = lambda: bytes(logged or b"").decode("utf-8", "replace")

        async def relay(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
            try:
                async for chunk in chunks:
                    plain = decoder.feed(chunk)
                    tap.feed(plain)
                    if logged is not None and len(logged) < LOGGED:
                        logged.extend(plain)
                    yield chunk
            except UpstreamError as error:
                draft.error = type(error).__name__
                if events and encoding == "identity":
                    yield self._dialect.broken(f"headroom: {error.message}")
                raise  # so that the server aborts the connection: never a good end for a broken answer

        fields = [*end_to_end(response.fields), *_savings(request)]
        return Response(response.status, fields, response.body.through(relay))


def forwarded(fields: Fields, but: frozenset[bytes] = frozenset()) -> Fields:
    """What travels on to a provider: nothing meant for this connection, nothing meant for us, and nothing in `but`."""
    return [f for f in end_to_end(fields, but | HOST) if not f[0].startswith(b"x-headroom-")]


def _describe(request: Request, prepared: Prepared) -> None:
    request.draft.report = prepared.report
    if prepared.reading is not None:
        request.draft.model = prepared.reading.conversation.model
        request.draft.stream = prepared.reading.conversation.stream
        request.draft.partial = prepared.reading.conversation.kept_by_provider


def _savings(request: Request) -> Fields:
    draft = request.draft
    report: Report = draft.report
    before = report.before if draft.tokens_before is None else draft.tokens_before
    after = report.after if draft.tokens_after is None else draft.tokens_after
    return [
        (b"x-headroom-tokens-before", b"%d" % before),
        (b"x-headroom-tokens-after", b"%d" % after),
        (b"x-headroom-tokens-saved", b"%d" % (before - after)),
    ]


async def _caught(asked: Awaitable[Asked]) -> Asked | HeadroomError:
    """An error as a value, so that a task group does not wrap it in a group."""
    try:
        return await asked
    except HeadroomError as error:
        return error


def _json(text: bytes, encoding: bytes) -> Json:
    try:
        return json.loads(decode(text, encoding.decode("latin-1"), refusal.READ))
    except (ValueError, RecursionError):  # Undecodable is a ValueError
        return None
