"""The vendors' Python SDKs through the real proxy end as they do without it, and what reaches the model is shorter."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest

from headroom.demo.script import Call, Fault, Step
from headroom.demo.serving import application
from headroom.http.asgi import ASGIApp
from tests.live.sdks.agent import OUTPUTS, PATIENCE, THOUGHT, Side, Watched, converse, proxy
from tests.live.sdks.base import Api
from tests.live.stage import unbroken

pytestmark = pytest.mark.live

STORY = (
    Step(thinking=THOUGHT, text="I read the log first.", calls=(Call("logs", {"what": "api"}),)),
    Step(calls=(Call("grep", {"what": "load_order"}), Call("logs", {"what": "worker \u00e9\u4e2d \U0001f600"}))),
    Step(thinking=THOUGHT, calls=(Call("grep", {"what": "number"}),)),
    Step(thinking=THOUGHT, text="It is the session. " * 20),
)


@dataclass(frozen=True, slots=True)
class Stage:
    through: Side
    direct: Side


@pytest.fixture
def stage(servers: Callable[[ASGIApp], str], tmp_path: Path) -> Callable[[Sequence[Step]], Stage]:
    def build(steps: Sequence[Step]) -> Stage:
        behind, alone = Watched({"story": steps}), Watched({"story": steps})
        url = servers(proxy(servers(application(behind)), f"--state=sqlite:{tmp_path}/state.db"))
        return Stage(Side(url, behind), Side(servers(application(alone)), alone))

    return build


@contextmanager
def raised() -> Iterator[list[Exception]]:
    """What the SDK raises; its classes have no ancestor in common."""
    found: list[Exception] = []
    try:
        yield found
    except Exception as error:  # noqa: BLE001  # compared by the test
        found.append(error)


def failure(api: Api, flavour: str, url: str, retries: int = 0) -> Exception:
    with raised() as found:
        converse(api, flavour, url, retries)
    assert found, "nothing was raised"
    return found[0]


def facts(error: Exception) -> tuple[Any, ...]:
    """All a program can tell an error by, but what names the connection it came on."""
    response = getattr(error, "response", None)
    headers = getattr(response, "headers", {})
    return (
        type(error), str(error), getattr(error, "status_code", None), getattr(error, "code", None),
        getattr(error, "body", None), getattr(error, "details", None), headers.get("retry-after"),
    )


def without(body: bytes, member: str) -> Any:
    return {name: value for name, value in json.loads(body).items() if name != member}


def test_a_session_with_tools_ends_as_without_the_proxy(api: Api, flavour: str, stage: Callable[[Sequence[Step]], Stage]) -> None:
    both = stage(STORY)
    assert converse(api, flavour, both.through.url) == converse(api, flavour, both.direct.url)
    model = both.through.watched.model
    assert len(both.through.answered) == len(STORY)
    assert (model.refused, model.dropped_reasoning) == ([], 0)
    assert all(unbroken(both.through.answered, api.items))


def test_tool_results_reach_the_model_shorter_and_nothing_else_changes(api: Api, flavour: str, stage: Callable[[Sequence[Step]], Stage]) -> None:
    both = stage(STORY)
    for side in (both.through, both.direct):
        converse(api, flavour, side.url)
    got, sent = both.through.answered, both.direct.answered
    assert without(got[0], "tools") == without(sent[0], "tools")
    assert got[0].startswith(sent[0][: sent[0].index(b"Search the project.")])
    for output in OUTPUTS.values():
        written = json.dumps(output)[1:-1].encode()
        assert written in sent[-1]
        assert written not in got[-1]
    assert len(got[-1]) < 0.7 * len(sent[-1])


@pytest.mark.parametrize("status", [400, 429, 500, 529])
def test_a_refusal_is_the_same_exception(api: Api, flavour: str, status: int, stage: Callable[[Sequence[Step]], Stage]) -> None:
    fault = Fault("status", times=9, status=status, message="scripted refusal", retry_after="7" if status in (429, 529) else "")
    both = stage((STORY[0], Step(text="Never said.", fault=fault)))
    error, straight = (failure(api, flavour, side.url) for side in (both.through, both.direct))
    assert facts(error) == facts(straight)
    assert isinstance(error, api.failures[status])
    assert "scripted refusal" in str(error)


@pytest.mark.parametrize("status", [429, 500])
def test_the_sdk_retries_and_the_proxy_does_not(api: Api, flavour: str, status: int, stage: Callable[[Sequence[Step]], Stage]) -> None:
    fault = Fault("status", times=1, status=status, retry_after="0.01")
    both = stage((Step(text="Said at last.", fault=fault),))
    assert converse(api, flavour, both.through.url, 2) == converse(api, flavour, both.direct.url, 2)
    statuses = [[kept.status for kept in side.watched.model.requests] for side in (both.through, both.direct)]
    assert statuses == [[status, 200], [status, 200]]


@pytest.mark.parametrize("flavour", ["sync stream", "async stream"])
def test_an_error_in_a_stream_is_the_same_exception(api: Api, flavour: str, stage: Callable[[Sequence[Step]], Stage]) -> None:
    both = stage((Step(text="It begins well. " * 20, fault=Fault("error_event", after=3, message="overloaded in the middle")),))
    error, straight = (failure(api, flavour, side.url) for side in (both.through, both.direct))
    assert facts(error) == facts(straight)


def test_an_answer_that_breaks_off_is_an_exception_and_never_a_short_answer(api: Api, flavour: str, stage: Callable[[Sequence[Step]], Stage]) -> None:
    both = stage((Step(text="It begins well. " * 20, fault=Fault("reset", times=9, after=3)),))
    failure(api, flavour, both.through.url)


def test_an_upstream_that_is_down_is_502(api: Api, flavour: str, servers: Callable[[ASGIApp], str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused, and nobody else gets the port
        url = servers(proxy(f"http://127.0.0.1:{taken.getsockname()[1]}", "--state=memory:", "--retry-max-attempts=1"))
        error = failure(api, flavour, url)
    assert isinstance(error, api.failures[502])
    assert 502 in (getattr(error, "status_code", None), getattr(error, "code", None))
    assert "headroom" in str(error)


def test_a_request_too_large_for_the_proxy_is_413(api: Api, flavour: str, servers: Callable[[ASGIApp], str]) -> None:
    watched = Watched({"story": STORY})
    url = servers(proxy(servers(application(watched)), "--state=memory:", "--max-body=4KB"))
    error = failure(api, flavour, url)
    assert isinstance(error, api.failures[413])
    assert 413 in (getattr(error, "status_code", None), getattr(error, "code", None))
    assert len(watched.model.requests) == 1


@pytest.mark.parametrize("manner", ["sync", "async"])
def test_a_client_that_leaves_a_stream_ends_it_upstream(api: Api, manner: str, stage: Callable[[Sequence[Step]], Stage]) -> None:
    both = stage((Step(text="On and on. " * 40, fault=Fault("stall", after=6, seconds=3 * PATIENCE)),))

    async def run() -> None:
        with anyio.fail_after(PATIENCE):
            await api.leave[manner](both.through.url, api.opening("Why is it slow? [[script:story]]"))

    anyio.run(run)
    assert both.through.watched.left.wait(PATIENCE)
