"""Answers the model's calls of our tool behind the client's back: hears them, gives back originals, asks on, splices the answers.

    provider → "Let me look. " + our call       → the client gets "Let me look. "
    we       → the call's result, and on         (at most three times)
    provider → "It says 42."                     → and then "It says 42."
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass

import anyio.to_thread

from headroom import ccr, retrieval
from headroom.conversation import Json, Usage
from headroom.dialects.hidden.base import Asked, Elements, Exchange, Hidden, Round
from headroom.dialects.shapes import mapping, text_of
from headroom.errors import Garbled
from headroom.http.message import Body, Fields, Response
from headroom.http.sse import Tap
from headroom.patterns import How, how_of

MOST = 3
"""Calls answered within one answer; a further one is answered with the client's next request."""

MOST_CALLS = 32
"""Calls of one answer that are looked after; models make a handful at once."""

MOST_TEXT = 4 << 20
"""Characters given back in one answer: about a million tokens, the largest window there is. What was sent is held meanwhile."""

MOST_LATE = 400_000
"""Characters given back where the client's next request will bring them: about 100,000 tokens. By then nothing can be taken
back, and a conversation that its model's window does not hold would have ended."""

TOO_LONG = frozenset((400, 413))
"""Statuses by which providers refuse what their model's window, or their own limit, does not hold."""

BAD_KEY = "no text under that key: a key is 24 hex digits, as it stands in the marker"
MISS = "the original is not there any more; run the command again to see all of its output"
TOO_MUCH = "that is too much at once; ask for some of its lines, or with a query"
TOO_MANY = "too many calls at once; call again for what is still needed"


@dataclass(frozen=True, slots=True)
class Means:
    """What hidden rounds need of the exchange that they are part of."""

    hidden: Hidden
    usage: Callable[[Json], Usage | None]
    """Dialect.usage."""
    ask: Callable[[Elements], Awaitable[Response]]
    """Ask the provider again, with these elements behind all that it was sent."""
    original: Callable[[str, How], Awaitable[str | None]]
    """The text under a key."""
    remember: Callable[[str, Exchange], Awaitable[None]]
    """Put on record what happened behind the answer with this visible text."""
    let_go: Callable[[], None]
    """Nothing of what was sent is needed any more; may be called twice."""
    may_go_on: bool = True
    """What was sent is still at hand, so the provider can be asked again."""


class Refused(Exception):
    """The provider did not go on after a round."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


class Rounds:
    """One answer to one client."""

    def __init__(self, means: Means, *, stream: bool) -> None:
        self._means, self._stream = means, stream
        self._ear = means.hidden.ear(stream=stream)
        self._taps: list[Tap] = []
        self._given = 0
        """Characters given back."""
        self.answered = 0
        """Calls that got an original."""
        self.missed = 0

    def usage(self) -> Usage:
        """Of all rounds, as the provider bills them."""
        return _sum([tap.close() for tap in self._taps])

    async def through(self, first: Response) -> Response:
        """What the client gets instead of the provider's first answer, a 200 of a length that nobody knows now."""
        current = [first]
        told = self._told(current)

        async def close() -> None:
            try:
                await told.aclose()
            finally:
                self._means.let_go()
                await current[-1].body.aclose()

        fields: Fields = [field for field in first.fields if field[0] != b"content-length"]
        if self._stream:
            return Response(first.status, fields, Body(told, close))
        try:
            # Of a whole answer nothing is the client's before its end, so a refusal of a later round can still be passed on.
            head = await anext(told, b"")
        except Refused as refused:
            return refused.response
        except BaseException:
            await close()
            raise

        async def resumed() -> AsyncIterator[bytes]:
            yield head
            async for chunk in told:
                yield chunk

        return Response(first.status, fields, Body(resumed(), close))

    async def _told(self, current: list[Response]) -> AsyncGenerator[bytes, None]:
        rounds: list[tuple[Elements, Elements]] = []
        last, late = Elements(), Elements()
        try:
            while True:
                tap = Tap(self._means.usage)
                self._taps.append(tap)
                async for chunk in current[-1].body:
                    tap.feed(chunk)
                    told = self._ear.feed(chunk)
                    if told:
                        yield told
                await current[-1].body.aclose()
                heard = self._ear.end()
                if not heard.asked:
                    break
                goes_on = heard.alone and self._means.may_go_on and len(rounds) < MOST
                results = await self._results(heard, MOST_TEXT - self._given if goes_on else MOST_LATE)
                if not goes_on:
                    last, late = heard.said, results
                    break
                rounds.append((heard.said, results))
                current.append(await self._asked_on(heard, rounds))
                await self._check(current[-1])
        finally:
            self._means.let_go()
        if rounds or last:
            # Before the answer's last byte: the client's next request may come to any worker.
            await self._means.remember(self._ear.told().text, Exchange(tuple(rounds), last, late))
        rest = self._ear.finish()
        if rest:
            yield rest

    async def _asked_on(self, heard: Round, rounds: list[tuple[Elements, Elements]]) -> Response:
        """The answer behind these rounds. If it is a refusal, then perhaps because of the last one's texts: they are taken back
        once, so that a retrieval does not end what the client could have gone on with."""
        response = await self._means.ask(_elements(rounds))
        if response.status not in TOO_LONG:
            return response
        await response.body.aclose()
        rounds[-1] = (heard.said, self._means.hidden.results([(asked, TOO_MUCH) for asked in heard.asked]))
        return await self._means.ask(_elements(rounds))

    async def _check(self, response: Response) -> None:
        events = (response.get(b"content-type") or b"").lower().startswith(b"text/event-stream")
        if response.status == 200 and events == self._stream and is_plain(response):
            return
        if not self._stream:
            raise Refused(response)
        await response.body.aclose()
        raise Garbled(f"the provider did not go on after a retrieval (status {response.status})")

    async def _results(self, heard: Round, most: int) -> Elements:
        """`most`: characters given back."""
        found: list[tuple[Asked, str]] = []
        before = self._given
        for number, asked in enumerate(heard.asked):
            text = TOO_MANY if number >= MOST_CALLS else await self._answer(asked)
            text = text if self._given - before + len(text) <= most else TOO_MUCH
            self._given += len(text)
            found.append((asked, text))
        return self._means.hidden.results(found)

    async def _answer(self, asked: Asked) -> str:
        given = mapping(asked.arguments)
        key = text_of(given.get("key")).strip().lower()
        lines, query = _text(given.get("lines")), _text(given.get("query"))
        if not ccr.KEY.fullmatch(key):
            self.missed += 1
            return BAD_KEY
        text = await self._means.original(key, how_of(lines, query))
        if text is None:
            self.missed += 1
            return MISS
        self.answered += 1
        try:
            return await anyio.to_thread.run_sync(retrieval.part, text, lines, query)
        except ValueError as error:
            return str(error)


def is_plain(response: Response) -> bool:
    """Not compressed: an answer that is, although we asked for none such, is only relayed."""
    return (response.get(b"content-encoding") or b"identity").lower() == b"identity"


def _elements(rounds: Iterable[tuple[Elements, Elements]]) -> Elements:
    return tuple(element for said, results in rounds for element in (*said, *results))


def _text(value: Json) -> str | None:
    """An argument, which models also write as a number; None if there is none."""
    return str(value) if isinstance(value, (str, int)) and value != "" else None


def _sum(found: list[Usage]) -> Usage:
    def total(figures: list[int | None]) -> int | None:
        known = [figure for figure in figures if figure is not None]
        return sum(known) if known else None

    return Usage(
        total([usage.input_tokens for usage in found]), total([usage.output_tokens for usage in found]),
        total([usage.cache_read_tokens for usage in found]), total([usage.cache_write_tokens for usage in found]),
        cache_write_long_tokens=total([usage.cache_write_long_tokens for usage in found]), rounds=tuple(found) if len(found) > 1 else (),
    )
