"""A finished exchange as bytes, for another process that has to account for it when ours cannot: all but content.

JSON and not a pickle: what is read may lie in a file, and reading it must not run anything.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from operator import attrgetter

from headroom.conversation import Edit, Json, Report, Skipped, Usage
from headroom.record import Cost, PromptCache, Record

PLAIN = (
    "ts", "request_id", "provider", "dialect", "model", "path", "stream", "status", "tokens_before", "tokens_after", "overhead_ms", "ttfb_ms",
    "total_ms", "cache", "error", "partial", "tenant", "rewritten", "session", "project", "client",
)
USAGE = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_long_tokens")
CACHE = ("cause", "lost", "lost_usd", "saved_usd", "unpriced")
COST = ("spent", "saved", "by_tool", "unpriced", "estimated")
EDIT = ("by", "tool", "grade", "before", "after")
"""The fields that are kept, by class."""

_plain, _usage, _cache, _cost, _edit = (attrgetter(*names) for names in (PLAIN, USAGE, CACHE, COST, EDIT))


@dataclass(frozen=True, slots=True)
class Finished:
    record: Record
    """Booked: it says what it cost."""
    keys: tuple[str, ...] | None = None
    """Of the originals of its edits, for its line in the request log, where there is one."""


def dump(finished: Finished) -> bytes:
    """Takes some ten microseconds: it is made while an answer waits."""
    record, report = finished.record, finished.record.report
    return json.dumps([
        _plain(record), _usage(record.usage), _usage(record.spared), _cache(record.prompt_cache), _cost(record.cost),
        [report.before, report.after, [_edit(edit) for edit in report.edits], [(s.reason, s.tokens, s.parts) for s in report.skipped], report.failed],
        finished.keys,
    ]).encode()


def load(text: bytes) -> Finished:
    plain, usage, spared, cache, cost, report, keys = json.loads(text)
    before, after, edits, skipped, failed = report
    record = Record(
        **dict(zip(PLAIN, plain, strict=True)), usage=_told(usage), spared=_told(spared),
        prompt_cache=PromptCache(**dict(zip(CACHE, cache, strict=True))), cost=Cost(**dict(zip(COST, cost, strict=True))),
        report=Report(before, after, tuple(map(_edited, edits)), tuple(Skipped(*skip) for skip in skipped), failed),
    )
    return Finished(record, None if keys is None else tuple(keys))


def _told(usage: Json) -> Usage:
    return Usage(**dict(zip(USAGE, usage, strict=True)))


def _edited(edit: Json) -> Edit:
    return Edit(**dict(zip(EDIT, edit, strict=True)), original="", short="")
