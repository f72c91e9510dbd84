"""The demonstration as a whole, with a small proxy that does what a proxy should, or not."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count

import pytest

from headroom.demo import table
from headroom.demo.model import Model
from headroom.demo.session import recorded
from headroom.demo.show import Counter, Shown, Way, scripts_of, show
from headroom.http.message import Handler, Request, Response, once

pytestmark = pytest.mark.anyio

SESSIONS = tuple(recorded())
OLD, NEW = b"Author: Robin Dale <robin@example.com>", b"Author: R."
STATS = {"compression": {"by_compressor": {"short": {"parts": 2, "before": 9, "after": 3}}}}


def proxy(model: Model, originals: Callable[[str], str], turns_before: int = 0) -> Handler:
    seen = count()

    async def handler(request: Request) -> Response:
        if request.target == "/stats":
            return Response(200, [], once(json.dumps(STATS).encode()))
        if request.target.startswith("/v1/retrieve/"):
            key = request.target.rpartition("/")[2]
            return Response(200, [], once(json.dumps({"key": key, "text": originals(key)}).encode()))
        raw = b"".join([chunk async for chunk in request.body])
        if next(seen) >= turns_before:
            raw = raw.replace(OLD, NEW)
        return await model(Request(request.method, request.target, request.fields, once(raw)))

    return handler


async def shown(turns_before: int = 0, fetched: str = "") -> Shown:
    scripts, ticks = scripts_of(SESSIONS), count()
    alone, behind = Model(scripts), Model(scripts)
    through = Way(behind, proxy(behind, lambda key: fetched, turns_before))
    return await show(SESSIONS, Way(alone, alone), through, Counter("characters", len), lambda: float(next(ticks)))


async def test_a_good_proxy() -> None:
    probe = await shown()
    (longest,) = [row.original for outcome in probe.outcomes for row in outcome.outputs if probe.fetched and len(row.original) == probe.fetched.characters and row.short != row.original][:1]
    result = await shown(fetched=longest)
    assert table.fine(result)
    text = table.text(result, 1.5)
    assert "equal byte for byte" in text
    assert "headroom proxy" in text
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= table.WIDTH
    value = json.loads(json.dumps(table.as_json(result, 1.5)))
    assert [session["name"] for session in value["sessions"]] == [session.name for session in SESSIONS]
    assert all(session["prefix_kept"] == session["prefix_turns"] for session in value["sessions"])
    assert sum(row["count"] for row in value["outputs"]) == sum(len(outcome.outputs) for outcome in result.outcomes)


async def test_a_proxy_that_gives_back_something_else() -> None:
    result = await shown(fetched="something else")
    assert not table.fine(result)
    assert "NOT EQUAL" in table.text(result, 1.5)


async def test_a_proxy_that_changes_its_mind() -> None:
    result = await shown(turns_before=6)
    assert not table.fine(result)
    assert result.refused


def test_kinds_are_summed_and_sorted_by_what_was_saved() -> None:
    assert table.kinds([]) == []
    assert table.share(0, 0) == "-"
    assert table.share(200, 150) == "25.0 %"
