"""Turn what went wrong into an answer in the client's own dialect: fail shut, here and nowhere else."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

from headroom.conversation import Json
from headroom.errors import HeadroomError, OverBudget, UpstreamError
from headroom.http.message import Handler, Layer, Request, Response, once

log = logging.getLogger(__name__)

ErrorShape = Callable[[Request, int, str, str], Json]
"""The body of an error answer, as the caller's provider would write it: status, message, and kind (see errors), mostly ""."""


def rescue(shape: ErrorShape) -> Layer:
    def layer(inner: Handler) -> Handler:
        async def handle(request: Request) -> Response:
            try:
                return await inner(request)
            except HeadroomError as error:
                return answer(shape, request, error)
            except Exception as error:
                # A fault of ours must not reach a user as a traceback or a dropped connection. The message of an
                # unforeseen exception may hold content, so only its place goes to the log.
                place = _place(error)
                log.error("%s in %s while answering %s", type(error).__name__, place, request.draft.request_id)
                return answer(shape, request, HeadroomError(f"internal error in the proxy ({type(error).__name__})"))

        return handle

    return layer


def answer(shape: ErrorShape, request: Request, error: HeadroomError) -> Response:
    request.draft.error = request.draft.error or type(error).__name__
    body = json.dumps(shape(request, error.status, f"headroom: {error.message}", error.kind), ensure_ascii=True).encode()
    fields = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    if error.retry_after is not None:
        fields.append((b"retry-after", b"%d" % error.retry_after))
    # The vendors' SDKs read this field; a request that never got an answer is worth another try.
    if isinstance(error, (UpstreamError, OverBudget)):
        fields.append((b"x-should-retry", b"true" if isinstance(error, UpstreamError) else b"false"))
    fields.extend(error.fields)
    return Response(error.status, fields, once(body))


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "?"
    return f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}"
