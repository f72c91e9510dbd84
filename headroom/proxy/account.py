"""The books of one process: every record, gauge and mishap goes through here to whoever counts it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from headroom.conversation import Json
from headroom.learning.toin import Toin
from headroom.metrics import Metrics
from headroom.proxy.finished import Finished
from headroom.record import Record
from headroom.requestlog import keys, row
from headroom.tokens import Learned
from headroom.totals import Totals


class Log(Protocol):
    """See headroom.requestlog."""

    def write(self, record: Record) -> None: ...
    def restore(self, rows: Sequence[Json]) -> None: ...


class Account:
    """What layers/observe reports to, and what /stats and /metrics are read from."""

    def __init__(
        self, totals: Totals, metrics: Metrics, learned: Learned, log: Log | None, wall: Callable[[], float], toin: Toin | None = None
    ) -> None:
        self.totals, self.metrics, self.learned, self.toin = totals, metrics, learned, toin
        self._log, self._wall = log, wall
        self._active = 0
        self.keep: Callable[[Finished], None] | None = None
        """Told before everybody else, where somebody could go on for us."""

    def begin(self) -> None:
        self._active += 1
        self.metrics.set("headroom_active_requests", self._active)

    def end(self, record: Record) -> None:
        self._active -= 1
        self.metrics.set("headroom_active_requests", self._active)
        if self.keep is not None:
            self.keep(Finished(record, None if self._log is None else keys(record)))
        self.totals.observe(record, self._wall())
        self.metrics.observe(record)
        learn(self.learned, record)
        if self.toin is not None and record.tenant:
            self.toin.compressed(record.tenant, record.report)
        if self._log is not None:
            self._log.write(record)

    def restore(self, left: Sequence[Finished]) -> None:
        """What a process which was killed may not have logged. Bodies are gone with it."""
        if self._log is not None:
            self._log.restore([row(one.record, one.keys) for one in left if one.keys is not None])

    def mishap(self, name: str) -> None:
        """Something of ours went wrong and the request did not notice. What a provider keeps to itself is not among it: OpenAI's
        newest models pass over reasoning whose prefix has changed, with a 200, and fewer tokens counted or cached would prove
        nothing, since they also leave out reasoning by themselves and caches expire."""
        self.metrics.inc("headroom_store_errors_total", {"operation": name})


def learn(learned: Learned, record: Record) -> None:
    """What it says of how we count."""
    usage = record.usage
    if usage.input_tokens is None or not record.model or record.status != 200 or record.partial:
        return
    paid = usage.input_tokens + (usage.cache_read_tokens or 0) + (usage.cache_write_tokens or 0)
    learned.observe(record.model, paid, record.report.after)
