"""Long directory listings (ls -l, -la, -lh, -R): what most entries share stands in the first line.

    [ls -l; where not shown: files -rw-r--r-- 1 Nov 21 02:19, folders drwxr-xr-x 2 4096 Nov 21 02:19, mira mira; x3: 3 links]
    total 348
    x39 ./
    13936 LICENSE.txt
    -rwxr-xr-x 227 Apr 2 2025 run
    lrwxrwxrwx Apr 2 2025 tool -> ../bin/tool

An entry keeps the order of ls: mode, links, owner and group, size, date, name. A symlink's size is that of its target.
Columns are as wide as their widest cell, so blanks need not be kept; where ls knew more entries than are shown
(`ls -l | head`) the form states the widths.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from headroom.compressors.base import Compressed, Goal, TooCostly, read_back
from headroom.compressors.lines.glance import glance

MAX_CHARS = 8_000_000
"""Two seconds of work; large bodies are shortened in a thread."""

MIN_ENTRIES, MIN_SHARE = 5, 0.5
"""Entries that are worth a header, and their share of the lines: below it the text is about something else. Headers of folders and blank lines count against it."""

WHOLE = "= "
"""Starts a line that stands as it came, though it looks like a short entry."""

_MODE = r"[-dlbcpsD][-rwxsStTl]{9}[.+@]?"
_SIZE = r"[0-9]+,[ ]*[0-9]+|[0-9][0-9.,]*[KMGTPEk]?i?B?"
_ISO = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ ][0-9]{2}:[0-9]{2}(?::[0-9.]+[ ][+-][0-9]{4})?"
_LONG_DATE = rf"[A-Z][a-z]{{2}}[ ](?:[ ][1-9]|[1-3][0-9])[ ](?:[0-9]{{2}}:[0-9]{{2}}|[ ][0-9]{{4}})|{_ISO}"
_DATE = rf"[A-Z][a-z]{{2}}[ ][1-3]?[0-9][ ](?:[0-9]{{2}}:[0-9]{{2}}|[0-9]{{4}})|{_ISO}"
_ROW = re.compile(rf"({_MODE}[ ]+)([0-9]+)[ ]([^ :]+)([ ]+)([^ :]+)([ ]+)({_SIZE})[ ]({_LONG_DATE})[ ](.+)")
_SHORT = re.compile(rf"(?:({_MODE})[ ])?(?:x([0-9]+)[ ])?(?:([^ :]+):([^ :]+)[ ])?(?:({_SIZE})[ ])?(?:({_DATE})[ ])?(.+)")
_LIKE_FIELD = re.compile(rf"(?:{_MODE}|x[0-9]+|[^ :]+:[^ :]+|{_SIZE}|{_DATE}|=|\(columns)[ ]")
_SEVERAL = re.compile(rf"(?:{_MODE}[ ])?x[0-9]")
_WIDTHS = re.compile(r"\(columns ([0-9]{1,4}) ([0-9]{1,4}) ([0-9]{1,4}) wide\)")
_NAMES = (("-", "files", ""), ("d", "folders", f" (?P<size>{_SIZE})"), ("l", "symlinks", ""))
"""The kinds of entries that are told by their names, as the first line calls them."""
_HEADER = re.compile(
    r"\[ls -l(?P<bsd>, BSD)?; where not shown: "
    + "".join(rf"(?:{word} (?P<{word}>{_MODE}) (?P<{word}_links>[0-9]+){size} (?P<{word}_date>{_DATE}), )?" for _, word, size in _NAMES)
    + rf"(?:others (?P<others>{_DATE}), )?(?P<owner>[^ ]+) "
    + r"(?P<group>[^ ]+?)(?:; x3: 3 links)?\]\n"
)

Widths = tuple[int, int, int]
"""Of mode and links, of owner with the blanks behind it, of group and size."""

Row = tuple[str, str, str, str, str, str, str, Widths]
"""Mode, links, owner, group, size, date, name, and the widths of its columns. A bare tuple: one is made per line."""


@dataclass(frozen=True, slots=True)
class Usual:
    """What a field holds where an entry does not show it; by the first letter of the mode where kinds differ."""

    mode: dict[str, str]
    links: dict[str, str]
    date: dict[str, str]
    """With "" for devices, pipes and sockets, whose kind only the mode tells."""
    folder_size: str
    owner: str
    group: str
    gap: int
    """Blanks between columns at least: GNU has one, BSD two."""


@dataclass(frozen=True, slots=True)
class Listings:
    """`ls -l` in its many styles. Kept for certain: every byte, or every word and number where only the columns' padding differs. Rights,
    owner and dates that most entries share are said once."""

    name: str = "listings"
    lossy: bool = False

    def sniff(self, text: str, goal: Goal) -> float:
        lines = glance(text)
        found = sum(1 for line in lines if not line or line.startswith("total ") or _ROW.match(line))
        return 0.95 * found / len(lines) if any(map(_ROW.match, lines)) else 0.0

    def compress(self, text: str, goal: Goal) -> Compressed | None:
        if len(text) > MAX_CHARS:
            raise TooCostly("too many entries")
        if _HEADER.match(text):
            return None
        body = text[:-1] if text.endswith("\n") else text
        lines = body.split("\n")
        rows = [_row(line) for line in lines]
        entries = [row for row in rows if row]
        if len(entries) < max(MIN_ENTRIES, MIN_SHARE * len(rows)):
            return None
        usual = _usual(entries)
        form = list(_form(lines, rows, usual))
        short = "\n".join([_header(usual, form), *form]) + text[len(body) :]
        return Compressed(short, "exact") if len(short) < len(text) else None

    def expand(self, short: str) -> str | None:
        return read_back(short, _HEADER, lambda form, header: _lines(form, _read_header(header)))


def _row(line: str) -> Row | None:
    found = _ROW.fullmatch(line)
    if not found:
        return None
    mode, links, owner, _, group, _, size, date, name = found.groups()
    if " " in name and _LIKE_FIELD.match(name):
        return None  # where no field is shown before it, it would be taken for one
    end, start = found.end(2), found.start(5)
    return mode.rstrip(" "), links, owner, group, size, date, name, (end, start - end - 1, found.end(7) - start)


def _padded(date: str) -> str:
    """A date as ls prints it: day and year fill the places of two digits and of a time."""
    if date[0] <= "9":
        return date
    month, day, time = date.split(" ")
    return f"{month} {day:>2} {time:>5}"


def _usual(rows: Sequence[Row]) -> Usual:
    mode, links, dates = {}, {}, {}
    for kind in {_letter(row[0]): None for row in rows}:
        same = [row for row in rows if _letter(row[0]) == kind]
        ((mode[kind], links[kind]), _), = Counter([(row[0], row[1]) for row in same]).most_common(1)
        (date, _), = Counter([row[5] for row in same]).most_common(1)
        dates[kind] = " ".join(date.split())
    sizes = Counter([row[4] for row in rows if row[0][0] == "d"]).most_common(1)
    ((owner, group), _), = Counter([(row[2], row[3]) for row in rows]).most_common(1)
    gap = 2 if _natural(rows, 2) == rows[0][7] else 1
    return Usual(mode, links, dates, sizes[0][0] if sizes else "", owner, group, gap)


def _natural(rows: Sequence[Row], gap: int) -> Widths:
    """The widths ls chooses for these entries."""
    mode = max([len(row[0]) for row in rows]) if gap == 1 else 11  # BSD always leaves room for a mark
    return (
        mode + 1 + max([len(row[1]) for row in rows]),
        max([len(row[2]) for row in rows]) + gap,
        max([len(row[3]) for row in rows]) + gap + max([len(row[4]) for row in rows]),
    )


def _header(usual: Usual, form: Sequence[str]) -> str:
    kinds = [
        f"{word} {usual.mode[kind]} {usual.links[kind]}{f' {usual.folder_size}' if size else ''} {usual.date[kind]}, "
        for kind, word, size in _NAMES if kind in usual.mode
    ]
    others = f"others {usual.date['']}, " if "" in usual.date else ""
    bsd = ", BSD" if usual.gap == 2 else ""
    several = "; x3: 3 links" if any(map(_SEVERAL.match, form)) else ""
    return f"[ls -l{bsd}; where not shown: {''.join(kinds)}{others}{usual.owner} {usual.group}{several}]"


def _read_header(found: re.Match[str]) -> Usual:
    kinds = [(kind, word) for kind, word, _ in _NAMES if found[word]]
    return Usual(
        {kind: found[word] for kind, word in kinds}, {kind: found[f"{word}_links"] for kind, word in kinds},
        {kind: found[f"{word}_date"] for kind, word in kinds} | ({"": found["others"]} if found["others"] else {}),
        found["size"] or "", found["owner"], found["group"], 2 if found["bsd"] else 1,
    )


def _form(lines: Sequence[str], rows: Sequence[Row | None], usual: Usual) -> Iterator[str]:
    """Entries in stretches of equal widths, stated where they are not what ls would choose for the stretch."""
    after_entry = False
    for widths, stretch in groupby(zip(lines, rows, strict=True), key=lambda pair: pair[1] and pair[1][7]):
        pairs = list(stretch)
        entries = [row for _, row in pairs if row]
        if widths is None:
            yield from (WHOLE + line if _looks_ours(line) else line for line, _ in pairs)
        else:
            if after_entry or widths != _natural(entries, usual.gap):
                yield "(columns {} {} {} wide)".format(*widths)
            yield from _shortened(entries, usual)
        after_entry = bool(entries)


def _looks_ours(line: str) -> bool:
    return bool(line.startswith(WHOLE) or _WIDTHS.fullmatch(line) or _fields(line))


def _shortened(rows: Sequence[Row], usual: Usual) -> Iterator[str]:
    """Entries without what is usual for their kind."""
    befores: dict[tuple[str, ...], str] = {}
    dates: dict[tuple[str, str], str] = {}
    for mode, links, owner, group, size, date, name, _ in rows:
        kind = _letter(mode)
        name = name + "/" if kind == "d" else name
        told = _kind(name) == kind
        before = befores.get((mode, links, owner, group, "" if told else kind))
        if before is None:
            before = befores[mode, links, owner, group, "" if told else kind] = _before(mode, links, f"{owner}:{group}", told, usual)
        after = dates.get((kind, date))
        if after is None:
            short = " ".join(date.split())
            after = dates[kind, date] = "" if short == usual.date[kind] else short + " "
        shown = "" if size == _usual_size(kind, name, usual) else size + " "
        yield f"{before}{shown}{after}{name}"


def _before(mode: str, links: str, owner: str, told: bool, usual: Usual) -> str:
    """What stands before the size. `told`: the name alone tells the kind of entry."""
    kind = _letter(mode)
    shown = "" if told and mode == usual.mode[kind] else mode + " "
    shown += "" if links == (usual.links[kind] if kind else "1") else f"x{links} "
    return shown + ("" if owner == f"{usual.owner}:{usual.group}" else owner + " ")


def _letter(mode: str) -> str:
    """The kind of an entry by its mode: that of a file, a folder, a symlink, or "" for all others."""
    return mode[0] if mode[0] in "-dl" else ""


def _kind(name: str) -> str:
    """The kind of an entry as its name alone tells it."""
    return "d" if name[-1:] == "/" else "l" if " -> " in name else "-"


def _usual_size(kind: str, name: str, usual: Usual) -> str:
    if kind == "l":
        return str(len(name.partition(" -> ")[2].encode("utf-8", "surrogatepass")))
    return usual.folder_size if kind == "d" else ""


def _fields(line: str) -> Sequence[str | None] | None:
    """Mode, links, owner, group, size, date, name of a short entry; None if the line is none."""
    found = _SHORT.fullmatch(line)
    if found and (found[5] or found[1] or _kind(found[7]) != "-"):
        return found.groups()
    return None


def _lines(form: Sequence[str], usual: Usual) -> Iterator[str]:
    """The inverse of `_form`."""
    block: list[Row] = []
    widths: Widths | None = None
    for line in form:
        fields = None if line.startswith((WHOLE, "(columns ")) else _fields(line)
        if fields:
            block.append(_long(fields, usual))
            continue
        if block:
            yield from _laid_out(block, widths or _natural(block, usual.gap))
        stated = _WIDTHS.fullmatch(line)
        block, widths = [], (int(stated[1]), int(stated[2]), int(stated[3])) if stated else None
        if not stated:
            yield line.removeprefix(WHOLE)
    if block:
        yield from _laid_out(block, widths or _natural(block, usual.gap))


def _long(fields: Sequence[str | None], usual: Usual) -> Row:
    """A short entry with all that is usual. ValueError if the first line does not say what that is."""
    mode, links, owner, group, size, date, name = fields
    if name is None:
        raise ValueError("no name")
    kind = _letter(mode) if mode else _kind(name)
    if kind not in usual.date and not (mode and links and date):
        raise ValueError("no entry of this kind was usual")
    size = size or _usual_size(kind, name, usual)
    return (
        mode or usual.mode[kind], links or (usual.links[kind] if kind else "1"), owner or usual.owner, group or usual.group, size,
        date or usual.date[kind], name[:-1] if kind == "d" else name, (0, 0, 0),
    )


def _laid_out(rows: Sequence[Row], widths: Widths) -> Iterator[str]:
    first, second, third = widths
    dates: dict[str, str] = {}
    for mode, links, owner, group, size, date, name, _ in rows:
        if date not in dates:
            dates[date] = _padded(date)
        left, right = f"{mode} {links}", f"{group} {size}"
        if len(left) < first:
            left = mode + links.rjust(first - len(mode))
        if len(right) < third:
            right = group + size.rjust(third - len(group))
        yield f"{left} {owner:<{second}}{right} {dates[date]} {name}"
