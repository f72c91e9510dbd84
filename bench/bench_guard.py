"""What limits, a budget and all that keeps accounts add to a request: the same requests with and without, alternated in the
same run. The ledger is always on; "all" has the response cache and a request log too.
"""

from __future__ import annotations

import json
import random
import tempfile
from contextlib import ExitStack

from bench.bench_latency import grown, priced
from bench.proxy import proxy
from bench.wire import alternated, load, median, provider

WIDE = ("--rpm", "10000000", "--tpm", "100000000")
"""Limits that count and never refuse."""

COUNT = 400
LOADED, CONNECTIONS = 6_000, 32
AIM_MS, AIM_RATE = 0.9, 1_500
"""Added p50 in all, and requests a second, with everything on."""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        spending = ("--budget", "1000000", *priced(folder))
        cases = {
            "off": ("--no-rate-limit", "--no-cache"), "rate limit": ("--no-cache", *WIDE), "budget": ("--no-rate-limit", "--no-cache", *spending),
            "both": ("--no-cache", *WIDE, *spending), "all": (*WIDE, *spending, "--log-file", f"{folder}/requests.jsonl"),
        }
        upstream = stack.enter_context(provider())
        ports = {"direct": upstream} | {name: stack.enter_context(proxy(upstream, *options)).port for name, options in cases.items()}
        times = {name: median(found) for name, found in alternated(ports, grown(900, random.Random(7)), COUNT).items()}
        same = json.dumps({**json.loads(next(grown(900, random.Random(7)))), "temperature": 1}).encode()  # or else the cache would answer
        rates = {name: load(port, same, CONNECTIONS, LOADED) for name, port in ports.items() if name != "direct"}
    off = times["off"] - times["direct"]
    print(f"{'1 KB':<12}{'p50, ms':>10}{'added':>10}{'by it':>10}{'ratio':>8}{'requests/s':>13}")
    for name, p50 in times.items():
        added = p50 - times["direct"]
        rest = "" if name == "direct" else f"{added:>10.3f}{added - off:>10.3f}{added / off:>8.2f}{rates[name]:>13,.0f}"
        print(f"{name:<12}{p50:>10.3f}{rest}")
    most = times["all"] - times["direct"]
    print(f"all: added p50 {most:.2f} ms (aim {AIM_MS}){'' if most <= AIM_MS else '  missed'}, "
          f"{rates['all']:,.0f} requests/s (aim {AIM_RATE:,}){'' if rates['all'] >= AIM_RATE else '  missed'}")


if __name__ == "__main__":
    main()
