"""Digests of what leaves for a fixed set of agent sessions: runs on any Python, without any package but this one.

    PYTHONHASHSEED=7 python3.12 -m tests.laws.digests 3
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random

from headroom import dialects, prices
from headroom.compressors.code import indentation, python_ast
from headroom.conversation import Address
from headroom.dialects.document import Document
from headroom.fitting.choice import Cut
from headroom.fitting.decision import UNCUT, encode
from headroom.fitting.refit import Case, Means, Now
from headroom.fitting.rewriting import rewrites
from headroom.fitting.subject import Subject, hidden, names, weights
from headroom.pipeline import Pipeline, standard
from headroom.tokens import estimate
from headroom.transforms.outline import Outline
from tests.laws.bodies import APIS, Step
from tests.laws.outputs import Output, drawn

WINDOW = 12_000
"""Tokens: soon outgrown."""


def steps(dice: Random) -> list[Step]:
    printed: list[Output] = []
    found: list[Step] = []
    for n in range(dice.randrange(4, 9)):
        outputs = tuple(drawn(dice, printed) for _ in range(dice.choice([1, 1, 2, 3])))
        printed += outputs
        found.append(Step("" if n and dice.random() < 0.6 else f"Look, {n}.", dice.random() < 0.5, outputs))
    return found


def pipeline(dice: Random) -> Pipeline:
    outline = Outline([python_ast.bodies, indentation.bodies], whole_reads=True, code=True) if dice.random() < 0.5 else None
    return standard(compact_tools=dice.random() < 0.5, outline=outline)


def forwarded(name: str, body: bytes, by: Pipeline, *, lossy: bool) -> bytes:
    """What leaves if nothing is on record."""
    api, dialect = APIS[name], next(each for each in dialects.DIALECTS if each.name == name)
    document = Document.parse(body)
    conversation = dialect.read(document, api.target)
    keys = by.chain(conversation)
    subject = Subject(dialect, document, conversation, keys)
    edits: list[Mapping[Address, str]] = []

    def fold(cuts: Sequence[Cut]) -> Mapping[Address, str]:
        shown = replace(conversation, gone=hidden(conversation, dialect.turns, cuts)) if cuts else conversation
        edits.append(by(shown, keys, {}, 0, lossy=lossy).edits)
        return edits[-1]

    def weigh(text: str) -> int:
        return by.weigh(text).tokens

    model = prices.load().find(conversation.model)
    assert model is not None
    base = weights(subject, weigh, estimate)
    now = Now(replace(model, window=WINDOW, max_output=1000), lossy=lossy)
    found = Case(weigh, Means(), subject, base, now).decide(UNCUT, names(subject, base), fold)
    left = document.splice(edits[-1], rewrites(found.decision, dialect, []))
    return left + encode(found.decision).encode()


def digests(seeds: int) -> Iterator[tuple[str, str]]:
    """By dialect and seed; of all requests of a session but some of its first."""
    for name, api in APIS.items():
        for seed in range(seeds):
            dice = Random(f"{name} {seed}")
            by, lossy, found = pipeline(dice), dice.random() < 0.7, hashlib.sha256()
            for body in api.requests(steps(dice))[2::2]:
                found.update(forwarded(name, body, by, lossy=lossy))
            yield f"{name} {seed}", found.hexdigest()


if __name__ == "__main__":
    for told, digest in digests(int(sys.argv[1])):
        print(told, digest)
