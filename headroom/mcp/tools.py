"""What the MCP tools do, apart from the protocol: give originals back, shorten a text, tell the statistics."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import anyio.to_thread

from headroom import ccr, retrieval
from headroom.conversation import Conversation, Edit, Json, Part, Report
from headroom.errors import BadRequest, NotFound
from headroom.patterns import How, how_of
from headroom.pipeline import Pipeline

AT = ("text",)

UNTOLD = frozenset(("recent", "latency"))
"""Of the statistics: long lists for people who watch, not for a model that pays for them by the token."""


class Source(Protocol):
    """Where originals are kept and statistics are known."""

    async def original(self, key: str, how: How) -> str | None:
        """`how` it is asked for is counted: what is often asked for is left whole in the end."""
        ...

    async def keep(self, originals: Mapping[str, str]) -> None: ...

    async def stats(self) -> Mapping[str, Json]: ...


Call = Callable[[Mapping[str, Json]], Awaitable[tuple[str, ...]]]
"""Arguments of a tool call → texts of its result. Raises HeadroomError, whose message is for the model."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as MCP declares it."""

    name: str
    description: str
    properties: Mapping[str, str]
    """Name of each argument → what it is; all are strings."""
    required: tuple[str, ...]
    writes: bool
    """It changes something: a client may want to ask its user before."""
    call: Call

    @property
    def schema(self) -> dict[str, Json]:
        rows = {name: {"type": "string", "description": text} for name, text in self.properties.items()}
        return {"type": "object", "properties": rows, "required": list(self.required), "additionalProperties": False}

    async def __call__(self, arguments: Mapping[str, Json]) -> tuple[str, ...]:
        unknown = sorted(set(arguments) - set(self.properties))
        if unknown:
            raise BadRequest(f"{self.name} takes no {unknown[0]!r}; it takes {', '.join(self.properties) or 'nothing'}")
        # Models fill optional arguments with null or "".
        given = {name: value for name, value in arguments.items() if value not in (None, "")}
        for name in self.required:
            if name not in arguments:
                raise BadRequest(f"{self.name} needs {name}")
        for name, value in given.items():
            if not isinstance(value, str | int) or isinstance(value, bool):
                raise BadRequest(f"{name} must be a string")
        return await self.call({name: str(value) for name, value in given.items()})


def tools(source: Source, pipeline: Pipeline) -> tuple[Tool, ...]:
    """All of them."""

    async def retrieve(given: Mapping[str, Json]) -> tuple[str, ...]:
        return (await _retrieve(source, given),)

    async def compress(given: Mapping[str, Json]) -> tuple[str, ...]:
        return await _compress(source, pipeline, given)

    async def stats(given: Mapping[str, Json]) -> tuple[str, ...]:
        told = {name: value for name, value in (await source.stats()).items() if name not in UNTOLD}
        return (json.dumps(told, ensure_ascii=False, separators=(",", ":")),)

    return (
        Tool(
            "headroom_retrieve",
            "Get back text that the proxy left out of a tool output. Where an output shows a marker "
            '[view shortened by proxy; ... headroom_retrieve(key="...")], call this with that key to read the original, '
            "whole or in part. Cheaper than running the command again.",
            {
                "key": "the 24 hex digits of the marker",
                "lines": 'only these lines of the original, as "41-180" or "41"',
                "query": "words to look for: gives the best-matching ranges, with line numbers",
            },
            ("key",), writes=False, call=retrieve,
        ),
        Tool(
            "headroom_compress",
            "Shorten a long text (log, test run, search result, JSON, table, diff) to what matters, before passing it on. "
            "Says what was left out and under which key headroom_retrieve gives it back.",
            {
                "text": "the text to shorten",
                "tool": "the tool that printed it, e.g. Bash or Read (files stay exact)",
                "command": "the command line that printed it",
                "query": "what is being looked for; lines that matter to it are kept",
            },
            ("text",), writes=True, call=compress,
        ),
        Tool(
            "headroom_stats", "How many tokens the Headroom proxy has saved so far, by tool and by kind of text, as JSON.",
            {}, (), writes=False, call=stats,
        ),
    )


async def _retrieve(source: Source, given: Mapping[str, Json]) -> str:
    key = given.get("key", "").strip().lower()
    if not ccr.KEY.fullmatch(key):
        raise BadRequest("a key is 24 hex digits, as it stands in the marker")
    lines, query = given.get("lines"), given.get("query")
    text = await source.original(key, how_of(lines, query))
    if text is None:
        raise NotFound("no original under this key: it was never stored here, or it expired; run the command again")
    return await anyio.to_thread.run_sync(_part, text, lines, query)


def _part(text: str, lines: str | None, query: str | None) -> str:
    try:
        return retrieval.part(text, lines, query)
    except ValueError as error:
        raise BadRequest(str(error)) from None


async def _compress(source: Source, pipeline: Pipeline, given: Mapping[str, Json]) -> tuple[str, ...]:
    part = Part("tool", given.get("text", ""), AT, given.get("tool", "Bash"), {"command": given.get("command", "")})
    asked = Part("user", given.get("query", ""), ("query",))
    report = await anyio.to_thread.run_sync(_shorten, pipeline, Conversation("", (asked, part)))
    if not report.edits:
        reason = next((s.reason for s in report.skipped if s.reason != "not_tool_output"), "no_gain")
        return (f"Left as it is ({reason}): no shorter form would be true to it.",)
    await source.keep(report.originals)
    edit = report.edits[0]
    return (edit.short, _told(edit))


def _shorten(pipeline: Pipeline, conversation: Conversation) -> Report:
    return pipeline(conversation, pipeline.chain(conversation), {}, 0, lossy=True).report


def _told(edit: Edit) -> str:
    key = ccr.key_of(edit.original)
    marker = ccr.MARKER.search(edit.short)
    left_out = f"left out: {marker['what']}" if marker and edit.grade == "lossy" else "nothing was left out, only written shorter"
    share = 100 * (edit.before - edit.after) / max(edit.before, 1)
    return f"{edit.by}: {edit.before:,} → {edit.after:,} tokens (estimated), {share:.0f} % saved; {left_out}. Key of the original: {key}"
