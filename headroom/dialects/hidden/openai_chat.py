"""A tool of ours in OpenAI Chat Completions, which the client never sees.

All that is said in one answer stands in one message, so a hidden round cuts its text: the client's begins with what was said
in hidden rounds. Clients send messages back as they came or rebuilt, without thinking, or text in parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from headroom.conversation import Json
from headroom.dialects.hidden.base import DESCRIPTION, NAME, PARAMETERS, Asked, Ear, Elements, Exchange
from headroom.dialects.hidden.json_text import value_of, written
from headroom.dialects.hidden.openai_chat_answer import (
    DETAILS,
    EMPTY,
    Object,
    calls_of,
    grown,
    next_number,
    renumbered,
    visible,
)
from headroom.dialects.hidden.openai_chat_ear import StreamEar, Whole
from headroom.dialects.hidden.whole import WholeEar
from headroom.dialects.shapes import mapping, objects, text_of
from headroom.dialects.strict import parsed

TOOL = written({"type": "function", "function": {"name": NAME, "description": DESCRIPTION, "parameters": PARAMETERS}})

OPTIONAL = ("refusal", "reasoning_content", "reasoning", DETAILS)
"""What clients may leave out of all that was said."""

SPEECH = ("content", *OPTIONAL[:-1])
"""Texts, which are joined over all rounds."""

PARTS = frozenset(("text", "refusal"))
"""Types of parts in which the model's text may come back."""


class OpenAIChat:
    name = "openai-chat"
    tool = TOOL

    def fits(self, get: Callable[[str], Json], target: str) -> bool:
        """Not with several choices, nor with what belongs to the tokens of one answer: sound, or their probabilities."""
        modalities = get("modalities")
        spoken = isinstance(modalities, list) and "audio" in modalities
        return get("n") in (None, 1) and not spoken and not get("logprobs")

    def declared(self, sources: Sequence[str]) -> frozenset[str]:
        return frozenset(name for source in sources for name in _names(mapping(parsed(source))))

    def offer(self, sources: Sequence[str]) -> Elements | None:
        return (*sources, TOOL) if sources else None

    def ear(self, *, stream: bool) -> Ear:
        return StreamEar() if stream else WholeEar(Whole())

    def results(self, answers: Sequence[tuple[Asked, str]]) -> Elements:
        return tuple(written({"role": "tool", "tool_call_id": asked.id, "content": text}) for asked, text in answers)

    def woven(self, reply: Sequence[str], after: Sequence[str], exchange: Exchange) -> Elements | None:
        if not exchange.rounds and not exchange.last:
            return (*reply, *after)
        theirs = [_message(source) for source in reply]
        given = [message for message in theirs if message is not None]
        if len(given) < len(theirs):
            return None
        left_out = [name for name in OPTIONAL if all(message.get(name) in EMPTY for message in given)]
        rounds = [(_without(said, left_out), results) for said, results in exchange.rounds]
        last = _without(exchange.last, left_out)
        seen = [mapping(value_of(source)) for said in (*(said for said, _ in rounds), last) for source in said]
        rest = _behind(reply, given, visible(seen))
        if rest is None or (last and rest):
            return None
        before = [element for said, results in rounds for element in (*said, *results)]
        return (*before, *last, *exchange.late, *rest, *after)


def _names(tool: Object) -> Iterator[str]:
    for found in (tool, mapping(tool.get("function")), mapping(tool.get("custom"))):
        if name := text_of(found.get("name")):
            yield name


def _message(source: str) -> Object | None:
    """None if it is not the model's, or of no shape that we know."""
    message = mapping(value_of(source))
    content = message.get("content")
    if message.get("role") != "assistant" or any(not isinstance(message.get(name), (str, type(None))) for name in SPEECH[1:]):
        return None
    if isinstance(content, list) and len(list(objects(content))) == len(content):
        known = all(text_of(part.get("type")) in PARTS for part in content)
    else:
        known = isinstance(content, (str, type(None)))
    return message if known else None


def _without(sources: Sequence[str], names: Sequence[str]) -> Elements:
    """Messages without these members."""
    found = [(source, mapping(value_of(source))) for source in sources]
    return tuple(
        source if message.keys().isdisjoint(names) else written({name: message[name] for name in message if name not in names})
        for source, message in found
    )


def _behind(reply: Sequence[str], given: Sequence[Object], shown: Object) -> Elements | None:
    """What is left of the client's messages behind what it saw of the hidden rounds. None if it saw something else."""
    lengths = _lengths(given, shown)
    if lengths is None:
        return None
    rest: list[str] = []
    for source, message in zip(reply, given, strict=True):
        left = {name: _cut(value, name, lengths, shown) for name, value in message.items()}
        if left == message:
            kept = source
        else:
            left = {name: value for name, value in left.items() if value not in EMPTY or name == "content"}
            kept = written({**left, "content": left.get("content") or None})
        if any(left.get(name) not in EMPTY for name in (*SPEECH, DETAILS, "tool_calls", "function_call")):
            rest.append(kept)
    return tuple(rest)


def _lengths(given: Sequence[Object], shown: Object) -> dict[str, int] | None:
    """How many characters of each text, and elements of each list, the client saw in hidden rounds."""
    lengths: dict[str, int] = {}
    for name in SPEECH:
        said = "".join(text for message in given for text in _texts(message.get(name)))
        end = _end(said, text_of(shown.get(name)))
        if end is None:
            return None
        lengths[name] = end
    calls, made = [call for message in given for call in calls_of(message)], calls_of(shown)
    thoughts = [block for message in given for block in _blocks(message.get(DETAILS))]
    blocks = _blocks(shown.get(DETAILS))
    if len(calls) < len(made) or not all(map(_alike, calls, made)) or thoughts[: len(blocks)] != blocks:
        return None
    return {**lengths, "tool_calls": len(made), DETAILS: len(blocks)}


def _texts(content: Json) -> list[str]:
    if isinstance(content, list):
        return [_text(part) for part in content]
    return [text_of(content)]


def _text(part: Object) -> str:
    return text_of(part.get("text")) or text_of(part.get("refusal"))


def _end(said: str, shown: str) -> int | None:
    """Where what was shown is over in what the client sends. Clients trim the whole of a text."""
    for text in (shown, shown.lstrip()):
        if said.startswith(text):
            return len(text)
    return len(said) if said.strip() == shown.strip() else None


def _blocks(details: Json) -> list[Json]:
    """Some clients keep blocks of thinking in the pieces in which they came."""
    found = grown([details])
    return found if isinstance(found, list) else []


def _alike(call: Object, shown: Object) -> bool:
    kind = text_of(shown.get("type"))
    theirs, its = mapping(call.get(kind)), mapping(shown.get(kind))
    given, made = (each.get("arguments", each.get("input")) for each in (theirs, its))
    same = given == made or (kind == "function" and parsed(text_of(given)) == parsed(text_of(made)))
    return same and call.get("id") == shown.get("id") and theirs.get("name") == its.get("name")


def _cut(value: Json, name: str, lengths: dict[str, int], shown: Mapping[str, Json]) -> Json:
    """What is left of a member; what went is taken off the lengths."""
    if not lengths.get(name):
        return value
    if name == "content" and isinstance(value, list):
        return _parts(value, lengths)
    if name == DETAILS:
        value = _blocks(value)
    if not isinstance(value, (str, list)):
        return value
    left = value[lengths[name]:]
    lengths[name] -= len(value) - len(left)
    return renumbered(left, -next_number(shown.get(DETAILS))) if name == DETAILS else left


def _parts(parts: Sequence[Object], lengths: dict[str, int]) -> list[Json]:
    left: list[Json] = []
    for part in parts:
        text = _text(part)
        cut = min(lengths["content"], len(text))
        lengths["content"] -= cut
        if not cut:
            left.append(part)
        elif cut < len(text):
            left.append({**part, text_of(part.get("type")): text[cut:]})
    return left
