from __future__ import annotations

import json

import anyio.to_thread
import pytest

from headroom.demo.serving import application, serving
from headroom.errors import OurError
from headroom.http.asgi import ASGIApp
from headroom.http.message import Request, Response, once
from headroom.proxy.ask import NoProxy, Running

pytestmark = pytest.mark.anyio

KEY = "0123456789abcdef01234567"


def answering(status: int, body: bytes, seen: list[Request] | None = None) -> ASGIApp:
    async def handle(request: Request) -> Response:
        if seen is not None:
            seen.append(request)
        return Response(status, [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))], once(body))

    return application(handle)


async def test_an_original_is_asked_for_with_the_token() -> None:
    seen: list[Request] = []
    async with serving(answering(200, json.dumps({"key": KEY, "text": "one é"}).encode(), seen)) as url:
        assert await anyio.to_thread.run_sync(Running(url + "/", "s3cret").original, KEY) == "one é"
        assert await anyio.to_thread.run_sync(lambda: Running(url).original(KEY, "lines", person=True)) == "one é"
    assert [request.target for request in seen] == [f"/v1/retrieve/{KEY}?how=whole", f"/v1/retrieve/{KEY}?how=lines&by=person"]
    assert seen[0].get(b"x-headroom-proxy-token") == b"s3cret"
    assert "s3cret" not in repr(Running("http://x", "s3cret"))


@pytest.mark.parametrize(("status", "body", "expected"), [
    (404, b"{}", "None"), (200, b"hello", "NoProxy"), (200, b"[1]", "NoProxy"), (200, b'{"text": 1}', "NoProxy"),
    (401, b"{}", "OurError"), (503, b"{}", "OurError"),
])
async def test_other_answers(status: int, body: bytes, expected: str) -> None:
    def ask(url: str) -> str:
        try:
            return str(Running(url).original(KEY))
        except OurError as error:
            return type(error).__name__

    async with serving(answering(status, body)) as url:
        assert await anyio.to_thread.run_sync(ask, url) == expected


async def test_statistics() -> None:
    async with serving(answering(200, b'{"requests": {}}')) as url:
        assert await anyio.to_thread.run_sync(Running(url).stats) == {"requests": {}}
    with pytest.raises(NoProxy, match="headroom proxy"):
        await anyio.to_thread.run_sync(Running(url).stats)


@pytest.mark.parametrize("base", ["", "nonsense", "http://", "http://[", "http://x y", "ftp://127.0.0.1:1"])
async def test_what_is_no_address(base: str) -> None:
    with pytest.raises(NoProxy):
        Running(base).stats()
