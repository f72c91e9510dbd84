"""The application that the gunicorn worker's test runs."""

from __future__ import annotations

from headroom.http.asgi import Receive, Scope, Send
from tests.http.serving import body_of, say


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Says its path; holds /slow until the rest of a chunked body has come."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"begun ", "more_body": True})
    body = await body_of(receive)
    await send({"type": "http.response.body", "body": scope["raw_path"] + b" " + (body or b"")})


async def cannot_start(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    if scope["type"] == "lifespan":
        await send({"type": "lifespan.startup.failed", "message": "the state cannot be opened"})
    else:
        await say(send, b"never")
