from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

import pytest

from headroom.conversation import Json
from headroom.errors import BadRequest, ClientError, MethodNotAllowed, NotFound, TooLarge
from headroom.http.message import Request, Response, once
from headroom.patterns import How
from headroom.proxy.control import Control, Inside

pytestmark = pytest.mark.anyio

KEY = "0123456789abcdef01234567"
TEXT = "one\ntwo\nthree é"


class World:
    def __init__(self, checks: Mapping[str, str] | None = None) -> None:
        self.reset = self.cleared = 0
        self.heard: list[tuple[str, How]] = []
        self._checks = checks or {"store": "ok"}

    async def checks(self) -> Mapping[str, str]:
        return self._checks

    async def stats(self) -> Json:
        return {"requests": {"total": 3}, "tokens": {"saved": 7, "savings_percent": 12.5}}

    async def metrics(self, accept: str) -> tuple[bytes, bytes]:
        return b"text/plain", accept.encode()

    async def original(self, request: Request, key: str) -> str | None:
        return TEXT if key == KEY else None

    def control(self) -> Control:
        def reset() -> None:
            self.reset += 1

        async def retrieved(request: Request, key: str, how: How) -> None:
            self.heard.append((key, how))

        async def patterns(request: Request) -> Json:
            return {"enabled": True, "patterns": []}

        async def clear() -> None:
            self.cleared += 1

        async def history(request: Request) -> Response:
            return Response(200, [], once(b"history"))

        return Control(Inside(
            version="1.2.3", optimize=True, uptime=lambda: 4.5, checks=self.checks, stats=self.stats,
            metrics=self.metrics, original=self.original, reset=reset,
            patterns=patterns, retrieved=retrieved, history=history, trial=history, clear=clear,
        ))


def ask(target: str, method: str = "GET", body: bytes = b"", kind: bytes = b"application/json") -> Request:
    return Request(method, target, [(b"content-type", kind), (b"accept", b"openmetrics")], once(body))


def read(response: Response) -> Any:
    assert response.body.data is not None
    assert response.get(b"content-length") == b"%d" % len(response.body.data)
    return json.loads(response.body.data)


@pytest.mark.parametrize(("checks", "ready", "health"), [
    ({"store": "ok"}, 200, "healthy"), ({"store": "disk full"}, 200, "degraded"), ({"store": "ok", "serving": "draining"}, 503, "degraded"),
])
async def test_health(checks: Mapping[str, str], ready: int, health: str) -> None:
    control = World(checks).control()
    assert read(await control(ask("/livez"))) == {"status": "alive", "version": "1.2.3", "uptime_seconds": 4.5}
    answer = await control(ask("/readyz"))
    assert answer.status == ready
    assert read(answer) == {"status": "ready" if ready == 200 else "not_ready", "checks": checks}
    assert read(await control(ask("/health"))) == {
        "status": health, "version": "1.2.3", "optimize": True, "checks": checks,
        "stats": {"total_requests": 3, "tokens_saved": 7, "savings_percent": 12.5},
    }


async def test_statistics_and_metrics() -> None:
    world = World()
    control = world.control()
    assert read(await control(ask("/stats?x=1")))["requests"]["total"] == 3
    answer = await control(ask("/metrics"))
    assert (answer.get(b"content-type"), answer.body.data) == (b"text/plain", b"openmetrics")
    assert read(await control(ask("/stats/reset", "POST"))) == {"status": "reset"}
    assert world.reset == 1


@pytest.mark.parametrize(("request_", "expected"), [
    (ask(f"/v1/retrieve/{KEY}"), {"key": KEY, "text": TEXT}),
    (ask(f"/v1/retrieve?key={KEY}&lines=2-3"), {"key": KEY, "text": "two\nthree é", "lines": "2-3", "total_lines": 3}),
    (ask(f"/v1/retrieve/{KEY}?query=two"), {
        "key": KEY, "text": "[1 best of 1 matching lines, of lines 1-3]\n1-one\n2:two\n3-three é", "lines": "1-3", "total_lines": 3,
    }),
    (ask(f"/v1/retrieve?key={KEY}&lines=2-3&query=three"), {
        "key": KEY, "text": "[1 best of 1 matching lines, of lines 2-3]\n2-two\n3:three é", "lines": "2-3", "total_lines": 3,
    }),
    (ask("/v1/retrieve", "POST", json.dumps({"key": KEY, "lines": "1"}).encode()), {"key": KEY, "text": "one", "lines": "1-1", "total_lines": 3}),
])
async def test_an_original_is_given_back(request_: Request, expected: object) -> None:
    assert read(await World().control()(request_)) == expected


@pytest.mark.parametrize(("target", "how"), [
    (f"/v1/retrieve/{KEY}", ["whole"]), (f"/v1/retrieve/{KEY}?lines=2", ["lines"]), (f"/v1/retrieve/{KEY}?lines=1-3&query=two", ["query"]),
    (f"/v1/retrieve/{KEY}?by=person", []), (f"/v1/retrieve/{KEY}?lines=2&by=model", ["lines"]),
    (f"/v1/retrieve/{KEY}?how=lines", ["lines"]), (f"/v1/retrieve/{KEY}?how=x&query=two", ["query"]), (f"/v1/retrieve/{KEY}?lines=x", []), ("/v1/retrieve/" + "0" * 24, []),
])
async def test_what_is_given_back_is_heard_of(target: str, how: list[How]) -> None:
    world = World()
    with contextlib.suppress(ClientError):
        await world.control()(ask(target))
    assert world.heard == [(KEY, each) for each in how]


async def test_what_was_learned_is_shown() -> None:
    assert read(await World().control()(ask("/v1/toin/patterns"))) == {"enabled": True, "patterns": []}


@pytest.mark.parametrize(("request_", "error"), [
    (ask("/v1/retrieve/" + "0" * 24), NotFound),
    (ask("/v1/retrieve/..%2f..%2fetc%2fpasswd"), NotFound),
    (ask("/v1/retrieve/" + KEY.upper()), NotFound),
    (ask("/v1/retrieve"), NotFound),
    (ask(f"/v1/retrieve/{KEY}?lines=x"), BadRequest),
    (ask(f"/v1/retrieve/{KEY}?lines=4-9"), BadRequest),
    (ask("/v1/retrieve", "POST", b"{", b"application/json"), BadRequest),
    (ask("/v1/retrieve", "POST", b"[]"), BadRequest),
    (ask("/v1/retrieve", "POST", b"[" * 9000), BadRequest),
    (ask("/v1/retrieve", "POST", b"{}", b"text/plain"), BadRequest),
    (ask("/v1/retrieve", "POST", b"x" * 70000), TooLarge),
    (ask("/livez", "POST"), MethodNotAllowed),
    (ask("/stats/reset"), MethodNotAllowed),
])
async def test_what_is_refused(request_: Request, error: type[ClientError]) -> None:
    with pytest.raises(ClientError) as caught:
        await World().control()(request_)
    assert type(caught.value) is error


@pytest.mark.parametrize(("path", "claimed"), [("/stats", True), ("/v1/retrieve/x", True), ("/v1/retrieved", False), ("/v1/messages", False), ("/", False)])
def test_which_paths_are_ours(path: str, claimed: bool) -> None:
    assert World().control().claims(path) is claimed
