"""`headroom compress FILE`: what would become of this text if a tool had printed it, and why."""

from __future__ import annotations

import argparse
import difflib
import io
import json
import shutil
import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from headroom import vocabulary
from headroom.compressors import COMPRESSORS
from headroom.conversation import Conversation, Edit, Part, Skip
from headroom.errors import OurError
from headroom.options import share
from headroom.pipeline import Outcome, standard
from headroom.tokens import ESTIMATED, EXACT, estimate
from headroom.transforms.base import Sent
from headroom.transforms.shorten import IDLE, Candidate, Shorten

AT = ("text",)
ALIGNED = 4000
"""Lines up to which --diff aligns what both sides share; difflib's cost grows with their product."""

WHY: Mapping[Skip, str] = {
    "short": "too short to be worth a form",
    "no_kind": "no compressor recognises it",
    "no_gain": "no form of it is shorter",
    "too_costly": "past a work limit",
    "failed": "a compressor failed; please report it",
    "marked": "already shortened: it holds a marker or is one of our forms",
    "file_read": "only an equal form is shorter, and what may be a file stays exact",
    "no_way_back": "only a view would be shorter, and --lossless forbids it",
    "toin": "its kind was asked for again too often",
    "protected": "only a view would be shorter, and the tool is protected",
}


@dataclass(frozen=True, slots=True)
class Told:
    """All there is to say about one text."""

    name: str
    part: Part
    edit: Edit | None
    reason: Skip
    counter: str
    before: int
    after: int
    candidates: Sequence[Candidate]


def run(argv: Sequence[str], environ: Mapping[str, str], stdout: TextIO) -> int:
    given = _parser().parse_args(argv)
    if isinstance(stdout, io.TextIOWrapper):  # a locale without "→": data leaves as UTF-8, a report with signs it can show
        if given.text or given.json:
            stdout.reconfigure(encoding="utf-8")
        else:
            stdout.reconfigure(errors="replace")
    part = Part("tool", _read(given.file), AT, given.tool, {"command": given.command})
    asked = Part("user", given.query, ("query",))
    conversation = Conversation("", (asked, part))
    pipeline = standard(ratio=given.ratio)
    outcome = pipeline(conversation, pipeline.chain(conversation), {}, 0, lossy=not given.lossless)
    shorten = Shorten(COMPRESSORS, estimate, given.ratio)
    tried = shorten.candidates(part, (Sent(asked, asked.text, asked.text),)) if given.explain else ()
    told = _told(given.file, part, outcome, tried, environ)
    if given.text:
        stdout.write(part.text if told.edit is None else told.edit.short)
    elif given.json:
        print(json.dumps(_as_json(told), ensure_ascii=False, indent=2), file=stdout)
    else:
        print("\n".join(_report(told, explain=given.explain)), file=stdout)
        if given.diff and told.edit is not None:
            print("\n".join(["", *_side_by_side(part.text, told.edit.short, shutil.get_terminal_size().columns)]), file=stdout)
    return 0


def _share(text: str) -> float:
    try:
        return share(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None  # of a ValueError argparse shows no words


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="headroom compress", allow_abbrev=False, description=__doc__)
    parser.add_argument("file", metavar="FILE", help="a text file, or - for standard input")
    parser.add_argument("--tool", default="Bash", metavar="NAME", help="the tool that printed it; Read: a file, which stays exact [default: Bash]")
    parser.add_argument("--command", default="", metavar="LINE", help="the command line that printed it")
    parser.add_argument("--query", default="", metavar="TEXT", help="what the user asked before; views keep what it names")
    parser.add_argument("--ratio", type=_share, metavar="F", help="share of its tokens that prose keeps, as --target-ratio")
    parser.add_argument("--lossless", action="store_true", help="no views: only what can be read back from the short form itself")
    parser.add_argument("--explain", action="store_true", help="what every compressor made of it, and why the winner won")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--diff", action="store_true", help="before and after, side by side")
    shape.add_argument("--text", action="store_true", help="print the short form alone")
    shape.add_argument("--json", action="store_true", help="for machines")
    return parser


def _read(file: str) -> str:
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise OurError(f"cannot read {file}: {error.strerror}") from None
    return data.decode("utf-8", errors="replace")


def _told(name: str, part: Part, outcome: Outcome, candidates: Sequence[Candidate], environ: Mapping[str, str]) -> Told:
    edit = next(iter(outcome.report.edits), None)
    reason: Skip = next((s.reason for s in outcome.report.skipped if s.reason != "not_tool_output"), "no_gain")
    after = part.text if edit is None else edit.short
    found = vocabulary.find(environ, vocabulary.own_folder(environ))
    counter, count = (ESTIMATED, estimate) if found is None else (EXACT, vocabulary.load(found.path))
    return Told(name, part, edit, reason, counter, count(part.text), count(after), candidates)


def _report(told: Told, *, explain: bool) -> Iterator[str]:
    saved = told.before - told.after
    if told.edit is None:
        yield f"{told.name}: left as it is, {WHY.get(told.reason, told.reason)}"
    else:
        yield f"{told.name}: {told.edit.by}, {told.edit.grade}"
    yield f"  tokens    {told.before:,} → {told.after:,}, {100 * saved / max(told.before, 1):.1f} % saved ({told.counter})"
    if told.edit is not None:
        yield f"  left out  {_left_out(told.edit)}"
    if explain:
        yield ""
        yield f"  {'compressor':<16}{'sure':>6}{'tokens':>10}{'saved':>8}  grade   verdict (tokens estimated, as decisions count them)"
        before = estimate(told.part.text)
        winner = told.edit.by.split("+")[-1] if told.edit else ""
        yield from (_row(c, before, winner) for c in told.candidates if c.made is not None)
        idle = ", ".join(c.name for c in told.candidates if c.verdict == IDLE)
        yield f"  found nothing to shorten: {idle or 'none'}"
        yield from (f"  {c.name}: {c.verdict}" for c in told.candidates if c.made is None and c.verdict != IDLE)


def _left_out(edit: Edit) -> str:
    if edit.grade == "lossy":
        return edit.short.partition("\n")[0]
    return "nothing: the form gives back " + ("every byte" if edit.grade == "exact" else "the same values, or the same visible text")


def _row(candidate: Candidate, before: int, winner: str) -> str:
    verdict = "chosen" if candidate.name == winner else candidate.verdict or "may be used; another one won"
    saved = f"{100 * (1 - candidate.tokens / max(before, 1)):.1f} %"
    grade = candidate.made.grade if candidate.made else ""
    return f"  {candidate.name:<16}{candidate.sureness:>6.2f}{candidate.tokens:>10,}{saved:>8}  {grade:<7} {verdict}"


def _as_json(told: Told) -> dict[str, Any]:
    edit = told.edit
    return {
        "file": told.name, "by": edit and edit.by, "grade": edit and edit.grade, "reason": None if edit else told.reason,
        "tokens_before": told.before, "tokens_after": told.after, "counter": told.counter,
        "marker": edit.short.partition("\n")[0] if edit and edit.grade == "lossy" else None,
        "candidates": [
            {
                "name": c.name, "sure": round(c.sureness, 3), "lossy": c.lossy, "tokens": c.tokens if c.made else None,
                "grade": c.made and c.made.grade, "omitted": (c.made and c.made.omitted) or None, "verdict": c.verdict or None,
            }
            for c in told.candidates
        ],
    }


def _side_by_side(before: str, after: str, columns: int) -> Iterator[str]:
    """Both texts in two columns; lines that both have stand beside each other, unless there are too many to compare."""
    left, right = before.split("\n"), after.split("\n")
    width = max(20, (columns - 3) // 2)
    blocks: Sequence[tuple[str, int, int, int, int]] = [("replace", 0, len(left), 0, len(right))]
    if len(left) <= ALIGNED and len(right) <= ALIGNED:
        blocks = difflib.SequenceMatcher(None, left, right).get_opcodes()
    for _, a, b, c, d in blocks:
        for i in range(max(b - a, d - c)):
            one = left[a + i] if a + i < b else ""
            two = right[c + i] if c + i < d else ""
            yield f"{_fit(one, width)} │ {_fit(two, width).rstrip()}".rstrip()


def _fit(line: str, width: int) -> str:
    """The line in exactly `width` columns of a terminal, tabs and controls as blanks."""
    shown: list[str] = []
    used = 0
    for sign in line:
        size = 2 if unicodedata.east_asian_width(sign) in "WF" else 0 if unicodedata.combining(sign) else 1
        if used + size > width - 1 and len(line) > len(shown) + 1:
            return "".join(shown) + "…" + " " * (width - used - 1)
        shown.append(sign if sign.isprintable() else " ")
        used += size
    return "".join(shown) + " " * (width - used)
