"""Digests of what a model is sent in whole sessions that go through processes of the proxy.

    PYTHONHASHSEED=7 python -m tests.laws.whole 2
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from random import Random

import anyio

from tests.laws.clients import CLIENTS
from tests.laws.sessions import draw, outgrowing
from tests.laws.stage import Stage


def digests(seeds: int) -> Iterator[tuple[str, str]]:
    """By dialect and seed."""
    for dialect in CLIENTS:
        for seed in range(seeds):
            dice = Random(f"whole {dialect} {seed}")
            played = anyio.run(Stage(outgrowing(draw(dice, dialect, most=10), dice)).play)
            yield f"{dialect} {seed}", hashlib.sha256(b"\n".join(played.sent)).hexdigest()


if __name__ == "__main__":
    for told, digest in digests(int(sys.argv[1])):
        print(told, digest)
