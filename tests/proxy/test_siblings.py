"""The figures of several processes, told by any of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from headroom.conversation import Report, Usage
from headroom.ledger.entry import entry
from headroom.metrics import Metrics
from headroom.proxy.account import Account
from headroom.proxy.board import Board
from headroom.proxy.siblings import Siblings, board_of
from headroom.record import Record
from headroom.tokens import Learned
from headroom.totals import Totals

pytestmark = pytest.mark.skipif(os.name != "posix", reason="POSIX locks")

RECORD = Record(
    ts=1.0, request_id="r", provider="anthropic", dialect="anthropic", model="claude", path="/v1/messages", stream=True,
    status=200, report=Report(1000, 1000), tokens_before=100, tokens_after=75, usage=Usage(1500), overhead_ms=0.5, ttfb_ms=80.0, total_ms=2000.0,
)
STORED = "headroom_ccr_stored_total"
FACTORS = (1.1, 1.18, 1.244)
"""After one, two and three requests in which the provider counts half as much again as we do."""


class Lines:
    def __init__(self) -> None:
        self.written: list[Any] = []

    def write(self, record: Record) -> None:
        self.written.append(record.request_id)

    def restore(self, rows: Sequence[Any]) -> None:
        self.written += [row["request_id"] for row in rows]


class Worker:
    """One process, as far as figures go. In one real process a lock keeps nobody out, so each is given its slot."""

    def __init__(self, path: Path, version: str = "1") -> None:
        self.log = Lines()
        self.account = Account(Totals(), Metrics("1"), Learned(), self.log, lambda: 2.0)
        self.stored = 0
        self.waiting = 0
        self.siblings = Siblings(self.account, version, lambda: {STORED: self.stored}, lambda: self.waiting)
        self.board = Board(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self.left = self.siblings.join(self.board)

    def finish(self, id: str, model: str = "claude") -> None:
        """Without a post."""
        self.account.begin()
        self.account.end(replace(RECORD, request_id=id, model=model))

    def serve(self, model: str = "claude") -> None:
        self.account.begin()
        self.account.end(replace(RECORD, model=model))
        self.stored += 1
        self.siblings.post()

    @property
    def requests(self) -> Any:
        return self.siblings.totals().stats(3.0)["requests"]["total"]

    def metric(self, name: str) -> float:
        families = text_string_to_metric_families(self.siblings.metrics().render(False).decode())
        return sum(sample.value for family in families for sample in family.samples if sample.name == name)


@pytest.fixture
def workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Worker]:
    taken: set[int] = set()

    def lock(board: Board, slot: int) -> bool:
        free = slot not in taken
        taken.add(slot)
        return free

    monkeypatch.setattr(Board, "_lock", lock)
    return [Worker(tmp_path / "board") for _ in range(3)]


def test_whichever_is_asked_tells_for_all(workers: list[Worker]) -> None:
    for number, worker in enumerate(workers):
        for _ in range(number + 1):
            worker.serve(f"model {number}")
    for worker in workers:
        assert worker.requests == 6
        assert worker.metric("headroom_requests_total") == 6
        assert worker.metric(STORED) == 6
        assert worker.siblings.elsewhere() == {STORED: 6}
        stats = worker.siblings.totals().stats(3.0)
        assert stats["requests"]["by_model"] == {"model 0": 1, "model 1": 2, "model 2": 3}
        assert stats["tokens"]["saved"] == 150


def test_our_own_figures_are_never_late(workers: list[Worker]) -> None:
    workers[0].account.begin()
    workers[0].account.end(RECORD)
    assert workers[0].requests == 1


def test_a_successor_goes_on_where_the_dead_one_stopped(workers: list[Worker], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for worker in workers:
        worker.serve()
    workers[0].account.begin()
    workers[0].siblings.post()
    monkeypatch.setattr(Board, "_lock", lambda board, slot: slot == 0)
    successor = Worker(tmp_path / "board")
    successor.serve()
    for worker in (successor, workers[1]):
        assert worker.requests == 4
        assert worker.metric("headroom_requests_total") == 4
        assert worker.metric(STORED) == 4
        assert worker.metric("headroom_active_requests") == 0, "what it was at is over"


def test_what_ended_since_the_last_post_counts_at_once(workers: list[Worker]) -> None:
    for number, worker in enumerate(workers):
        for n in range(number + 1):
            worker.finish(f"{number}.{n}", f"model {number}")
    for worker in workers:
        assert worker.requests == 6
        assert worker.metric("headroom_requests_total") == 6
        assert worker.siblings.factors() == {f"model {n}": pytest.approx(FACTORS[n]) for n in range(3)}


def test_who_takes_over_has_all_that_was_finished(workers: list[Worker], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed = workers[0]
    killed.finish("posted")
    killed.siblings.post()
    killed.finish("posted, perhaps not booked")
    killed.siblings.post()
    killed.finish("since")
    monkeypatch.setattr(Board, "_lock", lambda board, slot: slot == 0)
    successor = Worker(tmp_path / "board")
    assert [record.request_id for record in successor.left] == successor.log.written == ["posted, perhaps not booked", "since"]
    assert [entry(record) for record in successor.left] == [entry(replace(RECORD, request_id=id)) for id in successor.log.written]
    for worker in (successor, workers[1]):
        assert worker.requests == 3
        assert worker.metric("headroom_requests_total") == 3
    again = Worker(tmp_path / "board")
    assert [record.request_id for record in again.left] == ["since"], "until two posts have followed"
    assert again.requests == 3
    again.siblings.close()
    assert Worker(tmp_path / "board").left == [], "who ends by itself has written all down"


def test_nothing_is_dropped_that_the_ledger_does_not_have(workers: list[Worker]) -> None:
    worker, reader = workers[:2]

    def turn() -> None:
        if worker.siblings.due():
            worker.siblings.post()

    worker.finish("1")
    turn()
    worker.waiting = 1
    worker.finish("2")
    turn()
    worker.finish("3")
    worker.waiting = 2
    turn()
    assert worker.siblings.due() is False
    assert reader.requests == 3
    worker.waiting = 0
    assert worker.siblings.due()


def test_a_full_board_is_posted(workers: list[Worker]) -> None:
    worker = workers[0]
    for n in range(2000):
        worker.finish(f"{n:0900}")
    assert workers[1].requests == 2000


def test_a_full_disk_under_the_board_is_counted_and_nobody_notices(workers: list[Worker], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "pwrite", lambda file, data, place: 0)
    workers[0].finish("lost to the others")
    workers[0].siblings.post()
    monkeypatch.undo()
    assert (workers[0].requests, workers[1].requests) == (1, 0)
    workers[0].siblings.post()
    assert workers[1].requests == 1
    assert workers[1].metric("headroom_store_errors_total") == 1


def test_after_anothers_reset_only_what_follows_counts(workers: list[Worker]) -> None:
    workers[0].finish("before")
    workers[1].siblings.reset()
    workers[0].finish("after")
    assert [worker.requests for worker in workers] == [1, 1, 1]


def test_a_reset_is_everybodys(workers: list[Worker]) -> None:
    for worker in workers:
        worker.serve()
    workers[1].siblings.reset()
    assert [worker.requests for worker in workers] == [0, 0, 0]
    workers[2].serve()
    assert [worker.requests for worker in workers] == [1, 1, 1]
    assert workers[0].metric("headroom_requests_total") == 4, "counters of metrics only ever grow"


def test_another_versions_figures_are_left_alone(workers: list[Worker], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workers[0].serve()
    monkeypatch.setattr(Board, "_lock", lambda board, slot: slot == 0)
    other = Worker(tmp_path / "board", version="2")
    assert other.requests == 0
    other.serve()
    assert workers[1].requests == 0


def test_closing_leaves_the_last_figures(workers: list[Worker]) -> None:
    workers[0].account.begin()
    workers[0].account.end(RECORD)
    workers[0].siblings.close()
    assert workers[1].requests == 1


def test_alone_it_tells_for_itself() -> None:
    account = Account(Totals(), Metrics("1"), Learned(), None, lambda: 2.0)
    siblings = Siblings(account, "1", lambda: {STORED: 2})
    account.begin()
    account.end(RECORD)
    assert siblings.totals() is account.totals
    assert f"{STORED} 2" in siblings.metrics().render(False).decode()
    siblings.reset()
    assert account.totals.stats(3.0)["requests"]["total"] == 0


@pytest.mark.parametrize(("software", "folder", "found"), [("gunicorn/23", True, True), ("gunicorn/23", False, False), ("", True, False)])
def test_who_has_a_board(tmp_path: Path, software: str, folder: bool, found: bool) -> None:
    board = board_of(None, {"SERVER_SOFTWARE": software}, tmp_path / "state" if folder else None)
    assert (board is not None) is found
    assert (tmp_path / "state").exists() is found
    if board is not None:
        board.close()


def test_a_folder_that_cannot_be_had_is_no_reason_not_to_serve(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert board_of(None, {"SERVER_SOFTWARE": "gunicorn/23"}, tmp_path / "file") is None
