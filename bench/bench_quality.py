"""What survives when something is left out: planted needles, kinds of log events, failing tests, answers in prose, paths of a listing."""

from __future__ import annotations

import argparse
import csv
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import quality_prose, texts
from bench.kinds import KINDS, corpus
from bench.tokens import exact_or_estimate
from headroom.compressors import COMPRESSORS
from headroom.compressors.base import FORM, Compressed, Goal
from headroom.compressors.lines.salience import SEVERE
from headroom.conversation import Part
from headroom.pipeline import standard
from headroom.transforms.base import Sent, Short

ROUNDS = 20
"""Made-up texts of each kind."""
BOUND = Goal("Bash", {"command": "make"})


@dataclass(slots=True)
class Survival:
    """How many needles of each sort came through, and what share of the tokens was kept."""

    found: Counter[str]
    planted: Counter[str]
    kept: int = 0
    whole: int = 0
    by: str = "-"

    def line(self, name: str, aim: float) -> str:
        parts = [f"{sort} {self.found[sort]}/{self.planted[sort]}{'' if self.found[sort] == self.planted[sort] else ' !'}" for sort in self.planted]
        kept = self.kept / max(1, self.whole)
        return f"{name:<22}{100 * kept:5.1f} % kept{'' if kept <= aim else ' !'} (at most {100 * aim:.0f})   {', '.join(parts)}   by {self.by}"


def shown(text: str, query: str) -> tuple[str, str]:
    """The text as it would leave where views are allowed, and by whom."""
    asked = Part("user", query, ("query",))
    answer = standard().shorten(Part("tool", text, ("text",), "Bash", {"command": "make"}), (Sent(asked, query, query),), True, Counter())
    return (answer.text, answer.by) if isinstance(answer, Short) else (text, "-")


def survives(needle: str, text: str) -> bool:
    """Whether all words of a needle (parted by NUL where a value stands between) stand on one line of the text."""
    parts = needle.split("\0")
    return any(all(part in line for part in parts) for line in text.split("\n"))


def planted(make: texts.Plant, seed: int, rounds: int) -> Survival:
    count, _ = exact_or_estimate()
    dice = random.Random(seed)
    result = Survival(Counter(), Counter())
    for _ in range(rounds):
        made = make(dice)
        text, result.by = shown(made.text, made.query)
        result.kept += count(text)
        result.whole += count(made.text)
        for sort, needles in made.needles.items():
            result.planted[sort] += len(needles)
            result.found[sort] += sum(survives(needle, text) for needle in needles)
    return result


def loghub(folder: Path) -> None:
    """Logs with one event id a line (NAME.log, NAME.events.csv with a column EventId): kinds of events that survive."""
    count, _ = exact_or_estimate()
    kept: list[float] = []
    for log in sorted(folder.glob("*.log")):
        table = log.with_suffix(".events.csv")
        if not table.exists():
            continue
        text = log.read_text(encoding="utf-8", errors="replace")
        with table.open(encoding="utf-8", newline="") as rows:
            events = [row["EventId"] for row in csv.DictReader(rows)]
        lines = text.split("\n")
        short, by = shown(text, "")
        left = set(_numbers(short, lines))
        whole = {event for _, event in zip(lines, events, strict=False)}
        severe = {event for line, event in zip(lines, events, strict=False) if SEVERE.search(line)}
        seen = {events[i] for i in left if i < len(events)}
        kept.append(count(short) / count(text))
        print(f"    {log.stem:<14}events {len(seen & whole)}/{len(whole)}  severe {len(seen & severe)}/{len(severe)}  {100 * kept[-1]:5.1f} % kept  by {by}")
    if kept:
        print(f"    mean kept {100 * sum(kept) / len(kept):.1f} % (at most 13)")


def _numbers(view: str, lines: Sequence[str]) -> list[int]:
    """Indexes of the lines that a view shows; of a lossless form all."""
    body = view.partition("\n")[2]
    gap = re.compile(r"… (\d+)(?:-(\d+))?(?: \([^\n]*\))?")
    if not any(gap.fullmatch(line) for line in body.split("\n")):
        return list(range(len(lines)))
    at, found = 0, []
    for line in body.split("\n"):
        hidden = gap.fullmatch(line)
        if hidden:
            at = int(hidden[2] or hidden[1])
        else:
            found.append(at)
            at += 1
    return found


def inverses(seed: int) -> None:
    """Every lossless form of every text of the corpus and of texts made now, read back."""
    dice = random.Random(seed)
    every = {file: corpus(file) for kind in KINDS for file in kind.files}
    every |= {f"{make.__name__}*": make(dice) for kind in KINDS for make in kind.fresh}
    tried: Counter[str] = Counter()
    wrong: list[str] = []
    for name, text in every.items():
        for compressor in COMPRESSORS:
            made = None if compressor.lossy else compressor.compress(text, BOUND)
            if made is not None:
                tried[made.grade] += 1
                again = compressor.compress(made.text, BOUND)
                if not _holds(compressor.expand(made.text), text, made) or (again is not None and again.text != made.text):
                    wrong.append(f"{name} by {compressor.name}")
    print(f"read back              exact {tried['exact']}, equal {tried['equal']}, wrong {len(wrong)}{' ! ' + ', '.join(wrong) if wrong else ''}")


def _holds(back: str | None, text: str, made: Compressed) -> bool:
    if made.grade == "exact":
        return back == text
    return (back is not None and [line.split() for line in back.split("\n")] == [line.split() for line in text.split("\n")]) or FORM.match(made.text) is not None


def paths(seed: int) -> None:
    """Every path of a listing of paths can be rebuilt from its short form."""
    dice = random.Random(seed)
    whole = rebuilt = 0
    for _ in range(ROUNDS):
        text = texts.find(dice)
        for compressor in COMPRESSORS:
            made = compressor.compress(text, BOUND) if compressor.name == "paths" else None
            if made is not None:
                whole += text.count("\n")
                rebuilt += sum(a == b for a, b in zip(text.split("\n"), (compressor.expand(made.text) or "").split("\n"), strict=False)) - 1
    print(f"paths rebuilt          {rebuilt}/{whole}{'' if rebuilt == whole else ' !'}")


PLANTED: Mapping[str, tuple[texts.Plant, float]] = {
    "JSON rows": (texts.planted_rows, 0.05), "CSV rows": (texts.planted_csv, 0.05), "log events": (texts.planted_log, 0.13), "test runs": (texts.planted_tests, 0.50),
}


def main(argv: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="made-up texts of each kind")
    parser.add_argument("--loghub", type=Path, metavar="DIR", help="folder of NAME.log and NAME.events.csv (column EventId)")
    parser.add_argument("--qa", type=Path, metavar="FILE", help="questions with answers and paragraphs, see bench/quality_prose.py")
    given = parser.parse_args(argv)
    print(f"seed {given.seed}; needles found of needles planted; ! where one was lost")
    inverses(given.seed)
    paths(given.seed)
    for name, (make, aim) in PLANTED.items():
        print(planted(make, given.seed, given.rounds).line(name, aim))
    quality_prose.report("prose, facts planted in filler", quality_prose.generated(given.seed))
    if given.qa:
        quality_prose.report(f"prose, {given.qa.name}", quality_prose.read(given.qa, given.seed))
    if given.loghub:
        loghub(given.loghub)


if __name__ == "__main__":
    main(sys.argv[1:])
