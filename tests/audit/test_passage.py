from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from headroom import dialects, prices
from headroom.audit.cache import Tokens
from headroom.audit.passage import Mode, Passage, reported
from headroom.audit.recording import Recording, Request
from headroom.conversation import Json, Usage
from headroom.pipeline import standard
from headroom.prices import Model
from headroom.proxy.prepared import Prepared

pytestmark = pytest.mark.anyio
TARGET = "/v1/messages"
TOOLS: list[Json] = [{"name": "Read", "description": "Read a file.", "input_schema": {"type": "object"}}]


def priced(name: str) -> Model:
    model = prices.load().find(name)
    assert model is not None
    return model


MODEL = priced("claude-opus-4-8")  # reasoning is not bound
FREE = replace(MODEL, rates=replace(MODEL.rates, write_short=0.0))


@pytest.mark.parametrize(("tokens", "model", "hour", "expected"), [
    (Tokens(0, 900, 100), MODEL, False, Usage(0, None, 900, 100)),
    (Tokens(0, 900, 100), MODEL, True, Usage(0, None, 900, 100, cache_write_long_tokens=100)),
    (Tokens(50, 0, 0), MODEL, False, Usage(50, None, 0, 0)),
    (Tokens(0, 900, 100), FREE, False, Usage(100, None, 900)),
    (Tokens(0, 900, 100), None, False, Usage(100, None, 900)),
])
def test_what_the_provider_reports(tokens: Tokens, model: Model | None, hour: bool, expected: Usage) -> None:
    assert reported(tokens, model, hour=hour) == expected


def source(n: int) -> str:
    return "\n".join(f"def f{n}_{i}(a{i * n % 97}, b): return a{i * n % 97} * {n + i} + b" for i in range(80))


def turn(n: int) -> list[Json]:
    """A file that is read again and again, and never the same."""
    return [
        {"role": "assistant", "content": [{"type": "tool_use", "id": f"t{n}", "name": "Read", "input": {"file_path": f"src/m{n % 2}.py"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": f"t{n}", "content": source(n)}]},
    ]


class Session:
    """One conversation, through the passage of one mode."""

    def __init__(self, mode: Mode, model: Model = MODEL, *, whole: bool = True, hidden: int = 0) -> None:
        dialect = dialects.find("POST", TARGET)
        assert dialect is not None
        recording = Recording("made up", "", TARGET, "messages", whole, lambda: iter(()))
        passage = Passage(recording, dialect, standard(), {model.name: model}.get, mode)
        self.passage = passage.fitting(hidden, anew=mode != "lossless")
        self._model, self._whole = model, whole
        self._messages: list[Json] = [{"role": "user", "content": "Tidy up."}]

    async def turn(self, n: int, tokens: Tokens) -> Prepared:
        self._messages += turn(n)
        head: dict[str, Json] = {"model": self._model.name, "max_tokens": 4000, **({"tools": TOOLS} if self._whole else {})}
        request = Request(0, 10.0 * n, self._model.name, json.dumps({**head, "messages": self._messages}).encode())
        prepared = await self.passage.send(request)
        await self.passage.heard(request, prepared, tokens)
        return prepared

    async def turns(self, count: int, tokens: Tokens) -> Sequence[Prepared]:
        return [await self.turn(n, tokens) for n in range(count)]


@pytest.mark.parametrize(("mode", "cached", "expected"), [
    ("token", False, True), ("token", True, False), ("cache", False, False), ("lossless", False, False),
])
async def test_the_past_is_folded_where_the_provider_has_nothing_of_it(mode: Mode, cached: bool, expected: bool) -> None:
    session = Session(mode)
    found = await session.turns(8, Tokens(0, 20_000, 500) if cached else Tokens(20_000, 0, 0))
    reasons = {reason for prepared in found for reason in session.passage.reasons(prepared)}
    assert ("cold" in reasons) is expected


@pytest.mark.parametrize(("mode", "hidden", "expected"), [
    ("token", 0, False), ("cache", 0, False), ("token", 35_000, True), ("cache", 30_000, True), ("lossless", 30_000, False),
])
async def test_what_the_file_does_not_show_takes_its_part_of_the_window(mode: Mode, hidden: int, expected: bool) -> None:
    session = Session(mode, replace(MODEL, window=50_000), hidden=hidden)
    found = await session.turns(16, Tokens(0, 0, 10_000))
    reasons = [reason for prepared in found for reason in session.passage.reasons(prepared)]
    assert ("fit" in reasons) is expected
    assert mode == "token" or set(reasons) <= {"fit"}


@pytest.mark.parametrize(("mode", "whole", "offered", "lossy"), [
    ("token", True, True, True), ("cache", True, True, True), ("lossless", True, False, False),
    ("token", False, False, True), ("lossless", False, False, False),
])
async def test_views_stand_where_the_model_can_ask_for_originals(mode: Mode, whole: bool, offered: bool, lossy: bool) -> None:
    session = Session(mode, whole=whole)
    log = "\n".join(f"2026-11-21 10:00:{n % 60:02} INFO worker {n % 7} handled {n * 37} in {n % 90} ms" for n in range(300))
    session._messages += [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "l", "name": "Bash", "input": {"command": "cat service.log"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "l", "content": log}]},
    ]
    prepared = await session.turn(1, Tokens(0, 0, 1000))
    assert (b"headroom_retrieve" in prepared.body.split(b'"messages"')[0], prepared.offered) == (offered, offered)
    assert any(edit.grade == "lossy" for edit in prepared.report.edits) is lossy
