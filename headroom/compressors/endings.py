"""Signs for what ends alike again and again in an outline of paths: names with the same endings, folders with the same names.

    spam.o spam.d eggs.o eggs.d        spam* eggs*        "x*" is x.o x.d
    first/: main test                  first|             "x|" is x/: main test
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby

SIGNS = ("*", "~", "^", "%")
"""What stands for endings, each where no name holds it; a reader keeps few in mind."""

TAIL_SIGNS = ("|", "&", "$", "#")
"""The same for the ends of lines."""

MIN_TIMES = 3
"""Lines with the same tail; two cost as much as they save."""

MAX_TAIL = 200
"""Characters; longer tails make a header that nobody reads."""

MIN_GAIN = 60
"""Characters that a sign must save: what it takes to explain it, twice."""

MAX_ENDINGS = 8
"""Endings that one sign stands for; more are no pattern."""

RULES = r'(?:; "x[*~^%]" is x[a-zA-Z0-9_.+-]*(?: x[a-zA-Z0-9_.+-]*)+)*'
"""Matches what `rules` writes."""

TAIL_RULES = r'(?:; "x[|&$#]" is x[^;"\]\n]+)*'
"""Matches what `tail_rules` writes."""

_ENDING = re.compile(r"[a-zA-Z0-9_.+-]*")
_RULE = re.compile(r'"x([*~^%])" is x([^;"]*)')

_TAIL = re.compile(r'[^;"\]\n]+')
_TAIL_RULE = re.compile(r'"x([|&$#])" is x([^;"\]\n]+)')

Endings = tuple[str, ...]


def signs(stretches: Iterable[Sequence[str]], text: str) -> dict[Endings, str]:
    """The endings that pay for a sign, those first that pay most."""
    gains: Counter[Endings] = Counter()
    for names in stretches:
        if len(set(map(_stem, names))) == len(names):
            continue  # as in most folders
        for stem, endings in _families(names):
            if 1 < len(set(endings)) == len(endings) <= MAX_ENDINGS:
                gains[endings] += sum(map(len, endings)) + (len(endings) - 1) * (len(stem) + 1) - 1
    paying = [e for e, gain in gains.items() if gain >= MIN_GAIN + sum(map(len, e)) and all(map(_ENDING.fullmatch, e))]
    free = [sign for sign in SIGNS if sign not in text]
    return dict(zip(sorted(paying, key=lambda e: (-gains[e], e)), free, strict=False))


def rules(known: Mapping[Endings, str]) -> str:
    """What the signs mean, for a header."""
    return "".join(f'; "x{sign}" is {" ".join(f"x{ending}" for ending in endings)}' for endings, sign in known.items())


def read(rule: str) -> dict[str, Endings]:
    """Sign → endings, from what `rules` wrote."""
    return {sign: tuple(endings.split(" x")) for sign, endings in _RULE.findall(rule)}


def signed(names: Sequence[str], known: Mapping[Endings, str]) -> list[str]:
    """The names, with signs for endings."""
    if not known:
        return list(names)
    shown: list[str] = []
    for stem, endings in _families(names):
        sign = known.get(endings)
        shown += [stem + ending for ending in endings] if sign is None else [stem + sign]
    return shown


def unsigned(name: str, known: Mapping[str, Endings]) -> list[str]:
    """The names that one name with a sign, or without, stands for."""
    endings = known.get(name[-1:])
    return [name] if endings is None else [name[:-1] + ending for ending in endings]


def _families(names: Sequence[str]) -> Iterator[tuple[str, Endings]]:
    """Neighbours with the same stem, and their endings."""
    for stem, group in groupby(names, key=_stem):
        yield stem, tuple(name[len(stem) :] for name in group)


def _stem(name: str) -> str:
    return name.partition(".")[0] or name


def tails(lines: Sequence[str], text: str) -> dict[str, str]:
    """What many lines of an outline end in, folder and names, and its sign: those first that pay most."""
    cuts = [_cuts(line) for line in lines]
    counts = Counter(chain.from_iterable(cuts))
    often = {cut for cut, times in counts.items() if times >= MIN_TIMES}
    if not often:
        return {}
    chosen = Counter(next((cut for cut in found if cut in often), "") for found in cuts)
    gains = {tail: (times - 1) * len(tail) - times for tail, times in chosen.items() if times >= MIN_TIMES and _TAIL.fullmatch(tail)}
    paying = sorted((tail for tail, gain in gains.items() if gain >= MIN_GAIN), key=lambda tail: (-gains[tail], tail))
    return dict(zip(paying, (sign for sign in TAIL_SIGNS if sign not in text), strict=False))


def tail_rules(known: Mapping[str, str]) -> str:
    """What the signs for tails mean, for a header."""
    return "".join(f'; "x{sign}" is x{tail}' for tail, sign in known.items())


def read_tails(rule: str) -> dict[str, str]:
    """Sign → tail, from what `tail_rules` wrote."""
    return dict(_TAIL_RULE.findall(rule))


def cut_tail(line: str, known: Mapping[str, str]) -> str:
    """The line, with a sign for its tail."""
    tail = next((cut for cut in _cuts(line) if cut in known), "")
    return line[: -len(tail)] + known[tail] if tail else line


def with_tail(line: str, known: Mapping[str, str]) -> str:
    """The line, with its tail for the sign."""
    tail = known.get(line[-1:])
    return line if tail is None else line[:-1] + tail


def _cuts(line: str) -> tuple[str, ...]:
    """What may be a tail: the names of a folder, with the extension of the folder or without."""
    slash = line.find("/: ")
    if slash < 0 or len(line) - slash > MAX_TAIL or line.startswith("./"):
        return ()
    dot = line.rfind(".", max(1, slash - MAX_TAIL), slash)
    return (line[dot:], line[slash:]) if dot > 0 and "/" not in line[dot:slash] else (line[slash:],)
