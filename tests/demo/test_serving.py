"""The model over real sockets: whole sessions, and connections that break as told."""

from __future__ import annotations

import time
from itertools import count

import pytest

from headroom.demo.model import Model
from headroom.demo.play import play
from headroom.demo.script import Fault, Step
from headroom.demo.serving import application, serving
from headroom.demo.session import recorded
from headroom.demo.show import scripts_of
from headroom.errors import UpstreamError
from headroom.http.client import Client, ClientLimits
from headroom.http.message import Handler, Request, once
from headroom.http.tls import Trust
from headroom.http.tunnel import Proxies

pytestmark = pytest.mark.anyio

SESSIONS = tuple(recorded())
BODY = b'{"stream":true,"messages":[{"role":"user","content":"[[script:go]]"}]}'


def new_client() -> Client:
    return Client(ClientLimits(), Trust(), Proxies(), time.monotonic)


async def read(ask: Handler, request: Request) -> bytes:
    response = await ask(request)
    return b"".join([chunk async for chunk in response.body])


async def test_sessions_over_sockets() -> None:
    model, ticks, client = Model(scripts_of(SESSIONS)), count(), new_client()
    async with serving(application(model)) as url:
        for session in SESSIONS:
            sent = await play(session, client.to(url), lambda: float(next(ticks)))
            assert {one.status for one in sent} == {200}
        await client.aclose()
    assert model.refused == []
    assert len(model.requests) == sum(len(session.turns) for session in SESSIONS)


@pytest.mark.parametrize("fault", [Fault("reset"), Fault("reset", after=3)])
async def test_a_reset_is_never_a_good_end(fault: Fault) -> None:
    model, client = Model({"go": (Step(text="Some text.", fault=fault),)}), new_client()
    async with serving(application(model)) as url:
        with pytest.raises(UpstreamError):
            await read(client.to(url), Request("POST", "/v1/messages", [], once(BODY)))
        await client.aclose()


async def test_a_websocket_upgrade_is_refused_as_told() -> None:
    model, client = Model({}), new_client()
    upgrade = [(b"connection", b"upgrade"), (b"upgrade", b"websocket"), (b"sec-websocket-key", b"eA=="), (b"sec-websocket-version", b"13")]
    async with serving(application(model)) as url:
        response = await client.to(url)(Request("GET", "/v1/responses", upgrade, once(b"")))
        await response.body.aclose()
        await client.aclose()
    assert response.status == 426
