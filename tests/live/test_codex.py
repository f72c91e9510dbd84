"""Real Codex through the real proxy, against a model that silently forgets reasoning whose prefix has changed."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import anyio
import pytest

from headroom.demo.model import Model
from headroom.demo.script import Call, Fault, Scripts, Step
from headroom.demo.serving import application, serving
from headroom.dialects.hidden.base import NAME
from headroom.proxy.rounds import MISS
from tests.live.lab import CODEX, Ended, Place, alone, client, codex_config, run_codex
from tests.live.stage import Curious, project, proxy, threads, unbroken

pytestmark = pytest.mark.live

T = TypeVar("T")
THOUGHT = "**Thinking**\n\nLet me think about what to look at next."


def run(command: str) -> Call:
    return Call("exec_command", {"cmd": command, "max_output_tokens": 12_000})


SCRIPTS: Scripts = {
    "main": (
        Step(thinking=THOUGHT, text="Looking.", calls=(run("ls -la"), run("cat service.log"))),
        Step(thinking=THOUGHT, calls=(run("cat orders.json"),)),
        Step(calls=(run("cat orders.py"), run("grep -n 'def ' orders.py"))),
        Step(thinking=THOUGHT, calls=(run("git log --stat"), run("exit 3"))),
        Step(text="All done here."),
    ),
    "more": (Step(thinking=THOUGHT, calls=(run("git status"), run("head -n 150 service.log"))), Step(text="Still done.")),
}

FAULTS = {
    "internal": Fault("status", times=1, status=500),
    "limited": Fault("status", times=1, status=429, retry_after="1"),
    "reset": Fault("reset", after=4),
    "truncated": Fault("truncate", after=5),
    "bad": Fault("status", times=9, status=400),
}


def faulty(fault: Fault) -> Scripts:
    return {"main": (
        Step(thinking=THOUGHT, calls=(run("cat service.log"),)),
        Step(thinking=THOUGHT, calls=(run("ls"),), fault=fault),
        Step(text="Done after the fault."),
    )}


@pytest.fixture(scope="module")
def program() -> Path:
    """Installed before the network is left behind."""
    return client(os.environ, CODEX, "codex")


class Desk:
    """One place for one client."""

    def __init__(self, root: Path, program: Path) -> None:
        self.place = Place.fresh(root)
        project(self.place.work)
        self._program = program

    async def ask(self, url: str, script: str, *more: str, builtin: bool = False) -> Ended:
        config = self.place.home / ".codex" / "config.toml"
        config.parent.mkdir(exist_ok=True)
        config.write_text(codex_config(url + "/v1", builtin=builtin), "utf-8")
        if builtin:
            (config.parent / "auth.json").write_text('{"OPENAI_API_KEY": "sk-scripted", "auth_mode": "apikey"}', "utf-8")
        return await run_codex(self._program, url + "/v1", self.place, f"Look around. [[script:{script}]]", more)


def staged(story: Callable[[], Awaitable[T]]) -> T:
    return alone(lambda: anyio.run(story))


def check(model: Model) -> None:
    assert model.refused == []
    assert model.dropped_reasoning == 0
    (bodies,) = threads(model.requests, "/v1/responses")
    assert all(unbroken(bodies, "input"))


@pytest.mark.parametrize("builtin", [False, True])
def test_a_session_ends_as_it_does_without_the_proxy(program: Path, tmp_path: Path, builtin: bool) -> None:
    async def story() -> None:
        desk, other = Desk(tmp_path / "through", program), Desk(tmp_path / "straight", program)
        model, plain = Model(SCRIPTS), Model(SCRIPTS)
        async with serving(application(model)) as upstream, serving(application(plain)) as direct:
            async with serving(proxy(upstream, f"sqlite:{tmp_path}/state.db")) as url:
                first = await desk.ask(url, "main", builtin=builtin)
                again = await desk.ask(url, "more", "resume", "--last", builtin=builtin)
            straight = await other.ask(direct, "main", builtin=builtin)
        assert (first.code, straight.code, again.code) == (0, 0, 0)
        assert "All done here." in first.output
        assert "Still done." in again.output
        check(model)
        check(plain)
        ours, theirs = (threads(m.requests, "/v1/responses")[0] for m in (model, plain))
        assert len(ours[len(theirs) - 1]) < 0.9 * len(theirs[-1])

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
        assert ended.code == straight.code
        assert ("Done after the fault." in ended.output) == ("Done after the fault." in straight.output)
        assert model.dropped_reasoning == plain.dropped_reasoning == 0

    staged(story)


@pytest.mark.parametrize("started", ["in the middle", "again with its state"])
def test_a_proxy_that_comes_or_comes_back(program: Path, tmp_path: Path, started: str) -> None:
    async def story() -> None:
        desk = Desk(tmp_path / "desk", program)
        model = Model(SCRIPTS)
        async with serving(application(model)) as upstream:
            if started == "in the middle":
                assert (await desk.ask(upstream, "main")).code == 0
            else:
                async with serving(proxy(upstream, f"sqlite:{tmp_path}/state.db")) as url:
                    assert (await desk.ask(url, "main")).code == 0
            async with serving(proxy(upstream, f"sqlite:{tmp_path}/state.db")) as url:
                assert "Still done." in (await desk.ask(url, "more", "resume", "--last")).output
        check(model)

    staged(story)


def curious(key: str) -> Scripts:
    def look(key: str = key, **part: str) -> Call:
        return Call(NAME, {"key": key, **part})

    return {
        "main": (
            Step(thinking=THOUGHT, text="Looking.", calls=(run("cat service.log"),)),
            Step(thinking=THOUGHT, text="All of it.", calls=(look(lines="2-400"),)),
            Step(thinking=THOUGHT, calls=(look(lines="9-10"), run("ls"))),
            Step(thinking=THOUGHT, calls=(look("0" * 24),)),
            Step(thinking=THOUGHT, text="All done here."),
        ),
        "more": (Step(thinking=THOUGHT, calls=(look(lines="11-11"),)), Step(calls=(run("git status"),)), Step(text="Still done.")),
    }


def test_the_model_gets_originals_back_and_the_client_never_sees_it(program: Path, tmp_path: Path) -> None:
    async def story() -> None:
        desk = Desk(tmp_path / "through", program)
        curious_ = Curious(curious)
        async with serving(application(curious_)) as upstream:
            async with serving(proxy(upstream, f"sqlite:{tmp_path}/state.db")) as url:
                first = await desk.ask(url, "main")
            async with serving(proxy(upstream, f"sqlite:{tmp_path}/state.db")) as url:
                again = await desk.ask(url, "more", "resume", "--last")
        log = (desk.place.work / "service.log").read_text("utf-8")
        assert (first.code, again.code) == (0, 0)
        assert "All done here." in first.output
        assert "Still done." in again.output
        whole, some, miss, last = curious_.given_back
        assert log in whole + "\n"
        assert all(line in log for line in (some + "\n" + last).split("\n"))
        assert miss == MISS
        assert NAME not in first.output + again.output
        check(curious_.model)

    staged(story)
