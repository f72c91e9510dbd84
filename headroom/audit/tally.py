"""Which outputs were shortened, of which tool and by whom, and which were left alone and why; each output counts once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from headroom.conversation import Edit, Report, Skip
from headroom.proxy.prepared import Prepared, Reading
from headroom.proxy.refitting import BY_FIT, BY_FOLD
from headroom.tokens import estimate

REPEATED: frozenset[Skip] = frozenset(("sent_as_is", "not_tool_output", "opaque"))
"""What every request of a conversation says anew of the same texts."""


DEFINITIONS = "compact-tools"
"""Author of edits that are no output's."""

PAST = "(past, rewritten)"
"""Stands for outputs that were folded or left out after they had been sent, and have rows of their own for that time."""


@dataclass(slots=True)
class Row:
    """Outputs, and their estimated tokens."""

    parts: int = 0
    before: int = 0
    after: int = 0
    usd: float = 0.0
    """Saved by them, when they were written to the cache and whenever they were read from it."""

    def add(self, before: int, after: int, parts: int = 1, usd: float = 0.0) -> None:
        self.usd += usd
        self.parts += parts
        self.before += before
        self.after += after


Rows = dict[str, Row]


@dataclass(frozen=True, slots=True)
class Worth:
    """Dollars of an estimated token."""

    new: float
    """Sent for the first time."""
    again: float
    """Sent as part of the history."""


@dataclass(slots=True)
class Tally:
    """Grows with every request."""

    tools: Rows = field(default_factory=dict)
    kinds: Rows = field(default_factory=dict)
    """By what shortened them."""
    left: Rows = field(default_factory=dict)
    """By the reason why they were left alone."""
    failed: dict[str, int] = field(default_factory=dict)
    sent: int = 0
    """Estimated tokens of all requests, each text as often as it was sent."""
    not_outputs: int = 0
    """Those of them that are no tool's output: prompts, answers, definitions."""

    _edits: dict[str, Edit] = field(default_factory=dict, repr=False)
    """By chain key."""

    def add(self, prepared: Prepared, worth: Worth) -> None:
        report = prepared.report
        for edit in report.edits:
            for row in self._rows(edit):
                row.add(edit.before, edit.after)
        self.sent += report.before
        for skipped in report.skipped:
            if skipped.reason == "not_tool_output":
                self.not_outputs += skipped.tokens
            if skipped.reason not in REPEATED:
                _row(self.left, skipped.reason).add(skipped.tokens, skipped.tokens, skipped.parts)
        for name, count in report.failed.items():
            self.failed[name] = self.failed.get(name, 0) + count
        if prepared.reading is not None:
            self._read(prepared.reading, report, worth)
        found = None if prepared.fitted is None else prepared.fitted.found
        if found is not None and found.removed:
            for rows in (self.tools, self.kinds):
                _row(rows, PAST).usd += found.removed * worth.again

    def settle(self, usd: float) -> None:
        """`usd`: what was saved in all. It is what it is, whatever its parts were thought to be: a prefix that expired
        in between was written again."""
        for rows in (self.tools, self.kinds):
            found = sum(row.usd for row in rows.values())
            for row in rows.values():
                row.usd *= usd / found if found else 0.0
        self._edits.clear()

    def _read(self, reading: Reading, report: Report, worth: Worth) -> None:
        edits = iter([edit for edit in report.edits if edit.by != DEFINITIONS and edit.grade != "addition"])
        for i, key in reading.keys.parts.items():
            if key in report.forms and report.forms[key] is None:
                part = reading.conversation.parts[i]
                tokens = estimate(part.text)
                _row(self.tools, part.tool).add(tokens, tokens)
            elif key in report.forms:
                self._edits[key] = next(edits)
            if key in self._edits:
                edit = self._edits[key]
                saved = (edit.before - edit.after) * (worth.new if key in report.forms else worth.again)
                for row in self._rows(edit):
                    row.usd += saved

    def _rows(self, edit: Edit) -> tuple[Row, Row]:
        if edit.by in (BY_FIT, BY_FOLD):
            return _row(self.tools, PAST), _row(self.kinds, PAST)
        return _row(self.tools, edit.tool or edit.by), _row(self.kinds, edit.by)


def _row(rows: Rows, name: str) -> Row:
    return rows.setdefault(name or "?", Row())


def total(tallies: Iterable[Tally]) -> Tally:
    summed = Tally()
    for tally in tallies:
        for into, rows in ((summed.tools, tally.tools), (summed.kinds, tally.kinds), (summed.left, tally.left)):
            for name, row in rows.items():
                _row(into, name).add(row.before, row.after, row.parts, row.usd)
        for name, count in tally.failed.items():
            summed.failed[name] = summed.failed.get(name, 0) + count
        summed.sent += tally.sent
        summed.not_outputs += tally.not_outputs
    return summed
