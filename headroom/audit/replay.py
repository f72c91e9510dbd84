"""A recording, played through the same code as the proxy's, each request priced as it was sent and as it would have been."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from headroom import cacheguard, dialects
from headroom.audit.bill import MILLION, Bill, Scale, Seen, bill, reported, scale, written_rate
from headroom.audit.blocks import Block, Blocks
from headroom.audit.cache import PrefixCache, Terms, Tokens
from headroom.audit.recording import Recording, Request
from headroom.audit.tally import Tally, Worth
from headroom.conversation import Usage
from headroom.dialects.base import Dialect
from headroom.dialects.document_memo import DocumentMemo
from headroom.dialects.hidden.anthropic import TOOL as DEFINITION
from headroom.pipeline import Pipeline
from headroom.prices import Model
from headroom.proxy.compression import Compression
from headroom.sent import Journal
from headroom.stores.memory import Memory
from headroom.tokens import estimate, starting_factor

HIDDEN = b"what the file does not show"
"""Stands for the digest of tool definitions and system prompt; they are the same in all requests of a file."""

CALL = 50
"""Tokens the model says to ask for an original: the tool's name, a key of 24 digits, some JSON."""

TOOL = estimate(DEFINITION)
"""Tokens of the definition of headroom_retrieve, which comes with every request where views may be sent."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way the requests could have gone."""

    bill: Bill
    kept: int
    """Bytes of the prefixes that the requests as recorded had in common with their predecessors, and that these had too."""
    owed: int
    """All bytes of such prefixes, as these requests had them before."""
    tally: Tally
    views: int = 0
    """Outputs of which something was left out."""
    fetching: Bill = field(default_factory=Bill)
    """What it would cost more if the model asked once for the original of every view."""


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
    """By mode: "lossless", "lossy"."""


@dataclass(slots=True)
class _Ledger:
    """One mode's running account."""

    compression: Compression | None
    """None: straight to the provider."""
    tool: int = 0
    """Estimated tokens of a tool definition that each request has more."""
    cache: PrefixCache = field(default_factory=PrefixCache)
    bill: Bill = field(default_factory=Bill)
    last: dict[int, Sequence[Block]] = field(default_factory=dict)
    kept: int = 0
    owed: int = 0
    tally: Tally = field(default_factory=Tally)
    views: int = 0
    fetching: Bill = field(default_factory=Bill)
    fetched: dict[int, float] = field(default_factory=dict)
    """By thread: tokens of originals that its requests would carry from now on."""

    def keeps(self, thread: int, blocks: Sequence[Block], owed: int) -> int:
        """Enters how many of the first `owed` blocks are as they were in the thread's last request, and answers how
        many there are in all."""
        before = self.last.get(thread, ())
        same = common(before, blocks)
        self.owed += sum(block.size for block in before[:owed])
        self.kept += sum(block.size for block in before[: min(same, owed)])
        self.last[thread] = blocks
        return same


async def replay(recording: Recording, pipeline: Pipeline, prices: Callable[[str], Model | None], modes: Sequence[str]) -> Outcome:
    """`modes`: "lossless" and "lossy", as many as are wanted."""
    dialect = dialects.find("POST", recording.target)
    assert dialect is not None
    player = _Player(recording, dialect, pipeline, prices, modes)
    for request in recording.requests():
        await player.play(request)
    return player.outcome()


class _Player:
    def __init__(
        self, recording: Recording, dialect: Dialect, pipeline: Pipeline, prices: Callable[[str], Model | None], modes: Sequence[str]
    ) -> None:
        self._recording, self._dialect, self._prices = recording, dialect, prices
        self._blocks = Blocks(dialect, recording.target, recording.items)
        self._direct = _Ledger(None)
        self._ways = {mode: _Ledger(_compression(pipeline, mode), TOOL if mode == "lossy" else 0) for mode in modes}
        self._reported = Bill()
        self._models: dict[str, str | None] = {}
        self._scale = scale(map(self._seen, recording.requests()), whole=recording.whole)

    def _seen(self, request: Request) -> Seen:
        usage = request.usage
        counted = None if usage is None else _input(usage)
        return Seen(request.thread, request.model, counted, sum(block.tokens for block in self._blocks.of(request.body)))

    async def play(self, request: Request) -> None:
        model = self._prices(request.model)
        blocks = self._blocks.of(request.body)
        same = self._direct.keeps(request.thread, blocks, 0)
        direct = self._bill(self._direct, request, blocks, model)
        if not request.again:
            self._models[request.model] = None if model is None else model.effective_from
            self._direct.bill += direct
            if request.usage is not None:
                self._reported += reported(request.usage, model, hour=request.hour)
        for ledger in self._ways.values():
            await self._through(ledger, request, blocks, same, model)

    async def _through(self, ledger: _Ledger, request: Request, blocks: Sequence[Block], same: int, model: Model | None) -> None:
        assert ledger.compression is not None
        prepared = await ledger.compression.prepare(self._dialect, self._recording.target, request.body, keep=_keep)
        sent = blocks if prepared.body == request.body else self._blocks.of(prepared.body)
        ledger.keeps(request.thread, sent, same)
        one = self._bill(ledger, request, sent, model)
        if request.again:
            return
        ledger.bill += one
        ledger.tally.add(prepared, self._worth(model, request))
        views = [edit.before for edit in prepared.report.edits if edit.grade == "lossy"]
        ledger.views += len(views)
        ledger.fetching += self._fetching(ledger, request, views, one.input, model)

    def _bill(self, ledger: _Ledger, request: Request, blocks: Sequence[Block], model: Model | None) -> Bill:
        known = cacheguard.terms(self._dialect.provider, model.cache_min if model else None)
        terms = Terms(known.minimum, known.long if request.hour else known.lifetime)
        factor = self._factor(request)
        weighed = [(HIDDEN, self._scale.hidden + ledger.tool * factor), *((block.digest, block.tokens * factor) for block in blocks)]
        tokens = ledger.cache.take(request.model, weighed, request.at, terms)
        output = (request.usage.output_tokens if request.usage else None) or 0
        return bill(tokens, output, model, hour=request.hour)

    def _fetching(self, ledger: _Ledger, request: Request, originals: Sequence[int], sent: int, model: Model | None) -> Bill:
        """A call for each original: a request more, that reads all that was sent so far and writes the original."""
        carried = ledger.fetched.get(request.thread, 0.0)
        found = [tokens * self._factor(request) for tokens in originals]
        ledger.fetched[request.thread] = carried + sum(found)
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

    def outcome(self) -> Outcome:
        for ledger in self._ways.values():
            ledger.tally.settle(self._direct.bill.usd - ledger.bill.usd)
        return Outcome(
            self._recording.name, self._recording.client, self._recording.broken, self._models, self._scale,
            self._reported, self._direct.bill,
            {mode: Way(w.bill, w.kept, w.owed, w.tally, w.views, w.fetching) for mode, w in self._ways.items()},
        )


def _compression(pipeline: Pipeline, mode: str) -> Compression:
    """With a journal of its own, that never forgets: the proxy has been there from the first request on."""
    journal = Journal(Memory(lambda: 0.0), lambda: 0.0)
    return Compression(pipeline, journal, DocumentMemo(), durable=False, views="always" if mode == "lossy" else "never")


async def _keep(originals: Mapping[str, str]) -> None:
    """Nobody asks for them here; the recording has them."""


def _input(usage: Usage) -> int:
    return (usage.input_tokens or 0) + (usage.cache_read_tokens or 0) + (usage.cache_write_tokens or 0)


def common(one: Sequence[Block], other: Sequence[Block]) -> int:
    """How many blocks both begin with."""
    for n, (a, b) in enumerate(zip(one, other, strict=False)):
        if a.digest != b.digest:
            return n
    return min(len(one), len(other))
