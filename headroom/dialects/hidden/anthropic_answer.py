"""What an answer of Anthropic Messages says and asks, and several of them made one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from headroom.conversation import Json
from headroom.dialects.hidden.base import NAME, Asked, Round, Told
from headroom.dialects.hidden.json_text import value_of, written
from headroom.dialects.hidden.usage import with_sums
from headroom.dialects.shapes import mapping, objects, text_of

Object = Mapping[str, Json]

KEPT = ("id", "model")
"""What names an answer: as the client was told in the first round."""

INPUT = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
OUTPUT = ("output_tokens", "output_tokens_details", "server_tool_use")
"""Counts of usage, the last two in objects of their own."""

UNREADABLE = "INVALID_JSON"
"""Input must be an object; what is no JSON is sent back as the text of such a member, as the documentation of fine-grained
tool streaming has it."""

_GROWING = frozenset(("text", "thinking", "partial_json"))
"""Members of deltas that go on where the last one ended; all others stand for themselves."""


def ours(block: Json) -> bool:
    found = mapping(block)
    return found.get("type") == "tool_use" and found.get("name") == NAME


def blank(block: Object) -> bool:
    """A text that models say and the API refuses to be sent back, so that clients leave it out."""
    return block.get("type") == "text" and not text_of(block.get("text")).strip()


def content_of(message: Object) -> list[Object]:
    return [block for _, block in objects(message.get("content"))]


def visible(blocks: Iterable[Object]) -> list[Object]:
    return [block for block in blocks if not ours(block)]


def message_of(events: Iterable[Object]) -> Object:
    """The message that a stream comes to, as SDKs put it together."""
    message: dict[str, Json] = {}
    begun: dict[int, Object] = {}
    deltas: dict[int, list[Object]] = {}
    for event in events:
        kind, index, delta = event.get("type"), event.get("index"), mapping(event.get("delta"))
        if kind == "message_start":
            message = dict(mapping(event.get("message")))
        elif kind == "message_delta":
            message |= {**delta, "usage": merged(message.get("usage"), event.get("usage"))}
        elif kind == "content_block_start" and isinstance(index, int):
            begun[index] = mapping(event.get("content_block"))
        elif kind == "content_block_delta" and isinstance(index, int):
            deltas.setdefault(index, []).append(delta)
    message["content"] = [_block(begun[index], deltas.get(index, ())) for index in sorted(begun)]
    return message


def _block(begun: Object, deltas: Sequence[Object]) -> Json:
    block, pieces = dict(begun), dict[str, list[str]]()
    for delta in deltas:
        for name, value in delta.items():
            if name in _GROWING and isinstance(value, str):
                pieces.setdefault(name, []).append(value)
            elif name == "citation":
                block["citations"] = [*(block.get("citations") or ()), value]
            elif name != "type":
                block[name] = value
    if text := "".join(pieces.pop("partial_json", ())):
        found = value_of(text)
        block["input"] = found if isinstance(found, dict) else {UNREADABLE: text}
    return block | {name: text_of(block.get(name)) + "".join(found) for name, found in pieces.items()}


def heard(message: Object) -> Round:
    """An answer that was cut short or refused asks nothing: its last call may be half of one."""
    blocks = content_of(message)
    mine = [block for block in blocks if ours(block)]
    if not mine or message.get("stop_reason") != "tool_use":
        return Round()
    said = written({"role": "assistant", "content": [block for block in blocks if not blank(block)]})
    return Round((said,), tuple(map(_asked, mine)), not calls(blocks))


def _asked(block: Object) -> Asked:
    given = block.get("input")
    text = given.get(UNREADABLE) if isinstance(given, dict) and len(given) == 1 else None
    return Asked(text_of(block.get("id")), given if text is None else text)


def calls(blocks: Iterable[Object]) -> tuple[str, ...]:
    """Ids of the calls left to the client; the provider runs its own."""
    return tuple(text_of(block.get("id")) for block in blocks if block.get("type") == "tool_use" and not ours(block))


def told(messages: Iterable[Object]) -> Told:
    blocks = [block for message in messages for block in visible(content_of(message))]
    return Told("".join(text_of(block.get("text")) for block in blocks if block.get("type") == "text"), calls(blocks))


def composed(message: Object, past: Sequence[Object]) -> dict[str, Json]:
    """The answer in the end, as if all rounds were one and our tool had never been offered."""
    blocks = [block for each in (*past, message) for block in visible(content_of(each))]
    whole: dict[str, Json] = {**message, "content": blocks}
    if past:
        whole.update({name: past[0][name] for name in KEPT if name in past[0]})
        whole["usage"] = summed(whole.get("usage"), [mapping(each.get("usage")) for each in past])
    if whole.get("stop_reason") == "tool_use" and not calls(blocks):
        whole["stop_reason"] = "end_turn"
    return whole


def merged(begun: Json, closing: Json) -> Json:
    """Usage at the start of a stream and at its end, where what is null is not said anew."""
    return {**mapping(begun), **{name: value for name, value in mapping(closing).items() if value is not None}}


def summed(last: Json, earlier: Sequence[Object]) -> Json:
    """Input as the last round had it, which holds all before; output of all, with what was run for it."""
    if not isinstance(last, dict):
        return last
    count, *groups = OUTPUT
    usage = with_sums(last, earlier, (count,))
    for name in groups:
        before = [mapping(each.get(name)) for each in earlier]
        details = mapping(last.get(name))
        if members := {member for each in (*before, details) for member in each}:
            usage[name] = with_sums(details, before, sorted(members))
    return usage
