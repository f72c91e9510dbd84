"""Four workers before sixty-four clients: limits hold for all together, every account says the same, and a killed worker loses none of it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from headroom.demo.serving import application
from headroom.http.asgi import ASGIApp
from headroom.http.message import Body, Request, Response, once
from tests.live.test_ledger import counted, savings
from tests.live.test_limits import headroom_budget
from tests.live.test_proxy import LOG, Running, proxy, result
from tests.live.test_workers import ready, until, workers

pytestmark = [pytest.mark.live, pytest.mark.skipif(os.name != "posix", reason="processes that share a socket")]

WORKERS, CLIENTS, EACH = 4, 64, 4
RPM, BUDGET = 60, 10
KEYS = ("sk-even", "sk-odd")
PRICES = {"models": {"priced": {"input": 1, "output": 10}}}
USAGE = {"input_tokens": 100_000, "output_tokens": 5_000}
COST = 0.15
"""Dollars for one answer with this usage at these prices, which are for a million tokens."""

RESERVED = 0.04
"""At least so many are reserved before: 4,096 tokens of output."""

FIGURES = ("requests", "tokens_saved", "spent_usd", "saved_usd")


class Model:
    """A provider that counts its answers and says the same each time: at once, or for every third client as a stream."""

    def __init__(self) -> None:
        self.answered = 0
        self.edition = 1

    async def __call__(self, request: Request) -> Response:
        sent = b"".join([chunk async for chunk in request.body])
        self.answered += 1
        if json.loads(sent).get("stream"):
            return Response(200, [(b"content-type", b"text/event-stream")], Body(self._events()))
        told = {"type": "message", "content": [{"type": "text", "text": f"edition {self.edition}"}], "usage": USAGE}
        return Response(200, [(b"content-type", b"application/json")], once(json.dumps(told).encode()))

    async def _events(self) -> AsyncIterator[bytes]:
        start = {"type": "message_start", "message": {"usage": {**USAGE, "output_tokens": 1}}}
        for event in (start, {"type": "message_delta", "usage": {"output_tokens": USAGE["output_tokens"]}}, {"type": "message_stop"}):
            yield b"data: %s\n\n" % json.dumps(event).encode()


def key_of(id: str) -> str:
    """The credential of the client that sends this request."""
    return KEYS[int(id.partition("-")[0]) % 2]


@dataclass
class Clients:
    """What they were answered, by the id of their request; 0 stands for no whole answer."""

    port: int
    statuses: dict[str, int] = field(default_factory=dict)

    def ask(self, id: str) -> None:
        client = int(id.partition("-")[0])
        body = {**result(f"{LOG}\nrun {id}"), "model": "priced", "max_tokens": 5000, "stream": client % 3 == 0}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", "/v1/messages", json.dumps(body), {"x-api-key": key_of(id), "x-request-id": id})
            answer = connection.getresponse()
            data = answer.read()
            whole = answer.status != 200 or b'"message_stop"' in data or b'"usage"' in data
            self.statuses[id] = answer.status if whole else 0
        except (OSError, http.client.HTTPException):
            self.statuses[id] = 0
        finally:
            connection.close()

    def turns(self, client: int) -> None:
        for n in range(EACH):
            self.ask(f"{client}-{n}")

    def number(self, status: int) -> int:
        return list(self.statuses.values()).count(status)


@dataclass
class Stage:
    running: Running
    model: Model
    home: Path
    log: Path

    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.log.read_text("utf-8").splitlines()]

    def account(self) -> list[tuple[float, ...]]:
        """The same figures by everybody who keeps them, whichever worker answers."""
        stats, text = json.loads(self.running.ask("GET", "/stats")[2]), self.running.ask("GET", "/metrics")[2].decode()
        lines = self.lines()
        priced = [line for line in lines if line["cost_usd"] is not None]
        found = [
            (stats["requests"]["total"], stats["tokens"]["saved"], stats["cost"]["spent_usd"], stats["cost"]["saved_usd"]),
            (counted(text, "headroom_requests_total"), counted(text, "headroom_tokens_saved_total") - counted(text, "headroom_tokens_lost_total"),
             counted(text, "headroom_cost_usd_total"),
             counted(text, "headroom_saved_usd_total") - counted(text, "headroom_loss_usd_total")),
            (len(lines), sum(line["tokens_saved"] for line in lines), sum(line["cost_usd"] for line in priced), sum(line["saved_usd"] for line in priced)),
            tuple(stats["persistent_savings"][name] for name in FIGURES),
        ]
        return [tuple(round(n, 6) for n in figures) for figures in found]

    def settled(self) -> int:
        """How many requests there were, once all say the same, whichever worker is asked: what a killed one had finished while
        its client saw no whole answer is found by its successor."""
        found: list[set[float]] = []

        def same() -> bool:
            found[:] = [{row[0] for row in self.account()} for _ in range(WORKERS)]
            return len(set.union(*found)) == 1

        until(same)
        return int(found[0].pop())

    def agreed(self, requests: int) -> tuple[float, ...]:
        """The one account, once the last lines are written."""
        until(lambda: all({row[0] for row in self.account()} == {requests} for _ in range(WORKERS)))
        account = self.account()
        (window,) = [window for window in savings(self.home)["windows"] if window["window"] == "all_time"]
        assert {*account, tuple(round(window[name], 6) for name in FIGURES)} == {account[0]}
        return account[0]


Start = Callable[..., AbstractContextManager[Stage]]


@pytest.fixture
def stage(tmp_path: Path, servers: Callable[[ASGIApp], str]) -> Start:
    prices, log = tmp_path / "prices.json", tmp_path / "log.jsonl"
    prices.write_text(json.dumps(PRICES), "utf-8")

    @contextmanager
    def started(*options: str, environ: dict[str, str] | None = None) -> Iterator[Stage]:
        model = Model()
        port = int(servers(application(model)).rpartition(":")[2])
        options = ("--workers", str(WORKERS), "--prices", str(prices), "--log-file", str(log), *options)
        with proxy(port, tmp_path, *options, environ=environ) as running:
            ready(running, WORKERS)
            yield Stage(running, model, tmp_path, log)

    return started


def all_ask(running: Running) -> Clients:
    clients = Clients(running.port)
    with ThreadPoolExecutor(CLIENTS) as threads:
        list(threads.map(clients.turns, range(CLIENTS)))
    return clients


def test_limits_hold_for_all_workers_together_and_all_accounts_agree(stage: Start) -> None:
    """Two credentials, each with its bucket, and a budget for both that is used up before their requests are."""
    with stage("--rpm", str(RPM), "--budget", str(BUDGET)) as at:
        began = time.monotonic()
        clients = all_ask(at.running)
        poured = (time.monotonic() - began) * RPM / 60
        passed, refused = clients.number(200), clients.number(429)
        assert passed + refused == CLIENTS * EACH
        assert at.model.answered == passed
        requests, saved, spent, _ = at.agreed(passed + refused)
        assert (requests, spent) == (CLIENTS * EACH, round(passed * COST, 6))
        assert saved > 0
        lines = at.lines()
        assert {line["request_id"]: line["status"] for line in lines} == clients.statuses
        assert sum(line["output_tokens"] or 0 for line in lines) == at.model.answered * USAGE["output_tokens"]
        for key in KEYS:
            admitted = [line for line in lines if key == key_of(line["request_id"]) and line["error"] != "TooMany"]
            assert RPM <= len(admitted) <= RPM + poured + WORKERS
        over = sum(line["error"] == "OverBudget" for line in lines)
        assert over > 0
        assert spent <= BUDGET + CLIENTS * (COST - RESERVED)
        told = [json.loads(at.running.ask("GET", "/stats")[2]) for _ in range(WORKERS)]
        assert {(one["requests"]["rate_limited"], one["requests"]["over_budget"]) for one in told} == {(refused - over, over)}
        assert counted(at.running.ask("GET", "/metrics")[2].decode(), "headroom_refused_total") == refused
        until(lambda: headroom_budget(at.home).startswith(f"daily: ${spent:.4f} of "))
        assert {round(one["cost"]["budget"]["reserved"], 9) for one in told} == {0.0}


def test_a_worker_killed_under_load_is_replaced_and_loses_nothing_that_was_finished(stage: Start) -> None:
    with stage("--no-rate-limit") as at:
        clients, victim = Clients(at.running.port), workers(at.running)[0]
        stop = threading.Event()

        def ask(client: int) -> None:
            n = 0
            while not stop.is_set():
                clients.ask(f"{client}-{n}")
                n += 1

        def more(number: int) -> None:
            goal = clients.number(200) + number
            until(lambda: clients.number(200) >= goal)

        with ThreadPoolExecutor(CLIENTS) as threads:
            asking = [threads.submit(ask, client) for client in range(CLIENTS)]
            try:
                more(100)
                os.kill(victim, signal.SIGKILL)
                until(lambda: victim not in workers(at.running) and len(workers(at.running)) == WORKERS)
                more(60)
            finally:
                stop.set()
            for one in asking:
                one.result()
        whole = {id for id, status in clients.statuses.items() if status == 200}
        assert set(clients.statuses.values()) <= {0, 200}
        until(lambda: whole <= {line["request_id"] for line in at.lines()})
        number = at.settled()
        ids = [line["request_id"] for line in at.lines()]
        assert len(ids) == len(set(ids)) == number
        assert len(whole) <= len(ids) <= at.model.answered <= len(clients.statuses)
        requests, _, spent, _ = at.agreed(len(ids))
        assert (requests, spent) == (len(ids), round(len(ids) * COST, 6))


def test_clearing_the_cache_reaches_all_workers(stage: Start) -> None:
    asked = {"model": "priced", "max_tokens": 5, "messages": [{"role": "user", "content": "hello"}]}

    def answers(running: Running) -> list[tuple[str | None, str]]:
        def ask(_: int) -> tuple[str | None, str]:
            _, headers, data = running.ask("POST", "/v1/messages", asked)
            return headers["x-headroom-cache"], json.loads(data)["content"][0]["text"]

        with ThreadPoolExecutor(CLIENTS) as threads:
            return list(threads.map(ask, range(CLIENTS)))

    with stage("--no-rate-limit", environ={"HEADROOM_NO_CACHE": "0"}) as at:
        first = answers(at.running)
        assert {text for _, text in first} == {"edition 1"}
        assert [state for state, _ in first].count("hit") == CLIENTS - at.model.answered >= CLIENTS - WORKERS
        at.model.edition = 2
        assert {text for state, text in answers(at.running) if state == "hit"} >= {"edition 1"}
        assert at.running.ask("POST", "/cache/clear", {})[0] == 200
        assert {text for _, text in answers(at.running)} == {"edition 2"}
