"""Hold everybody together to so many dollars an hour, a day or a month.

Before the provider is asked, what the request may cost is reserved; at the end it is settled with what the provider says
it took, also where a stream broke. What has no price, an unknown model or a request that nobody reads, goes through and
is counted as such; with --budget-strict an unknown model is refused.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo

import anyio

from headroom.budget import (
    NANO,
    Asked,
    Period,
    Seen,
    Window,
    asked,
    charge,
    dollars,
    estimate,
    moment,
    named,
    nanos,
    resets_at,
    window,
)
from headroom.conversation import Json
from headroom.errors import Busy, Forbidden, HeadroomError, OverBudget, StoreError
from headroom.http.message import Handler, Request, Response
from headroom.layers.ending import asks_a_model, on_end
from headroom.layers.limit import NOT_SENT
from headroom.prices import Model, Prices
from headroom.record import Draft
from headroom.stores.counters import UNRESERVED, Balance, Cap, Counters

log = logging.getLogger(__name__)

LIVES = 3600.0
"""Seconds: longer than all but a few streams last. One that ends later is still settled with what it took."""

OWED = 10_000
"""Settlements remembered while the account cannot be written. The oldest go first: their estimates count in time."""

WRITE_SECONDS = 0.25
"""What is spent is written with the next reservation, in one step, or after so long. Until then it stays reserved, so
that a process that is killed forgets nothing but by how much the estimate was wrong."""

NAMES = 100
"""Unknown models that are named in the log, once each; clients choose names."""

LONG = b'"1h"'
"""In a body: something is to be cached for an hour, at the higher price of writing."""

EACH = {"hourly": "an hour", "daily": "a day", "monthly": "a month"}


@dataclass(frozen=True, slots=True)
class Terms:
    usd: float
    period: Period
    strict: bool = False
    """Refuse what cannot be counted, instead of going on."""
    zone: tzinfo | None = None
    """Whose days and months; None is the machine's."""


@dataclass(frozen=True, slots=True)
class Outside:
    prices: Callable[[], Prices]
    """Today's."""
    wall: Callable[[], float]
    """Seconds since the epoch."""
    new_id: Callable[[], str]
    mishap: Callable[[str], None]


class Budget:
    """A Layer."""

    def __init__(self, terms: Terms, counters: Counters, outside: Outside) -> None:
        self._terms, self._counters, self._outside = terms, counters, outside
        self._limit = nanos(terms.usd)
        self._owed: dict[str, int] = {}
        """What was spent and could not be written yet, by id."""
        self._last = Balance()
        """The account as last seen, and what was written since; for while it cannot be read."""
        self._unknown: set[str] = set()
        self.unpriced = 0
        """Requests that were answered and have no price."""

    def __call__(self, inner: Handler) -> Handler:
        async def handle(request: Request) -> Response:
            if not asks_a_model(request.method, request.path):
                return await inner(request)
            visit = _Visit(self, request.draft, self._outside.new_id())
            request.draft.before_asking.append(visit.agree)
            try:
                response = await inner(request)
            except BaseException as error:
                visit.failed(error)
                raise
            return visit.answered(response)

        return handle

    def priced(self, names: Sequence[str]) -> Model | None:
        """The dearest of several. Raises Forbidden for a model without a price, if nothing may pass uncounted."""
        found = filter(None, map(self._outside.prices().find, names))
        model, name = max(found, key=lambda one: one.rates.input + one.rates.output, default=None), names[0] if names else ""
        if model is None and self._terms.strict:
            raise Forbidden(f"no price is known for the model {name!r:.100}, and --budget-strict lets nothing pass uncounted; --prices FILE can name one")
        if model is None and name not in self._unknown and len(self._unknown) < NAMES:
            self._unknown.add(name)
            log.warning("no price is known for the model %.100r: its requests do not count against the budget; --prices FILE can name one", name)
        return model

    async def reserve(self, id: str, amount: int) -> str:
        """The id to settle it with. Raises OverBudget, and Busy if the account cannot be read and has to be."""
        cap = Cap(window(self._terms.period, self._outside.wall(), self._terms.zone), self._limit, LIVES)
        paid = self._take_owed()
        try:
            reserved = await self._counters.reserve(account(self._terms.period), id, amount, cap, paid)
        except StoreError:
            self._give_back(paid)
            self._outside.mishap("budget")
            if self._terms.strict:
                raise Busy("the account of the budget cannot be read now, and --budget-strict lets nothing pass uncounted", retry_after=1) from None
            if self._known(cap.window).spent + sum(self._owed.values()) + amount > self._limit:
                raise self._refusal(self._known(cap.window), amount) from None
            return UNRESERVED
        except BaseException:
            self._give_back(paid)  # we are cancelled; if it was written after all, writing it again does nothing
            raise
        self._last = reserved.balance
        if not reserved.granted:
            raise self._refusal(reserved.balance, amount)
        return id

    def _known(self, now: Window) -> Balance:
        """What was last seen of the account, if that is not of another period."""
        return self._last if self._last.slot > now.slot - now.span else Balance(slot=now.slot)

    def _refusal(self, balance: Balance, amount: int) -> OverBudget:
        now, terms = self._outside.wall(), self._terms
        begins = moment(resets_at(terms.period, balance.slot, balance.oldest, terms.zone), now, terms.zone)
        again = "there is more to spend" if terms.period == "hourly" else "it begins anew"
        return OverBudget(
            f"the budget of {dollars(terms.usd)} {EACH[terms.period]} does not allow this request: {dollars(balance.spent / NANO)} spent, "
            f"{dollars(balance.reserved / NANO)} in flight, and it may cost up to {dollars(amount / NANO)}; {again} {begins}"
        )

    def settle(self, id: str, amount: int) -> None:
        self._owed[id] = amount + (self._owed.get(id, 0) if id == UNRESERVED else 0)
        if len(self._owed) > OWED:
            del self._owed[next(name for name in self._owed if name != UNRESERVED)]

    async def flush(self) -> None:
        """Write what is owed. Raises StoreError."""
        paid = self._take_owed()
        if not paid:
            return
        try:
            now = window(self._terms.period, self._outside.wall(), self._terms.zone)
            await self._counters.settle(account(self._terms.period), paid, now)
        except BaseException:
            self._give_back(paid)
            raise
        self._last = replace(self._last, spent=self._last.spent + sum(paid.values()))

    async def keep_writing(self) -> None:
        """Until cancelled."""
        while True:
            await anyio.sleep(WRITE_SECONDS)
            try:
                await self.flush()
            except StoreError:
                self._outside.mishap("budget")

    def _take_owed(self) -> dict[str, int]:
        """Taken out before the account is asked, so that nobody else writes it meanwhile."""
        paid, self._owed = self._owed, {}
        return paid

    def _give_back(self, paid: dict[str, int]) -> None:
        for id, amount in paid.items():
            self.settle(id, amount)

    async def stats(self) -> Json:
        """For /stats; in dollars, `resets_at` in seconds since the epoch. What was spent is None while it cannot be read."""
        terms = self._terms
        told = {"limit": terms.usd, "period": terms.period, "unpriced_requests": self.unpriced}
        try:
            await self.flush()
            balance = await self._counters.balance(account(terms.period), window(terms.period, self._outside.wall(), terms.zone))
        except StoreError:
            return {**told, "spent": None, "reserved": None, "remaining": None, "resets_at": None}
        return {**told, **shown(balance, self._limit, terms)}


class _Visit:
    """One request on its way through."""

    def __init__(self, budget: Budget, draft: Draft, id: str) -> None:
        self._budget, self._draft, self._id = budget, draft, id
        self._model: Model | None = None
        self._asked: Asked | None = None
        """The last time that the provider was asked."""
        self._held = False
        self._rounds = 0
        self._long = self._unpriced = False

    async def agree(self, body: bytes) -> None:
        names = [self._draft.model] if self._draft.model else named(body)
        self._model = self._budget.priced(names) if self._draft.dialect else None
        if self._model is None:
            self._unpriced = True
            return
        self._asked = asked(body, self._draft.report.after)
        self._long = self._long or LONG in body
        if not self._rounds:
            # A hidden round is not refused: what was begun, and paid for, may end.
            await self._reserve(estimate(self._model, self._asked))
        self._rounds += 1

    async def _reserve(self, amount: int) -> None:
        self._held = True  # first, so that it is settled if we are cancelled in the middle
        try:
            self._id = await self._budget.reserve(self._id, amount)
        except HeadroomError:
            self._held = False
            raise

    def failed(self, error: BaseException) -> None:
        sent = self._rounds - isinstance(error, NOT_SENT)
        # What was never sent took nothing, as what was refused.
        self._settle(Seen(0 if sent > 0 else 400, self._draft.usage(), False, 0))

    def answered(self, response: Response) -> Response:
        if not self._held:
            if not self._unpriced or response.status >= 400:
                return response
            self._budget.unpriced += 1
            return Response(response.status, [*response.fields, (b"x-headroom-budget", b"unpriced")], response.body)

        async def end(whole: bool, events: int) -> None:
            self._settle(Seen(response.status, self._draft.usage(), whole, events))

        return on_end(response, end)

    def _settle(self, seen: Seen) -> None:
        if self._held:
            assert self._model is not None
            assert self._asked is not None
            self._budget.settle(self._id, charge(self._model, self._asked, seen, long=self._long))


def account(period: Period) -> str:
    """Its name among the counters. Each period counts in slots of its own, so it has an account of its own."""
    return f"budget:{period}"


def shown(balance: Balance, limit: int, terms: Terms) -> dict[str, Json]:
    return {
        "spent": balance.spent / NANO, "reserved": balance.reserved / NANO,
        "remaining": max(limit - balance.spent, 0) / NANO,
        "resets_at": resets_at(terms.period, balance.slot, balance.oldest, terms.zone),
    }
