"""Hears answers of OpenAI Chat Completions: keeps back the calls of our tool, and makes one answer of several.

A stream has no blocks: each chunk is a delta of the one message, in which only calls are numbered. One of the last chunks
says why it ends, one behind it what it cost, if the client asked.
"""

from __future__ import annotations

from collections.abc import Sequence

from headroom.conversation import Json
from headroom.dialects.hidden.base import NAME, Round, Told
from headroom.dialects.hidden.events import RawEvents, Recording, data_of, event_of
from headroom.dialects.hidden.json_text import value_of, written
from headroom.dialects.hidden.openai_chat_answer import (
    DETAILS,
    EMPTY,
    Object,
    answer_of,
    calls_of,
    choice_of,
    composed,
    heard,
    message_of,
    name_of,
    next_number,
    number_of,
    ours,
    renamed,
    renumbered,
    tangled,
    told,
    visible,
)
from headroom.dialects.openai_chat import OpenAIChat
from headroom.dialects.shapes import mapping

HELD_MOST = 8 << 20
"""Bytes of one answer remembered at most: the longest answers of common models (32 k tokens) are about 8 MB, one chunk of some
250 bytes for each token."""

_NAMED = NAME.encode()


class StreamEar:
    """For server-sent events. Until something of ours is heard no event is parsed."""

    def __init__(self) -> None:
        self._past: list[Object] = []
        self._shown: Object = {}
        """What the client was shown of earlier rounds."""
        self._gone = self._moved = False
        self._begin()

    def _begin(self) -> None:
        self._raw = RawEvents()
        self._heard = Recording()
        """All events of this round, as they came."""
        self._answer: Object | None = None
        """What they come to, once it was asked for."""
        self._asked = False
        self._hidden: set[int | None] = set()
        """Numbers of calls of ours."""
        self._held: list[bytes] = []
        """What is not the client's, or not yet."""
        self._close: Object = {}
        self._behind: list[bytes] = []
        self._ended = False
        self._tail = b""

    def feed(self, data: bytes) -> bytes:
        if self._gone or not data:
            return b"" if self._gone and self._moved else data
        if self._ended:
            self._next()
        return b"".join((*map(self._event, self._raw.feed(data)), self._spilt()))

    def end(self) -> Round:
        if self._gone or self._ended:  # a second end is that of an answer without a byte
            return Round()
        self._ended = True
        last, rest = self._raw.close()
        self._tail = self._event(last) if last else b"" if self._past or self._asked else rest
        # Its close is held only if it closes something of ours; without one the answer broke off.
        return Round() if not self._close or any(map(tangled, self._messages())) else heard(self._message())

    def finish(self) -> bytes:
        if self._gone or not self._close:
            return self._tail
        (choice,) = composed(self._message(), self._past)["choices"]
        finish = {**choice_of(self._close), "finish_reason": choice["finish_reason"]}
        close = event_of(b"", {**renamed(self._close, self._past), "choices": [finish]})
        return b"".join((self._tail, close, *self._behind))

    def told(self) -> Told:
        return Told() if self._gone else told([*self._past, self._message()])

    def _next(self) -> None:
        """The round before was answered, and its close is not the client's."""
        self._past.append(self._message())
        self._shown = visible(map(message_of, self._past))
        self._moved = True
        self._begin()

    def _event(self, event: bytes) -> bytes:
        if self._gone:
            return b"" if self._moved else event
        self._heard.append(event)
        self._answer = None
        if not self._asked and not self._past and _NAMED not in event:
            return event
        message = value_of(data_of(event))
        if not isinstance(message, dict):
            return self._wait(event, event) if self._close else event
        return self._sifted(event, message)

    def _sifted(self, event: bytes, message: Object) -> bytes:
        calls = calls_of(mapping(choice_of(message).get("delta")))
        if self._close:
            return self._wait(event, self._changed(event, message, calls))
        before = self._asked
        mine, theirs = self._told_apart(calls)
        if self._asked and not self._moved and any(map(tangled, [message] if before else self._messages())):
            return self._give_up() + event
        if not mine and not (self._asked and choice_of(message).get("finish_reason")):
            return self._changed(event, message, theirs)
        return self._split(event, message, mine, theirs)

    def _split(self, event: bytes, message: Object, mine: Sequence[Object], theirs: Sequence[Object]) -> bytes:
        """A chunk of which something is ours, or the end behind ours. Some providers put all of an answer into one."""
        choice = choice_of(message)
        ends = bool(choice.get("finish_reason"))
        delta = self._delta(mapping(choice.get("delta")), theirs)
        now = {**choice, "delta": delta, "finish_reason": None}
        if ends:
            self._close = {**message, "choices": [{**choice, "delta": {}}]}
        if not _says(delta):
            self._held.append(event)
            return b""
        self._held.append(event_of(b"", {**message, "choices": [{**choice, "delta": {"tool_calls": mine} if mine else {}}]}))
        without = {name: value for name, value in message.items() if name != "usage" or not ends}
        return event_of(b"", {**renamed(without, self._past), "choices": [now]})

    def _told_apart(self, calls: Sequence[Object]) -> tuple[list[Object], list[Object]]:
        """What begins calls of ours, or goes on with them, and what does not."""
        mine, theirs = list[Object](), list[Object]()
        for call in calls:
            number = number_of(call)
            if ours(call):
                self._asked = True
                self._hidden.add(number)
            elif name_of(call):
                self._hidden.discard(number)
            (mine if number in self._hidden else theirs).append(call)
        return mine, theirs

    def _wait(self, event: bytes, changed: bytes) -> bytes:
        """Nothing behind the end goes on before it."""
        self._held.append(event)
        self._behind.append(changed)
        return b""

    def _changed(self, event: bytes, message: Object, calls: Sequence[Object]) -> bytes:
        """As it stands in the client's stream; nothing where it does no more than open a later round."""
        choice, changed = choice_of(message), dict(renamed(message, self._past))
        delta = self._delta(mapping(choice.get("delta")), calls)
        if "delta" in choice and not tangled(message):
            changed["choices"] = [{**choice, "delta": delta}]
        ends = choice.get("finish_reason") or message.get("usage") or "error" in message
        if self._past and "choices" in message and not ends and not _says(delta):
            return b""
        return event if changed == message else event_of(b"", changed)

    def _delta(self, delta: Object, calls: Sequence[Object]) -> dict[str, Json]:
        """With these calls, numbered on: as many less as are hidden before."""
        changed = {name: value for name, value in delta.items() if name != "role" or not self._past}
        if calls:
            changed["tool_calls"] = list(map(self._renumbered, calls))
        elif calls_of(delta):
            del changed["tool_calls"]
        if DETAILS in delta and self._past:
            changed[DETAILS] = renumbered(delta[DETAILS], next_number(self._shown.get(DETAILS)))
        return changed

    def _renumbered(self, call: Object) -> Object:
        index = number_of(call)
        if index is None:
            return call
        number = len(calls_of(self._shown)) + index - sum(hidden is not None and hidden < index for hidden in self._hidden)
        self._moved = self._moved or number != index
        return {**call, "index": number} if number != index else call

    def _spilt(self) -> bytes:
        """What is left once this is no answer that we put together."""
        if not self._gone and self._heard.size + self._raw.size <= HELD_MOST:
            return b""
        held = b"" if self._gone else self._give_up()
        return held + self._raw.rest

    def _give_up(self) -> bytes:
        """All goes on as it came; where calls have other numbers than they came with, what comes now cannot."""
        held = b"".join(self._held)
        self._gone = True
        self._past, self._heard, self._held, self._behind, self._close = [], Recording(), [], [], {}
        if self._moved:
            self._raw = RawEvents()
            return OpenAIChat().broken("the answer is too long to be put together")
        return held

    def _messages(self) -> list[Object]:
        return [mapping(value_of(data_of(event))) for event in self._heard]

    def _message(self) -> Object:
        if self._answer is None:
            self._answer = answer_of(self._messages())
        return self._answer


class Whole:
    """Answers that are one JSON value; see whole.Answers."""

    def heard(self, answer: Object) -> Round:
        return heard(answer)

    def shown(self, answer: Object, past: Sequence[Object]) -> str | None:
        if choice_of(answer) and (past or (any(map(ours, calls_of(message_of(answer)))) and not tangled(answer))):
            return written(composed(answer, past))
        return None

    def told(self, answers: Sequence[Object]) -> Told:
        return told(answers)


def _says(delta: Object) -> bool:
    return any(value not in EMPTY for value in delta.values())
