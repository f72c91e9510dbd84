"""Recorded sessions played against the model they were recorded with, straight and through proxies good and bad."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count

import pytest

from headroom.demo.model import Model
from headroom.demo.play import Sent, added_ms, play
from headroom.demo.prefix import extends
from headroom.demo.session import Session, recorded
from headroom.http.message import Handler, Request, Response, once

pytestmark = pytest.mark.anyio

SESSIONS = {session.name: session for session in recorded()}


def proxied(model: Handler, change: Callable[[bytes], bytes]) -> Handler:
    async def handler(request: Request) -> Response:
        raw = b"".join([chunk async for chunk in request.body])
        return await model(Request(request.method, request.target, request.fields, once(change(raw))))

    return handler


def steady() -> Callable[[], float]:
    ticks = count()
    return lambda: float(next(ticks))


def shorter(raw: bytes) -> bytes:
    """A pure change: the same everywhere, on every turn."""
    return raw.replace(b"Robin Dale", b"R. D.")


def once_too_late() -> Callable[[bytes], bytes]:
    """Begins to change things in the middle of the conversation, its past included."""
    seen = count()
    return lambda raw: shorter(raw) if next(seen) >= 8 else raw


async def kept(session: Session, change: Callable[[bytes], bytes]) -> tuple[Model, list[Sent], list[bool]]:
    model = Model(session.scripts)
    sent = await play(session, proxied(model, change), steady())
    last: dict[int, bytes] = {}
    extended = []
    for one, got in zip(sent, model.requests, strict=True):
        if one.thread in last:
            extended.append(extends(last[one.thread], got.body, session.items))
        last[one.thread] = got.body
    return model, sent, extended


@pytest.mark.parametrize("name", SESSIONS)
@pytest.mark.parametrize("change", [bytes, shorter])
async def test_a_pure_change_breaks_nothing(name: str, change: Callable[[bytes], bytes]) -> None:
    model, sent, extended = await kept(SESSIONS[name], change)
    assert model.refused == []
    assert model.dropped_reasoning == 0
    assert {one.status for one in sent} == {200}
    assert all(extended)
    assert len(extended) >= 7


async def test_a_late_change_is_refused_where_thinking_is_bound() -> None:
    model, sent, extended = await kept(SESSIONS["claude-code"], once_too_late())
    assert model.refused
    assert "does not match the prefix" in model.refused[0]
    assert 400 in {one.status for one in sent}
    assert not all(extended)


async def test_a_late_change_silently_costs_reasoning_elsewhere() -> None:
    model, sent, extended = await kept(SESSIONS["codex"], once_too_late())
    assert model.refused == []
    assert model.dropped_reasoning > 0
    assert {one.status for one in sent} == {200}
    assert not all(extended)


@pytest.mark.parametrize("name", SESSIONS)
async def test_the_model_says_again_what_it_said_when_recorded(name: str) -> None:
    """The player only fills in seals; all else the model says must be what the recording holds."""
    session = SESSIONS[name]
    model = Model(session.scripts)
    await play(session, model, steady())
    calls = [step.calls for steps in session.scripts.values() for step in steps]
    spoken = model.requests[-1].body.decode()
    assert any(json.dumps(call.name) in spoken.replace(": ", ":") for made in calls for call in made)


def test_added_latency_is_the_median_of_the_differences() -> None:
    through = [Sent(0, b"", 200, ms) for ms in (5.0, 9.0, 100.0)]
    direct = [Sent(0, b"", 200, ms) for ms in (4.0, 6.0, 10.0)]
    assert added_ms(through, direct) == 3.0
