"""What tools of an agent print, drawn from dice: logs, JSON, matches, source files and their edits, failures."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from headroom.conversation import Json

WORDS = ("session", "timeout", "buffer", "header", "retries", "socket", "order", "naïve", "größe", "😀", "cache", "worker", "\\n", '"quoted"')
FILES = tuple(f"src/{word}.py" for word in WORDS[:7])


@dataclass(frozen=True, slots=True)
class Output:
    """A call of the client's own, and what its tool printed."""

    tool: str
    given: Mapping[str, Json]
    text: str
    error: bool = False


def log(dice: Random, count: int = 0) -> Output:
    name = dice.choice(WORDS[:7])
    lines = [f"2026-03-02T09:{i // 60:02d}:{i % 60:02d}Z {dice.choice(['INFO', 'INFO', 'INFO', 'WARN', 'ERROR'])} [{name}-{i % 3}] GET /{dice.choice(WORDS)}/{i * 7919 % 9973} took={dice.randrange(40)}ms"
             for i in range(count or dice.randrange(5, 250))]
    return Output("Bash", {"command": f"cat {name}.log"}, "\n".join(lines) + dice.choice(["", "\n"]))


def rows(dice: Random) -> Output:
    found = [{"id": i, "name": f"{dice.choice(WORDS)}-{i}", "state": dice.choice(["open", "closed"]), "size": dice.randrange(10**6)} for i in range(dice.randrange(3, 90))]
    return Output("Fetch", {"url": f"https://example.com/{dice.randrange(100)}"}, json.dumps(found, indent=dice.choice([None, 2]), ensure_ascii=dice.random() < 0.5))


def grep(dice: Random) -> Output:
    word = dice.choice(WORDS)
    lines = [f"src/{dice.choice(['net', 'store'])}/{name}.py:{n * 9}:    {word} = {dice.choice(WORDS)}_of(request, {n})" for name in ("alpha", "beta", "gamma") for n in range(1, dice.randrange(2, 60))]
    return Output("Grep", {"pattern": word}, "\n".join(lines))


def read(dice: Random, name: str = "") -> Output:
    generic = "[T]" if dice.random() < 0.2 else ""  # not every Python can parse that
    body = [line for n in range(dice.randrange(2, 40)) for line in (f"def step_{n}{generic}(value: int) -> int:", f'    """{dice.choice(WORDS)} {n}."""', *(f"    value += {dice.randrange(99)}" for _ in range(4)), "    return value", "")]
    numbered = dice.random() < 0.5
    return Output("Read", {"file_path": name or dice.choice(FILES)}, "\n".join(f"{i:6d}\t{line}" if numbered else line for i, line in enumerate(body, 1)))


def edit(dice: Random, name: str) -> Output:
    """What was read of the file before is not true any more."""
    return Output("Edit", {"file_path": name, "old_string": "return value", "new_string": f"return {dice.randrange(99)}"}, f"The file {name} has been updated.")


def short(dice: Random) -> Output:
    return Output("Bash", {"command": "true"}, dice.choice(["ok", "", "done\n", "3 files changed"]))


def failed(dice: Random) -> Output:
    lines = ["Traceback (most recent call last):", *(f'  File "/app/{dice.choice(WORDS[:7])}.py", line {i}, in step\n    call({i})' for i in range(dice.randrange(1, 60))), "ValueError: no such order"]
    return Output("Bash", {"command": "python run.py"}, "\n".join(lines), error=True)


KINDS: tuple[Callable[[Random], Output], ...] = (log, log, rows, grep, read, read, short, failed)


def drawn(dice: Random, printed: Sequence[Output]) -> Output:
    """Now and then the same as before, or an edit or another state of a file that was read before."""
    own = Random(dice.getrandbits(32))
    chance = dice.random()
    seen = [str(each.given["file_path"]) for each in printed if each.tool == "Read"]
    if printed and chance < 0.15:
        return dice.choice(printed)
    if seen and chance < 0.3:
        return dice.choice([read, edit])(own, dice.choice(seen))
    return dice.choice(KINDS)(own)
