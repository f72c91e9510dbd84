r'''Unified diffs (git diff, show, log -p, diff -u): headers as short as what stands below them allows.

    diff --git a/src/a.py b/src/a.py
    index 687c506..45f5477 100644          diff src/a.py 687c506..45f5477
    --- a/src/a.py                     →   @@ 30 def f():
    +++ b/src/a.py                             context
    @@ -30,6 +30,7 @@ def f():              +added
         context
    +added

The old line follows from the new one and the hunks before, the lengths from the lines below: up to one that cannot be
a hunk's. A hunk whose numbers do not follow (cut short, written by another tool) keeps its header. A hunk that only adds
or removes says how many lines it has and leaves their sign off. Everything else stands as it was.
'''

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from headroom.compressors.base import SLICE, Compressed, Goal, TooCostly, read_back

MAX_CHARS = 16_000_000
"""Below a second of work; large bodies are shortened in a thread."""

HEAD = 20_000
"""Characters in which a diff shows a hunk, behind a commit message or a table of changes."""

MAX_NAME = 1000
"""Characters of a header that is shortened; paths are shorter."""

MIN_PURE = 3
"""Lines of a hunk that only adds or removes from which on the signs cost more than saying how many they are."""

HUNK = re.compile(r"@@ -([0-9]{1,9})(?:,([0-9]{1,9}))? \+([0-9]{1,9})(?:,([0-9]{1,9}))? @@(.*)")
_SHORT = re.compile(r"@@ ([0-9]{1,9})(?: ([+-])([0-9]{1,9}))?((?: .*)?)")
_SIGNED = re.compile(r" [+-][0-9]+(?: |\Z)")
_IDS = re.compile(r" (?:(new|deleted) )?([0-9a-f]{4,64}(?:\.\.[0-9a-f]{4,64})?)(?: ([0-9]{6}))?\Z")
_INDEX = re.compile(r"index ([0-9a-f]{4,64})\.\.([0-9a-f]{4,64})(?: ([0-9]{6}))?")
_SAME = re.compile(r" ([0-9]{1,3})%\Z")
_NO_BODY = re.compile(r"[^ +\-\\\n]")

GIT, AGAIN, MODE, ARROW, PAIR = "diff --git ", ' "', "100644", " → ", "diff --- "
"""AGAIN: the text behind the numbers is that of the hunk before."""

_LEGEND = '[diff: "@@ N" = hunk at new line N'
_HEADER = re.compile(re.escape(_LEGEND) + r'(?:, "@@ N \+n" = n lines follow, all added, \+ left off)?(?:, " = text as before)?(?:; "diff FILE ids" = its header lines)?\]\n')


@dataclass(frozen=True, slots=True)
class File:
    """What the header lines of one file say."""

    old: str
    new: str
    ids: str = ""
    mode: str = ""
    what: str = ""
    """"new" or "deleted"; the other id is zeros then."""
    same: str = ""
    """Per cent of a renamed file."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a hunk can refer to: what the hunks before it in its file did."""

    grown: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Hunk:
    """The numbers of a hunk: where it begins and how many lines it has, old and new."""

    old: int
    removed: int
    new: int
    added: int
    text: str

    def header(self) -> str:
        old = f"{self.old},{self.removed}" if self.removed != 1 else f"{self.old}"
        new = f"{self.new},{self.added}" if self.added != 1 else f"{self.new}"
        return f"@@ -{old} +{new} @@{self.text}"

    def after(self) -> Place:
        """Where the files stand behind it; an empty side begins at the line before."""
        old = self.old + (self.removed == 0) + self.removed
        return Place(self.new + (self.added == 0) + self.added - old, self.text)


@dataclass(frozen=True, slots=True)
class Diffs:
    """Unified diffs. Kept for certain: every byte. Headers say only what the lines below them do not."""

    name: str = "diff"
    lossy: bool = False

    def sniff(self, text: str, goal: Goal) -> float:
        return 0.9 if has_hunk(text) else 0.0

    def compress(self, text: str, goal: Goal) -> Compressed | None:
        if len(text) > MAX_CHARS:
            raise TooCostly("too long a diff")
        if _HEADER.match(text) or "@@ -" not in text:
            return None
        body = text[:-1] if text.endswith("\n") else text
        lines = body.split("\n")
        try:
            form = list(_form(lines))
        except ValueError:
            return None
        if not form[-1] and text == body:  # an empty line at the very end would look like a final newline
            return None
        short = "\n".join([_legend(form), *form]) + text[len(body) :]
        return Compressed(short, "exact") if len(short) < len(text) else None

    def expand(self, short: str) -> str | None:
        return read_back(short, _HEADER, lambda form, _: _lines(form))


def has_hunk(text: str) -> bool:
    """Whether the text's beginning holds the header of a hunk."""
    at = text.find("@@ -", 0, HEAD)
    while at >= 0:
        if (at == 0 or text[at - 1] == "\n") and HUNK.match(text, at):
            return True
        at = text.find("\n@@ -", at + 1, HEAD) + 1 or -1
    return False


def kinds_of(lines: Sequence[str]) -> str:
    """The first character of each line, a newline for an empty one: hunks are found in it at the speed of C."""
    return "".join([line[:1] or "\n" for line in lines])


def body_end(kinds: str, start: int) -> int:
    """Where the lines end that can be a hunk's; empty lines count where such a line follows."""
    end = start
    while end < len(kinds):
        found = _NO_BODY.search(kinds, end, end + SLICE)
        if found:
            end = found.start()
            break
        end = min(len(kinds), end + SLICE)
    while end > start and kinds[end - 1] == "\n":
        end -= 1
    return end


def _legend(form: Sequence[str]) -> str:
    shorts = [found for line in form if line.startswith("@@ ") and (found := _SHORT.fullmatch(line))]
    pure = ', "@@ N +n" = n lines follow, all added, + left off' if any(found[2] for found in shorts) else ""
    again = ', " = text as before' if any(found[4] == AGAIN for found in shorts) else ""
    files = '; "diff FILE ids" = its header lines' if any(line.startswith("diff ") for line in form) else ""
    return f"{_LEGEND}{pure}{again}{files}]"


def _form(lines: Sequence[str]) -> Iterator[str]:
    kinds = kinds_of(lines)
    place = Place()
    at = 0
    while at < len(lines):
        line = lines[at]
        if kinds[at] == "@" and (found := HUNK.fullmatch(line)):
            hunk = _hunk(found)
            body = _body(lines, kinds, at + 1, hunk) if _follows(hunk, line, place) else None
            end = _signed_end(kinds, at + 1) if body is None else at + 1 + len(body)
            yield from lines[at:end] if body is None else _short(hunk, body, place)
            place, at = hunk.after(), end
            continue
        place = Place()
        file = _file(lines, at) if line.startswith(GIT) else None
        if file:
            yield _heading(file)
            at += len(_headers(file, _has_pair(lines, at, file)))
            continue
        if (kinds[at] == "@" and _SHORT.fullmatch(line)) or (kinds[at] == "d" and (line.startswith(PAIR) or _parse(line))):
            raise ValueError("a line like one of the form")
        yield "diff " + line if line.startswith("--- ") else line
        at += 1


def _hunk(found: re.Match[str]) -> Hunk:
    return Hunk(int(found[1]), int(found[2] or 1), int(found[3]), int(found[4] or 1), found[5])


def _signed_end(kinds: str, start: int) -> int:
    """Where the lines of a hunk with its own header end: nothing in them is looked at."""
    while start < len(kinds) and kinds[start] in " +-\\":
        start += 1
    return start


def _follows(hunk: Hunk, line: str, place: Place) -> bool:
    """Whether the header can be told from the new line and the hunks before."""
    old = hunk.new + (hunk.added == 0) - place.grown - (hunk.removed == 0)
    plain = not hunk.text or (hunk.text[0] == " " and hunk.text != AGAIN and not _SIGNED.match(hunk.text))
    return old == hunk.old and plain and hunk.header() == line


def _body(lines: Sequence[str], kinds: str, start: int, hunk: Hunk) -> Sequence[str] | None:
    """The lines below a header if they are as many as it says and their end can be told."""
    end = body_end(kinds, start)
    if not _adds_up(kinds, start, end, hunk):
        end = _counted(kinds, start, end, hunk)
        if end < 0 or not lines[end].startswith("--- "):
            return None
    return None if "\n" in kinds[start:end] else lines[start:end]


def _adds_up(kinds: str, start: int, end: int, hunk: Hunk) -> bool:
    plus, minus = kinds.count("+", start, end), kinds.count("-", start, end)
    both = kinds.count(" ", start, end)
    return plus + both == hunk.added and minus + both == hunk.removed


def _counted(kinds: str, start: int, end: int, hunk: Hunk) -> int:
    """Where a hunk ends by its numbers, before `end`; -1 if it does not."""
    removed, added = hunk.removed, hunk.added
    for i in range(start, end):
        if removed <= 0 and added <= 0 and kinds[i] != "\\":
            return i if removed == added == 0 else -1
        removed -= kinds[i] in " -"
        added -= kinds[i] in " +"
    return -1


def _short(hunk: Hunk, body: Sequence[str], place: Place) -> Iterator[str]:
    text = AGAIN if hunk.text and hunk.text == place.text else hunk.text
    count = hunk.removed + hunk.added
    if count >= MIN_PURE and 0 in (hunk.removed, hunk.added):
        yield f"@@ {hunk.new} {'+' if hunk.added else '-'}{count}{text}"
        yield from [line[1:] for line in body[:count]]
        yield from body[count:]
        return
    yield f"@@ {hunk.new}{text}"
    last = len(body) - 1
    yield from ["" if line == " " and i != last else line for i, line in enumerate(body)]


def _headers(file: File, pair: bool) -> list[str]:
    """The lines that git prints above the first hunk; `pair`: with those that name both sides."""
    lines = [f"{GIT}a/{file.old} b/{file.new}"]
    ids = file.ids
    if file.what:
        zeros = "0" * len(ids)
        ids = f"{zeros}..{ids}" if file.what == "new" else f"{ids}..{zeros}"
        lines += [f"{file.what} file mode {file.mode or MODE}", f"index {ids}"]
    elif file.same:
        lines += [f"similarity index {file.same}%", f"rename from {file.old}", f"rename to {file.new}"]
    if ids and not file.what:
        lines.append(f"index {ids} {file.mode or MODE}")
    if pair:  # git ends a name that holds a blank with a tab
        sides = (f"a/{file.old}", file.old, file.what == "new"), (f"b/{file.new}", file.new, file.what == "deleted")
        names = ["/dev/null" if gone else side + "\t" * (" " in name) for side, name, gone in sides]
        lines += [f"--- {names[0]}", f"+++ {names[1]}"]
    return lines


def _heading(file: File) -> str:
    name = f"{file.old}{ARROW}{file.new} {file.same}%" if file.same else file.new
    return " ".join(filter(None, ["diff", name, file.what, file.ids, file.mode]))


def _parse(heading: str) -> File | None:
    """The inverse of `_heading`; all patterns look at a bounded end."""
    if not heading.startswith("diff ") or heading.startswith("diff -") or len(heading) > 3 * MAX_NAME:
        return None
    name, what, ids, mode = heading[5:], "", "", ""
    found = _IDS.search(name, max(0, len(name) - 160))
    if found:
        name, what, ids, mode = name[: found.start()], found[1] or "", found[2], found[3] or ""
    same = _SAME.search(name, max(0, len(name) - 8))
    old, arrow, new = name[: same.start()].partition(ARROW) if same else (name, "", "")
    if same and arrow and not what:
        return File(old, new, ids, mode, "", same[1])
    return File(name, name, ids, mode, what) if ids and bool(what) != (".." in ids) else None


def _file(lines: Sequence[str], at: int) -> File | None:
    """The file whose headers these are, if they are all that its heading gives back."""
    names = lines[at][len(GIT) :]
    half = len(names) // 2
    if len(names) > MAX_NAME:
        return None
    following = [line if len(line) <= MAX_NAME else "" for line in lines[at + 1 : at + 5]] + [""] * 4
    file = File(names[2:half], names[half + 3 :])
    below = following[0]
    for what in ("new", "deleted"):
        if below.startswith(f"{what} file mode "):
            mode = below[len(what) + 11 :]
            file, below = replace(file, what=what, mode="" if mode == MODE else mode), following[1]
    if below.startswith("similarity index "):
        old, new = following[1].removeprefix("rename from "), following[2].removeprefix("rename to ")
        file, below = File(old, new, same=below[17:-1]), following[3]
    index = _INDEX.fullmatch(below)
    if index:
        ids = index[2] if file.what == "new" else index[1] if file.what else f"{index[1]}..{index[2]}"
        mode = file.mode if file.what else index[3] or "?"
        file = replace(file, ids=ids, mode="" if mode == MODE else mode)
    pair = _has_pair(lines, at, file)
    made = _headers(file, pair)
    end = at + len(made)
    seen = pair or end >= len(lines) or not lines[end].startswith("@@ ")
    return file if seen and made == lines[at:end] and _parse(_heading(file)) == file else None


def _has_pair(lines: Sequence[str], at: int, file: File) -> bool:
    """Whether a hunk follows, which is what an expander sees of the lines that name both sides."""
    below = at + len(_headers(file, pair=True))
    return below < len(lines) and lines[below].startswith("@@ ") and lines[below - 1].startswith("+++ ")


def _lines(form: Sequence[str]) -> Iterator[str]:
    """The inverse of `_form`."""
    kinds = kinds_of(form)
    place = Place()
    at = 0
    while at < len(form):
        line = form[at]
        at += 1
        if kinds[at - 1] == "@" and (found := HUNK.fullmatch(line)):
            end = _signed_end(kinds, at)
            yield from form[at - 1 : end]
            place, at = _hunk(found).after(), end
        elif kinds[at - 1] == "@" and (found := _SHORT.fullmatch(line)):
            body, at = _long(form, kinds, at, found)
            hunk = _counted_hunk(int(found[1]), body, place.text if found[4] == AGAIN else found[4], place)
            yield hunk.header()
            yield from body
            place = hunk.after()
        else:
            place = Place()
            file = _parse(line) if kinds[at - 1] == "d" else None
            if file:
                yield from _headers(file, at < len(form) and form[at].startswith("@@ "))
            else:
                yield line[len("diff ") :] if line.startswith(PAIR) else line


def _long(form: Sequence[str], kinds: str, start: int, found: re.Match[str]) -> tuple[list[str], int]:
    """The lines of a shortened hunk, and where the next begins."""
    if not found[2]:
        end = body_end(kinds, start)
        return [line or " " for line in form[start:end]], end
    last = start + int(found[3])
    if last > len(form):
        raise ValueError("a hunk is cut")
    end = last
    while end < len(form) and kinds[end] == "\\":
        end += 1
    return [found[2] + line for line in form[start:last]] + list(form[last:end]), end


def _counted_hunk(new: int, body: Sequence[str], text: str, place: Place) -> Hunk:
    kinds = kinds_of(body)
    both = kinds.count(" ")
    added, removed = both + kinds.count("+"), both + kinds.count("-")
    return Hunk(new + (added == 0) - place.grown - (removed == 0), removed, new, added, text)
