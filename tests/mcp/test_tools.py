from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from headroom import ccr
from headroom.conversation import Json
from headroom.errors import BadRequest, HeadroomError, NotFound
from headroom.mcp.tools import Tool, tools
from headroom.patterns import How
from headroom.pipeline import standard

pytestmark = pytest.mark.anyio

TEXT = "one\ntwo é\nthree"
KEY = ccr.key_of(TEXT)
LOG = "".join(f"2026-03-02T09:{i // 60:02d}:{i % 60:02d}Z INFO [worker-{i % 3}] GET /orders/{i * 7 % 97} 200 {i % 40}ms\n" for i in range(400))
ROWS = json.dumps([{"id": i, "name": f"row {i}"} for i in range(40)], indent=4)


class Shelf:
    """A small real source."""

    def __init__(self) -> None:
        self.kept = {KEY: TEXT}

    async def original(self, key: str, how: How) -> str | None:
        return self.kept.get(key)

    async def keep(self, originals: Mapping[str, str]) -> None:
        self.kept.update(originals)

    async def stats(self) -> Mapping[str, Json]:
        return {"requests": {"total": 3}, "recent": [1, 2, 3], "latency": {}}


def all_of(shelf: Shelf) -> dict[str, Tool]:
    return {tool.name: tool for tool in tools(shelf, standard())}


@pytest.mark.parametrize(("arguments", "expected"), [
    ({"key": KEY}, TEXT),
    ({"key": f" {KEY.upper()}\n"}, TEXT),
    ({"key": KEY, "lines": None, "query": ""}, TEXT),
    ({"key": KEY, "lines": "2-3"}, "two é\nthree"),
    ({"key": KEY, "lines": 2}, "two é"),
    ({"key": KEY, "lines": "2-99"}, "two é\nthree"),
    ({"key": KEY, "query": "two"}, "[1 best of 1 matching lines, of lines 1-3]\n1-one\n2:two é\n3-three"),
    ({"key": KEY, "query": "two", "lines": "2-3"}, "[1 best of 1 matching lines, of lines 2-3]\n2:two é\n3-three"),
    ({}, BadRequest), ({"key": ""}, BadRequest), ({"key": "x"}, BadRequest), ({"key": True}, BadRequest), ({"key": ["x"]}, BadRequest),
    ({"key": KEY, "lines": "x"}, BadRequest), ({"key": KEY, "lines": "9"}, BadRequest), ({"key": KEY, "line": "1"}, BadRequest),
    ({"key": "0" * 24}, NotFound),
])
async def test_retrieve(arguments: Mapping[str, Any], expected: str | type[HeadroomError]) -> None:
    tool = all_of(Shelf())["headroom_retrieve"]
    if isinstance(expected, str):
        assert await tool(arguments) == (expected,)
        return
    with pytest.raises(expected):
        await tool(arguments)


@pytest.mark.parametrize(("text", "command", "lossy"), [(LOG, "tail service.log", True), (ROWS, "curl -s x", False)])
async def test_compress_keeps_the_original_and_says_what_it_did(text: str, command: str, lossy: bool) -> None:
    by_name = all_of(Shelf())
    short, told = await by_name["headroom_compress"]({"text": text, "command": command})
    assert len(short) < len(text)
    assert ("nothing was left out" not in told) == (ccr.MARKER.search(short) is not None) == lossy
    assert told.endswith(ccr.key_of(text))
    assert await by_name["headroom_retrieve"]({"key": told[-24:]}) == (text,)


@pytest.mark.parametrize("text", ["short", "", "\n"])
async def test_what_gets_no_shorter_is_said(text: str) -> None:
    shelf = Shelf()
    (told,) = await all_of(shelf)["headroom_compress"]({"text": text})
    assert told.startswith("Left as it is")
    assert shelf.kept == {KEY: TEXT}


async def test_statistics_leave_out_what_a_model_does_not_need() -> None:
    assert await all_of(Shelf())["headroom_stats"]({}) == ('{"requests":{"total":3}}',)


def test_schemas_are_closed_and_say_what_must_be_given() -> None:
    for tool in all_of(Shelf()).values():
        assert set(tool.required) <= set(tool.schema["properties"])
        assert tool.schema["additionalProperties"] is False
        assert tool.writes == (tool.name == "headroom_compress")
