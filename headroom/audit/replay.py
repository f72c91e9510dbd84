"""A recording, played through the same code as the proxy's, each request priced as it was sent and as it would have been."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headroom import cacheguard, dialects
from headroom.audit.bill import MILLION, Bill, Scale, Seen, bill, reported, scale, written_rate
from headroom.audit.blocks import Block, Blocks
from headroom.audit.cache import Terms, Tokens
from headroom.audit.passage import Find, Mode, Passage
from headroom.audit.recording import Recording, Request
from headroom.audit.tally import Worth
from headroom.audit.way import Running, Way
from headroom.conversation import Usage
from headroom.dialects.base import Dialect
from headroom.dialects.hidden import HIDDEN
from headroom.pipeline import Pipeline
from headroom.prices import Model
from headroom.tokens import estimate, starting_factor

UNSHOWN = b"what the file does not show"
"""Stands for the digest of tool definitions and system prompt; they are the same in all requests of a file."""

CALL = 50
"""Tokens the model says to ask for an original: the tool's name, a key of 24 digits, some JSON."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one recording came to."""

    name: str
    client: str
    broken: int
    models: Mapping[str, str | None]
    """Name → since when its price holds; None where there is no price for it."""
    scale: Scale
    reported: Bill
    """What the provider's own usage makes, of the requests that have it."""
    direct: Bill
    ways: Mapping[str, Way]
    """By mode."""
    outgrown: int = 0
    """Requests as recorded with more input than the model's window has room for."""


async def replay(recording: Recording, pipeline: Pipeline, find: Find, modes: Sequence[Mode]) -> Outcome:
    """`find` gives a model of the price table, by any name."""
    dialect = dialects.find("POST", _path(recording))
    assert dialect is not None
    player = _Player(recording, dialect, pipeline, find)
    for mode in modes:
        player.add(mode)
    for request in recording.requests():
        await player.play(request)
    if not player.rewrote():
        return player.outcome(None)
    # Once more, with the past left as it was: what the rewrites brought is the difference.
    other = _Player(recording, dialect, pipeline, find)
    other.add("cache", rewrites=False)
    for request in recording.requests():
        await other.play(request)
    return player.outcome(other.outcome(None).ways["cache"].bill)


@dataclass(frozen=True, slots=True)
class _Route:
    passage: Passage
    running: Running


class _Player:
    def __init__(self, recording: Recording, dialect: Dialect, pipeline: Pipeline, find: Find) -> None:
        self._recording, self._dialect, self._pipeline, self._find = recording, dialect, pipeline, find
        self._blocks = Blocks(dialect, _path(recording), recording.items)
        self._direct = Running()
        self._routes: dict[str, _Route] = {}
        self._reported = Bill()
        self._models: dict[str, str | None] = {}
        self._scale = scale(map(self._seen, recording.requests()), whole=recording.whole)

    def add(self, mode: Mode, *, rewrites: bool = True) -> None:
        passage = Passage(self._recording, self._dialect, self._pipeline, self._find, mode)
        lossy = mode != "lossless"
        # In bodies that are whole our tool is put in, and weighed with them.
        tool = estimate(HIDDEN[self._dialect.name].tool) if lossy and not self._recording.whole else 0
        self._routes[mode] = _Route(passage.fitting(self._scale.hidden + tool, anew=lossy and rewrites), Running(tool))

    def _seen(self, request: Request) -> Seen:
        usage = request.usage
        counted = None if usage is None else _input(usage)
        return Seen(request.thread, request.model, counted, sum(block.tokens for block in self._blocks.of(request.body)))

    def rewrote(self) -> bool:
        return any(route.running.rewrites for route in self._routes.values())

    async def play(self, request: Request) -> None:
        model = self._find(request.model)
        blocks = self._blocks.of(request.body)
        same = self._direct.follows(request.thread, blocks)
        tokens = self._tokens(self._direct, request, blocks, model)
        if not request.again:
            self._models[request.model] = None if model is None else model.effective_from
            self._direct.bill += self._bill(request, tokens, model)
            self._direct.outgrown += _outgrown(tokens, model)
            if request.usage is not None:
                self._reported += reported(request.usage, model, hour=request.hour)
        for route in self._routes.values():
            await self._through(route, request, blocks, same, model)

    async def _through(self, route: _Route, request: Request, blocks: Sequence[Block], same: int | None, model: Model | None) -> None:
        passage, running = route.passage, route.running
        prepared = await passage.send(request)
        sent = blocks if prepared.body == request.body else self._blocks.of(prepared.body)
        running.keeps(request.thread, sent, same, passage.reasons(prepared))
        tokens = self._tokens(running, request, sent, model)
        await passage.heard(request, prepared, tokens)
        if request.again:
            return
        running.bill += self._bill(request, tokens, model)
        running.outgrown += _outgrown(tokens, model)
        running.tally.add(prepared, self._worth(model, request))
        views = [edit.before for edit in prepared.report.edits if edit.grade == "lossy"]
        running.views += len(views)
        running.fetching += self._fetching(running, request, views, tokens.all, model)

    def _tokens(self, running: Running, request: Request, blocks: Sequence[Block], model: Model | None) -> Tokens:
        known = cacheguard.terms(self._dialect.provider, model.cache_min if model else None)
        terms = Terms(known.minimum, known.long if request.hour else known.lifetime)
        factor = self._factor(request)
        weighed = [(UNSHOWN, self._scale.hidden + running.tool * factor), *((block.digest, block.tokens * factor) for block in blocks)]
        return running.cache.take(request.model, weighed, request.at, terms)

    def _bill(self, request: Request, tokens: Tokens, model: Model | None) -> Bill:
        output = (request.usage.output_tokens if request.usage else None) or 0
        return bill(tokens, output, model, hour=request.hour)

    def _fetching(self, running: Running, request: Request, originals: Sequence[int], sent: int, model: Model | None) -> Bill:
        """A call for each original: a request more, that reads all that was sent so far and writes the original."""
        carried = running.fetched.get(request.thread, 0.0)
        found = [tokens * self._factor(request) for tokens in originals]
        running.fetched[request.thread] = carried + sum(found)
        read = round(carried + len(found) * (sent + carried))
        if not read and not found:
            return Bill()
        return bill(Tokens(0, read, round(sum(found))), CALL * len(found), model, hour=request.hour)

    def _factor(self, request: Request) -> float:
        return self._scale.factor if self._scale.measured else starting_factor(request.model)

    def _worth(self, model: Model | None, request: Request) -> Worth:
        if model is None:
            return Worth(0.0, 0.0)
        factor = self._factor(request) / MILLION
        return Worth(written_rate(model.rates, hour=request.hour) * factor, model.rates.read * factor)

    def outcome(self, unrewritten: Bill | None) -> Outcome:
        """`unrewritten`: what would have come of it had no past been rewritten."""
        ways: dict[str, Way] = {}
        for name, route in self._routes.items():
            running = route.running
            running.tally.settle(self._direct.bill.usd - running.bill.usd)
            ways[name] = running.way(unrewritten if running.rewrites else None)
        recording = self._recording
        return Outcome(
            recording.name, recording.client, recording.broken, self._models, self._scale, self._reported,
            self._direct.bill, ways, self._direct.outgrown,
        )


def _path(recording: Recording) -> str:
    return recording.target.partition("?")[0]


def _outgrown(tokens: Tokens, model: Model | None) -> bool:
    return model is not None and tokens.all > model.window


def _input(usage: Usage) -> int:
    return (usage.input_tokens or 0) + (usage.cache_read_tokens or 0) + (usage.cache_write_tokens or 0)
