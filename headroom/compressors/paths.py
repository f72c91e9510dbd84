"""Lists of paths (find, git ls-files, rg -l): each folder once, its names behind it, in the order they came.

    [9 paths in /srv/app/: "folder/: names"; a folder lies in the nearest less indented one above; "(a b).c" is a.c b.c]
    ./: Makefile README.md
    src/: (main parse read).py
     tests/: test_main.py

Folders, indented as an outline, cost half of what whole folders would on a deep tree. Read from top to bottom, left to
right, the form gives the lines in their order. A line that is no path follows "= ". What names or folders end in again
and again may have a sign, which the header explains.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from headroom.compressors import endings
from headroom.compressors.base import Compressed, Goal, TooCostly, read_back
from headroom.compressors.lines.glance import glance
from headroom.compressors.lines.prefix import common_prefix

MAX_CHARS = 8_000_000
"""Two seconds of work if all folders differ; large bodies are shortened in a thread."""

MIN_PATHS, MIN_SHARE = 5, 0.6
"""Paths that are worth a header, and their share of the lines: below it the text is about something else."""

MIN_GROUP = 3
"""Names with a common ending that are put in brackets; two cost as much as they save."""

MAX_STEPS = 3
"""Endings of an ending (.d.ts, .test.tsx) that are looked for: bounds the work on a name full of dots."""

WHOLE = "= "
"""Starts a line that stands as it came."""

MAX_PATH = 1024
"""Characters; a longer line is kept whole, so that the outline's depth is bounded."""

_PATH = re.compile(rf"[^\x00-\x20\x7f]{{1,{MAX_PATH}}}")
_ROW = re.compile(r"((?:[^\x00-\x20\x7f]*/)?)([^\x00-\x20\x7f/()]+/?)")
"""Folder, with its slash, and name; a slash at the end belongs to the name."""
_RULE = '"folder/: names"; a folder lies in the nearest less indented one above'
_BRACKETS = '; "(a b).c" is a.c b.c'
_KEPT = f'; "{WHOLE}" before other lines'
_HEADER = re.compile(
    r"\[[0-9]+ paths(?: in (?P<root>[^\x00-\x20]+))?(?:, all ending in (?P<ending>\.[^\x00-\x20]+))?: "
    + re.escape(_RULE) + f"(?:{re.escape(_BRACKETS)})?(?P<signs>{endings.RULES})(?P<tails>{endings.TAIL_RULES})(?:{re.escape(_KEPT)})?" + r"\]\n"
)
_NAMES = re.compile(r"\(([^()]*)\)([^ ()]+)|([^ ()]+)")


@dataclass(frozen=True, slots=True)
class Paths:
    """Lists of paths. Kept for certain: every byte. Each folder is said once; endings that come again and again have a sign."""

    name: str = "paths"
    lossy: bool = False

    def sniff(self, text: str, goal: Goal) -> float:
        lines = glance(text)
        found = sum(1 for line in lines if "/" in line and _PATH.fullmatch(line))
        return 0.9 * found / len(lines)

    def compress(self, text: str, goal: Goal) -> Compressed | None:
        if len(text) > MAX_CHARS:
            raise TooCostly("too many paths")
        if _HEADER.match(text):
            return None
        body = text[:-1] if text.endswith("\n") else text
        lines = body.split("\n")
        paths = [line for line in lines if _PATH.fullmatch(line)]
        if len(paths) < max(MIN_PATHS, MIN_SHARE * len(lines)) or sum("/" in path for path in paths) * 2 < len(paths):
            return None
        # The first line of find's output is the folder itself: it must not make the common folder shorter.
        root = common_folder(paths[1:])
        rows = [_row(line, root) for line in lines]
        ending = _ending([name for _, name in rows if name])
        stretches = _stretches(rows, ending)
        signs = endings.signs((names for _, names in stretches), text)
        outline = list(_outline(stretches, signs, brackets=not ending))
        tails = endings.tails(outline, text)
        form = [line if line.startswith(WHOLE) else endings.cut_tail(line, tails) for line in outline] if tails else outline
        kept = _KEPT if any(line.startswith(WHOLE) for line in form) else ""
        brackets = _BRACKETS if any(")." in line for line in outline) else ""
        header = f"[{len(paths)} paths{f' in {root}' if root else ''}{f', all ending in {ending}' if ending else ''}: {_RULE}{brackets}{endings.rules(signs)}{endings.tail_rules(tails)}{kept}]"
        short = "\n".join([header, *form]) + text[len(body) :]
        return Compressed(short, "exact") if len(short) < len(text) else None

    def expand(self, short: str) -> str | None:
        return read_back(short, _HEADER, _lines)


def common_folder(paths: Sequence[str]) -> str:
    """The longest folder, with its separator, that all paths begin with."""
    shared = common_prefix(min(paths), max(paths))
    return shared[: max(shared.rfind("/"), shared.rfind("\\")) + 1]


Row = tuple[str, str]
"""Folder below the root, and name; for a line that is kept whole the line, and no name."""


def _row(line: str, root: str) -> Row:
    found = _ROW.fullmatch(line, len(root)) if line.startswith(root) and len(line) <= MAX_PATH else None
    return (found[1], found[2]) if found and found[1][:2] != "./" else (line, "")  # "./" stands for the root itself


def _suffix(name: str) -> str:
    """A name's extension with its dot, "" if it has none."""
    cut = name.rfind(".")
    return name[cut:] if cut > 0 else ""


def _ending(names: Sequence[str]) -> str:
    """What all names end in: their extension, and more of what stands before it if they share that too."""
    ending = _suffix(names[0]) if names else ""
    if not ending or not all(len(name) > len(ending) and name.endswith(ending) for name in names):
        return ""
    for _ in range(MAX_STEPS):
        longer = _suffix(names[0][: -len(ending)]) + ending
        if longer == ending or not all(len(name) > len(longer) and name.endswith(longer) for name in names):
            break
        ending = longer
    return ending


def _stretches(rows: Sequence[Row], ending: str) -> list[tuple[str, list[str]]]:
    """Neighbours in one folder, without what all names end in."""
    size = -len(ending) if ending else None
    return [(folder, [name[:size] for _, name in group]) for (folder, _), group in groupby(rows, key=lambda r: (r[0], bool(r[1])))]


def _outline(stretches: Sequence[tuple[str, list[str]]], signs: Mapping[endings.Endings, str], *, brackets: bool) -> Iterator[str]:
    """One line for each stretch of names in one folder, below the folders it lies in."""
    open_: list[str] = []
    for (folder, names), following in zip(stretches, [*stretches[1:], ("", [""])], strict=True):
        if not names[0]:
            yield from (f"{WHOLE}{folder}" for _ in names)
            continue
        while open_ and not (folder.startswith(open_[-1]) and folder != open_[-1]):
            open_.pop()
        above = open_[-1] if open_ else ""
        shared = _shared(folder, following[0]) if following[1][0] else ""
        if len(above) < len(shared) < len(folder):
            yield " " * len(open_) + shared[len(above) :]
            open_.append(shared)
            above = shared
        shown = endings.signed(names, signs)
        yield f"{' ' * len(open_)}{folder[len(above) :] or './'}: {_grouped(shown) if brackets else ' '.join(shown)}"
        if folder:
            open_.append(folder)


def _shared(folder: str, other: str) -> str:
    """The deepest folder above `folder` that `other` lies in, or is."""
    while folder and not other.startswith(folder):
        folder = folder[: folder.rfind("/", 0, -1) + 1]
    return folder


def _grouped(names: Sequence[str]) -> str:
    """Neighbours with the same extension share it."""
    shown: list[str] = []
    for suffix, group in groupby(names, key=_suffix):
        same = list(group)
        if suffix and len(same) >= MIN_GROUP:
            ending = _ending(same)
            shown.append(f"({' '.join(name[: -len(ending)] for name in same)}){ending}")
        else:
            shown += same
    return " ".join(shown)


def _lines(form: Sequence[str], header: re.Match[str]) -> Iterator[str]:
    """The inverse of `_outline`."""
    root, ending = header["root"] or "", header["ending"] or ""
    signs, tails = endings.read(header["signs"]), endings.read_tails(header["tails"])
    open_: list[str] = []
    for line in form:
        if line.startswith(WHOLE):
            yield line[len(WHOLE) :]
            continue
        indented = endings.with_tail(line, tails)
        shown = indented.lstrip(" ")
        depth = len(indented) - len(shown)
        name, _, names = shown.partition(" ")
        if depth > len(open_) or not name.endswith("/" if not names else "/:"):
            raise ValueError("not a folder")
        above = open_[depth - 1] if depth else ""
        folder = name.removesuffix(":")
        folder = "" if folder == "./" and not depth else above + folder
        del open_[depth:]
        if folder:
            open_.append(folder)
        for several, suffix, single in _NAMES.findall(names):
            stems = several.split(" ") if suffix else endings.unsigned(single, signs)
            yield from (f"{root}{folder}{stem}{suffix}{ending}" for stem in stems)
