# ruff: noqa: ASYNC240 - a test has nothing else to do while the disk answers

from __future__ import annotations

import json
import logging
import os
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom.ccr import key_of
from headroom.conversation import Edit, Report, Skipped, Usage
from headroom.errors import SettingsError
from headroom.record import Cost, Record
from headroom.requestlog import QUEUE_BYTES, RequestLog, line, row
from tests.clock import Clock

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="files that are open cannot be renamed or deleted there"),
]

EVENTUALLY = 30
"""Seconds after which a test is broken rather than slow."""

RECORD = Record(
    ts=1_700_000_000.12345, request_id="r-1", provider="anthropic", dialect="anthropic", model="claude", path="/v1/messages",
    stream=True, status=200, report=Report(before=90, after=60), tokens_before=100, tokens_after=75,
)

FIELDS = [
    "ts", "request_id", "provider", "model", "path", "stream", "status", "tokens_before", "tokens_after", "tokens_saved",
    "savings_percent", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "cost_usd", "saved_usd",
    "overhead_ms", "ttfb_ms", "total_ms", "cache", "edits", "skipped", "error", "session", "project",
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "requests.jsonl"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@asynccontextmanager
async def opened(path: Path, clock: Clock) -> AsyncIterator[RequestLog]:
    log = RequestLog(str(path), clock)
    try:
        yield log
    finally:
        await log.aclose()


def numbered(number: int) -> Record:
    return replace(RECORD, request_id=f"r-{number}")


def ids(*paths: Path) -> list[str]:
    return [json.loads(text)["request_id"] for path in paths for text in path.read_text().splitlines()]


async def settled(log: RequestLog) -> None:
    """Until the thread has written what it was given: it, and nothing else, says so."""
    with anyio.fail_after(EVENTUALLY):
        while log.waiting:
            await anyio.to_thread.run_sync(os.sched_yield)


# One line ---------------------------------------------------------------------------------------------------


def test_a_line_has_these_fields_in_this_order() -> None:
    assert list(row(RECORD)) == FIELDS
    for nobodys in (replace(RECORD, model=""), replace(RECORD, cost=Cost(unpriced=True))):
        assert row(nobodys)["cost_usd"] is None
        assert row(nobodys)["saved_usd"] is None


def test_a_line_says_what_the_record_says() -> None:
    edits = (Edit("logs", "Bash", "secret original", "short", "equal", 60, 20),)
    skipped = (Skipped("short", 5), Skipped("error", 7), Skipped("short", 1))
    full = replace(
        RECORD, report=Report(90, 60, edits, skipped, originals={"k": "secret original"}), usage=Usage(1, 2, 3, 4),
        overhead_ms=1.23456, ttfb_ms=2.0, total_ms=3.99999, error="Garbled", session="s", project="p", cost=Cost(1_500_000_001, -20_000),
    )
    told: dict[str, Any] = json.loads(line(row(full)))
    assert "secret" not in json.dumps(told)
    assert told == {
        "ts": 1_700_000_000.123, "request_id": "r-1", "provider": "anthropic", "model": "claude", "path": "/v1/messages",
        "stream": True, "status": 200, "tokens_before": 100, "tokens_after": 75, "tokens_saved": 25, "savings_percent": 25.0,
        "input_tokens": 1, "output_tokens": 2, "cache_read_tokens": 3, "cache_write_tokens": 4, "cost_usd": 1.500000001,
        "saved_usd": -0.00002, "overhead_ms": 1.235, "ttfb_ms": 2.0, "total_ms": 4.0, "cache": "bypass",
        "edits": [{"by": "logs", "tool": "Bash", "before": 60, "after": 20, "grade": "equal", "key": key_of("secret original")}],
        "skipped": {"short": 6, "error": 7}, "error": "Garbled", "session": "s", "project": "p",
    }


def test_bodies_stand_last_and_without_credentials() -> None:
    key = "sk-" + "ant-0123456789abcdef"
    told = json.loads(line(row(replace(RECORD, request=f'{{"key": "{key}"}}', response="fine"))))
    assert list(told) == [*FIELDS, "request", "response"]
    assert key not in told["request"]
    assert told["response"] == "fine"


@given(st.text(), st.text(), st.text())
def test_whatever_a_client_sends_it_stays_one_line(model: str, path: str, body: str) -> None:
    text = line(row(replace(RECORD, model=model + "\n\x1b[31m\u2028\ud800", path=path, request=body, error=body)))
    assert text.isascii()
    assert text.count(b"\n") == 1
    assert json.loads(text)["model"] == (model + "\n\x1b[31m\u2028\ud800")[:300]


# The file ---------------------------------------------------------------------------------------------------


async def test_records_become_lines_in_order(path: Path, clock: Clock) -> None:
    async with opened(path, clock) as log:
        for number in range(500):
            log.write(numbered(number))
    assert ids(path) == [f"r-{n}" for n in range(500)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert log.dropped == 0


async def test_lines_are_added_to_what_was_there(path: Path, clock: Clock) -> None:
    for number in range(3):
        async with opened(path, clock) as log:
            log.write(numbered(number))
    assert ids(path) == ["r-0", "r-1", "r-2"]


async def test_nothing_written_nothing_to_wait_for(path: Path, clock: Clock) -> None:
    async with opened(path, clock):
        pass
    assert path.read_text() == ""


async def test_a_line_after_closing_is_dropped_and_counted(path: Path, clock: Clock) -> None:
    async with opened(path, clock) as log:
        pass
    log.write(RECORD)
    assert (log.dropped, path.read_text()) == (1, "")


@pytest.mark.parametrize("where", ["missing/log", "folder", "file/log"])
def test_a_path_that_cannot_be_written_is_said_at_once(tmp_path: Path, where: str, clock: Clock) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError) as raised:
        RequestLog(str(tmp_path / where), clock)
    assert "cannot write the log file" in raised.value.message


async def test_a_renamed_file_gets_a_successor_within_a_second(path: Path, clock: Clock) -> None:
    moved = path.with_suffix(".1")
    async with opened(path, clock) as log:
        log.write(numbered(0))
        await settled(log)
        path.rename(moved)
        log.write(numbered(1))
        await settled(log)
        clock.now += 1.0
        log.write(numbered(2))
    assert (ids(moved), ids(path)) == (["r-0", "r-1"], ["r-2"])


async def test_reopen_does_not_wait_for_that_second(path: Path, clock: Clock) -> None:
    moved = path.with_suffix(".1")
    async with opened(path, clock) as log:
        log.write(numbered(0))
        await settled(log)
        path.rename(moved)
        log.reopen()
        log.write(numbered(1))
    assert (ids(moved), ids(path)) == (["r-0"], ["r-1"])


async def test_a_deleted_file_comes_back(path: Path, clock: Clock) -> None:
    async with opened(path, clock) as log:
        log.write(numbered(0))
        await settled(log)
        path.unlink()
        clock.now += 1.0
        log.write(numbered(1))
    assert ids(path) == ["r-1"]
    assert log.dropped == 0


async def test_a_truncated_file_goes_on_at_its_start(path: Path, clock: Clock) -> None:
    async with opened(path, clock) as log:
        log.write(numbered(0))
        await settled(log)
        os.truncate(path, 0)
        log.write(numbered(1))
    assert ids(path) == ["r-1"]


async def test_lines_that_a_killed_process_had_not_written_are_written_once(path: Path, clock: Clock) -> None:
    async with opened(path, clock) as log:
        for n in (1, 2):
            log.write(numbered(n))
        await settled(log)
    rows = [json.loads(line(row(numbered(n)))) for n in (1, 2, 3)]
    again = json.loads(line(row(replace(numbered(1), ts=RECORD.ts + 1))))  # a client may choose an id twice
    async with opened(path, clock) as successor:
        successor.restore([*rows, again])
        successor.restore([])
        successor.write(numbered(4))
        await settled(successor)
    assert ids(path) == ["r-1", "r-2", "r-3", "r-1", "r-4"]


async def test_a_pipe_cannot_tell_what_was_written(tmp_path: Path, clock: Clock) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    log = RequestLog(pipe, clock)
    log.restore([row(RECORD)])
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(BlockingIOError):
        os.read(reader, 1)
    os.close(reader)
    assert log.dropped == 0
    await log.aclose()


async def test_what_cannot_be_restored_is_counted(tmp_path: Path, clock: Clock) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    log = RequestLog(folder / "log", clock)
    (folder / "log").unlink()
    folder.rmdir()
    log.restore([row(RECORD)])
    assert log.dropped == 1


async def test_a_line_torn_by_a_kill_does_not_spoil_the_next(path: Path, clock: Clock) -> None:
    path.write_text('{"request_id": "r-0"}\n{"request_')
    async with opened(path, clock) as log:
        log.write(numbered(1))
    first, torn, last = path.read_text().splitlines()
    assert (json.loads(first)["request_id"], torn, json.loads(last)["request_id"]) == ("r-0", '{"request_', "r-1")


async def test_a_vanished_folder_costs_lines_and_one_warning(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "logs" / "requests.jsonl"
    path.parent.mkdir()
    async with opened(path, clock) as log:
        log.write(numbered(0))
        await settled(log)
        path.unlink()
        path.parent.rmdir()
        clock.now += 1.0
        with caplog.at_level(logging.WARNING):
            for number in range(1, 4):
                log.write(numbered(number))
                await settled(log)
        assert (log.dropped, len(caplog.records)) == (3, 1)
        path.parent.mkdir()
        log.write(numbered(4))
    assert ids(path) == ["r-4"]


async def test_a_reader_that_hangs_costs_lines_and_no_time(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    log = RequestLog(str(path), clock, flush=0.01)
    big = replace(RECORD, request="x" * (1 << 20))
    for _ in range(40):
        log.write(big)
    assert 40 - QUEUE_BYTES // (1 << 20) <= log.dropped < 40
    await log.aclose()
    # The thread still sits in its write; reading lets it end.
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    (thread,) = [t for t in threading.enumerate() if t.name == "request log"]
    with anyio.fail_after(EVENTUALLY):
        while thread.is_alive():
            try:
                os.read(reader, 1 << 20)
            except BlockingIOError:
                await anyio.to_thread.run_sync(os.sched_yield)
    os.close(reader)


async def test_no_original_is_held_while_lines_wait(path: Path, clock: Clock) -> None:
    fields = row(replace(RECORD, report=Report(originals={"k": "x" * 1000}, forms={"c": "y" * 1000})))
    assert len(json.dumps(fields)) < 1000


# Several processes ------------------------------------------------------------------------------------------

OTHERS = """
import anyio, os, sys, resource, time
from dataclasses import replace
from headroom.conversation import Report
from headroom.record import Cost, Record
from headroom.requestlog import RequestLog
RECORD = Record(ts=1.0, request_id="", provider="p", dialect="d", model="m", path="/", stream=False, status=200,
                report=Report(), tokens_before=1, tokens_after=1)
log = RequestLog(sys.argv[1], time.monotonic)
def write(name):
    for number in range(int(sys.argv[2])):
        log.write(replace(RECORD, request_id=f"{name}-{number}", request="x" * (number % 200)))
"""

MANY = """
write("parent")
pids = []
for worker in range(4):
    if (pid := os.fork()) == 0:
        write(worker)
        anyio.run(log.aclose)
        os._exit(0)
    pids.append(pid)
print([os.waitpid(pid, 0)[1] for pid in pids])
anyio.run(log.aclose)
"""

FULL = """
async def main():
    write("a")
    while log.waiting:
        await anyio.to_thread.run_sync(os.sched_yield)
    print(log.dropped, flush=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    write("b")
    await log.aclose()
    print(log.dropped)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
anyio.run(main)
"""


def run(script: str, path: Path, count: int) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", OTHERS + script, str(path), str(count)], capture_output=True, text=True, timeout=EVENTUALLY,
        check=True,
    )
    return done.stdout, done.stderr


def test_workers_that_were_forked_never_mix_their_lines(path: Path) -> None:
    out, err = run(MANY, path, 500)
    assert out.split("\n")[0] == "[0, 0, 0, 0]", err
    told = ids(path)
    assert sorted(told) == sorted(f"{name}-{n}" for name in ("parent", 0, 1, 2, 3) for n in range(500))
    for name in "0123":
        mine = [t for t in told if t.startswith(name + "-")]
        assert mine == [f"{name}-{n}" for n in range(500)]


def test_a_full_disk_loses_lines_but_never_half_of_one(path: Path) -> None:
    out, err = run(FULL, path, 300)
    lost, after = (int(n) for n in out.split())
    told = ids(path)
    assert lost == after > 0
    assert len(told) == 600 - lost
    assert sum(t.startswith("b-") for t in told) == 300
    assert err.count("cannot be written") == 1
