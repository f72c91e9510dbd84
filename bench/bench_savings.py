"""How much of a coding agent's traffic is saved without loss: sessions whose tasks are drawn from a seed at run time.

Each session works on a scratch repository made for this run: it lists, searches, reads files and ranges of them,
looks at history, data and logs. The tools are run for real; their output is wrapped as Claude Code wraps it, with a
system prompt and tool definitions of the same size. Every turn's body goes through the real pipeline, with the journal's rule that
what was sent stays sent. What is counted is all tokens of all bodies, the parts that nobody may touch included.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headroom.conversation import Report
from headroom.dialects import find
from headroom.dialects.document import Document
from headroom.pipeline import Pipeline, standard

LIMIT = 30_000
"""Characters after which the client itself cuts a tool's output."""

PACKAGES = ("asyncio", "email", "http", "json", "logging", "unittest", "xml", "concurrent", "importlib", "multiprocessing")
SYSTEM = 14_000
"""Characters of system prompt, and of tool definitions below, as recent versions of the client send them."""
TOOLS = 31_000

Tool = tuple[str, dict[str, Any], str]
"""Name, input, output."""


@dataclass
class Workplace:
    """A repository with history, and the dice."""

    folder: Path
    rng: random.Random
    files: list[Path] = field(default_factory=list)

    def run(self, command: str) -> str:
        done = subprocess.run(["bash", "-c", command], cwd=self.folder, capture_output=True, text=True, errors="replace", check=False, timeout=60)
        return (done.stdout + done.stderr)[:LIMIT].rstrip("\n")

    def bash(self, command: str) -> Tool:
        return "Bash", {"command": command, "description": "Look"}, self.run(command)

    def word(self) -> str:
        text = self.rng.choice(self.files).read_text(encoding="utf-8", errors="replace")
        return self.rng.choice([w for w in sorted(set(text.split())) if w.isidentifier() and 3 < len(w) < 15] or ["self"])


def listing(at: Workplace) -> Tool:
    package = at.rng.choice(PACKAGES)
    return at.bash(at.rng.choice([f"ls -la src/{package}", "ls -laR src | head -300", "ls -la", f"ls -l src/{package}/*"]))


def finding(at: Workplace) -> Tool:
    return at.bash(at.rng.choice(["find . -name '*.py' -not -path './.git/*'", "find src -type f | head -250", "git ls-files", f"find src/{at.rng.choice(PACKAGES)} -type f"]))


def searching(at: Workplace) -> Tool:
    word = at.word()
    if at.rng.random() < 0.5:
        return "Grep", {"pattern": word, "output_mode": "content", "-n": True}, at.run(f"grep -rn '{word}' src --include=*.py | head -250")
    return at.bash(f"grep -rn '{at.rng.choice(['def ', 'class ', 'import ', word])}' src/{at.rng.choice(PACKAGES)} | head -200")


def reading(at: Workplace) -> Tool:
    """As Claude Code's Read prints a file: numbers, a tab, the line; 2,000 lines at most."""
    path = at.rng.choice(at.files)
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    first = 0 if at.rng.random() < 0.5 else at.rng.randrange(max(1, len(lines) - 50))
    count = 2000 if first == 0 else at.rng.choice([60, 120, 250])
    text = "\n".join(f"{n:>6}\t{line}" for n, line in enumerate(lines[first : first + count], first + 1))
    given: dict[str, Any] = {"file_path": str(path)} | ({"offset": first + 1, "limit": count} if first else {})
    return "Read", given, text[: LIMIT * 2]


def history(at: Workplace) -> Tool:
    return at.bash(at.rng.choice(["git log --stat -n 15", "git log -n 25", "git log --oneline -n 60", "git show HEAD~3 | head -200", "git diff HEAD~4 HEAD~2 | head -250"]))


def data(at: Workplace) -> Tool:
    return at.bash(at.rng.choice(["cat data/records.json", "python3 -m json.tool data/records.json | head -900", "head -c 20000 data/events.ndjson"]))


def logs(at: Workplace) -> Tool:
    return at.bash(at.rng.choice(["cat data/service.log", "tail -150 data/service.log", "tail -200 data/build.log", "grep -n ERROR data/service.log"]))


def testing(at: Workplace) -> Tool:
    return at.bash("python3 -m unittest -v tests.test_numbers 2>&1 | tail -200")


STEPS: tuple[tuple[Callable[[Workplace], Tool], int], ...] = (
    (listing, 2), (finding, 2), (searching, 4), (reading, 7), (history, 2), (data, 2), (logs, 3), (testing, 1),
)
"""What an agent does, and how often; reads come first, as replays of real sessions show."""


def workplace(folder: Path, rng: random.Random) -> Workplace:
    library = Path(sysconfig.get_path("stdlib"))
    git = "git -c user.name=dev -c user.email=dev@example.com -c commit.gpgsign=false"
    at = Workplace(folder, rng)
    at.run("git init -q .")
    for package in rng.sample(PACKAGES, len(PACKAGES)):
        shutil.copytree(library / package, folder / "src" / package, ignore=shutil.ignore_patterns("__pycache__", "test*", "*.so"))
        at.run(f"git add -A && {git} commit -qm 'Add {package}: as the standard library has it'")
    (folder / "data").mkdir()
    (folder / "tests").mkdir()
    (folder / "tests" / "__init__.py").write_text("", encoding="utf-8")
    cases = "".join(f"    def test_square_{i}(self):\n        self.assertEqual({i} * {i}, {i} ** 2)\n" for i in range(90))
    (folder / "tests" / "test_numbers.py").write_text(f"import unittest\n\nclass Numbers(unittest.TestCase):\n{cases}", encoding="utf-8")
    records = [
        {"id": i, "user": f"user_{rng.randrange(400)}", "status": rng.choice(["active", "active", "inactive", "error"]),
         "amount": round(rng.random() * 1000, 2), "created_at": f"2026-0{1 + i % 9}-1{i % 9}T0{i % 9}:00:00Z",
         "meta": {"region": rng.choice(["us-east-1", "eu-west-1"]), "retries": i % 4}}
        for i in range(rng.randrange(80, 220))
    ]
    (folder / "data" / "records.json").write_text(json.dumps(records, indent=2), encoding="utf-8")
    (folder / "data" / "events.ndjson").write_text("\n".join(map(json.dumps, records)) + "\n", encoding="utf-8")
    (folder / "data" / "service.log").write_text("".join(_service_lines(rng)), encoding="utf-8")
    (folder / "data" / "build.log").write_text("".join(
        f"[{i}/400] Compiling crate_{rng.randrange(60)} v0.{i % 9}.{i % 7} (registry index)\n" for i in range(400)
    ), encoding="utf-8")
    at.run(f"git add -A && {git} commit -qm 'Add data and tests'")
    at.files = [p for p in sorted((folder / "src").rglob("*.py")) if p.stat().st_size > 1500]
    return at


def _service_lines(rng: random.Random) -> list[str]:
    lines = []
    for i in range(rng.randrange(150, 320)):
        level = rng.choice(["INFO"] * 30 + ["DEBUG"] * 10 + ["WARNING"] * 3 + ["ERROR"])
        lines.append(
            f"2026-11-20T12:{i // 60:02d}:{i % 60:02d}.{rng.randrange(1000):03d}Z {level} [worker-{i % 4}] request id={rng.randrange(10**9):09x} "
            f"path=/api/v1/items/{rng.randrange(99)} status={500 if level == 'ERROR' else 200} dur={rng.randrange(300)}ms\n"
        )
        if level == "ERROR":
            lines.append("Traceback (most recent call last):\n  File \"app.py\", line 42, in handle\n    raise ValueError('bad item')\nValueError: bad item\n")
    return lines


def words(rng: random.Random, size: int) -> str:
    pool = ["the", "tool", "file", "when", "you", "must", "use", "path", "command", "result", "before", "edit", "read", "only", "never", "user"]
    return " ".join(rng.choices(pool, k=size // 5))


def session(at: Workplace, turns: int, pipeline: Pipeline) -> tuple[int, int, Counter[str], Counter[str]]:
    """Tokens of all bodies, before and after; and of the last body, before and saved by tool."""
    rng, sent = at.rng, dict[str, str | None]()
    system = [{"type": "text", "text": words(rng, SYSTEM)}]
    tools = [{"name": f"Tool{i}", "description": words(rng, TOOLS // 12), "input_schema": {"type": "object"}} for i in range(12)]
    messages: list[dict[str, Any]] = [{"role": "user", "content": [{"type": "text", "text": words(rng, 2500)}]}]
    before, after = 0, 0
    by_tool: Counter[str] = Counter()
    saved: Counter[str] = Counter()
    for turn in range(turns):
        calls, results = [], []
        for n in range(rng.choice([1, 1, 1, 2])):
            step = rng.choices([s for s, _ in STEPS], [w for _, w in STEPS])[0]
            name, given, output = step(at)
            use = f"toolu_{turn:03d}{n}"
            calls.append({"type": "tool_use", "id": use, "name": name, "input": given})
            results.append({"type": "tool_result", "tool_use_id": use, "content": output})
        messages += [
            {"role": "assistant", "content": [{"type": "text", "text": words(rng, rng.randrange(60, 500))}, *calls]},
            {"role": "user", "content": results},
        ]
        report = _turn({"model": "m", "messages": messages, "system": system, "tools": tools, "max_tokens": 32000}, pipeline, sent)
        before, after = before + report.before, after + report.after
        for edit in report.edits:
            by_tool[edit.tool] += edit.before
            saved[edit.tool] += edit.before - edit.after
    return before, after, by_tool, saved


def _turn(body: Mapping[str, Any], pipeline: Pipeline, sent: dict[str, str | None]) -> Report:
    dialect = find("POST", "/v1/messages")
    assert dialect is not None
    conversation = dialect.read(Document.parse(json.dumps(body, ensure_ascii=False).encode()), "/v1/messages")
    report = pipeline(conversation, pipeline.chain(conversation), sent, 0).report
    sent.update(report.forms)
    return report


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, help="default: drawn now, and printed")
    parser.add_argument("--sessions", type=int, default=9)
    given = parser.parse_args(sys.argv[1:] if __name__ == "__main__" else [])
    seed = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    shares: list[float] = []
    total: Counter[str] = Counter()
    saved: Counter[str] = Counter()
    for i in range(given.sessions):
        rng = random.Random(seed * 1000 + i)
        with tempfile.TemporaryDirectory() as folder:
            before, after, by_tool, by_saved = session(workplace(Path(folder), rng), rng.randrange(8, 30), standard())
        shares.append(100 * (before - after) / before)
        total += by_tool
        saved += by_saved
    shares.sort()
    middle = shares[len(shares) // 2]
    print(f"seed {seed}: {len(shares)} sessions, tokens estimated")
    print(f"tokens of all bodies saved without loss: minimum {shares[0]:.1f} %, median {middle:.1f} %, best {shares[-1]:.1f} % (aim 25){'' if shares[0] >= 25 else '  missed at the minimum' if middle >= 25 else '  missed'}")
    for tool, tokens in total.most_common():
        print(f"  {tool:<6} {tokens:>9,} tokens of shortened results, {100 * saved[tool] / tokens:5.1f} % saved")


if __name__ == "__main__":
    main()
