"""What became of each kind of output, and what follows from it for the next one: left as it is decided, handled gently, or left whole.

Counts are added up by signature (see headroom.signature). A policy follows from them alone, so that whoever has read the
same counts in the same order decides alike.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass, field, fields, replace
from typing import Literal

from headroom.conversation import Json

Policy = Literal["as_is", "gentle", "whole"]
"""as_is: nothing is known against shortening. gentle: nothing is left out. whole: not shortened at all."""

IMPORTANCE: Mapping[Policy, float] = {"as_is": 0.0, "gentle": 0.5, "whole": 1.0}
"""Of outputs under each policy, the strictest last."""

How = Literal["whole", "lines", "query"]
"""How an original was asked for."""

HOWS: tuple[How, ...] = ("whole", "lines", "query")


def how_of(lines: str | None, query: str | None) -> How:
    """What is asked for by these arguments of a retrieval."""
    return "query" if query is not None else "whole" if lines is None else "lines"

MIN_EVIDENCE = 5
"""Shortened outputs below which nothing follows, however many of them were asked for."""

Z = 1.645
"""Of the Wilson bound: true rates lie above it 95 times in 100 (one-sided)."""

WHOLE_FROM, WHOLE_UNTIL = 0.5, 0.35
"""Share asked for in whole. A view that is asked for every other time was paid for in vain: view, question and original
together are longer than the original, and the question is another round."""

GENTLE_FROM, GENTLE_UNTIL = 0.3, 0.15
"""Share asked for in any way. Lines of an original are cheap, but each question is a round that sends the prefix anew.
Both pairs are apart by what a handful of outputs can move, so that a policy does not flutter."""

WINDOW = 200
"""Shortened outputs after which earlier evidence counts half: what agents do with an output changes with them."""

SPARED = 50
"""Outputs spared by a policy after which its evidence counts half. Where nothing is shortened nothing can be asked for:
without forgetting, no policy could ever be found wrong."""

MAX_PATTERNS = 2000
"""Kinds held, over all tenants; the one that nothing was heard of for longest goes first. About 200 bytes each."""

MAX_TOOL = 64
"""Characters of a tool's name, which clients choose."""


@dataclass(frozen=True, slots=True)
class Counts:
    """No content: how often what was done. Tokens are the bundled estimator's."""

    compressed: int = 0
    """Short forms made, with and without loss."""
    lossy: int = 0
    """Those of them that leave something out."""
    dropped: int = 0
    """Outputs left out altogether because a conversation did not fit."""
    spared: int = 0
    """Outputs treated gently or left whole because of a policy."""
    whole: int = 0
    """Originals asked for, all of them."""
    lines: int = 0
    """Originals asked for, some lines."""
    query: int = 0
    """Originals asked for, what matches some words."""
    before: int = 0
    """Tokens of what was compressed or dropped."""
    after: int = 0

    @property
    def retrieved(self) -> int:
        return self.whole + self.lines + self.query

    def plus(self, other: Counts) -> Counts:
        return Counts(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


COUNTS = tuple(item.name for item in fields(Counts))


@dataclass(frozen=True, slots=True)
class Evidence:
    """Recent counts: what could have been asked for, and what was. A policy follows from them."""

    trials: int = 0
    """Outputs of which something was left out."""
    asked: int = 0
    whole: int = 0

    def plus(self, counts: Counts) -> Evidence:
        return Evidence(self.trials + counts.lossy + counts.dropped, self.asked + counts.retrieved, self.whole + counts.whole)

    def halved(self) -> Evidence:
        return Evidence(self.trials // 2, self.asked // 2, self.whole // 2)


@dataclass(frozen=True, slots=True)
class Pattern:
    """All that is known of one kind of output."""

    tool: str = ""
    counts: Counts = Counts()
    evidence: Evidence = Evidence()
    policy: Policy = "as_is"

    def learn(self, news: Counts) -> Pattern:
        counts, evidence = self.counts.plus(news), self.evidence.plus(news)
        forgotten = counts.spared // SPARED - self.counts.spared // SPARED
        for _ in range(min(forgotten, evidence.trials.bit_length())):
            evidence = evidence.halved()
        while evidence.trials > WINDOW:
            evidence = evidence.halved()
        return replace(self, counts=counts, evidence=evidence, policy=decide(evidence, self.policy))


def decide(evidence: Evidence, current: Policy) -> Policy:
    """A policy is left only when the evidence for it has become clearly weaker than what it took to reach it."""
    if evidence.trials < MIN_EVIDENCE:
        return "as_is"
    if at_least(evidence.whole, evidence.trials) >= (WHOLE_UNTIL if current == "whole" else WHOLE_FROM):
        return "whole"
    if at_least(evidence.asked, evidence.trials) >= (GENTLE_FROM if current == "as_is" else GENTLE_UNTIL):
        return "gentle"
    return "as_is"


def _is_table(value: Json) -> bool:
    return isinstance(value, dict) and all(isinstance(policy, str) and policy in IMPORTANCE for policy in value.values())


def _policies(table: Mapping[str, Pattern]) -> Policies:
    found = {signature: pattern for signature, pattern in table.items() if pattern.policy != "as_is"}
    by_strictness = sorted(found.values(), key=lambda pattern: IMPORTANCE[pattern.policy])
    return Policies({signature: p.policy for signature, p in found.items()}, {p.tool: p.policy for p in by_strictness})


def at_least(hits: int, trials: int) -> float:
    """Wilson's lower bound of a rate (E. B. Wilson, JASA 22, 1927). One output may be asked for twice: that is one hit."""
    rate = min(hits, trials) / trials
    middle = rate + Z * Z / (2 * trials)
    spread = Z * math.sqrt(rate * (1 - rate) / trials + Z * Z / (4 * trials * trials))
    return max(0.0, (middle - spread) / (1 + Z * Z / trials))


@dataclass(frozen=True, slots=True)
class Policies:
    """One tenant's policies at one time. A conversation keeps those it began with, by their version."""

    table: Mapping[str, Policy] = field(default_factory=dict)
    """Signature → policy; what is not in it is "as_is"."""
    tools: Mapping[str, Policy] = field(default_factory=dict)
    """Tool → the strictest policy of its kinds of output."""

    @property
    def version(self) -> str:
        """Hash of the table; "" of an empty one."""
        return hashlib.sha256(self.encode()).hexdigest()[:16] if self.table else ""

    def of(self, signature: str) -> Policy:
        return self.table.get(signature, "as_is")

    @property
    def importance(self) -> dict[str, float]:
        """Tool → how much its outputs are missed where they are not shown: 0 … 1, 0 where it is not named."""
        return {tool: IMPORTANCE[policy] for tool, policy in self.tools.items()}

    def encode(self) -> bytes:
        row = {"kinds": dict(self.table), "tools": dict(self.tools)}
        return json.dumps(row, sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, row: bytes) -> Policies:
        """Raises ValueError."""
        value = json.loads(row)
        if not isinstance(value, dict) or not all(_is_table(value.get(name)) for name in ("kinds", "tools")):
            raise ValueError("this is no table of policies")
        return cls(value["kinds"], value["tools"])


Name = tuple[str, str]
"""Tenant and signature. Tenant "" is everybody's pool."""

News = Mapping[Name, tuple[str, Counts]]
"""What is to be added: tool and counts by name."""


class Patterns:
    """Every pattern, and the policies that follow."""

    def __init__(self, rows: Mapping[Name, Pattern] | None = None) -> None:
        self.rows: dict[Name, Pattern] = dict(rows or {})

    def learn(self, news: News) -> None:
        for name, (tool, counts) in news.items():
            pattern = self.rows.pop(name, None) or Pattern(tool)
            self.rows[name] = pattern.learn(counts)  # at the end: the first are those unheard of for longest
        for name in list(self.rows)[: max(0, len(self.rows) - MAX_PATTERNS)]:
            del self.rows[name]

    def policies(self) -> dict[str, Policies]:
        """By tenant: its own where it has evidence of its own, else those of the pool, which stand under "" too."""
        tables: dict[str, dict[str, Pattern]] = {"": {}}
        for (tenant, signature), pattern in self.rows.items():
            if pattern.evidence.trials >= MIN_EVIDENCE:
                tables.setdefault(tenant, {})[signature] = pattern
        pool = tables[""]
        return {tenant: _policies(pool | table) for tenant, table in tables.items()}

    def summary(self) -> Json:
        policies = [pattern.policy for pattern in self.rows.values()]
        counts = [pattern.counts for pattern in self.rows.values()]
        return {
            "patterns": len(policies), "gentle": policies.count("gentle"), "whole": policies.count("whole"),
            "compressed": sum(c.compressed for c in counts), "lossy": sum(c.lossy for c in counts),
            "dropped": sum(c.dropped for c in counts), "spared": sum(c.spared for c in counts),
            "retrieved": sum(c.retrieved for c in counts),
        }

    def show(self, tenant: str | None = None) -> list[Json]:
        """A row for each pattern of a tenant and the pool, None for those of all; the most often compressed first."""
        rows = [(name, pattern) for name, pattern in self.rows.items() if tenant is None or name[0] in ("", tenant)]
        rows.sort(key=lambda row: (-row[1].counts.compressed, row[0]))
        return [
            {
                "signature": signature, "tool": pattern.tool, "policy": pattern.policy, "shared": not owner,
                **dict(zip(COUNTS, astuple(pattern.counts), strict=True)), "retrieved": pattern.counts.retrieved,
                "evidence": asdict(pattern.evidence),
            }
            for (owner, signature), pattern in rows
        ]
