"""Search results (grep, rg, git grep, compilers): one heading per file, below a folder that is named once.

    [matches in /srv/app/: "## file" or "## folder/" before its own, then "number text"; number-text is context, " text" below counts on]
    ## src/
    ## a.py
    11-@cache
    12 def f():
         return 1
    b.py:7 a file with a single match has it on its own line

A blank behind a number is one token with the word that follows, and lines of context need no number where they follow
another line. Any other line is only cut by the folder. Where the tool printed no numbers, all lines stand below
headings. Lines that are no matches follow "= ", but for the "--" between groups of matches. What most matches begin
with, often what was searched for, is said once. Matches that the tool itself put below headings are written alike.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from headroom.compressors.base import SLICE, Compressed, Goal, TooCostly, read_back
from headroom.compressors.lines.glance import glance
from headroom.compressors.paths import common_folder

MAX_CHARS = 8_000_000
"""Four seconds of work if each line is the only match of its file; large bodies are shortened in a thread."""

MIN_MATCHES, MIN_SHARE = 5, 0.5
"""Matches that are worth a header, and their share of the lines: below it the text is about something else."""

MIN_RUN = 2.0
"""Matches per heading on average, without numbers: below it headings cost what they save."""

MAX_DASHES = 20
"""Numbers between dashes that are tried as the end of a file's name in a line of context."""

MIN_SHARED = 12
"""Characters of a folder's name that its heading must save, which costs three tokens itself."""

MIN_PREFIX, MAX_PREFIX, AGREEING = 4, 40, 0.6
"""Characters of what matches begin with, and the share of them that must; the rest keep their colon."""

SAMPLED, RULE = 60, 60
"""Matches that are looked at for it, and the characters that the rule costs."""

WHOLE, HEADING, BREAK, HERE = "= ", "## ", "--", "./"

_MATCH = re.compile(r"((?:[A-Za-z]:(?=[\\/]))?[^\x00-\x20:\"'<>|*?,;]{2,400}):(?:[0-9]{1,9}:)?")
_SHAPE = re.compile(r"(?=.*[./\\])[^/\\]*(?:[/\\].*|[A-Za-z_].*)")
_CONTEXT = re.compile(r"-[0-9]{1,9}-")
_LIKE_CONTEXT = re.compile(r"[^\x00-\x20:,;./\\]{0,400}[./\\][^\x00-\x20:,;]{0,400}?-[0-9]{1,9}-")
_HEADED = re.compile(r"[^\x00-\x20:\"'<>|*?,;]{2,400}")
_BELOW = re.compile(r"[0-9]{1,9}[:-]")
_WORD_END = re.compile(r"(?<=\S)\s+(?=\S)|[(\[{.:=$]")
_NUMBER = re.compile(r"([0-9]{1,9})([ :-])")
_SINGLE = re.compile(r"[^\x00-\x20:]*:[0-9]{1,9} |[A-Za-z]:[\\/][^\x00-\x20:]*:[0-9]{1,9} ")
_HEADER = re.compile(
    r'\[matches(?: in (?P<root>[^\x00-\x20]+?))?'
    r'(?::(?: "## file" over (?:"number text"|(?P<plain>its lines)))?,?(?: "## folder/" over its files)?)?'
    r'(?:; number-text is context, " text" counts on)?(?:; (?:behind a blank )?each text begins with "(?P<prefix>[^"\n]+)")?'
    r'(?P<headed>; headings were on their own)?(?:; "= " before other lines)?\]\n'
)


class Row(NamedTuple):
    """A line of the output: its file ("" if it is no match), where the text behind that begins, and if a number does.

    A tuple, because one is made per line and a frozen dataclass takes three times as long.
    """

    line: str
    path: str = ""
    start: int = 0
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class _Rules:
    """How the rows of one output are written."""

    root: str
    numbers: bool
    """Otherwise all texts stand below headings, without numbers."""
    prefix: str = ""
    """What the texts begin with that stand behind a blank, or without numbers all."""
    headed: bool = False
    """Whether the tool put files above their matches, and a blank line between them."""


@dataclass(frozen=True, slots=True)
class SearchResults:
    """Hits of grep and ripgrep, with context or without. Kept for certain: every byte. The root is said once for all, a file once for its hits."""

    name: str = "search"
    lossy: bool = False

    def sniff(self, text: str, goal: Goal) -> float:
        lines = glance(text)
        found = sum(1 for line in lines if line == BREAK or _LIKE_CONTEXT.match(line) or _path(line))
        below = sum(1 for line in lines if _BELOW.match(line) or _HEADED.fullmatch(line)) if 2 * found < len(lines) and _is_headed(text) else 0
        return 0.9 * max(found, below) / len(lines)

    def compress(self, text: str, goal: Goal) -> Compressed | None:
        if len(text) > MAX_CHARS:
            raise TooCostly("too many matches")
        if _HEADER.match(text):
            return None
        body = text[:-1] if text.endswith("\n") else text
        headed = _is_headed(text)
        rows = _headed(body.split("\n")) if headed else _rows(body.split("\n"))
        paths = [row.path for row in rows if row.path]
        if len(paths) < max(MIN_MATCHES, MIN_SHARE * len(rows)):
            return None
        numbers = sum(row.numbered for row in rows) * 2 >= len(paths)
        rules = _Rules(common_folder(paths), numbers, _prefix(rows), headed)
        if not numbers and len(paths) < MIN_RUN * sum(1 for _ in groupby(paths)):
            rules = _Rules(rules.root, numbers=True)  # a form without headings, which only takes the folder off
        form = list(_form(rows, rules))
        if not form[-1]:  # an empty text at the very end would look like a final newline
            form[-1] = WHOLE + rows[-1].line
        short = "\n".join([_header(form, rules), *form]) + text[len(body) :]
        if len(short) >= len(text) or (headed and self.expand(short) != text):
            return None
        return Compressed(short, "exact")

    def expand(self, short: str) -> str | None:
        return read_back(short, _HEADER, lambda form, header: _lines(form, _rules(header)))


def _header(form: Sequence[str], rules: _Rules) -> str:
    names = [line for line in form if line.startswith(HEADING)]
    heads = ['"## file" over ' + ('"number text"' if rules.numbers else "its lines")] if any(not name.endswith("/") for name in names) else []
    heads += ['"## folder/" over its files'] if any(name.endswith("/") for name in names) else []
    context = '; number-text is context, " text" counts on' if rules.numbers and any(line.startswith(" ") for line in form) else ""
    begins = f'; {"behind a blank " if rules.numbers else ""}each text begins with "{rules.prefix}"' if rules.prefix else ""
    headed = "; headings were on their own" if rules.headed else ""
    others = '; "= " before other lines' if any(line.startswith(WHOLE) for line in form) else ""
    return f"[matches{f' in {rules.root}' if rules.root else ''}{': ' * bool(heads)}{', '.join(heads)}{context}{begins}{headed}{others}]"


def _rules(header: re.Match[str]) -> _Rules:
    return _Rules(header["root"] or "", not header["plain"], header["prefix"] or "", bool(header["headed"]))


def _is_headed(text: str) -> bool:
    """Whether a file's name stands above its matches, at the very beginning."""
    first, _, rest = text[:SLICE].partition("\n")
    return bool(_HEADED.fullmatch(first) and _SHAPE.fullmatch(first) and _BELOW.match(rest))


def _headed(lines: Sequence[str]) -> list[Row]:
    """Rows below headings, which are taken off with the blank lines before them; each file has one at most."""
    rows: list[Row] = []
    path = ""
    seen: set[str] = set()
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if path and _BELOW.match(line):
            rows.append(Row(line, path, 0, numbered=True))
            continue
        named = line not in seen and _BELOW.match(below) and _HEADED.fullmatch(line) and _SHAPE.fullmatch(line)
        if named and (not rows or not rows[-1].line):
            path = line
            seen.add(line)
            del rows[-1:]
        else:
            path = path if line == BREAK else ""
            rows.append(Row(line))
    return rows


def _prefix(rows: Sequence[Row]) -> str:
    """What most texts begin with, up to the end of a word, if it saves more than the rule that says it."""
    matches = [row for row in rows if row.path]
    texts = [_parted(row)[2] if row.numbered else row.line[row.start :] for row in matches[:: 1 + len(matches) // SAMPLED]]
    counts = Counter(text[: end.end()] for text in texts for end in _WORD_END.finditer(text, 0, MAX_PREFIX))
    chosen = [(len(prefix) * count, prefix) for prefix, count in counts.items() if count >= AGREEING * len(texts)]
    saved, prefix = max(chosen, default=(0, ""))
    known = len(prefix) >= MIN_PREFIX and '"' not in prefix and "\r" not in prefix
    return prefix if known and saved * len(matches) > RULE * len(texts) else ""


def _path(line: str) -> str:
    """The file a match names: it has a folder or an extension, and letters ("10.0.0.1:80:" is none, nor is "INFO:3:")."""
    found = _MATCH.match(line)
    return found[1] if found and _SHAPE.fullmatch(found[1]) else ""


def _rows(lines: Sequence[str]) -> list[Row]:
    rows: list[Row] = []
    known: dict[str, bool] = {}
    for line in lines:
        found = _MATCH.match(line)
        path = found[1] if found else ""
        if path not in known:
            known[path] = bool(_SHAPE.fullmatch(path))
        if found and known[path]:
            rows.append(Row(line, path, len(path) + 1, found.end() > len(path) + 1))
        else:
            rows.append(Row(line))
    if sum(known.values()) == 0:
        return rows
    return [row if row.path or row.line == BREAK else _context(row.line, known) for row in rows]


def _context(line: str, known: dict[str, bool]) -> Row:
    """A line of context is told by a file that has a match elsewhere."""
    for _, found in zip(range(MAX_DASHES), _CONTEXT.finditer(line), strict=False):
        if known.get(line[: found.start()]):
            return Row(line, line[: found.start()], found.start() + 1, numbered=True)
    return Row(line)


def _stretches(rows: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
    """Neighbours of one file; what is no match is counted to the file before it."""
    path = ""
    stretch: list[Row] = []
    for row in rows:
        if row.path and row.path != path:
            if stretch:
                yield path, stretch
            path, stretch = row.path, []
        stretch.append(row)
    yield path, stretch


def _placed(rows: Sequence[Row], root: int) -> Iterator[tuple[str, str, list[Row]]]:
    """Each stretch with its file and the folder it is to be put into: one that several neighbours share, or that of another before it."""
    stretches = list(_stretches(rows))
    folders = [path[root : path.rfind("/") + 1] for path, _ in stretches]
    folder, at = "", 0
    for shared, group in groupby(folders):
        count = len(list(group))
        if folder or (count - 1) * len(shared) > MIN_SHARED:
            folder = shared
        for path, stretch in stretches[at : at + count]:
            yield path, folder, stretch
        at += count


def _form(rows: Sequence[Row], rules: _Rules) -> Iterator[str]:
    """Headings over folders with several files and over files with several lines; all others below folder or root."""
    known = ""
    root = len(rules.root)
    for path, folder, stretch in _placed(rows, root):
        if folder != known:
            yield HEADING + (folder or HERE)
            known = folder
        cut = root + len(folder)
        if not path or path.endswith("/") or HERE in (folder, path[root:][: len(HERE)]):
            yield from (row.line if row.line == BREAK else WHOLE + row.line for row in stretch)
        elif rules.numbers:
            yield from _numbered(path, stretch, cut, rules)
        else:
            yield from _plain(path, stretch, cut, rules.prefix)


def _numbered(path: str, stretch: Sequence[Row], cut: int, rules: _Rules) -> Iterator[str]:
    several = sum(row.numbered for row in stretch) > 1 and sum(bool(row.path) for row in stretch) == sum(row.numbered for row in stretch)
    heads = rules.headed or several or bool(_NUMBER.match(path, cut)) or path.startswith((WHOLE, HEADING, BREAK), cut)
    if heads:
        yield HEADING + path[cut:]
    last = ""
    for row in stretch:
        if row.line == BREAK:
            last = ""
            yield BREAK
        elif not row.path or (heads and not row.numbered):
            last = ""
            yield WHOLE + row.line
        elif heads:
            number, sign, text = _parted(row)
            counts_on = last and sign == "-" and number == str(int(last) + 1)
            yield f" {text}" if counts_on else number + _text(sign, text, rules.prefix)
            last = number
        else:
            yield _single(row, cut, rules.prefix)


def _text(sign: str, text: str, prefix: str) -> str:
    """What stands behind a number: without the prefix behind a blank."""
    bare = sign == ":" and text.startswith(prefix) and len(text) > len(prefix)
    return f" {text[len(prefix) :]}" if bare else sign + text


def _single(row: Row, cut: int, prefix: str) -> str:
    """A line with its file's name, and a blank behind the number; whole if that could be taken for something else."""
    number, sign, text = _parted(row) if row.numbered else ("", "", "")
    if sign == ":" and text.startswith(prefix) and len(text) > len(prefix):
        return f"{row.line[cut : row.start]}{number}{_text(sign, text, prefix)}"
    return WHOLE + row.line if _SINGLE.match(row.line, cut) else row.line[cut:]


def _parted(row: Row) -> tuple[str, str, str]:
    """Number, the sign behind it, and text."""
    found = _NUMBER.match(row.line, row.start)
    return (found[1], found[2], row.line[found.end() :]) if found else ("", "", "")


def _plain(path: str, stretch: Sequence[Row], cut: int, prefix: str) -> Iterator[str]:
    """The text of a line that could be taken for something else is kept whole."""
    yield HEADING + path[cut:]
    for row in stretch:
        text = row.line[row.start :]
        bare = text[len(prefix) :]
        if row.line == BREAK:
            yield BREAK
        elif not row.path or row.line[row.start - 1] != ":" or not text.startswith(prefix) or bare == BREAK or bare.startswith((WHOLE, HEADING)):
            yield WHOLE + row.line
        else:
            yield bare


def _lines(form: Sequence[str], rules: _Rules) -> Iterator[str]:
    """The inverse of `_form`."""
    path = folder = ""
    last: int | None = None
    begun = False
    for line in form:
        number = _NUMBER.match(line) if rules.numbers else None
        if line.startswith(HEADING):
            name, last = line[len(HEADING) :], None
            folder = (name if name != HERE else "") if name.endswith("/") else folder
            path = "" if name.endswith("/") else rules.root + folder + name
            if path and rules.headed:
                yield from ("", path) if begun else (path,)
        elif line == BREAK or line.startswith(WHOLE):
            last = None
            yield line.removeprefix(WHOLE)
        elif rules.numbers and not number and not line.startswith(" "):
            yield _unsingle(line, rules.root + folder, rules.prefix)
        elif not path or (rules.numbers and not number and last is None):
            raise ValueError("a match without a file")
        elif not rules.numbers:
            yield f"{path}:{rules.prefix}{line}"
        else:
            sign, text = (number[2], line[number.end() :]) if number else ("-", line[1:])
            last = int(number[1]) if number else (last or 0) + 1
            sign, text = (":", rules.prefix + text) if sign == " " else (sign, text)
            yield ("" if rules.headed else path + sign) + f"{number[1] if number else last}{sign}{text}"
        begun = begun or bool(path) or not line.startswith(HEADING)


def _unsingle(line: str, folder: str, prefix: str) -> str:
    """The inverse of `_single`."""
    single = _SINGLE.match(line)
    return f"{folder}{line[: single.end() - 1]}:{prefix}{line[single.end() :]}" if single else folder + line
