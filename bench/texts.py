"""Texts made at run time from a seed, so that nothing can be tuned to them: what this machine's tools print, and made-up data with known needles."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

LIBRARY = Path(sysconfig.get_path("stdlib"))
REPOSITORY = Path(__file__).parent.parent
CLIENT_LIMIT = 30_000
"""Characters after which coding agents cut a tool's output."""
PACKAGES = ("asyncio", "email", "http", "json", "logging", "unittest", "xml", "concurrent", "importlib", "multiprocessing", "urllib", "encodings")


def shell(command: str, folder: Path = LIBRARY) -> str:
    """What a command prints here, cut at a line as clients cut it; "" if it fails."""
    done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, check=False, timeout=60)
    text = done.stdout.decode("utf-8", errors="replace")[:CLIENT_LIMIT]
    return text[: text.rfind("\n") + 1]


def grep(dice: random.Random) -> str:
    word = dice.choice(["raise ", "import ", "return None", "self\\.", "except ", "isinstance(", "lambda"])
    where = " ".join(dice.sample(PACKAGES, 3))
    flags = dice.choice(["-rn", "-rn", "-rn -C2", "-rn -A1"])
    return shell(f"grep {flags} --include=*.py '{word}' {dice.choice([where, f'{LIBRARY}/{dice.choice(PACKAGES)}'])}")


def many_hits(dice: random.Random) -> str:
    """A search for a word that stands everywhere, in made-up files."""
    words = ["timeout", "retries", "session", "buffer", "header"]
    return "".join(
        f"src/{dice.choice(['net', 'store', 'ui'])}/{name}.py:{line * 9}:    {dice.choice(['self.', '', 'config.'])}{dice.choice(words)} = {dice.choice(words)}_of(request, {line})\n"
        for name in ("alpha", "beta", "gamma", "delta", "omega", "sigma") for line in range(1, 70)
    )


def find(dice: random.Random) -> str:
    return shell(f"find {dice.choice([str(LIBRARY), '.'])} -name '*.{dice.choice(['py', 'pyc', 'txt', 'h'])}' | sort -R --random-source=/dev/zero | sort | head -{dice.randint(150, 500)}")


def listing(dice: random.Random) -> str:
    return shell(f"ls -la {dice.choice(PACKAGES)} {dice.choice(PACKAGES)}; ls -{dice.choice(['la', 'l', 'laR', 'lt'])} {dice.choice(['.', 'email', 'unittest'])}")


def source(dice: random.Random) -> str:
    path = dice.choice(sorted(p for p in LIBRARY.rglob("*.py") if 8_000 < p.stat().st_size < 120_000 and "site-packages" not in p.parts))
    return path.read_text(encoding="utf-8", errors="replace")


def numbered(dice: random.Random) -> str:
    """A range of a file as Claude Code's Read prints it."""
    lines = source(dice).split("\n")[:-1]
    start = dice.choice([0, dice.randrange(max(1, len(lines) - 80))])
    form = dice.choice(["{:>6}\t{}", "{:>6}→{}", "{}\t{}"])
    text = "\n".join(form.format(i, line) for i, line in enumerate(lines[start : start + 700], start + 1))
    return text[:CLIENT_LIMIT]


def history(dice: random.Random) -> str:
    return shell(f"git log --skip={dice.randint(0, 40)} -60 {dice.choice(['', '--stat', ''])}", REPOSITORY)


def changes(dice: random.Random) -> str:
    return shell(f"git log -p --skip={dice.randint(0, 60)} -6 -- '*.py'", REPOSITORY)


def page(dice: random.Random) -> str:
    module = dice.choice(["heapq", "textwrap", "argparse", "collections", "sched", "queue", "csv", "shlex"])
    return shell(f"'{sys.executable}' -c 'import pydoc; print(pydoc.HTMLDoc().page(\"{module}\", pydoc.HTMLDoc().document(__import__(\"{module}\"))))'")


def records(dice: random.Random, rows: int = 400) -> list[dict[str, object]]:
    """Orders of a shop, as an API returns them."""
    cities = ["Lisbon", "Osaka", "Quito", "Tromsø", "Pune", "Graz"]
    at = 1_790_000_000
    found: list[dict[str, object]] = []
    for i in range(rows):
        at += dice.randint(1, 900)
        found.append({
            "id": f"ord_{dice.getrandbits(40):010x}", "number": 10_000 + i, "created_at": at, "status": dice.choice(["paid", "paid", "paid", "shipped", "open"]),
            "customer": {"id": dice.randint(1, 90_000), "city": dice.choice(cities), "email": f"c{dice.randint(1, 90_000)}@example.com"},
            "total": round(dice.uniform(5, 400), 2), "currency": "EUR", "items": dice.randint(1, 9), "note": None,
            "url": f"https://shop.example.com/api/v2/orders/{10_000 + i}", "tags": [],
        })
    return found


def orders_json(dice: random.Random) -> str:
    return json.dumps(records(dice, 60), indent=dice.choice([2, 2, 4, None]), ensure_ascii=False)


def many_orders(dice: random.Random) -> str:
    return json.dumps({"page": 1, "data": records(dice, 1200)})


def flat(row: dict[str, object]) -> dict[str, str]:
    """A record as a row of a table."""
    customer = row["customer"]
    assert isinstance(customer, dict)
    cells = {name: value for name, value in row.items() if name not in ("customer", "tags", "url")} | {"customer_id": customer["id"], "city": customer["city"]}
    return {name: "" if value is None else str(value) for name, value in cells.items()}


def as_csv(rows: Sequence[dict[str, object]]) -> str:
    cells = [flat(row) for row in rows]
    return "".join(",".join(line) + "\n" for line in [list(cells[0]), *(list(row.values()) for row in cells)])


def many_orders_csv(dice: random.Random) -> str:
    return as_csv(records(dice, 1200))


def markdown_table(dice: random.Random) -> str:
    cells = [flat(row) for row in records(dice, 80)]
    return "## Orders\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in [list(cells[0]), ["---"] * len(cells[0]), *(list(row.values()) for row in cells)])


def psql_table(dice: random.Random) -> str:
    cells = [flat(row) for row in records(dice, 160)]
    widths = {name: max(len(name), *(len(row[name]) for row in cells)) for name in cells[0]}
    lines = [" | ".join(name.center(width) for name, width in widths.items()), "-+-".join("-" * width for width in widths.values())]
    lines += [" | ".join(row[name].rjust(width) if row[name][:1].isdigit() else row[name].ljust(width) for name, width in widths.items()) for row in cells]
    return "\n".join(f"-{line}-" if "-+-" in line else f" {line} " for line in lines) + f"\n({len(cells)} rows)\n\n"


def keyed_map(dice: random.Random) -> str:
    names = [f"{dice.choice(['nova', 'lark', 'opal', 'reef'])}-{dice.randint(1, 9)}.{dice.randint(0, 9)}-{dice.choice(['mini', 'large', 'pro', 'base'])}-{i}" for i in range(90)]
    return json.dumps({
        name: {
            "max_tokens": dice.choice([8192, 64000]), "max_input_tokens": dice.choice([128000, 200000, 1000000]), "input_cost_per_token": dice.randint(1, 90) / 1e7,
            "output_cost_per_token": dice.randint(1, 90) / 1e6, "provider": dice.choice(["anode", "brook", "coast"]), "mode": "chat",
            **({"supports_vision": True} if dice.random() < 0.6 else {}), **({"deprecation_date": "2027-03-01"} if dice.random() < 0.1 else {}), "supports_tools": True,
        }
        for name in names
    }, indent=4)


def orders_csv(dice: random.Random) -> str:
    lines = ["order_id,created,customer_id,country,status,sku,quantity,unit_price,currency,warehouse"]
    day, hour = 1, 0
    for i in range(350):
        hour += dice.choice([0, 0, 1])
        day, hour = day + hour // 24, hour % 24
        lines.append(
            f"{500_000 + i},2026-10-{day:02} {hour:02}:{dice.randint(0, 59):02},{dice.randint(1, 800)},{dice.choice(['DE', 'FR', 'JP', 'US'])},{dice.choice(['paid', 'paid', 'shipped', 'returned'])}"
            f",SKU-{dice.randint(1, 60):04},{dice.randint(1, 5)},{dice.randint(100, 9000) / 100:.2f},EUR,{dice.choice(['north', 'south'])}"
        )
    return "\n".join(lines) + "\n"


def lockfile_diff(dice: random.Random) -> str:
    lines = ["diff --git a/package-lock.json b/package-lock.json", "index 3b18e51..9a1c0de 100644", "--- a/package-lock.json", "+++ b/package-lock.json"]
    at = 1
    for i in range(160):
        at += dice.randint(12, 60)
        name, old = f"{dice.choice(['lib', 'core', 'util', 'plugin'])}-{i}", f"{dice.randint(1, 9)}.{dice.randint(0, 20)}"
        lines += [f"@@ -{at},9 +{at},9 @@", f'     "node_modules/{name}": {{']
        for sign, version in ("-", f"{old}.1"), ("+", f"{old}.2"):
            lines += [f'{sign}      "version": "{version}",', f'{sign}      "resolved": "https://registry.example.org/{name}/-/{name}-{version}.tgz",', f'{sign}      "integrity": "sha512-{dice.getrandbits(512):0128x}==",']
        lines += ['       "license": "MIT",', '       "engines": {', '         "node": ">=18"']
    return "\n".join(lines) + "\n"


def recursion(dice: random.Random) -> str:
    """A Python traceback that went too deep through a library."""
    lines = ["Traceback (most recent call last):", '  File "/srv/shop/run.py", line 9, in <module>', "    main()"]
    for i in range(40):
        lines += [f'  File "/srv/shop/.venv/lib/python3.11/site-packages/graph/walk.py", line {dice.choice([41, 57])}, in visit', "    return self.visit(node.next)"]
        if i % 13 == 7:
            lines += [f'  File "/srv/shop/rules.py", line {i}, in apply', "    return walk(rule)"]
    return "\n".join([*lines, "RecursionError: maximum recursion depth exceeded"]) + "\n"


@dataclass(frozen=True, slots=True)
class Needles:
    """A text, and the pieces of it that no view may lose, by what makes them matter."""

    text: str
    needles: dict[str, list[str]]
    query: str = ""


def planted_rows(dice: random.Random) -> Needles:
    """A large array with an error, an outlier, a rare category and a row that the question names."""
    return _planted(dice, json.dumps)


def planted_csv(dice: random.Random) -> Needles:
    """The same as CSV."""
    return _planted(dice, as_csv)


def _planted(dice: random.Random, write: Callable[[list[dict[str, object]]], str]) -> Needles:
    rows = records(dice, 900)
    error, outlier, rare, named = (rows[i] for i in dice.sample(range(20, 880), 4))
    error["note"] = "payment failed: card declined by issuer"
    outlier["total"] = 98_765.43
    rare["status"] = "chargeback"
    return Needles(
        write(rows), {"error": [str(error["id"])[4:]], "outlier": [str(outlier["id"])[4:]], "rare category": [str(rare["id"])[4:]], "named by the question": [str(named["id"])[4:]]},
        f"what happened to order {named['id']}?",
    )


def planted_log(dice: random.Random) -> Needles:
    """A service's log of forty kinds of events, most of them seldom, some of them severe; each kind is a needle."""
    verbs = ["opened", "closed", "flushed", "renewed", "resized", "scheduled", "evicted", "merged", "replicated", "indexed"]
    nouns = ["session", "segment", "lease", "buffer", "shard", "snapshot", "queue", "route"]
    kinds = [f"{dice.choice(nouns)} {{}} {verb} by worker {{}} in {{}} ms" for verb in verbs] + [f"{noun} {{}}: {dice.choice(verbs)} after {{}} of {{}} tries" for noun in nouns]
    severe = ["checksum mismatch in block {} at {} after {}", "cannot connect to 10.0.{}.{}: connection refused ({})", "out of memory while mapping {} of {} pages of {}", "write to {} failed: no space left ({} of {})"]
    lines: list[str] = []
    seen: dict[str, list[str]] = {"events": [], "severe events": []}
    second = 0
    for i in range(2600):
        second += dice.choice([0, 0, 1, 3])
        is_severe = dice.random() < 0.01
        family = severe if is_severe else kinds
        kind = family[min(int(dice.expovariate(0.6)), len(family) - 1)]
        level = "ERROR" if is_severe else dice.choice(["INFO", "INFO", "DEBUG"])
        lines.append(f"2026-11-20T{8 + second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z {level} [{dice.choice(['io', 'net', 'store'])}] {kind.format(i, dice.randint(0, 99), dice.randint(1, 999))}")
        seen["severe events" if is_severe else "events"].append(kind.split("{}")[0].strip() + "\0" + kind.split("{}")[1].strip())
    return Needles("\n".join(lines) + "\n", {name: sorted(set(kinds)) for name, kinds in seen.items()})


def planted_tests(dice: random.Random) -> Needles:
    """A verbose run of two thousand tests of which a few fail."""
    failing = sorted(dice.sample(range(2000), 5))
    lines = ["============================= test session starts ==============================", "platform linux -- Python 3.11.7, pytest-9.0.1, pluggy-1.6.0", "rootdir: /srv/shop", "collected 2000 items", ""]
    names = [f"tests/{dice.choice(['cart', 'billing', 'search'])}/test_{dice.choice(['rules', 'flows', 'edges'])}.py::test_{dice.choice(['adds', 'drops', 'keeps'])}_{i}" for i in range(2000)]
    lines += [f"{name} {'FAILED' if i in failing else 'PASSED'} [{(i + 1) // 20:>3}%]" for i, name in enumerate(names)]
    lines += ["", "=================================== FAILURES ==================================="]
    needles: dict[str, list[str]] = {"failing tests": [], "assertion lines": [], "tracebacks": []}
    for i in failing:
        path, _, test = names[i].partition("::")
        assertion = f"E       assert {i * 7} == {i * 7 + 1}"
        where = f"{path}:{i + 3}: AssertionError"
        lines += [f"_______________________ {test} _______________________", "", f"    def {test}():", f">       assert total({i}) == {i * 7 + 1}", assertion, "", where]
        needles["failing tests"].append(f"FAILED {names[i]}")
        needles["assertion lines"].append(assertion)
        needles["tracebacks"].append(where)
    lines += ["=========================== short test summary info ============================"]
    lines += [f"FAILED {names[i]} - assert {i * 7} == {i * 7 + 1}" for i in failing]
    lines += [f"======================== {len(failing)} failed, {2000 - len(failing)} passed in 12.34s ========================"]
    return Needles("\n".join(lines) + "\n", needles)


def verbose_tests(dice: random.Random) -> str:
    return planted_tests(dice).text


def service_log(dice: random.Random) -> str:
    return planted_log(dice).text


Make = Callable[[random.Random], str]
Plant = Callable[[random.Random], Needles]
