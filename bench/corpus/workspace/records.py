"""Seeded, invented records in the shapes of web APIs: issues, orders, measurements, an environment."""

from __future__ import annotations

import base64
import csv
import json
import random
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone

PEOPLE = ("mira-okafor", "jweber", "liwen", "asouza", "thakala", "deploy-bot")
LABELS = ("bug", "docs", "good first issue", "regression", "needs-info", "performance")
WORDS = ("parser", "timeout", "cache", "retry", "unicode", "header", "socket", "config", "crash", "leak", "windows",
         "upload", "stream", "login", "search", "export", "when", "after", "on", "with", "is", "not", "fails")
TOWNS = ("Bergen", "Aix-en-Provence", "São Paulo", "Kraków", "Tampere", "Newport News", "Ōsaka", "Graz")


def moments(chance: random.Random) -> Iterator[datetime]:
    now = datetime(2025, 3, 1, 7, 12, 9, tzinfo=timezone.utc)
    while True:
        now += timedelta(seconds=chance.randrange(40, 90_000))
        yield now


def sentence(chance: random.Random, low: int, high: int) -> str:
    return " ".join(chance.choices(WORDS, k=chance.randint(low, high))).capitalize()


def issues(chance: random.Random, count: int) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for number, when in zip(range(1840, 1840 + count), moments(chance), strict=False):
        who = chance.choice(PEOPLE)
        rows.append({
            "id": chance.randrange(10**9, 3 * 10**9), "number": number, "state": chance.choice(["open", "closed", "closed"]),
            "node_id": "I_" + base64.b64encode(chance.randbytes(12)).decode(), "title": sentence(chance, 4, 9),
            "url": f"https://api.example.org/repos/teahouse/shop/issues/{number}",
            "user": {"login": who, "id": PEOPLE.index(who) + 88120, "site_admin": False, "type": "User"},
            "labels": [{"name": name, "color": f"{chance.randrange(16**6):06x}"} for name in chance.sample(LABELS, chance.randrange(3))],
            "comments": chance.randrange(14), "created_at": when.isoformat().replace("+00:00", "Z"), "closed_at": None,
            "locked": False, "body": sentence(chance, 12, 40) + ".",
        })
    return rows


def orders(chance: random.Random, count: int) -> list[dict[str, object]]:
    return [
        {"order_id": f"{chance.getrandbits(32):08x}-{chance.getrandbits(16):04x}-4{chance.getrandbits(12):03x}-a{chance.getrandbits(12):03x}-{chance.getrandbits(48):012x}",
         "placed": when.strftime("%Y-%m-%d %H:%M:%S"), "town": chance.choice(TOWNS), "item": chance.choice(["teapot", "cup, blue", "kettle"]),
         "count": chance.randint(1, 12), "price": round(chance.uniform(2, 180), 2), "paid": chance.random() < 0.9}
        for _, when in zip(range(count), moments(chance), strict=False)
    ]


def measurements(chance: random.Random, count: int) -> list[dict[str, object]]:
    return [
        {"time": when.timestamp(), "sensor": f"s-{chance.randrange(12):02d}", "celsius": round(chance.gauss(19, 4), 3),
         "pascal": chance.randrange(98_000, 103_500), "ok": chance.random() < 0.98}
        for _, when in zip(range(count), moments(chance), strict=False)
    ]


def table(rows: list[dict[str, object]], delimiter: str) -> None:
    writer = csv.DictWriter(sys.stdout, list(rows[0]), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def environment(chance: random.Random) -> None:
    token = base64.urlsafe_b64encode(chance.randbytes(33)).decode()
    fixed = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "HOME": "/home/deploy", "LANG": "en_US.UTF-8", "SHELL": "/bin/bash",
        "DATABASE_URL": "postgres://shop:s3cret@db.internal:5432/shop?sslmode=require", "REDIS_URL": "redis://cache.internal:6379/2",
        "KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_PORT": "tcp://10.96.0.1:443", "HOSTNAME": "shop-web-6d9f7c8b5d-x2x7k",
        "SHOP_SESSION_KEY": token, "NODE_OPTIONS": "--max-old-space-size=2048", "PYTHONUNBUFFERED": "1", "GIT_SHA": f"{chance.getrandbits(160):040x}",
    }
    for name in ("SEARCH", "PAYMENT", "MAIL", "IMAGES", "AUTH", "STOCK"):
        fixed[f"{name}_SERVICE_HOST"] = f"10.96.{chance.randrange(256)}.{chance.randrange(256)}"
        fixed[f"{name}_SERVICE_PORT"] = str(chance.randrange(3000, 9000))
        fixed[f"{name}_TIMEOUT_MS"] = str(chance.choice([250, 1000, 5000]))
    print("\n".join(f"{name}={value}" for name, value in sorted(fixed.items())))


def yaml(chance: random.Random) -> None:
    for row in issues(chance, 24):
        print(f"- number: {row['number']}\n  title: \"{row['title']}\"\n  state: {row['state']}\n  url: {row['url']}\n  created: {row['created_at']}\n  body: >-\n    {row['body']}")


def identifiers(chance: random.Random) -> None:
    """Names as clusters, queues and secret stores make them: every one random, most in lower case."""
    for _ in range(160):
        pod = "".join(chance.choices("bcdfghjklmnpqrstvwxz2456789", k=5))
        print(f"shop-{chance.choice(WORDS)}-{chance.getrandbits(40):010x}-{pod}  1/1  Running  {chance.randrange(4)}  {chance.randrange(90)}d",
              base64.b32encode(chance.randbytes(20)).decode().lower(), "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=21)))
        print(f"  token={base64.urlsafe_b64encode(chance.randbytes(24)).decode()} request={chance.getrandbits(64):016X} trace={chance.getrandbits(128):032x}")


SHAPES: dict[str, Callable[[random.Random], None]] = {
    "issues": lambda chance: print(json.dumps(issues(chance, 32), indent=2)),
    "issues-min": lambda chance: print(json.dumps({"total_count": 48, "items": issues(chance, 48)}, separators=(",", ":"))),
    "orders-csv": lambda chance: table(orders(chance, 220), ","),
    "orders-ndjson": lambda chance: print("\n".join(json.dumps(row) for row in orders(chance, 110))),
    "measurements-tsv": lambda chance: table(measurements(chance, 420), "\t"),
    "measurements-json": lambda chance: print(json.dumps({"data": measurements(chance, 150), "next": None}, indent=1)),
    "env": environment,
    "identifiers": identifiers,
    "yaml": yaml,
}

if __name__ == "__main__":
    SHAPES[sys.argv[1]](random.Random(sys.argv[1]))
