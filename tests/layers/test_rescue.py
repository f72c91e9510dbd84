from __future__ import annotations

import json
import logging

import pytest

from headroom import errors
from headroom.http.message import Request, Response, once
from headroom.layers.rescue import rescue

pytestmark = pytest.mark.anyio


def shape(request: Request, status: int, message: str, kind: str) -> object:
    return {"path": request.path, "status": status, "message": message} | ({"kind": kind} if kind else {})


async def answered(error: Exception) -> tuple[Response, dict[str, object], Request]:
    async def inner(request: Request) -> Response:
        raise error

    request = Request("POST", "/v1/messages?key=SECRET", [], once(b"SECRET"))
    response = await rescue(shape)(inner)(request)
    assert response.body.data is not None
    return response, json.loads(response.body.data), request


@pytest.mark.parametrize(("error", "status", "fields"), [
    (errors.TooMany("slow down", retry_after=7), 429, {b"retry-after": b"7"}),
    (errors.TooMany("slow", fields=((b"ratelimit", b"x"),)), 429, {b"ratelimit": b"x"}),
    (errors.OverBudget("spent"), 429, {b"x-should-retry": b"false"}),
    (errors.Busy("full", retry_after=1), 503, {b"retry-after": b"1"}),
    (errors.Unreachable("refused"), 502, {b"x-should-retry": b"true"}),
    (errors.TimedOut("late"), 504, {b"x-should-retry": b"true"}),
    (errors.BadRequest("what"), 400, {}),
])
async def test_an_error_becomes_an_answer_in_the_callers_shape(error: errors.HeadroomError, status: int, fields: dict[bytes, bytes]) -> None:
    response, body, request = await answered(error)
    assert response.status == status
    assert body == {"path": "/v1/messages", "status": status, "message": f"headroom: {error.message}"} | ({"kind": error.kind} if error.kind else {})
    more = {k: v for k, v in response.fields if k not in (b"content-type", b"content-length")}
    assert more == fields
    assert request.draft.error == type(error).__name__


async def test_a_fault_of_ours_is_500_without_a_word_of_content(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        response, body, _ = await answered(ValueError("SECRET in the text"))
    assert response.status == 500
    assert "SECRET" not in str(body)
    assert "SECRET" not in caplog.text
    assert "ValueError in tests.layers.test_rescue:" in caplog.text


async def test_an_answer_passes_as_it_is() -> None:
    given = Response(204)

    async def inner(request: Request) -> Response:
        return given

    assert await rescue(shape)(inner)(Request("GET", "/", [], once(b""))) is given
