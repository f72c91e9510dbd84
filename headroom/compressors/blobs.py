"""Long runs of characters that nobody reads: base64, hex, data URIs, source maps, lines of minified code.

    data:image/png;base64,iVBORw0KGgoAAAAN…[30,128 characters of base64, sha256 1a2b3c4d]…" alt="logo">

The sign tells kind, size and a hash of the whole run, so that equal runs are seen to be equal; the first characters
stand before it, and all else stays as it is. URLs and SSH's public keys are names to somebody, they stay whole. So do
keys, certificates and signatures between BEGIN and END if the question is about such; otherwise each is one run:

    -----BEGIN CERTIFICATE-----
    …[1,613 characters of CERTIFICATE in 26 lines, sha256 5e6f7a8b]…
    -----END CERTIFICATE-----
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from headroom.compressors.base import SLICE, Compressed, Goal, TooCostly, slices
from headroom.compressors.formats import armour
from headroom.compressors.lines.salience import terms

MAX_CHARS = 32_000_000
"""About a second of work; large bodies are shortened in a thread."""

LONG = 200
"""Characters from which on a run is a blob; ids, hashes and tokens that people copy are shorter."""

SHOWN = 16
"""Characters of a run that are kept: they tell the format (iVBORw0KGgo is PNG)."""

LONG_LINE, ENDS = 5000, 300
"""Characters of a line that only a minifier writes, and what is kept of its beginning and its end."""

AROUND, HITS = 150, 5
"""Characters kept on both sides of a word that was asked for, and how many such words."""

PROBES = 32
"""Places that are looked at to tell how much of a text is blobs: three at the least hit those that matter."""

_RUN = re.compile(r"[A-Za-z0-9+/_-]*(?:\\[n/][A-Za-z0-9+/_-]*)*")
_LINE = re.compile(r"^[ \t]{0,40}([A-Za-z0-9+/_-]{56,256})\r?$", re.MULTILINE)
_LAST = re.compile(r"[ \t]{0,40}([A-Za-z0-9+/_-]{1,256}={0,2})(?=\r?(?:\n|\Z))")
_ODD = re.compile(r"=|[0-9+/].*[A-Z]|[A-Z].*[0-9+/]|\A[0-9a-f]*[0-9][0-9a-f]*\Z")
_DATA = re.compile(r"data:[\w/+.-]{3,80}(?:;[\w=-]{1,40}){0,4},")
_DATA_END = re.compile(r"[\s\"'<>`)]")
_MAPPINGS = re.compile(r"[A-Za-z0-9+/,;]*")
_WORDS = re.compile(r"[a-z]{5,}")
_WORD = re.compile(r"[a-z]+")
_HEX = re.compile(r"[0-9a-fA-F]+")
_ESCAPED = re.compile(r"\\[n/]")
_KEYS = ("AAAAB3NzaC1", "AAAAC3NzaC1", "AAAAE2VjZHNhL")
"""How SSH's public keys begin."""

_ID_WIDTHS = frozenset((32, 40, 48, 56, 64, 96, 128))
"""Hex digits of hashes: a list of them is no dump."""

MIN_LINES = 4
"""Lines of one width that are a blob; fewer are ids or hashes below one another."""

ARMOURS = frozenset(("armor", "armour", "asc", "cert", "certificate", "certificates", "certs", "crt", "csr", "gpg", "key", "keys", "pem", "pgp", "signature", "signatures"))
"""Words of a question, or of a command, that is about keys and the like."""

_SIGN = re.compile(r"…\[[0-9,]{1,12} characters of [\w /+.-]{1,80}, sha256 [0-9a-f]{8}\]…")


@dataclass(frozen=True, slots=True, order=True)
class Run:
    """Characters of the text that are not shown, but for their beginning."""

    start: int
    end: int
    kind: str
    shown: int = SHOWN


@dataclass(frozen=True, slots=True)
class Blobs:
    """Texts with base64, hex and minified lines in them. Kept for certain: all around the blobs; of each its kind, size, beginning and hash."""

    name: str = "blobs"
    lossy: bool = True

    def sniff(self, text: str, goal: Goal) -> float:
        if len(text) < LONG:
            return 0.0
        places = [len(text) * i // PROBES for i in range(PROBES)]
        hits = sum(_probe(text, at) for at in places)
        if hits * 4 < PROBES and len(text) >= LONG_LINE:
            lines = [at for at in places if text.find("\n", max(0, at - LONG_LINE // 2), at + LONG_LINE // 2) < 0]
            hits += len(lines) if lines and _is_minified(text, lines[0], min(len(text), lines[0] + LONG_LINE)) else 0
        return min(0.9, 0.5 + 0.4 * hits / PROBES) if hits * 4 >= PROBES else 0.0

    def compress(self, text: str, goal: Goal) -> Compressed | None:
        if len(text) > MAX_CHARS:
            raise TooCostly("too long a text")
        if "…[" in text and any(map(_SIGN.search, slices(text))):  # our own came back
            return None
        blocks = list(armour.blocks(text))
        found = _outside([*_runs(text), *_wrapped(text), *_data(text), *_mappings(text)], blocks)
        if ARMOURS.isdisjoint(_WORD.findall(goal.query.lower())):
            found += [Run(block.start, block.end, f"{block.label} in {block.lines} lines", 0) for block in blocks]
        found.sort()
        runs = _with_lines(text, _apart(found), terms(goal.query))
        if not runs:
            return None
        pieces: list[str] = []
        at = 0
        for run in runs:
            pieces += (text[at : run.start + run.shown], _sign(text, run))
            at = run.end
        pieces.append(text[at:])
        hidden = sum(run.end - run.start - run.shown for run in runs)
        return Compressed("".join(pieces), "lossy", f"{hidden} of {len(text)} characters ({len(runs)} runs, each with a sign)")

    def expand(self, short: str) -> str | None:
        return None


def _outside(runs: Sequence[Run], blocks: Sequence[armour.Block]) -> list[Run]:
    """The runs that are no part of a block."""
    ends = [block.end for block in blocks]
    after = [bisect_right(ends, run.start) for run in runs]
    return [run for run, at in zip(runs, after, strict=True) if at == len(blocks) or run.end <= blocks[at].start]


def _sign(text: str, run: Run) -> str:
    whole = text[run.start : run.end]
    digest = sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"…[{len(whole) - run.shown:,} characters of {run.kind}, sha256 {digest}]…"


def _runs(text: str) -> Iterator[Run]:
    """Runs on one line: one of them covers a whole step, so most steps are left after a few characters."""
    at, step = 0, LONG // 2
    while at + step <= len(text):
        found = _RUN.match(text, at, at + step)
        if not found or found.end() < at + step - 1:  # an escape may lie across the end
            at += step
            continue
        start, end = _begin(text, at), _finish(text, at)
        kind = _kind(text[start:end]) if end - start >= LONG else ""
        if kind and not _is_name(text, start):
            yield Run(start, end, kind)
        at = max(end, at + step)


def _begin(text: str, at: int) -> int:
    """Where the run begins that goes through `at`; no step before held it whole, so that is near."""
    low = max(0, at - LONG)
    while at > low and (text[at - 1].isascii() and (text[at - 1].isalnum() or text[at - 1] in "+/_-")):
        at -= 1
    return at


def _finish(text: str, at: int) -> int:
    end = at
    while (found := _RUN.match(text, end, end + SLICE)) and found.end() > end:
        end = found.end()
    while end < len(text) and text[end] == "=":
        end += 1
    return end


def _is_name(text: str, start: int) -> bool:
    """Whether the run belongs to a key, a certificate or a URL."""
    before = text[max(0, start - 2000) : start]
    if before.rfind("BEGIN ", -300) > before.rfind("END ", -300) or "BEGIN " in text[start : start + 40] or text.startswith(_KEYS, start):
        return True
    word = before[max(map(before.rfind, " \t\n\r\"'()<>`")) + 1 :]
    return "://" in word and not word.startswith("data:")


def _kind(run: str) -> str:
    """What the characters are, by samples; "" for words, numbers and rules."""
    if len(run) > 4 * LONG:
        middle = len(run) // 2
        run = run[:LONG] + run[middle : middle + LONG] + run[-LONG:]
    run = _ESCAPED.sub("", run).rstrip("=")
    size = max(1, len(run))
    if len(set(run)) < 6 or sum(map(len, _WORDS.findall(run))) > 0.2 * size:
        return ""
    digits = sum(map(run.count, "0123456789"))
    if _HEX.fullmatch(run):
        return "hex" if 0.2 * size <= digits <= 0.95 * size else ""
    capitals = sum(1 for char in run if "A" <= char <= "Z")
    small = sum(1 for char in run if "a" <= char <= "z")
    marks = run.count("-") + run.count("_") + run.count("/")
    return "base64" if capitals > 0.1 * size and small > 0.05 * size and digits > 0.02 * size and marks < 0.1 * size else ""


def _wrapped(text: str) -> Iterator[Run]:
    """Lines of one width without a blank (base64, xxd -p), from the first to the shorter last one."""
    base = done = 0
    for piece in slices(text):
        for found in _LINE.finditer(piece):
            start = base + found.start(1)
            if start >= done:
                done, lines = _paragraph(text, base + found.start(), len(found[1]))
                sample = "".join(lines[: 2 * MIN_LINES])
                kind = _kind(sample) if len(lines) >= MIN_LINES else ""
                hashes = kind == "hex" and len(found[1]) in _ID_WIDTHS
                if kind and not hashes and not _is_name(text, start):
                    yield Run(start, done, kind)
        base += len(piece)


def _paragraph(text: str, start: int, width: int) -> tuple[int, list[str]]:
    """The end of the lines that are as wide as the first, with the shorter one behind them, and the lines."""
    lines: list[str] = []
    end = at = start
    while (found := _LINE.match(text, at)) and len(found[1]) == width:
        lines.append(found[1])
        end, at = found.end(1), found.end() + 1
    last = _LAST.match(text, at) if lines and at < len(text) else None
    return (last.end() if last and len(last[1]) <= width and _ODD.search(last[1]) else end), lines


def _data(text: str) -> Iterator[Run]:
    """Data URIs that are not base64."""
    at = text.find("data:")
    while at >= 0:
        found = _DATA.match(text, at)
        end = at + 5
        if found and not found[0].endswith("base64,"):
            end = _until(text, found.end(), _DATA_END)
            if end - found.end() >= LONG:
                yield Run(found.end(), end, found[0][5:].split(";")[0].rstrip(","))
        at = text.find("data:", end)


def _until(text: str, at: int, pattern: re.Pattern[str]) -> int:
    while at < len(text):
        found = pattern.search(text, at, at + SLICE)
        if found:
            return found.start()
        at += SLICE
    return len(text)


def _mappings(text: str) -> Iterator[Run]:
    """The positions in a source map."""
    at = text.find('"mappings":"')
    while at >= 0:
        start = end = at + 12
        while (found := _MAPPINGS.match(text, end, end + SLICE)) and found.end() > end:
            end = found.end()
        if end - start >= LONG:
            yield Run(start, end, "source map")
        at = text.find('"mappings":"', end)


def _apart(runs: Sequence[Run]) -> list[Run]:
    """Those that do not overlap with one before."""
    kept: list[Run] = []
    for run in runs:
        if not kept or run.start >= kept[-1].end:
            kept.append(run)
        elif run.end > kept[-1].end:
            kept[-1] = Run(kept[-1].start, run.end, kept[-1].kind)
    return kept


def _with_lines(text: str, runs: Sequence[Run], words: Sequence[str]) -> list[Run]:
    """The runs, and the middles of long lines of code with what lies in them."""
    kept: list[Run] = []
    at = 0
    for start, end in _long_lines(text):
        while at < len(runs) and runs[at].start < start:
            kept.append(runs[at])
            at += 1
        first = at
        while at < len(runs) and runs[at].end <= end:
            at += 1
        inside = runs[first:at]
        if _is_minified(text, start, end) and end - start - sum(run.end - run.start for run in inside) >= LONG_LINE:
            first, last = (min(start + ENDS, inside[0].start), max(end - ENDS, inside[-1].end)) if inside else (start + ENDS, end - ENDS)
            kept += _around(text, first, last, words)
        else:
            kept += inside
    return [*kept, *runs[at:]]


def _long_lines(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    while at + LONG_LINE < len(text):
        last = text.rfind("\n", at, at + LONG_LINE)
        if last >= 0:
            at = last + 1
            continue
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        yield at, end
        at = end + 1


def _is_minified(text: str, start: int, end: int) -> bool:
    """Code without the blanks of people; JSON, prose and tables have readers of their own."""
    middle = (start + end) // 2
    seen = text[start : start + 1000] + text[middle : middle + 1000] + text[end - 1000 : end]
    brackets = sum(map(seen.count, "(){};"))
    ascii_share = len(seen.encode("ascii", "ignore")) / len(seen)
    return seen.count(" ") < 0.1 * len(seen) and brackets > 0.04 * len(seen) and seen.count('":') < 0.01 * len(seen) and ascii_share > 0.8


def _around(text: str, start: int, end: int, words: Sequence[str]) -> Iterator[Run]:
    """What is left out between `start` and `end`, except around the first place of each word that was asked for."""
    middle = text[start:end]
    low = middle.lower() if middle.isascii() and words else ""
    places = sorted(start + at for word in words[: 2 * HITS] if len(word) > 4 and (at := low.find(word)) >= 0)[:HITS]
    for place in [*places, end + AROUND]:
        if place - AROUND - start >= LONG or (place > end and end > start):
            yield Run(start, min(end, place - AROUND), "minified code", 0)
            start = place - AROUND
        if place <= end:
            start = max(start, min(end, place + AROUND))


def _probe(text: str, at: int) -> bool:
    """Whether a blob lies at `at`."""
    found = _RUN.match(text, at, at + LONG // 2)
    if found and found.end() - at >= LONG // 2 - 1:
        return True
    return bool(found and found.end() > at) and _LINE.match(text, text.rfind("\n", max(0, at - 300), at) + 1) is not None
