"""Names that differ in their endings alone: one sign for the endings that come together again and again.

    spam.o spam.d eggs.o eggs.d        spam* eggs*        "x*" is x.o x.d
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

SIGNS = ("*", "~", "^", "%")
"""What stands for endings, each where no name holds it; a reader keeps few in mind."""

MIN_GAIN = 60
"""Characters that a sign must save: what it takes to explain it, twice."""

MAX_ENDINGS = 8
"""Endings that one sign stands for; more are no pattern."""

RULES = r'(?:; "x[*~^%]" is x[a-zA-Z0-9_.+-]*(?: x[a-zA-Z0-9_.+-]*)+)*'
"""Matches what `rules` writes."""

_ENDING = re.compile(r"[a-zA-Z0-9_.+-]*")
_RULE = re.compile(r'"x([*~^%])" is x([^;"]*)')

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
