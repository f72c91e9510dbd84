"""A small, believable project for recorded agents to work on: our own code and data beside permissively licensed packages.

Everything is made from a seed and fixed dates, so that two recordings differ only in what clients do.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from importlib.util import find_spec
from pathlib import Path

VENDORED = ("h11", "anyio", "click")
"""MIT, MIT and BSD-3-Clause; copied with their licence files from where this interpreter has them."""

BORN = datetime(2026, 3, 2, 9, 0, tzinfo=timezone.utc)

PRICING = '''\
"""Prices, discounts and taxes of an order, in whole cents."""

from __future__ import annotations

from dataclasses import dataclass

TAX = {"DE": 19, "FR": 20, "NL": 21, "US": 0}


@dataclass(frozen=True)
class Line:
    sku: str
    quantity: int
    unit_cents: int


def net(lines: list[Line]) -> int:
    return sum(line.quantity * line.unit_cents for line in lines)


def discount(cents: int, percent: int) -> int:
    """A discount is rounded in the customer's favour."""
    return cents - cents * percent // 100


def gross(cents: int, country: str) -> int:
    """Tax is rounded half up, per order, not per line."""
    return cents + cents * TAX[country] // 100


def total(lines: list[Line], country: str, percent: int = 0) -> int:
    return gross(discount(net(lines), percent), country)
'''

TEST_PRICING = '''\
import pytest

from orders.pricing import Line, discount, gross, net, total


@pytest.mark.parametrize("quantity", range(1, 61))
def test_net_is_linear(quantity):
    assert net([Line("A-1", quantity, 250)]) == 250 * quantity


@pytest.mark.parametrize("percent", range(0, 100, 5))
def test_discount_never_grows(percent):
    assert discount(9_999, percent) <= 9_999


@pytest.mark.parametrize(("cents", "country", "expected"), [
    (1000, "DE", 1190), (1003, "DE", 1194), (999, "FR", 1199), (250, "NL", 303), (777, "US", 777), (50, "DE", 60),
])
def test_gross_rounds_half_up(cents, country, expected):
    assert gross(cents, country) == expected


@pytest.mark.parametrize("country", ["DE", "FR", "NL", "US"])
@pytest.mark.parametrize("percent", [0, 5, 10, 25])
def test_total_is_at_least_the_discounted_net(country, percent):
    lines = [Line("A-1", 3, 333), Line("B-2", 1, 1999)]
    assert total(lines, country, percent) >= discount(net(lines), percent)
'''

LEDGER = '''\
"""Booking of orders: every change is an entry, nothing is ever overwritten."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    order_id: int
    kind: str
    cents: int
    at: str


class Ledger:
    """Append-only, one JSON object a line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, entry: Entry) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(entry)) + "\\n")

    def __iter__(self) -> Iterator[Entry]:
        if not self._path.exists():
            return
        with self._path.open(encoding="utf-8") as file:
            for row in file:
                yield Entry(**json.loads(row))


def balance(entries: Iterable[Entry]) -> dict[int, int]:
    """Cents still owed, by order."""
    owed: dict[int, int] = {}
    for entry in entries:
        sign = 1 if entry.kind == "charge" else -1
        owed[entry.order_id] = owed.get(entry.order_id, 0) + sign * entry.cents
    return owed
'''

TEST_LEDGER = '''\
import pytest

from orders.ledger import Entry, Ledger, balance


@pytest.mark.parametrize("count", range(40))
def test_what_is_appended_is_read_back(tmp_path, count):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    entries = [Entry(n, "charge", 100 * n, "2026-03-02T09:00:00Z") for n in range(count)]
    for entry in entries:
        ledger.append(entry)
    assert list(ledger) == entries


def test_a_refund_settles_a_charge():
    assert balance([Entry(1, "charge", 500, ""), Entry(1, "refund", 500, "")]) == {1: 0}
'''

NATIVE = '''\
#include <stdio.h>
#include <string.h>

/* Checksum {n} of the order feed: each feed version has its own polynomial. */
static unsigned table_{n}[256];

int feed_{n}_prepare(void)
{{
    int unused_{n};
    for (unsigned i = 0; i < 256; i++) {{
        unsigned c = i;
        for (int k = 0; k < 8; k++)
            c = c & 1 ? 0xedb8{n:02d}20u ^ (c >> 1) : c >> 1;
        table_{n}[i] = c;
    }}
    return 0;
}}

unsigned feed_{n}_sum(const char *data)
{{
    unsigned c = ~0u;
    for (int i = 0; i < strlen(data); i++)
        c = table_{n}[(c ^ data[i]) & 0xff] ^ (c >> 8);
    return ~c;
}}
'''

MAKEFILE = """\
CFLAGS = -O2 -Wall -Wextra
OBJECTS = $(patsubst %.c,%.o,$(wildcard feed_*.c))

libfeed.a: $(OBJECTS)
\tar rcs $@ $^

clean:
\trm -f $(OBJECTS) libfeed.a
"""

README = """\
# Orders

Prices, books and reports the orders of a small shop.

- `orders/`: the service; amounts are whole cents throughout
- `native/`: checksums of the order feed, in C
- `vendor/`: third-party packages, copied with their licences
- `data/`, `logs/`: samples from the staging system
"""


def build(root: Path, seed: int = 11) -> None:
    """Make the repository in `root`, which must be empty."""
    chance = random.Random(seed)
    subprocess.run(["git", "init", "-q", "-b", "main", "."], cwd=root, check=True)
    for day, (message, files) in enumerate(_history(chance)):
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, "utf-8")
        _commit(root, message, BORN + timedelta(hours=7 * day, minutes=13 * day % 60))


def _history(chance: random.Random) -> Iterator[tuple[str, dict[str, str]]]:
    yield "Start with a readme", {"README.md": README, ".gitignore": "__pycache__/\n*.o\n*.a\n.pytest_cache/\n"}
    yield "Price orders in whole cents", {"orders/__init__.py": "", "orders/pricing.py": PRICING}
    yield "Test the prices", {"tests/test_pricing.py": TEST_PRICING, "conftest.py": ""}
    yield "Keep an append-only ledger", {"orders/ledger.py": LEDGER, "tests/test_ledger.py": TEST_LEDGER}
    for name in VENDORED:
        yield from _vendor(name)
    for number in range(1, 25):
        files = {f"native/feed_{number:02d}.c": NATIVE.format(n=number), "native/Makefile": MAKEFILE}
        yield f"Checksum feed version {number}", files
    yield "Add samples from staging", {"data/orders.json": orders(chance, 130), "logs/service.log": service_log(chance, 420)}


def _vendor(name: str) -> Iterator[tuple[str, dict[str, str]]]:
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).parent
    for path in sorted(source.rglob("*.py")):
        inside = path.relative_to(source).as_posix()
        yield f"vendor {name}: {inside}", {f"vendor/{name}/{inside}": path.read_text("utf-8")}
    for path in sorted(source.parent.glob(f"{name}-*.dist-info/**/LICENSE*")):
        yield f"vendor {name}: its licence", {f"vendor/{name}/{path.name}": path.read_text("utf-8")}


def _commit(root: Path, message: str, when: datetime) -> None:
    stamp = when.isoformat()
    environment = {"GIT_AUTHOR_DATE": stamp, "GIT_COMMITTER_DATE": stamp, "PATH": "/usr/local/bin:/usr/bin:/bin",
                   "GIT_AUTHOR_NAME": "Robin Dale", "GIT_AUTHOR_EMAIL": "robin@example.com", "HOME": str(root),
                   "GIT_COMMITTER_NAME": "Robin Dale", "GIT_COMMITTER_EMAIL": "robin@example.com"}
    git = shutil.which("git") or "git"
    subprocess.run([git, "add", "-A"], cwd=root, check=True, env=environment)
    subprocess.run([git, "commit", "-q", "-m", message], cwd=root, check=True, env=environment)


def orders(chance: random.Random, count: int) -> str:
    """An answer of an orders API, indented as `jq` and most frameworks print it."""
    statuses = ["paid"] * 6 + ["shipped"] * 9 + ["returned", "cancelled"]
    rows = [
        {
            "id": 40_000 + 3 * number,
            "customer": f"c-{chance.randrange(10**6):06d}",
            "email": f"customer{chance.randrange(900)}@example.com",
            "status": chance.choice(statuses),
            "currency": "EUR",
            "total_cents": chance.randrange(500, 90_000),
            "placed_at": (BORN + timedelta(minutes=97 * number)).isoformat(),
            "lines": [
                {"sku": f"{chance.choice('ABCD')}-{chance.randrange(300)}", "quantity": chance.randrange(1, 6)}
                for _ in range(chance.randrange(1, 4))
            ],
            "note": None if chance.random() < 0.9 else "leave with the neighbour",
        }
        for number in range(count)
    ]
    return json.dumps({"orders": rows, "next": None, "total": count}, indent=2) + "\n"


def service_log(chance: random.Random, count: int) -> str:
    """What a web service writes in a bad quarter of an hour."""
    now, rows = BORN, list[str]()
    for _ in range(count):
        now += timedelta(milliseconds=chance.randrange(20, 3_000))
        rows.extend(_log_lines(chance, now.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"))
    return "\n".join(rows) + "\n"


def _log_lines(chance: random.Random, at: str) -> Iterator[str]:
    request, worker, took = f"{chance.randrange(16**12):012x}", chance.randrange(4), chance.randrange(3, 400)
    kind = chance.random()
    if kind < 0.62:
        yield f"{at} INFO [worker-{worker}] orders.api GET /api/v1/orders/{chance.randrange(40_000, 40_390)} 200 {took}ms request={request}"
    elif kind < 0.8:
        yield f"{at} INFO [worker-{worker}] orders.api POST /api/v1/orders 201 {took}ms request={request}"
    elif kind < 0.9:
        yield f"{at} DEBUG [worker-{worker}] orders.pool connection {chance.randrange(12)} reused, idle {took}ms"
    elif kind < 0.96:
        yield f"{at} WARNING [worker-{worker}] orders.stock slow query: {took * 9}ms sku={chance.choice('ABCD')}-{chance.randrange(300)}"
    else:
        yield f"{at} ERROR [worker-{worker}] orders.api POST /api/v1/orders 500 {took}ms request={request}"
        yield "Traceback (most recent call last):"
        yield '  File "/srv/app/orders/api.py", line 88, in place'
        yield "    cents = total(lines, customer.country, customer.percent)"
        yield '  File "/srv/app/orders/pricing.py", line 36, in total'
        yield "    return gross(discount(net(lines), percent), country)"
        yield '  File "/srv/app/orders/pricing.py", line 32, in gross'
        yield "    return cents + cents * TAX[country] // 100"
        yield f"KeyError: '{chance.choice(['AT', 'BE', 'CH'])}'"
