"""What the ledger keeps of an exchange: names, counts and money, no content and no credentials."""

from __future__ import annotations

import re
from typing import NamedTuple

from headroom.record import Record

MAX_NAME = 100
"""Characters of a name that a client chose."""

MAX_TOOLS = 50
"""Tools of one exchange that are told apart, those that saved most; the rest count as one."""

OTHER = "other"

MOST = 1 << 50
"""Tokens, or billionths of a dollar (a million of them): a provider may say anything, and SQLite's whole numbers end at 2⁶³,
sums of them included."""

PRODUCT = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,39}(?=/|$|\s)")
"""The first product of a User-Agent (RFC 9110, 10.1.5), without its version."""

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class ToolSaving(NamedTuple):
    """Of outputs of one tool that were sent for the first time. Estimated tokens; billionths of a dollar."""

    tool: str
    before: int
    after: int
    saved: int


class Entry(NamedTuple):
    """One row. Tokens before and after are ours, the others the provider's; money in billionths of a dollar.

    A tuple, since it is made while a request waits: a frozen dataclass of so many fields takes four times as long.
    """

    ts: int
    """Microseconds since the epoch, when the request came. With the id it names the exchange: clients choose ids, and
    some send one again."""
    request_id: str
    provider: str
    model: str
    project: str
    client: str
    status: int
    stream: bool
    cache: str
    cause: str
    """What became of the provider's prompt cache."""
    failed: bool
    before: int
    after: int
    input: int
    output: int
    read: int
    written: int
    lost: int
    """Tokens paid for again because of a change of ours."""
    spent: int
    saved: int
    unpriced: bool
    estimated: bool
    tools: tuple[ToolSaving, ...] = ()


def entry(record: Record) -> Entry:
    """Takes microseconds: it is made before the answer's last byte leaves."""
    usage, cost, cache = record.usage, record.cost, record.prompt_cache
    return Entry(
        int(record.ts * 1_000_000), record.request_id, record.provider, name(record.model), name(record.project), client(record.client),
        record.status, record.stream, record.cache, cache.cause, record.failed, record.tokens_before, record.tokens_after,
        _sane(usage.input_tokens), _sane(usage.output_tokens), _sane(usage.cache_read_tokens), _sane(usage.cache_write_tokens),
        cache.lost if cache.cause == "bust" else 0, _sane(cost.spent), _sane(cost.saved), cost.unpriced, cost.estimated, _tools(record),
    )


def _sane(n: int | None) -> int:
    if n is None:
        return 0
    return n if -MOST < n < MOST else max(-MOST, min(n, MOST))


def name(given: str) -> str:
    short = given[:MAX_NAME]
    return short if short.isprintable() else CONTROL.sub("?", short)


def client(agent: str) -> str:
    """The agent by its User-Agent: "claude-cli/2.1.0 (external, cli)" is claude-cli."""
    found = PRODUCT.match(agent)
    return found[0].lower() if found else ""


def _tools(record: Record) -> tuple[ToolSaving, ...]:
    """What has no name is ours and not a tool's output."""
    if not record.report.edits:
        return ()
    sums: dict[str, list[int]] = {}
    for edit in record.report.edits:
        row = sums.setdefault(edit.tool, [0, 0, record.cost.by_tool.get(edit.tool, 0)])
        row[0] += edit.before
        row[1] += edit.after
    ranked = sorted((tool for tool in sums if tool), key=lambda tool: sums[tool][1] - sums[tool][0])
    found: dict[str, list[int]] = {}
    for i, tool in enumerate(ranked):
        row = found.setdefault(name(tool) if i < MAX_TOOLS else OTHER, [0, 0, 0])
        row[:] = map(int.__add__, row, sums[tool])
    return tuple(ToolSaving(tool, before, after, _sane(saved)) for tool, (before, after, saved) in found.items())
