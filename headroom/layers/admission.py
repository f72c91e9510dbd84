"""Ask who limits requests, each time before the provider is asked: by then the model and the size are known.

Limits stand at the door and are told of the end there, but what a request may take is only known once it was read and
shortened, and a hidden round asks more than once. So they leave word in the request's draft, and this calls on them.
"""

from __future__ import annotations

from headroom.http.message import Handler, Request, Response


def admission(ask: Handler) -> Handler:
    """A Layer around what asks the provider. Raises what those who are asked raise."""

    async def handle(request: Request) -> Response:
        for agree in request.draft.before_asking:
            await agree(request.body.data or b"")
        return await ask(request)

    return handle
