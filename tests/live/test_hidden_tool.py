"""The vendors' SDKs, and a model that calls our tool: the program never sees it, the model gets the text byte for byte, and the
prefix it reasoned on stays true."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from headroom import ccr
from headroom.demo.script import Call, Step
from headroom.demo.serving import application
from headroom.dialects.hidden.base import NAME
from headroom.http.asgi import ASGIApp
from headroom.http.client import Client, ClientLimits
from headroom.http.message import Request, Response, end_to_end
from headroom.http.tls import Trust
from headroom.http.tunnel import Proxies
from tests.live.sdks.agent import FOUND, LOG, THOUGHT, Watched, converse, proxy
from tests.live.sdks.base import Api
from tests.live.stage import unbroken

pytestmark = pytest.mark.live


def ask(text: str, **part: str) -> Call:
    return Call(NAME, {"key": ccr.key_of(text), **part})


LOGS, GREP = Call("logs", {"what": "api"}), Call("grep", {"what": "load_order"})
MIDDLE = "\n".join(LOG.split("\n")[99:120])

STORIES: dict[str, tuple[tuple[Step, ...], list[list[str]]]] = {
    "alone": (
        (Step(thinking=THOUGHT, calls=(LOGS,)), Step(thinking=THOUGHT, calls=(ask(LOG),)), Step(text="It is the session.")),
        [["logs"], ["It is the session."]],
    ),
    "between texts": (
        (Step(calls=(LOGS,)), Step(thinking=THOUGHT, text="Let me see all of it.", calls=(ask(LOG),)), Step(thinking=THOUGHT, text="There.")),
        [["logs"], ["Let me see all of it.", "There."]],
    ),
    "twice in a row and twice at once": (
        (
            Step(calls=(LOGS, GREP)), Step(thinking=THOUGHT, calls=(ask(LOG, lines="100-120"), ask(FOUND, query="number=11"))),
            Step(thinking=THOUGHT, calls=(ask(LOG),)), Step(thinking=THOUGHT, text="There.", calls=(GREP,)), Step(thinking=THOUGHT, text="Done."),
        ),
        [["logs", "grep"], ["There.", "grep"], ["Done."]],
    ),
    "mixed with the client's own": (
        (
            Step(calls=(LOGS,)), Step(thinking=THOUGHT, text="Both.", calls=(GREP, ask(LOG))), Step(thinking=THOUGHT, calls=(ask(LOG), LOGS)),
            Step(thinking=THOUGHT, text="Done."),
        ),
        [["logs"], ["Both.", "grep"], ["logs"], ["Done."]],
    ),
    "with a bad key": (
        (
            Step(calls=(LOGS,)), Step(thinking=THOUGHT, calls=(Call(NAME, {"key": "f" * 24}),)), Step(thinking=THOUGHT, calls=(Call(NAME, {"what": "?"}),)),
            Step(thinking=THOUGHT, text="Done."),
        ),
        [["logs"], ["Done."]],
    ),
    "time and again": (
        (
            Step(calls=(LOGS,)), *[Step(thinking=THOUGHT, calls=(ask(LOG, lines=f"{n}-{n + 9}"),)) for n in range(1, 4)],
            Step(thinking=THOUGHT, text="Now I know.", calls=(GREP,)), Step(thinking=THOUGHT, calls=(ask(FOUND),)), Step(thinking=THOUGHT, text="Done."),
        ),
        [["logs"], ["Now I know.", "grep"], ["Done."]],
    ),
}


@dataclass(frozen=True, slots=True)
class Told:
    answers: list[list[str]]
    behind: Watched


@pytest.fixture
def tell(servers: Callable[[ASGIApp], str], tmp_path: Path) -> Callable[..., Told]:
    def run(api: Api, flavour: str, steps: Sequence[Step], *options: str) -> Told:
        behind = Watched({"story": steps})
        url = servers(proxy(servers(application(behind)), *(options or (f"--state=sqlite:{tmp_path}/state.db",))))
        shown = converse(api, flavour, url)
        assert NAME not in json.dumps(shown)
        return Told([said(answer) for answer in shown], behind)

    return run


def said(answer: Any) -> list[str]:
    """The texts and the names of the calls in what a program sees of an answer, in order."""
    found: list[str] = []

    def walk(value: Any, name: str = "") -> None:
        if isinstance(value, dict):
            if value.get("thought") is True or value.get("type") in ("thinking", "reasoning"):
                return
            for key, inner in value.items():
                walk(inner, key)
        elif isinstance(value, list):
            for inner in value:
                walk(inner, name)
        elif isinstance(value, str) and (name in ("text", "content") or (name == "name" and value in ("logs", "grep"))):
            found.append(value)

    walk(answer)
    return [text for text in found if text]


@pytest.mark.parametrize("story", STORIES)
def test_the_client_never_sees_the_tool(api: Api, flavour: str, story: str, tell: Callable[..., Told]) -> None:
    steps, answers = STORIES[story]
    told = tell(api, flavour, steps)
    # SDKs and APIs join the texts of an answer, or do not.
    assert ["".join(answer) for answer in told.answers] == ["".join(answer) for answer in answers]
    model = told.behind.model
    assert (model.refused, model.dropped_reasoning) == ([], 0)
    bodies = [kept.body for kept in model.requests if kept.status == 200]
    assert len(bodies) == len(steps)
    assert all(unbroken(bodies, api.items))
    assert all(NAME.encode() in body for body in bodies)


def test_the_text_is_the_original_byte_for_byte(api: Api, flavour: str, tell: Callable[..., Told]) -> None:
    steps = (Step(calls=(LOGS,)), Step(calls=(ask(LOG),)), Step(calls=(ask(LOG, lines="100-120"),)), Step(text="Done."))
    bodies = [kept.body for kept in tell(api, flavour, steps).behind.model.requests]
    assert json.dumps(LOG).encode() not in bodies[1].replace(b"\\/", b"/")
    assert json.dumps(LOG)[1:-1].encode() in bodies[2]
    assert json.dumps(MIDDLE)[1:-1].encode() in bodies[3]


AFTER = 2
"""Requests of the client that the first proxy serves; in the second of them the model has got a text back."""


class Replaced:
    """A Handler: one proxy for the first requests, another, which has taken its place, for the rest."""

    def __init__(self, first: str, then: str) -> None:
        client = Client(ClientLimits(max_keepalive=0), Trust(), Proxies(), time.monotonic)  # nothing is left open
        self._ways, self._served = (client.to(first), client.to(then)), 0

    async def __call__(self, request: Request) -> Response:
        way = self._ways[self._served >= AFTER]
        self._served += 1
        fields = [field for field in end_to_end(request.fields) if field[0] != b"host"]
        response = await way(replace(request, fields=fields))
        return replace(response, fields=end_to_end(response.fields))


@pytest.mark.parametrize("kept", [True, False], ids=["restarted", "restarted with its store gone"])
def test_another_proxy_goes_on_where_one_ended(api: Api, flavour: str, kept: bool, servers: Callable[[ASGIApp], str], tmp_path: Path) -> None:
    steps = (
        Step(calls=(LOGS,)), Step(thinking=THOUGHT, calls=(ask(LOG),)), Step(thinking=THOUGHT, text="Both.", calls=(GREP,)),
        *((Step(thinking=THOUGHT, calls=(ask(LOG, lines="100-120"),)),) if kept else ()), Step(text="Done."),
    )
    behind = Watched({"story": steps})
    upstream = servers(application(behind))
    first, then = (servers(proxy(upstream, f"--state=sqlite:{tmp_path}/{name}.db")) for name in ("one", "one" if kept else "two"))
    shown = converse(api, flavour, servers(application(Replaced(first, then))))
    assert NAME not in json.dumps(shown)
    answers = ["".join(said(answer)) for answer in shown]
    bodies = [kept.body for kept in behind.model.requests if kept.status == 200]
    if kept:
        assert answers == ["logs", "Both.grep", "Done."]
        assert (behind.model.refused, behind.model.dropped_reasoning) == ([], 0)
        assert all(unbroken(bodies, api.items))
        assert json.dumps(MIDDLE)[1:-1].encode() in bodies[-1]
    else:
        # The turn that is lost is one less for the script, so it tells that step again.
        assert answers == ["logs", "Both.grep", "Both.grep", "Done."]
        assert json.dumps(LOG)[1:-1].encode() in bodies[-1].replace(b"\\/", b"/"), "what nobody has on record is left as it came"
