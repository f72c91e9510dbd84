"""Real Claude Code through the real proxy, against a model that refuses any change to what it was sent before."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import anyio
import pytest

from headroom.demo.model import Model
from headroom.demo.script import Call, Fault, Scripts, Step
from headroom.demo.serving import application, serving
from headroom.dialects.hidden.base import NAME
from headroom.proxy.rounds import MISS
from tests.live.lab import CLAUDE_CODE, Ended, Place, alone, client, run_claude_code
from tests.live.stage import Curious, project, proxy, threads, unbroken

pytestmark = pytest.mark.live

T = TypeVar("T")
AGENT = b"x-claude-code-agent-id"
THOUGHT = "Let me think about what to look at next. " * 4


def bash(command: str) -> Call:
    return Call("Bash", {"command": command, "description": "Look"})


def scripts(work: Path) -> Scripts:
    read = Call("Read", {"file_path": str(work / "orders.py")})
    part = Call("Read", {"file_path": str(work / "orders.py"), "offset": 20, "limit": 80})
    edit = Call("Edit", {"file_path": str(work / "orders.py"), "old_string": "cents * 7\n", "new_string": "cents * 8\n", "replace_all": False})
    agent = Call("Agent", {"description": "Survey", "prompt": "Survey the log. [[script:survey]]", "subagent_type": "general-purpose"})
    return {
        "main": (
            Step(thinking=THOUGHT, text="Looking.", calls=(bash("ls -la"), bash("cat service.log"))),
            Step(calls=(read, bash("cat orders.json"))),
            Step(thinking=THOUGHT, redacted=True, calls=(bash("grep -n 'def ' orders.py"), part)),
            Step(calls=(edit,)),
            Step(thinking=THOUGHT, calls=(agent,)),
            Step(calls=(bash("git diff"), bash("exit 3"), bash("git log --stat"))),
            Step(thinking=THOUGHT, text="All done here."),
        ),
        "survey": (
            Step(thinking=THOUGHT, calls=(bash("tail -n 120 service.log"),)),
            Step(text="The log is quiet."),
        ),
        "more": (
            Step(thinking=THOUGHT, calls=(bash("git status"), bash("head -n 150 service.log"))),
            Step(thinking=THOUGHT, text="Still done."),
        ),
    }


FAULTS = {
    "overloaded": Fault("status", times=2, status=529),
    "internal": Fault("status", times=1, status=500),
    "limited": Fault("status", times=1, status=429, retry_after="1"),
    "reset": Fault("reset", after=4),
    "reset_early": Fault("reset"),
    "truncated": Fault("truncate", after=5),
    "error_event": Fault("error_event", after=3),
    "pings": Fault("pings", after=1, count=20),
    "unauthorized": Fault("status", times=1, status=401),
    "too_large": Fault("status", times=9, status=413),
    "bad": Fault("status", times=9, status=400),
}


def faulty(fault: Fault) -> Scripts:
    return {"main": (
        Step(thinking=THOUGHT, calls=(bash("cat service.log"),)),
        Step(thinking=THOUGHT, calls=(bash("ls"),), fault=fault),
        Step(text="Done after the fault."),
    )}


@pytest.fixture(scope="module")
def program() -> Path:
    """Installed before the network is left behind."""
    return client(os.environ, CLAUDE_CODE, "claude")


class Desk:
    """One place for one client; sessions go wherever the URL says."""

    def __init__(self, root: Path, program: Path) -> None:
        self.place = Place.fresh(root)
        project(self.place.work)
        self._program = program

    async def ask(self, url: str, script: str, *more: str) -> Ended:
        return await run_claude_code(self._program, url, self.place, f"Look around. [[script:{script}]]", more)


def staged(story: Callable[[], Awaitable[T]]) -> T:
    return alone(lambda: anyio.run(story))


def ending(ended: Ended) -> tuple[int, Any, Any, Any]:
    result = ended.result
    return ended.code, result["is_error"], result["result"], result["num_turns"]


def check(model: Model, count: int) -> None:
    """Nothing refused, every thread unbroken, `count` threads in all."""
    assert model.refused == []
    found = threads(model.requests, "/v1/messages", AGENT)
    assert len(found) == count
    assert all(all(unbroken(bodies, "messages")) for bodies in found)


def test_a_session_ends_as_it_does_without_the_proxy(program: Path, tmp_path: Path) -> None:
    async def story() -> None:
        desk, other = Desk(tmp_path / "through", program), Desk(tmp_path / "straight", program)
        model, plain = Model(scripts(desk.place.work)), Model(scripts(other.place.work))
        async with serving(application(model)) as upstream, serving(application(plain)) as direct:
            async with serving(proxy(upstream, f"sqlite:{tmp_path}/state.db")) as url:
                first, again = await desk.ask(url, "main"), await desk.ask(url, "more", "--continue")
            assert ending(first) == ending(await other.ask(direct, "main"))
            assert ending(again) == ending(await other.ask(direct, "more", "--continue"))
        assert first.result["result"] == "All done here."
        assert again.result["result"] == "Still done."
        check(model, 2)
        check(plain, 2)
        assert "cents * 8\n" in (desk.place.work / "orders.py").read_text("utf-8")
        assert len(model.requests[-1].body) < 0.9 * len(plain.requests[-1].body)

    staged(story)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_looks_the_same_through_the_proxy(program: Path, tmp_path: Path, name: str) -> None:
    async def story() -> None:
        desk, other = Desk(tmp_path / "through", program), Desk(tmp_path / "straight", program)
        model, plain = Model(faulty(FAULTS[name])), Model(faulty(FAULTS[name]))
        async with serving(application(model)) as upstream, serving(application(plain)) as direct:
            async with serving(proxy(upstream, f"sqlite:{tmp_path}/state.db")) as url:
                ended = await desk.ask(url, "main")
            straight = await other.ask(direct, "main")
        assert ending(ended) == ending(straight)
        assert model.refused == []

    staged(story)


@pytest.mark.parametrize(("first", "then", "refusals"), [
    ("", "sqlite:{}/one.db", 0),  # started in the middle: history that no record claims is left alone
    ("", "memory:", 1),  # nothing can tell; purity is tried first, then the other reading
    ("sqlite:{}/one.db", "sqlite:{}/one.db", 0),
    ("memory:", "memory:", 0),
    ("sqlite:{}/one.db", "sqlite:{}/two.db", 1),
], ids=["started", "started stateless", "restarted", "restarted stateless", "lost its state"])
def test_a_proxy_that_changes_in_the_middle_of_a_session(program: Path, tmp_path: Path, first: str, then: str, refusals: int) -> None:
    async def story() -> None:
        desk = Desk(tmp_path / "desk", program)
        model = Model(scripts(desk.place.work))
        async with serving(application(model)) as upstream:
            if first:
                async with serving(proxy(upstream, first.format(tmp_path))) as url:
                    assert (await desk.ask(url, "main")).code == 0
            else:
                assert (await desk.ask(upstream, "main")).code == 0
            async with serving(proxy(upstream, then.format(tmp_path))) as url:
                ended = await desk.ask(url, "more", "--continue")
        assert ended.result["result"] == "Still done."
        assert len(model.refused) == refusals
        found = threads(model.requests, "/v1/messages", AGENT)
        assert all(all(unbroken(bodies, "messages")) for bodies in found)

    staged(story)


def curious(key: str) -> Scripts:
    def look(key: str = key, **part: str) -> Call:
        return Call(NAME, {"key": key, **part})

    return {
        "main": (
            Step(thinking=THOUGHT, text="Looking.", calls=(bash("cat service.log"),)),
            Step(thinking=THOUGHT, text="All of it.", calls=(look(),)),
            Step(thinking=THOUGHT, calls=(look(lines="2-3"), bash("ls"))),
            Step(thinking=THOUGHT, calls=(look("0" * 24),)),
            Step(thinking=THOUGHT, calls=(bash("cat service.log"), look(lines="1"), look(query="worker-2"))),
            Step(thinking=THOUGHT, text="All done here."),
        ),
        "more": (Step(thinking=THOUGHT, calls=(look(lines="4-4"),)), Step(calls=(bash("git status"),)), Step(thinking=THOUGHT, text="Still done.")),
    }


def test_the_model_gets_originals_back_and_the_client_never_sees_it(program: Path, tmp_path: Path) -> None:
    async def story() -> None:
        desk = Desk(tmp_path / "through", program)
        curious_ = Curious(curious)
        async with serving(application(curious_)) as upstream:
            async with serving(proxy(upstream, f"sqlite:{tmp_path}/state.db")) as url:
                first = await desk.ask(url, "main")
            log = (desk.place.work / "service.log").read_text("utf-8").rstrip("\n")
            rows = log.split("\n")
            assert ending(first) == (0, False, "All done here.", 4)
            assert curious_.given_back[:3] == [log, "\n".join(rows[1:3]), MISS]
            async with serving(proxy(upstream, f"sqlite:{tmp_path}/state.db")) as url:
                again = await desk.ask(url, "more", "--continue")
            assert ending(again) == (0, False, "Still done.", 2)
            assert curious_.given_back[3] == rows[0]
            assert curious_.given_back[-1] == rows[3]
        assert NAME not in first.output + again.output
        check(curious_.model, 1)

    staged(story)
