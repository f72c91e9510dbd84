"""What is weighed is what the model received."""

from __future__ import annotations

from itertools import count

import pytest

from headroom.ccr import key_of
from headroom.demo.model import Model
from headroom.demo.play import play
from headroom.demo.session import Session, recorded
from headroom.demo.weigh import Outcome, shortened, weigh
from headroom.http.message import Request, Response, once

pytestmark = pytest.mark.anyio

SESSIONS = {session.name: session for session in recorded()}


async def outcome(session: Session, old: bytes, new: bytes) -> Outcome:
    model, ticks = Model(session.scripts), count()

    async def handler(request: Request) -> Response:
        raw = b"".join([chunk async for chunk in request.body])
        return await model(Request(request.method, request.target, request.fields, once(raw.replace(old, new))))

    sent = await play(session, handler, lambda: float(next(ticks)))
    return weigh(session, sent, [kept.body for kept in model.requests], len)


@pytest.mark.parametrize("name", SESSIONS)
async def test_what_is_not_changed_weighs_the_same(name: str) -> None:
    weighed = await outcome(SESSIONS[name], b"x", b"x")
    assert weighed.before == weighed.after > 100_000
    assert (weighed.kept, weighed.refused) == (weighed.turns, 0)
    assert len(weighed.outputs) >= 10
    assert all(row.original == row.short and row.before == row.after > 0 for row in weighed.outputs)
    assert shortened([weighed]) is None


@pytest.mark.parametrize("name", SESSIONS)
async def test_what_is_shortened_is_found(name: str) -> None:
    """Every session reads the history of the same repository."""
    weighed = await outcome(SESSIONS[name], b"Author: Robin Dale <robin@example.com>", b"Author: R.")
    assert weighed.after < weighed.before
    assert (weighed.kept, weighed.refused) == (weighed.turns, 0)
    changed = [row for row in weighed.outputs if row.short != row.original]
    assert {row.kind for row in changed} <= {"git log", "git show", "git status"}
    found = shortened([weighed])
    assert found is not None
    key, original = found
    assert key == key_of(original)
    assert original in {row.original for row in changed}


async def test_a_sub_agent_is_weighed_too() -> None:
    weighed = await outcome(SESSIONS["claude-code"], b"x", b"x")
    results = sum(len(steps.calls) for script in SESSIONS["claude-code"].scripts.values() for steps in script)
    assert len(weighed.outputs) >= results  # the answer of a sub-agent has two blocks
    assert "h11/_connection.py" in "".join(row.original for row in weighed.outputs if row.kind == "grep")
