"""What an answer of OpenAI Chat Completions says and asks, and several of them made one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from headroom.conversation import Json
from headroom.dialects.hidden.base import NAME, Asked, Round, Told
from headroom.dialects.hidden.json_text import arguments, written
from headroom.dialects.hidden.usage import of_all
from headroom.dialects.shapes import mapping, objects, text_of

Object = Mapping[str, Json]

KEPT = ("id", "created", "model")
"""What names an answer: as the client was told in the first round."""

DETAILS = "reasoning_details"
"""Blocks of thinking as OpenRouter numbers them, some signed or encrypted."""

WHOLE = frozenset(("tool_calls", "stop"))
"""Why an answer ends that was not cut short. Where a tool was forced, and with some providers always, a call ends in "stop"."""

UNSENT = frozenset(("role", "content", "tool_calls", "annotations"))
"""Members of a message with a place of their own, and what providers say but do not take."""

EMPTY: tuple[Json, ...] = (None, "", [])

_STEADY = frozenset(("id", "type", "index", "format", "role", "name"))
"""Strings and numbers that a delta says anew; other strings go on where the last delta ended."""


def choice_of(message: Object) -> Object:
    """The first choice, of a chunk or of a whole answer."""
    return next((choice for _, choice in objects(message.get("choices")) if not choice.get("index")), {})


def message_of(answer: Object) -> Object:
    return mapping(choice_of(answer).get("message"))


def tangled(message: Object) -> bool:
    """Several choices, or a content in parts: nothing that we put together."""
    choices = [choice for _, choice in objects(message.get("choices"))]
    said = [mapping(choice.get("delta", choice.get("message"))) for choice in choices]
    return (
        len(choices) > 1 or any(choice.get("index") for choice in choices)
        or any(not isinstance(each.get("content"), (str, type(None))) for each in said)
    )


def calls_of(message: Object) -> list[Object]:
    """Those of a message, or of a delta."""
    return [call for _, call in objects(message.get("tool_calls"))]


def name_of(call: Object) -> str:
    return text_of(mapping(call.get("function") or call.get("custom")).get("name"))


def ours(call: Object) -> bool:
    return name_of(call) == NAME


def number_of(entry: Object) -> int | None:
    """By which a delta says what it goes on with. Some providers have none, others the same for all calls."""
    index = entry.get("index")
    return index if isinstance(index, int) else None


def answer_of(chunks: Iterable[Object]) -> Object:
    """The answer that a stream comes to, as SDKs put it together."""
    answer: dict[str, Json] = {}
    deltas: list[Object] = []
    finish: Json = None
    for chunk in chunks:
        answer = {**{name: chunk[name] for name in KEPT if chunk.get(name)}, **answer}
        if isinstance(chunk.get("usage"), dict):
            answer["usage"] = chunk["usage"]
        choice = choice_of(chunk)
        deltas.append(mapping(choice.get("delta")))
        finish = choice.get("finish_reason") or finish
    message = dict(mapping(grown(deltas)))
    if calls := calls_of(message):
        message["tool_calls"] = [{name: value for name, value in call.items() if name != "index"} for call in calls]
    return {**answer, "choices": [{"index": 0, "message": {**message, "role": "assistant"}, "finish_reason": finish}]}


def grown(values: Iterable[Json], name: str = "") -> Json:
    """What the deltas of one value come to, in one pass: text by text it would take quadratic time."""
    given = [value for value in values if value is not None]
    first = given[0] if given else None
    if isinstance(first, str):
        texts = [value for value in given if isinstance(value, str)]
        return next(filter(None, texts), "") if name in _STEADY else "".join(texts)
    if isinstance(first, dict):
        deltas = [mapping(value) for value in given]
        members = dict.fromkeys(member for delta in deltas for member in delta)
        return {member: grown((delta.get(member) for delta in deltas), member) for member in members}
    if isinstance(first, list):
        return [grown(group) for group in _grouped(entry for value in given if isinstance(value, list) for entry in value)]
    return given[-1] if given else None


def _grouped(entries: Iterable[Json]) -> list[list[Json]]:
    """The deltas of each element of a list."""
    groups: list[list[Json]] = []
    at: dict[int | None, list[Json]] = {}
    for entry in entries:
        number = number_of(mapping(entry))
        before = at.get(number)
        if before is None or _begins(mapping(entry), mapping(before[0]), number):
            before = at[number] = []
            groups.append(before)
        before.append(entry)
    return groups


def _begins(entry: Object, before: Object, number: int | None) -> bool:
    """Whether this is another element than the one before of that number."""
    if number is None and "function" not in entry:
        return True
    if entry.get("type") not in (None, before.get("type")):
        return True
    return bool(name_of(entry)) and (not entry.get("id") or entry.get("id") != before.get("id"))


def heard(answer: Object) -> Round:
    """An answer that was cut short or refused asks nothing: its last call may be half of one."""
    message = message_of(answer)
    mine = [call for call in calls_of(message) if ours(call)]
    if not mine or tangled(answer) or text_of(choice_of(answer).get("finish_reason")) not in WHOLE:
        return Round()
    return Round((written(_spoken(message)),), tuple(map(_asked, mine)), len(mine) == len(calls_of(message)))


def _spoken(message: Object) -> Object:
    """As clients send it back."""
    others = {name: value for name, value in message.items() if name not in UNSENT and value not in EMPTY}
    calls = [{**call, "type": call.get("type") or "function"} for call in calls_of(message)]
    return {"role": "assistant", "content": message.get("content") or None, **others, "tool_calls": calls}


def _asked(call: Object) -> Asked:
    return Asked(text_of(call.get("id")), arguments(text_of(mapping(call.get("function")).get("arguments"))))


def told(answers: Iterable[Object]) -> Told:
    shown = visible(map(message_of, answers))
    return Told(text_of(shown.get("content")), tuple(text_of(call.get("id")) for call in calls_of(shown)))


def visible(messages: Iterable[Object]) -> Object:
    """Several messages as the client sees them: as one."""
    shown: list[Object] = []
    blocks = 0
    for message in messages:
        one = {**message, "content": _text(message.get("content")), "tool_calls": [call for call in calls_of(message) if not ours(call)]}
        if message.get(DETAILS):
            one[DETAILS] = renumbered(message[DETAILS], blocks)
            blocks = next_number(one[DETAILS])
        shown.append(one)
    whole = dict(mapping(grown(shown)))
    if not whole.get("tool_calls"):
        whole.pop("tool_calls", None)
    return whole


def _text(content: Json) -> Json:
    """Content in parts is joined to others by its texts alone."""
    if not isinstance(content, list):
        return content
    return "".join(text_of(part.get("text")) for _, part in objects(content))


def renumbered(details: Json, by: int) -> list[Json]:
    """Blocks of thinking behind as many others: clients put together what has one number."""
    return [
        {**detail, "index": number + by} if by and (number := number_of(detail)) is not None else detail
        for _, detail in objects(details)
    ]


def next_number(details: Json) -> int:
    """The number behind the last of these blocks."""
    return max((number + 1 for _, detail in objects(details) if (number := number_of(detail)) is not None), default=0)


def composed(answer: Object, past: Sequence[Object]) -> dict[str, Json]:
    """The answer in the end, as if all rounds were one and our tool had never been offered."""
    choice = choice_of(answer)
    message = visible(map(message_of, (*past, answer)))
    finish = choice.get("finish_reason")
    if finish == "tool_calls" and not calls_of(message):
        finish = "stop"
    return {**renamed(answer, past), "choices": [{**choice, "message": message, "finish_reason": finish}]}


def renamed(message: Object, past: Sequence[Object]) -> Object:
    """An answer or a chunk of one, with the names of the first round and the usage of all."""
    if not past:
        return message
    changed = {**message, **{name: past[0][name] for name in KEPT if name in past[0] and name in message}}
    if "usage" in message:
        before = [mapping(each.get("usage")) for each in past]
        changed["usage"] = of_all(message["usage"], before, "prompt_tokens", "completion_tokens")
    return changed
