"""Whether cost grows with the text and not faster: texts made to hurt, at two sizes, through every compressor."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from headroom.compressors import COMPRESSORS
from headroom.compressors.base import Compressor, Goal, TooCostly

SMALL, FACTOR = 400_000, 8
"""Characters of the smaller text, and how many times larger the other is: 3.2 MB."""

SLACK = 2.0
"""How much dearer a character of the larger text may be: caches and memory account for about half of that."""

WORTH = 0.05
"""Seconds from which a difference is looked at; below, it is noise."""

GOAL = Goal("Bash", {"command": "make"}, "why does request 4711 fail in parse_header")


def repeated(piece: str) -> Callable[[int], str]:
    return lambda size: (piece * (size // len(piece) + 1))[:size]


def unique(size: int) -> str:
    dice = random.Random(1)
    lines: list[str] = []
    while size > 0:
        lines.append(f"{dice.getrandbits(64):x} {dice.choice('abcdef')}{dice.getrandbits(24):x}: {dice.getrandbits(90):x}")
        size -= len(lines[-1]) + 1
    return "\n".join(lines)


def rows(size: int) -> str:
    return "[" + ",".join(f'{{"id":{i},"k{i % 97}":"v{i * 7919 % 1013}"}}' for i in range(size // 24)) + "]"


def growing(size: int) -> str:
    """Lines of all lengths up to the root of the size."""
    return "\n".join("ab " * i for i in range(int((size / 1.5) ** 0.5)))


TEXTS: Mapping[str, Callable[[int], str]] = {
    "one line of letters": repeated("x"), "one line of digits": repeated("1"), "one line of base64": repeated("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo"),
    "one line of words": repeated("word number 17, "), "short lines": repeated("a\n"), "empty lines": repeated("\n"), "blanks": repeated(" "),
    "open brackets": repeated("["), "open braces": repeated('{"a":'), "open tags": repeated("<"), "half tags": repeated("<div "), "comments begun": repeated("<!--"),
    "scripts begun": repeated("<script>"), "quotes": repeated('"'), "backticks": repeated("```\n"), "NULs": repeated("\0"), "mixed newlines": repeated("a b\r\nc d\re f\n"),
    "emoji": repeated("😀🎉 "), "colons": repeated("a:1:b\n"), "numbers": repeated("12 34 56\n"), "paths": repeated("/a/b/c/d.py:12: x\n"), "pipes": repeated("| a | b |\n"),
    "commas": repeated("a,b,c,d\n"), "diff marks": repeated("@@ -1,1 +1,1 @@\n-a\n+b\n"), "passes": repeated("tests/test_a.py::test_b PASSED [  1%]\n"),
    "frames": repeated('  File "/usr/lib/python3/a.py", line 3, in f\n    f()\n'), "sentences": repeated("This is the sentence. Is it? "),
    "indentation": repeated("        x\n    y\nz\n"), "trees": repeated("│   ├── a\n"), "all lines different": unique, "rows": rows, "growing lines": growing,
}


def cost(compressor: Compressor, text: str) -> float:
    started = time.perf_counter()
    try:
        compressor.sniff(text, GOAL)
        made = compressor.compress(text, GOAL)
        if made is not None and not compressor.lossy:
            compressor.expand(made.text)
    except TooCostly:
        pass
    return time.perf_counter() - started


def main(argv: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only these compressors")
    given = parser.parse_args(argv)
    for compressor in COMPRESSORS:
        if given.names and compressor.name not in given.names:
            continue
        worst = ("", 0.0)
        bad: list[str] = []
        for name, make in TEXTS.items():
            little, much = make(SMALL), make(SMALL * FACTOR)
            first = min(cost(compressor, little) for _ in range(2))
            second = cost(compressor, much)
            dearer = second / len(much) / max(first / len(little), 1e-12)
            if second > WORTH and dearer > SLACK:
                second = min(second, cost(compressor, much))  # once more: somebody else may have used the machine
                dearer = second / len(much) / max(first / len(little), 1e-12)
                bad += [f"{name} {dearer:.1f}x"] * (dearer > SLACK)
            per_kilobyte = 1e6 * second / (len(much) / 1024)
            worst = max(worst, (name, per_kilobyte), key=lambda pair: pair[1])
        print(f"{compressor.name:<16}dearest {worst[1]:6.0f} µs/KB ({worst[0]}){'   grows faster than the text: ' + ', '.join(bad) if bad else ''}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
