"""The log of git (git log, git show, with --stat or -p): one line a commit, its message, and statistics without padding.

    [git log: id, date, author (year, zone, author as above where not shown); "/name" lies in the folder above, +1 -2 is the sum; "---" before statistics]
    f35962882d176c40ce37db6be494f7a8d72afe62 Nov 12 10:53:59 2020 +0200 Ann Lee <ann@example.org>
    Fix the reader
    ---
    src/reader.py 3 +--
    258bf65252234c6383bd0a3cbcabdc16b88631dc Nov 11 06:56:05 Ann Lee
    Add a reader

The day of the week follows from the date, an address from the name it was shown with, and widths from what stands in
the columns. What does not follow is left as it came, behind "= " or "+++".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from headroom.compressors.base import Compressed, Goal, TooCostly, read_back
from headroom.compressors.gitstat import read_statistics, statistics

MAX_CHARS = 8_000_000
"""Two seconds of work; large bodies are shortened in a thread."""

MIN_COMMITS = 2
"""A single one has nothing above it that could go without saying."""

WHOLE, STATISTICS, REST = "= ", "---", "+++"

_COMMIT = re.compile(r"commit ([0-9a-f]{40}(?: \([^()\n]*\))?)")
_DATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) ((Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ([1-9][0-9]?) [0-9]{2}:[0-9]{2}:[0-9]{2}) ([0-9]{4}) ([+-][0-9]{4})")
_HEAD = re.compile(
    r'([0-9a-f]{40}(?: \([^()\n]*\))?) (?:"([^"\n]*)"|([A-Z][a-z]{2} [0-9]{1,2} [0-9]{2}:[0-9]{2}:[0-9]{2})(?: ([0-9]{4}))?(?: ([+-][0-9]{4}))?)(?: ([^\n]+))?'
)
_ID = re.compile(r"[0-9a-f]{40}(?![0-9a-f])")
_HEADER = re.compile(r'\[git log: id, date[^\n]*\]\n')
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(slots=True)
class Known:
    """What earlier commits have shown: the state of one pass over a log."""

    year: str = ""
    zone: str = ""
    author: str = ""
    addresses: dict[str, str] = field(default_factory=dict)
    """The address that a name was shown with last."""


@dataclass(frozen=True, slots=True)
class GitLog:
    """`git log` and `git show`. Kept for certain: every byte; ids stand whole. Addresses are shown once, years and zones where they change."""

    name: str = "git-log"
    lossy: bool = False

    def sniff(self, text: str, goal: Goal) -> float:
        return 0.9 if _COMMIT.match(text) or ("\nAuthor: " in text[:4000] and _COMMIT.search(text[:4000])) else 0.0

    def compress(self, text: str, goal: Goal) -> Compressed | None:
        if len(text) > MAX_CHARS:
            raise TooCostly("too long a log")
        if text.count("\nAuthor: ") < MIN_COMMITS or _HEADER.match(text):
            return None
        body = text[:-1] if text.endswith("\n") else text
        lines = body.split("\n")
        form = list(_form(lines))
        if not form[-1]:  # an empty text at the very end would look like a final newline
            form[-1] = WHOLE + lines[-1]
        short = "\n".join([_header(form), *form]) + text[len(body) :]
        return Compressed(short, "exact") if len(short) < len(text) and self.expand(short) == text else None

    def expand(self, short: str) -> str | None:
        return read_back(short, _HEADER, lambda form, _: _lines(form))


def _header(form: Sequence[str]) -> str:
    statistic = '; "---" before statistics, where "/name" lies in the folder above and +1 -2 is the sum' if STATISTICS in form else ""
    others = '; "= " before other lines' if any(line.startswith(WHOLE) for line in form) else ""
    rest = '; "+++" before what stands as it came' if REST in form else ""
    return f"[git log: id, date, author (year, zone, author as above where not shown){statistic}{rest}{others}]"


def _form(lines: Sequence[str]) -> Iterator[str]:
    known = Known()
    at = 0
    message = False
    while at < len(lines):
        line = lines[at]
        heads = at + (at > 0 and not line)
        head = _head(lines[heads : heads + 4], known) if at == 0 or not line else None
        if head:
            yield head
            at, message = heads + 4, True
        elif message and line.startswith("    ") and not _is_ours(line[4:]):
            yield line[4:]
            at += 1
        elif message and not line and at + 1 < len(lines):
            made = statistics(lines, at + 1)
            yield STATISTICS if made else REST
            message = False
            at += 1
            if made:
                yield from made.form
                at = made.end
        else:
            yield WHOLE + line if message or _is_ours(line) else line
            at += 1


def _is_ours(line: str) -> bool:
    return line in (STATISTICS, REST) or line.startswith(WHOLE) or bool(_ID.match(line))


def _head(lines: Sequence[str], known: Known) -> str | None:
    """The line for the four that begin a commit; None if they are others."""
    commit = _COMMIT.fullmatch(lines[0]) if lines else None
    if not commit or len(lines) < 4 or not lines[1].startswith("Author: ") or not lines[2].startswith("Date:   ") or lines[3]:
        return None
    when, author = lines[2][8:], lines[1][8:]
    name, _, address = author.partition(" <")
    if not name or '"' in when:
        return None
    shown = "" if author == known.author else f" {name}" if address and known.addresses.get(name) == address else f" {author}"
    known.author, known.addresses[name] = author, address
    return f"{commit[1]} {_short(when, known)}{shown}"


def _short(when: str, known: Known) -> str:
    found = _DATE.fullmatch(when)
    if not found or _day(found[5], found[3], found[4]) != found[1]:
        return f'"{when}"'
    shown = found[2]
    if found[5] != known.year:
        shown += f" {found[5]}"
    if found[6] != known.zone:
        shown += f" {found[6]}"
    known.year, known.zone = found[5], found[6]
    return shown


def _day(year: str, month: str, day: str) -> str:
    try:
        return _DAYS[date(int(year), _MONTHS.index(month) + 1, int(day)).weekday()]
    except ValueError:
        return ""


def _lines(form: Sequence[str]) -> Iterator[str]:
    """The inverse of `_form`."""
    known = Known()
    at = 0
    message = False
    while at < len(form):
        line = form[at]
        head = _HEAD.fullmatch(line) if _ID.match(line) else None
        at += 1
        if head:
            if at > 1:
                yield ""
            yield from _long(head, known)
            message = True
        elif line.startswith(WHOLE):
            yield line[len(WHOLE) :]
        elif message and line in (STATISTICS, REST):
            yield ""
            message = False
            if line == STATISTICS:
                lines, at = read_statistics(form, at)
                yield from lines
        else:
            yield f"    {line}" if message else line


def _long(head: re.Match[str], known: Known) -> Iterator[str]:
    commit, when, day, year, zone, author = head.groups()
    if day:
        known.year, known.zone = year or known.year, zone or known.zone
        month, number, _ = day.split(" ")
        when = f"{_day(known.year, month, number)} {day} {known.year} {known.zone}"
    name, _, address = (author or known.author).partition(" <")
    address = address or known.addresses.get(name, "")
    known.author, known.addresses[name] = f"{name} <{address}" if address else name, address
    yield f"commit {commit}"
    yield f"Author: {known.author}"
    yield f"Date:   {when}"
    yield ""
