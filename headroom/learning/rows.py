"""How what is learned is written: rows of the shared log, its snapshots, and the file by which counts travel between machines."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass, field

from headroom.conversation import Json
from headroom.errors import SettingsError, StoreError
from headroom.patterns import COUNTS, MAX_PATTERNS, MAX_TOOL, Counts, Evidence, Name, News, Pattern, Patterns
from headroom.signature import SIGNATURE

FORMAT = 1
"""Of log rows and snapshots."""

FILE, FILE_VERSION = "headroom-toin", 1
"""Of exported files."""

MOST = 2**53
"""A count beyond it is no count; every JSON reader keeps whole numbers up to here exact (RFC 8259 §6)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One addition to the counts."""

    id: str
    """Of this entry alone: who wrote it, and the how-many-eth of that writer."""
    news: News = field(default_factory=dict)
    reset: bool = False
    """Forget everything that stands before this entry."""


def encode_entry(entry: Entry) -> bytes:
    rows = [[*name, tool, astuple(counts)] for name, (tool, counts) in entry.news.items()]
    return _dump({"format": FORMAT, "id": entry.id, "reset": entry.reset, "rows": rows})


def decode_entry(row: bytes) -> Entry:
    """A damaged row adds nothing, for whoever reads it. Raises StoreError for one of a later version: to pass it over
    would make us decide otherwise than those who can read it."""
    value = _load(row)
    try:
        news = {(tenant, signature): (tool, Counts(*counts)) for tenant, signature, tool, counts in value["rows"]}
        return Entry(str(value["id"]), news, bool(value["reset"]))
    except (KeyError, TypeError, ValueError):
        return Entry("")


def encode_snapshot(upto: int, patterns: Patterns) -> bytes:
    rows = [[*name, p.tool, astuple(p.counts), astuple(p.evidence), p.policy] for name, p in patterns.rows.items()]
    return _dump({"format": FORMAT, "upto": upto, "rows": rows})


def decode_snapshot(row: bytes) -> tuple[int, Patterns]:
    """Raises StoreError."""
    value = _load(row)
    try:
        rows: dict[Name, Pattern] = {
            (tenant, signature): Pattern(tool, Counts(*counts), Evidence(*evidence), policy)
            for tenant, signature, tool, counts, evidence, policy in value["rows"]
        }
        return int(value["upto"]), Patterns(rows)
    except (KeyError, TypeError, ValueError):
        raise StoreError("the snapshot of what was learned is damaged") from None


def export(patterns: Patterns) -> Json:
    """Counts by signature, all tenants' together: who a tenant is means nothing elsewhere."""
    found: dict[str, tuple[str, Counts]] = {}
    for (_, signature), pattern in patterns.rows.items():
        _, counts = found.get(signature, ("", Counts()))
        found[signature] = (pattern.tool, counts.plus(pattern.counts))
    listed = [
        {"signature": signature, "tool": tool, **dict(zip(COUNTS, astuple(counts), strict=True))}
        for signature, (tool, counts) in sorted(found.items())
    ]
    return {"format": FILE, "version": FILE_VERSION, "patterns": listed}


def read_export(text: str) -> dict[str, tuple[str, Counts]]:
    """The counts of an exported file, by signature. Raises SettingsError that says what is wrong with it."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise SettingsError("this is not JSON") from None
    if not isinstance(value, dict) or value.get("format") != FILE or not isinstance(value.get("patterns"), list):
        raise SettingsError(f"this is no file of `headroom toin export`: it has no \"format\": \"{FILE}\" and \"patterns\"")
    if value.get("version") != FILE_VERSION:
        raise SettingsError(f"this file has version {str(value.get('version'))[:20]}, we read {FILE_VERSION}")
    if len(value["patterns"]) > MAX_PATTERNS:
        raise SettingsError(f"this file has more than {MAX_PATTERNS} patterns")
    rows: dict[str, tuple[str, Counts]] = {}
    for i, row in enumerate(value["patterns"], 1):
        signature, tool, counts = _checked(row, i)
        if signature in rows:
            raise SettingsError(f"pattern {i}: its signature stands there twice")
        rows[signature] = tool, counts
    return rows


def _checked(row: Json, number: int) -> tuple[str, str, Counts]:
    if not isinstance(row, dict) or row.keys() != {"signature", "tool", *COUNTS}:
        raise SettingsError(f"pattern {number} must have these members and no others: signature, tool, {', '.join(COUNTS)}")
    if not isinstance(row["signature"], str) or not SIGNATURE.fullmatch(row["signature"]):
        raise SettingsError(f"pattern {number}: its signature is none of ours")
    if not isinstance(row["tool"], str) or len(row["tool"]) > MAX_TOOL:
        raise SettingsError(f"pattern {number}: its tool must be a name of at most {MAX_TOOL} characters")
    counts = [row[name] for name in COUNTS]
    if any(type(n) is not int or not 0 <= n <= MOST for n in counts):  # a bool is an int, but no count
        raise SettingsError(f"pattern {number}: counts must be whole numbers from 0")
    return row["signature"], row["tool"], Counts(*counts)


def _dump(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _load(row: bytes) -> Json:
    try:
        value = json.loads(row)
    except ValueError:
        return None
    if isinstance(value, dict) and value.get("format") != FORMAT:
        raise StoreError("what was learned is kept in a format of a later version")
    return value
