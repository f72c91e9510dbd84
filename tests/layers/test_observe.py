from __future__ import annotations

from dataclasses import dataclass, field

import anyio
import pytest

from headroom.conversation import Edit, Report, Usage
from headroom.errors import Garbled
from headroom.http.message import Fields, Request, Response, once
from headroom.layers.observe import Clocks, observe
from headroom.record import Record
from tests.bodies import drain, stream

pytestmark = pytest.mark.anyio


@dataclass
class Books:
    begun: int = 0
    records: list[Record] = field(default_factory=list)

    def begin(self) -> None:
        self.begun += 1

    def end(self, record: Record) -> None:
        self.records.append(record)


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


def clocks() -> Clocks:
    return Clocks(wall=lambda: 1.5, steady=Clock(), new_id=lambda: "new")


def ask(fields: Fields | None = None, method: str = "POST") -> Request:
    return Request(method, "/v1/messages?key=SECRET", fields or [], once(b""))


async def test_one_record_when_the_answer_has_left() -> None:
    books = Books()

    async def inner(request: Request) -> Response:
        request.draft.model, request.draft.report = "m", Report(before=9, after=4)
        request.draft.usage = lambda: Usage(output_tokens=3)
        return Response(200, [(b"a", b"b")], stream(b"x", b"y"))

    response = await observe(books, clocks())(inner)(ask())
    assert not books.records
    assert await drain(response) == b"xy"
    (record,) = books.records
    assert (record.status, record.model, record.tokens_saved, record.usage.output_tokens, record.error) == (200, "m", 5, 3, "")
    assert (record.ts, record.request_id, record.path) == (1.5, "new", "/v1/messages")
    assert record.ttfb_ms is not None
    assert record.total_ms > record.ttfb_ms > 0
    assert response.get(b"x-headroom-request-id") == b"new"
    assert response.get(b"a") == b"b"


@pytest.mark.parametrize(("path", "status", "tokens", "edits"), [
    ("/v1/messages", 200, (9, 4), 1), ("/v1/messages", 529, (0, 0), 1), ("/v1/messages", 429, (0, 0), 1),
    ("/v1/messages/count_tokens", 200, (0, 0), 0), ("/v1beta/models/m:countTokens", 200, (0, 0), 0),
])
async def test_what_saves_nothing_yet_is_not_told_as_saved(path: str, status: int, tokens: tuple[int, int], edits: int) -> None:
    books = Books()

    async def inner(request: Request) -> Response:
        request.draft.report = Report(before=9, after=4, edits=(Edit("logs", "Bash", "a", "b", "exact", 9, 4),))
        return Response(status, [], once(b"x"))

    await drain(await observe(books, clocks())(inner)(Request("POST", path, [], once(b""))))
    (record,) = books.records
    assert ((record.tokens_before, record.tokens_after), len(record.report.edits)) == (tokens, edits)


async def test_a_known_length_is_accounted_for_before_its_last_byte_leaves() -> None:
    books = Books()

    async def inner(request: Request) -> Response:
        return Response(200, [(b"content-length", b"2")], stream(b"x", b"y"))

    response = await observe(books, clocks())(inner)(ask())
    async for chunk in response.body:
        assert bool(books.records) == (chunk == b"y")


async def test_a_client_that_leaves_in_mid_stream() -> None:
    books = Books()

    async def inner(request: Request) -> Response:
        return Response(200, [], stream(b"x", b"y"))

    response = await observe(books, clocks())(inner)(ask())
    async for _ in response.body:
        break
    await response.body.aclose()
    await response.body.aclose()
    assert [r.error for r in books.records] == ["client left"]


async def test_a_client_that_leaves_before_the_answer() -> None:
    books, started = Books(), anyio.Event()

    async def inner(request: Request) -> Response:
        started.set()
        await anyio.sleep_forever()
        raise AssertionError

    async def run() -> None:
        await observe(books, clocks())(inner)(ask())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        await started.wait()
        tasks.cancel_scope.cancel()
    assert [(r.status, r.error) for r in books.records] == [(0, "client left")]


async def test_a_stream_that_breaks() -> None:
    books = Books()

    async def inner(request: Request) -> Response:
        return Response(200, [], stream(b"x", breaks=Garbled("cut")))

    response = await observe(books, clocks())(inner)(ask())
    with pytest.raises(Garbled):
        await drain(response)
    assert [(r.status, r.error, r.failed) for r in books.records] == [(200, "Garbled", True)]


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("POST", 204), ("POST", 304)])
async def test_answers_without_a_body(method: str, status: int) -> None:
    books = Books()

    async def inner(request: Request) -> Response:
        return Response(status)

    response = await observe(books, clocks())(inner)(ask(method=method))
    await response.body.aclose()
    assert [r.error for r in books.records] == [""]


@pytest.mark.parametrize(("given", "kept"), [(b"abc-1", "abc-1"), (b"has space", "new"), (b"x" * 129, "new"), (b"\xff", "new")])
async def test_a_sane_request_id_is_kept(given: bytes, kept: str) -> None:
    books = Books()

    async def inner(request: Request) -> Response:
        return Response(200)

    await drain(await observe(books, clocks())(inner)(ask([(b"x-request-id", given)])))
    assert books.records[0].request_id == kept


async def test_labels_from_the_client_are_few_and_short() -> None:
    books = Books()

    async def inner(request: Request) -> Response:
        return Response(200)

    fields: Fields = [(b"x-headroom-tag-%d" % i, b"v" * 500) for i in range(50)]
    fields += [(b"x-claude-code-session-id", b"s1"), (b"x-headroom-project-id", b"p1")]
    await drain(await observe(books, clocks())(inner)(ask(fields)))
    record = books.records[0]
    assert (record.session, record.project, len(record.tags)) == ("s1", "p1", 8)
    assert all(len(value) == 200 for value in record.tags.values())
