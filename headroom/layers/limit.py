"""Hold each credential to so many requests and so many tokens a minute.

A request is counted at the door, its tokens when it is read and shortened (see layers/admission): first an estimate,
at the end what the provider says. Tokens are those of input, cached ones too, and of output.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

import anyio

from headroom.bucket import Rate, Taken
from headroom.budget import Seen, asked, used
from headroom.conversation import Json, Usage
from headroom.errors import Busy, ClientError, StoreError, TooMany, Unreachable
from headroom.http.message import Fields, Handler, Request, Response
from headroom.layers.ending import asks_a_model, on_end
from headroom.record import Draft
from headroom.stores.counters import Counters

THEIRS = frozenset((b"ratelimit", b"ratelimit-policy"))
"""Where the provider sends these itself, they are what the client should see."""

REQUESTS, TOKENS = "requests:", "tokens:"
"""How the keys of buckets begin."""

NOT_SENT = (ClientError, Busy, Unreachable)
"""Errors that say that no provider has seen the request, or this round of it."""


class Limit:
    """A Layer. `local` holds the buckets of this process, or `shared` those of all; then `local` steps in while it is away."""

    def __init__(
        self, rpm: int, tpm: int, who: Callable[[Request], Awaitable[str]], local: Counters, shared: Counters | None,
        mishap: Callable[[str], None],
    ) -> None:
        """Limits a minute, 0 for none; `who` names the tenant, never the credential itself."""
        self.rpm, self.tpm = rpm, tpm
        self._who, self._local, self._shared, self._mishap = who, local, shared, mishap

    def __call__(self, inner: Handler) -> Handler:
        async def handle(request: Request) -> Response:
            if not asks_a_model(request.method, request.path):
                return await inner(request)
            visit = _Visit(self, await self._who(request), request.draft)
            await visit.enter()
            try:
                response = await inner(request)
            except BaseException as error:
                await visit.failed(error)
                raise
            return visit.answered(response)

        return handle

    async def take(self, key: str, limit: int, amount: int, *, owe: bool = False) -> Taken:
        rate = Rate(limit, limit)
        if self._shared is not None:
            try:
                return await self._shared.take(key, rate, amount, owe=owe)
            except StoreError:
                self._mishap("rate_limit")
        return await self._local.take(key, rate, amount, owe=owe)

    async def stats(self) -> Json:
        """For /stats; limits of 0 are off."""
        kind = REQUESTS if self.rpm else TOKENS
        try:
            active = await (self._shared or self._local).active(kind)
        except StoreError:
            active = await self._local.active(kind)
        return {"rpm": self.rpm, "tpm": self.tpm, "active_keys": active}


class _Visit:
    """One request on its way through."""

    def __init__(self, limit: Limit, key: str, draft: Draft) -> None:
        self._limit, self._draft = limit, draft
        self._requests, self._tokens = f"{REQUESTS}{key}", f"{TOKENS}{key}"
        self._held = self._rounds = 0
        self._estimate = asked(b"", 0)
        self._told: list[tuple[bytes, int, Taken]] = []

    async def enter(self) -> None:
        if self._limit.rpm:
            await self._take(b"requests", self._requests, self._limit.rpm, 1, "requests a minute (--rpm)")
        if self._limit.tpm:
            self._draft.before_asking.append(self.agree)

    async def agree(self, body: bytes) -> None:
        if not self._draft.dialect:
            return  # nobody has read it: it may be anything
        self._estimate = asked(body, self._draft.report.after)
        amount = min(self._estimate.tokens, self._limit.tpm)
        if self._rounds:
            # A hidden round is not refused: what was begun may end.
            await self._limit.take(self._tokens, self._limit.tpm, amount, owe=True)
        else:
            await self._take(b"tokens", self._tokens, self._limit.tpm, amount, "tokens a minute (--tpm)")
        self._held += amount
        self._rounds += 1

    async def _take(self, name: bytes, key: str, limit: int, amount: int, what: str) -> None:
        taken = await self._limit.take(key, limit, amount)
        self._told.append((name, limit, taken))
        if not taken.granted:
            wait = max(math.ceil(taken.wait), 1)
            need = f"; this request takes about {amount:,} of them" if amount > 1 else ""
            raise TooMany(
                f"this credential's {limit:,} {what} are used up for now{need}; retry in {wait} s",
                retry_after=wait, fields=tuple(described(self._told)),
            )

    async def failed(self, error: BaseException) -> None:
        if self._held:
            # Without an answer the provider may still have read it all; what was never sent took nothing.
            sent = self._rounds - isinstance(error, NOT_SENT)
            with anyio.CancelScope(shield=True):
                await self._settle(self._estimate.input_tokens if sent else 0)

    def answered(self, response: Response) -> Response:
        fields = response.fields
        if self._told and THEIRS.isdisjoint(name for name, _ in fields):
            fields = [*fields, *described(self._told)]
        response = Response(response.status, fields, response.body)
        if not self._held:
            return response

        async def end(whole: bool, events: int) -> None:
            await self._settle(_total(used(self._estimate, Seen(response.status, self._draft.usage(), whole, events))))

        return on_end(response, end)

    async def _settle(self, tokens: int) -> None:
        if tokens != self._held:
            await self._limit.take(self._tokens, self._limit.tpm, tokens - self._held, owe=True)


def described(told: list[tuple[bytes, int, Taken]]) -> Fields:
    """In the fields of draft-ietf-httpapi-ratelimit-headers: quota and window, what remains and when it is whole again."""
    policy = b", ".join(b'"%s";q=%d;w=60' % (name, limit) for name, limit, _ in told)
    left = b", ".join(b'"%s";r=%d;t=%d' % (name, taken.left, math.ceil(taken.full_in)) for name, _, taken in told)
    return [(b"ratelimit-policy", policy), (b"ratelimit", left)]


def _total(usage: Usage) -> int:
    counted = (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.cache_write_tokens)
    return sum(n or 0 for n in counted)
