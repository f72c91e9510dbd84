"""A small order service on the loopback and a seeded customer; what they log is part of the corpus."""

from __future__ import annotations

import json
import logging
import random
import sys
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

REQUESTS = 170
ITEMS = ("teapot", "cup", "kettle", "strainer", "saucer")

log = logging.getLogger("shop.orders")
access = logging.getLogger("shop.access")


class JsonLines(logging.Formatter):
    """One JSON object a line, as many services log."""

    def format(self, record: logging.LogRecord) -> str:
        row = {"ts": self.formatTime(record), "level": record.levelname.lower(), "logger": record.name,
               "msg": record.getMessage(), "thread": record.threadName}
        if record.exc_info:
            row["exception"] = self.formatException(record.exc_info)
        return json.dumps(row)


class Orders(BaseHTTPRequestHandler):
    """POST /orders with {item, count}; GET /orders/N; GET /health."""

    stock = dict.fromkeys(ITEMS, 90)
    orders: list[dict[str, object]] = []  # noqa: RUF012 - the one shared book of a demonstration

    def answer(self, status: int, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        if self.path == "/health":
            return self.answer(200, {"status": "ok"})
        try:
            return self.answer(200, self.orders[int(self.path.rsplit("/", 1)[1])])
        except (ValueError, IndexError):
            log.exception("order lookup failed for %s", self.path)
            return self.answer(404, {"error": "no such order"})

    def do_POST(self) -> None:
        wish = json.loads(self.rfile.read(int(self.headers["content-length"])))
        item, count = wish["item"], wish["count"]
        if item not in self.stock:
            log.warning("rejected order: unknown item %r from customer=%s", item, self.headers["x-customer"])
            return self.answer(422, {"error": "unknown item"})
        if self.stock[item] < count:
            log.error("out of stock: item=%s wanted=%d left=%d", item, count, self.stock[item])
            return self.answer(409, {"error": "out of stock"})
        self.stock[item] -= count
        self.orders.append(wish)
        log.info("order %d accepted: item=%s count=%d stock_left=%d", len(self.orders) - 1, item, count, self.stock[item])
        log.debug("reserved %d×%s in warehouse w%d slot %d", count, item, count % 3, self.stock[item] * 7)
        return self.answer(201, {"id": len(self.orders) - 1})

    def log_message(self, format: str, *args: object) -> None:
        access.info("%s - %s", self.client_address[0], format % args)


def shop_around(port: int, seed: int) -> None:
    """The customer: mostly good orders, some bad ones, some lookups."""
    chance = random.Random(seed)
    for _ in range(REQUESTS):
        path = chance.choice(["/orders"] * 6 + ["/health", f"/orders/{chance.randrange(90)}", "/orders/last"])
        wish = {"item": chance.choice([*ITEMS, "samovar"]), "count": chance.randint(1, 9)}
        body = json.dumps(wish).encode() if path == "/orders" else None
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, {"x-customer": f"c{chance.randrange(500):04d}"})
        try:
            urllib.request.urlopen(request, timeout=5).read()
        except urllib.error.HTTPError as refused:
            refused.read()


def serve(folder: Path) -> None:
    plain = logging.FileHandler(folder / "service.log")
    plain.setFormatter(logging.Formatter("%(asctime)s %(levelname)-8s [%(threadName)s] %(name)s: %(message)s"))
    lines = logging.FileHandler(folder / "service.jsonl")
    lines.setFormatter(JsonLines())
    logging.basicConfig(level=logging.DEBUG, handlers=[plain, lines])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Orders)
    log.info("listening on 127.0.0.1:%d", server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    shop_around(server.server_port, seed=11)
    server.shutdown()
    log.info("bye after %d orders", len(Orders.orders))


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
