"""One process of the proxy, put together as the composition root does it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from headroom import dialects
from headroom.cacheguard import Held
from headroom.compressors.code import indentation, python_ast
from headroom.conversation import Address, Conversation
from headroom.dialects.document_memo import DocumentMemo
from headroom.fitting.refit import Means
from headroom.http.message import Handler, Request
from headroom.layers.guard import Door
from headroom.patterns import How
from headroom.pipeline import standard
from headroom.prices import Model, Prices, load
from headroom.proxy.choices import originals_space
from headroom.proxy.compression import Compression
from headroom.proxy.exchange import Exchange
from headroom.proxy.intake import Intake
from headroom.proxy.originals import Originals
from headroom.proxy.pinning import Pinning
from headroom.proxy.recount import Recount
from headroom.proxy.refitting import Refitting
from headroom.proxy.services import Services
from headroom.sent import Journal
from headroom.settings import Settings
from headroom.stores.base import Store
from headroom.transforms.outline import Outline
from tests.laws.sessions import Options

ANSWER = 500
"""Tokens the models here can write."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a process finds what it needs."""

    dialect: str
    store: Store
    durable: bool
    upstream: Handler
    mishaps: Counter[str]
    window: int
    binds: bool
    """The model binds its reasoning to what it was said behind."""
    cold: Callable[[str], bool]
    held: Callable[[str, int], Held | None]
    vocabulary: bool
    """Tokens can be counted exactly here, for reports."""


def no_time() -> float:
    return 0.0


def model(table: Prices, name: str, window: int, *, binds: bool) -> Model:
    """As the table has it, but for the window."""
    found = table.find(name) or table.find("claude-opus-4-8")
    assert found is not None
    return replace(found, window=window, max_output=ANSWER, binds=binds)


async def exactly(conversation: Conversation, changes: Mapping[Address, str]) -> tuple[int, int]:
    """Counts that are nothing like the estimates."""
    before = 7 * sum(len(part.text) for part in conversation.parts)
    return before, before + sum(map(len, changes.values()))


def process(place: Place, options: Options) -> Handler:
    dialect = next(d for d in dialects.DIALECTS if d.name == place.dialect)
    originals = Originals(place.store, originals_space(Settings()), Door(), bytes, lambda: 0.0, open_to_local=True)
    recount = Recount()

    async def original(request: Request, key: str, how: How, own: str | None) -> str | None:
        return await originals.find(request, key) if own is None else own

    services = Services(
        compression=compression(place, options), intake=Intake(64 << 20), keep=originals.keep, pinned=Pinning(None, originals).pin, original=original,
        recount=exactly if place.vocabulary else recount, exact=lambda: place.vocabulary, mishap=lambda name: place.mishaps.update([name]), clock=no_time,
        cold=place.cold, held=place.held,
    )
    return Exchange(dialect, services, place.upstream)


def compression(place: Place, options: Options) -> Compression:
    outline = Outline([python_ast.bodies, indentation.bodies], whole_reads=options.intercept, code=options.code_aware) if options.intercept or options.code_aware else None
    made = Compression(
        standard(protect=options.protect, compact_tools=options.compact_tools, outline=outline), Journal(place.store, no_time), DocumentMemo(),
        durable=place.durable, views="never" if options.lossless else "where_offered", offer=not options.lossless,
    )
    if place.window:
        table = load()
        made.fitting(Refitting(lambda name: model(table, name, place.window, binds=place.binds), Means(options.order, options.fold, options.lifecycle, not options.lossless)))
    return made
