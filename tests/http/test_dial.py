from __future__ import annotations

import socket
from typing import Any

import anyio
import pytest

from headroom.http.dial import HEAD_START, dial, interleaved
from headroom.http.origin import Origin
from headroom.http.tls import Trust
from tests.http.upstream import Line, always, upstream

FOUR, SIX = socket.AF_INET, socket.AF_INET6


@pytest.mark.parametrize(
    ("given", "ordered"),
    [
        ([], []),
        ([(SIX, 1)], [(SIX, 1)]),
        ([(SIX, 1), (SIX, 2), (FOUR, 3), (FOUR, 4)], [(SIX, 1), (FOUR, 3), (SIX, 2), (FOUR, 4)]),
        ([(FOUR, 1), (SIX, 2), (SIX, 3)], [(FOUR, 1), (SIX, 2), (SIX, 3)]),
    ],
)
def test_families_take_turns(given: list[tuple[socket.AddressFamily, Any]], ordered: list[tuple[socket.AddressFamily, Any]]) -> None:
    assert interleaved(given) == ordered


@pytest.mark.anyio
async def test_an_address_nobody_answers_at_costs_no_more_than_its_head_start() -> None:
    """localhost has two addresses on many machines, and the server listens on one."""
    async with upstream(always(b"")) as there:
        with anyio.fail_after(HEAD_START * 20):
            wire = await dial(Origin(False, "localhost", there.port), None, Trust())
        assert not wire.dead()
        wire.close()


@pytest.mark.anyio
async def test_bytes_go_both_ways_and_closing_is_final() -> None:
    async def echo(line: Line) -> None:
        while await line.more():
            await line.say(line.held)
            line.held = b""

    async with upstream(echo) as there:
        wire = await dial(Origin(False, "127.0.0.1", there.port), None, Trust())
        await wire.send(b"hello")
        got = b""
        while len(got) < 5:
            got += await wire.receive()
        assert got == b"hello"
        wire.close()
        wire.close()
        with pytest.raises(ConnectionError):
            await wire.receive()
        with pytest.raises(ConnectionError):
            await wire.send(b"x")
