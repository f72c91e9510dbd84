from __future__ import annotations

import pytest

from headroom.errors import TooMany
from headroom.http.message import Request, Response, once
from headroom.layers.admission import admission

pytestmark = pytest.mark.anyio


async def test_all_are_asked_each_time_and_any_may_refuse() -> None:
    asked: list[object] = []

    async def upstream(request: Request) -> Response:
        asked.append("upstream")
        return Response(200)

    async def first(body: bytes) -> None:
        asked.append(body)

    async def second(body: bytes) -> None:
        if len(asked) > 2:
            raise TooMany("enough")

    request = Request("POST", "/v1/messages", [], once(b"body"))
    request.draft.before_asking.extend([first, second])
    assert (await admission(upstream)(request)).status == 200
    with pytest.raises(TooMany):
        await admission(upstream)(request)
    assert asked == [b"body", "upstream", b"body"]
