"""A tool of ours in OpenAI Responses, which the client never sees.

What the model says, each of its calls and each result is an item of its own, so hidden rounds are items between the
client's. Clients send items back as they came or rebuilt, without ids, status, annotations or reasoning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from headroom.conversation import Json
from headroom.dialects.hidden.base import DESCRIPTION, NAME, PARAMETERS, Asked, Ear, Elements, Exchange
from headroom.dialects.hidden.json_text import with_last, written
from headroom.dialects.hidden.openai_responses_answer import texts_of, visible
from headroom.dialects.hidden.openai_responses_ear import StreamEar, Whole
from headroom.dialects.hidden.whole import WholeEar
from headroom.dialects.shapes import mapping, objects, text_of
from headroom.dialects.strict import parsed

TOOL = written({"type": "function", "name": NAME, "description": DESCRIPTION, "parameters": PARAMETERS, "strict": False})
"""Not strict, which is the default here and allows no optional parameters."""

INPUTS: Mapping[str, str] = {"function_call": "arguments", "custom_tool_call": "input"}
"""Type of a call that clients rebuild → the member with its input."""

LEVELS = 3
"""Tools in namespaces in an item of tools."""

THOUGHT = ("id", "encrypted_content", "summary", "content")
"""Members of a reasoning item, of which clients leave out what they do not use."""

UNSENT = frozenset(("id", "status"))
"""Members of any item that clients leave out."""


class OpenAIResponses:
    name = "openai-responses"
    tool = TOOL

    def fits(self, get: Callable[[str], Json], target: str) -> bool:
        """Not where the provider keeps answers: a later turn could refer to one as the client knows it."""
        return get("store") is False and not get("background") and isinstance(get("input"), list)

    def declared(self, sources: Sequence[str]) -> frozenset[str]:
        """Of tools, of namespaces of tools, and of whole items that bring tools."""
        return frozenset(name for source in sources for name in _names(parsed(source), LEVELS))

    def offer(self, sources: Sequence[str]) -> Elements | None:
        within = _offered_in(sources[0]) if len(sources) == 1 else None
        if within is not None:
            return (within,)
        return (*sources, TOOL) if sources else None

    def ear(self, *, stream: bool) -> Ear:
        return StreamEar() if stream else WholeEar(Whole())

    def results(self, answers: Sequence[tuple[Asked, str]]) -> Elements:
        return tuple(
            written({"type": "function_call_output", "call_id": asked.id, "output": text}) for asked, text in answers
        )

    def woven(self, reply: Sequence[str], after: Sequence[str], exchange: Exchange) -> Elements | None:
        found = [parsed(source) for source in reply]
        thought = any(mapping(item).get("type") in ("reasoning", "item_reference") for item in found)
        woven: list[str] = []
        at = 0
        for said, results in (*exchange.rounds, *(((exchange.last, exchange.late),) if exchange.last else ())):
            items = zip(said, map(parsed, said), strict=True)
            kept = [(source, item) for source, item in items if thought or not _is_reasoning(item)]
            end = _end(found, at, visible(item for _, item in kept))
            if end is None:
                return None
            at = end
            woven += (source for source, _ in kept)
            woven += results
        if exchange.last and at < len(found):
            return None
        return (*woven, *reply[at:], *after)


def _offered_in(source: str) -> str | None:
    """An input item of type additional_tools, in which Codex sends its tools, with ours last. None if it is none."""
    item = mapping(parsed(source))
    tools = item.get("tools")
    if item.get("type") != "additional_tools" or not isinstance(tools, list) or not tools:
        return None
    return with_last(source, "tools", TOOL)


def _end(found: Sequence[Json], at: int, items: Sequence[Json]) -> int | None:
    """Where the client's items are over that stand for these; None if they do not."""
    for item in items:
        if at < len(found) and _same(found[at], item):
            at += 1
            continue
        end = _end_of_message(found, at, texts_of(item)) if _is_message(item) else None
        if end is None:
            return None
        at = end
    return at


def _end_of_message(found: Sequence[Json], at: int, text: str) -> int | None:
    """A message may come back as several, one for each of its texts; an empty one perhaps not at all."""
    while text and at < len(found):
        part = _said(found[at])
        if part is None or not text.startswith(part):
            return None
        text, at = text[len(part):], at + 1
    return None if text else at


def _said(item: Json) -> str | None:
    """What the model says in a message of the client's; None if it is another's, or holds what no model says."""
    message = mapping(item)
    content = message.get("content")
    if not _is_message(item) or message.get("role") != "assistant":
        return None
    if isinstance(content, str):
        return content
    parts = [text_of(part.get("type")) for _, part in objects(content)]
    return texts_of(item) if all(kind in ("output_text", "refusal", "text", "input_text") for kind in parts) else None


def _same(found: Json, item: Json) -> bool:
    theirs, its = mapping(found), mapping(item)
    if theirs.get("type") == "item_reference":
        return bool(its.get("id")) and bool(theirs.get("id") == its.get("id"))
    if _is_message(item):
        return _said(found) == texts_of(item)
    if theirs.get("type") != its.get("type"):
        return False
    kind = text_of(its.get("type"))
    if kind in INPUTS:
        given, input_ = theirs.get(INPUTS[kind]), its.get(INPUTS[kind])
        same_input = given == input_ or (kind == "function_call" and _value(given) == _value(input_))
        return same_input and all(theirs.get(name) == its.get(name) for name in ("call_id", "name"))
    if kind == "reasoning":
        return all(theirs[name] == its[name] for name in THOUGHT if theirs.get(name) and its.get(name))
    bare = _bare(theirs)
    return all(bare.get(name) == value for name, value in _bare(its).items())


def _value(given: Json) -> Json:
    return parsed(given) if isinstance(given, str) else given


def _bare(item: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in item.items() if name not in UNSENT and value is not None}


def _is_reasoning(item: Json) -> bool:
    return mapping(item).get("type") == "reasoning"


def _is_message(item: Json) -> bool:
    found = mapping(item)
    return text_of(found.get("type")) == "message" or ("type" not in found and "role" in found)


def _names(tool: Json, levels: int) -> Iterator[str]:
    found = mapping(tool)
    allowed = found.get("allowed_tools")
    if isinstance(found.get("name"), str) and found.get("type") != "namespace":
        yield found["name"]
    if found.get("type") == "mcp":
        # Tools that the provider itself asks a server for.
        listed = mapping(allowed).get("tool_names", allowed)
        yield from (name for name in listed if isinstance(name, str)) if isinstance(listed, list) else ()
    if levels:
        for _, inner in objects(found.get("tools")):
            yield from _names(inner, levels - 1)
