"""One way recorded requests could have gone, and the running account of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from headroom.audit.bill import Bill
from headroom.audit.blocks import Block
from headroom.audit.cache import PrefixCache
from headroom.audit.tally import Tally


@dataclass(frozen=True, slots=True)
class Way:
    """What became of all requests."""

    bill: Bill
    kept: int
    """Bytes of the prefixes that the requests as recorded had in common with their predecessors, and that these had too."""
    owed: int
    """All bytes of such prefixes, as these requests had them before, but for what was rewritten on purpose."""
    tally: Tally
    views: int = 0
    """Outputs of which something was left out."""
    fetching: Bill = field(default_factory=Bill)
    """What it would cost more if the model asked once for the original of every view."""
    rewrites: Mapping[str, int] = field(default_factory=dict)
    """Why the past was sent otherwise → how often (see headroom.fitting.refit)."""
    rewritten: int = 0
    """Bytes that were sent anew for that."""
    unrewritten: Bill | None = None
    """What it would have come to had the past stayed as it was; None where it did."""
    outgrown: int = 0
    """Requests with more input than the model's window has room for: a provider refuses them."""


@dataclass(slots=True)
class Running:
    """Grows with every request."""

    tool: int = 0
    """Estimated tokens of a tool definition that each request has more, and no body shows."""
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
    rewrites: dict[str, int] = field(default_factory=dict)
    rewritten: int = 0
    outgrown: int = 0
    cut: set[int] = field(default_factory=set)
    """Threads whose past was rewritten."""

    def follows(self, thread: int, blocks: Sequence[Block]) -> int | None:
        """Enters a request; how many blocks it has in common with the thread's last one, None if with all of it."""
        before = self.last.get(thread, ())
        same = common(before, blocks)
        self.last[thread] = blocks
        return None if same == len(before) else same

    def keeps(self, thread: int, blocks: Sequence[Block], owed: int | None, reasons: Sequence[str]) -> None:
        """Enters a request, and how much of its thread's last one it still has. `owed`: as `follows` answers for the requests
        as recorded; where blocks were dropped, it does not tell which of ours a client means that goes back some way."""
        before = self.last.get(thread, ())
        due = before if owed is None else () if thread in self.cut else before[:owed]
        same = sum(block.size for block in due[: common(due, blocks)])
        whole = sum(block.size for block in due)
        self.last[thread] = blocks
        self.kept += same
        if reasons:
            self.rewritten += whole - same
            self.owed += same
            self.cut.add(thread)
        else:
            self.owed += whole
        for reason in reasons:
            self.rewrites[reason] = self.rewrites.get(reason, 0) + 1

    def way(self, unrewritten: Bill | None = None) -> Way:
        return Way(
            self.bill, self.kept, self.owed, self.tally, self.views, self.fetching, self.rewrites, self.rewritten,
            unrewritten, self.outgrown,
        )


def common(one: Sequence[Block], other: Sequence[Block]) -> int:
    """How many blocks both begin with."""
    for n, (a, b) in enumerate(zip(one, other, strict=False)):
        if a.digest != b.digest:
            return n
    return min(len(one), len(other))
