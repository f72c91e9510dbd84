"""The running account of a conversation's parts: what was replayed in one turn need not be replayed part by part in the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, repeat

from headroom import ccr
from headroom.chain import Chain
from headroom.conversation import Address, Conversation, Part, Skip
from headroom.traces import shared
from headroom.transforms.base import Sent

_REPLAYED, _WEIGHED = "replayed", "others weighed"
_ABSENT = object()

_REMINDER = "<system-reminder>"
"""How Claude Code opens what it, and not the user, says in a user's turn."""


@dataclass(frozen=True, slots=True)
class _Stand:
    """The account of the first parts, where all tool outputs among them are on record."""

    parts: tuple[Part, ...] = ()
    forms: Sequence[object] = ()
    """How the tool outputs were sent."""
    forgets: bool = False
    gone: Mapping[int, Sequence[int]] = field(default_factory=dict)
    """As in Conversation, of these parts."""
    past: Sequence[Sent] = ()
    skipped: Mapping[Skip, tuple[int, int]] = field(default_factory=dict)
    before: int = 0
    saved: int = 0
    changes: Mapping[Address, str] = field(default_factory=dict)
    standing: Mapping[str, str] = field(default_factory=dict)


class Replay:
    """What becomes of the parts, in order."""

    def __init__(self, conversation: Conversation, tokens: Callable[[str], int]) -> None:
        self._conversation, self._tokens = conversation, tokens
        self._resume(_Stand())

    def _resume(self, stand: _Stand) -> None:
        self.past = list(stand.past)  # grows as we go: a slice for each part would make the work quadratic
        self.changes = dict(stand.changes)
        self.skipped: dict[Skip, list[int]] = {reason: list(row) for reason, row in stand.skipped.items()}
        """Why texts were left alone → their tokens, and how many."""
        self.before, self.saved = stand.before, stand.saved
        self.standing = dict(stand.standing)
        """See Report."""

    def skip(self, part: Part, reason: Skip) -> None:
        tokens = self._tokens(part.text)
        self.before += tokens
        row = self.skipped.setdefault(reason, [0, 0])
        row[0] += tokens
        row[1] += 1
        self._remember(part, part.text)

    def change(self, part: Part, text: str) -> tuple[int, int]:
        """Its tokens, and those of `text`."""
        before, after = self._tokens(part.text), self._tokens(text)
        self.before += before
        self.saved += before - after
        self.changes[part.at] = text
        self._remember(part, text)
        return before, after

    def replay(self, part: Part, form: str | None) -> None:
        if part.role != "tool":
            self.skip(part, "not_tool_output")
        elif form is None:
            self.skip(part, "sent_as_is")
        else:
            self.standing.update((marker["key"], part.text) for marker in ccr.MARKER.finditer(form))
            self.change(part, form)

    def forget(self, gone: Sequence[int]) -> None:
        for i in gone:
            self.past[i] = replace(self.past[i], text="")

    def _remember(self, part: Part, text: str) -> None:
        asked = part.role == "user" and not part.text.lstrip().startswith(_REMINDER)
        question = part.text if asked else self.past[-1].question if self.past else ""
        self.past.append(Sent(part, "" if self._conversation.forgets else text, question))

    def catch_up(self, keys: Chain, sent: Mapping[str, str | None]) -> int:
        """Replay all before the first tool output that is not on record, and answer its index. What was replayed in earlier turns
        is taken from there; what this comes to is left where that ends, since clients edit the end of what they sent, and at
        the end."""
        conversation, stands = self._conversation, self._left()
        old = next((stand for stand in reversed(stands) if self._holds(stand, keys, sent)), _Stand())
        self._resume(old)
        new = islice(keys.parts.items(), len(old.forms), None)
        count = next((i for i, key in new if key not in sent), len(conversation.parts))
        middle = shared(stands[-1].parts, conversation.parts) if stands else 0
        found = [old]
        for i in range(len(old.parts), count):
            if i == middle > len(old.parts):
                found = [self._stand(i, keys, sent)]
            part = conversation.parts[i]
            self.forget(conversation.gone.get(i, ()))
            self.replay(part, sent[keys.parts[i]] if part.role == "tool" else None)
        if conversation.traces is not None and count > len(old.parts):
            conversation.traces.leave(_REPLAYED, [*found, self._stand(count, keys, sent)])
        return count

    def _left(self) -> Sequence[_Stand]:
        """By earlier requests, the longest last."""
        traces = self._conversation.traces
        return (traces.find(_REPLAYED) if traces is not None else None) or ()

    def _holds(self, stand: _Stand, keys: Chain, sent: Mapping[str, str | None]) -> bool:
        """These are parts of this conversation, and the journal says the same of them."""
        conversation, count = self._conversation, len(stand.parts)
        return (
            stand.forgets == conversation.forgets and shared(stand.parts, conversation.parts) == count
            and stand.gone == _before(conversation.gone, count) and _forms(keys, sent, len(stand.forms)) == stand.forms
        )

    def _stand(self, count: int, keys: Chain, sent: Mapping[str, str | None]) -> _Stand:
        conversation = self._conversation
        parts, tools = conversation.parts[:count], sum(i < count for i in keys.parts)
        skipped = {reason: (tokens, number) for reason, (tokens, number) in self.skipped.items()}
        return _Stand(
            parts, _forms(keys, sent, tools), conversation.forgets, _before(conversation.gone, count), list(self.past), skipped,
            self.before, self.saved, dict(self.changes), dict(self.standing),
        )


def _forms(keys: Chain, sent: Mapping[str, str | None], count: int) -> list[object]:
    """How the first so many tool outputs were sent, with something else for those that are not on record."""
    return list(map(sent.get, islice(keys.parts.values(), count), repeat(_ABSENT)))


def _before(gone: Mapping[int, Sequence[int]], count: int) -> Mapping[int, Sequence[int]]:
    return {i: parts for i, parts in gone.items() if i < count}


def weighed(conversation: Conversation, tokens: Callable[[str], int]) -> int:
    """Of all texts that are no parts."""
    others, traces = conversation.others, conversation.traces
    old, total = (traces.find(_WEIGHED) if traces is not None else None) or ((), 0)
    if others[: len(old)] != old:
        old, total = (), 0
    total += sum(map(tokens, others[len(old) :]))
    if traces is not None:
        traces.leave(_WEIGHED, (others, total))
    return total
