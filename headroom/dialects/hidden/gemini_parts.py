"""Parts of Gemini's contents: which are ours, which the client answers, and what an answer in chunks comes to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from headroom.conversation import Json
from headroom.dialects.gemini import CALL, SIGNATURE
from headroom.dialects.hidden.base import NAME
from headroom.dialects.shapes import mapping, objects, text_of, tokens_of

Part = Mapping[str, Json]

SPOKEN = frozenset(("text", "thought"))
"""Members of a part that is nothing but text, and may be joined to the next. One with a signature stays by itself."""


def call_of(part: Part) -> Part | None:
    return next((found for name in CALL if isinstance(found := part.get(name), dict)), None)


def ours(part: Part) -> bool:
    return (call := call_of(part)) is not None and call.get("name") == NAME


def others(parts: Iterable[Part]) -> list[Part]:
    """All but ours: what the client may see."""
    return [part for part in parts if not ours(part)]


def asks(parts: Iterable[Part]) -> bool:
    return any(call_of(part) is not None for part in parts)


def speech(part: Part) -> str | None:
    """The text of a part; None if it is something else."""
    text = part.get("text")
    return text if isinstance(text, str) else None


def text_shown(parts: Iterable[Part]) -> str:
    return "".join(text_of(part.get("text")) for part in parts if not part.get("thought"))


def signature(part: Part) -> str:
    return next((text_of(part[name]) for name in SIGNATURE if part.get(name)), "")


def candidate(message: Part) -> Part:
    return next((each for _, each in objects(message.get("candidates"))), {})


def parts_of(message: Part) -> list[Part]:
    return [part for _, part in objects(mapping(candidate(message).get("content")).get("parts"))]


def tangled(message: Part) -> bool:
    """Several candidates, or a call whose arguments come in pieces (both only if the client asks for it)."""
    found = [each for _, each in objects(message.get("candidates"))]
    if len(found) > 1 or any(each.get("index") for each in found):
        return True
    calls = [call for part in parts_of(message) if (call := call_of(part)) is not None]
    return any("willContinue" in call or "partialArgs" in call or not call.get("name") for call in calls)


def with_parts(message: Part, parts: Sequence[Part], *, ended: bool) -> dict[str, Json]:
    """The chunk with other parts; not `ended`, it does not say why the answer stops."""
    said = {
        name: value for name, value in candidate(message).items() if ended or name not in ("finishReason", "finishMessage")
    }
    said["content"] = {**mapping(said.get("content")), "parts": list(parts)}
    return {**message, "candidates": [said]}


def joined(parts: Iterable[Part]) -> list[Part]:
    """As a client sends them back: pieces of one text are one part, empty ones none."""
    whole: list[Part] = []
    for part in parts:
        if not SPOKEN.issuperset(part) or speech(part) is None:
            whole.append(part)
        elif whole and _same_kind(whole[-1], part):
            whole[-1] = {**whole[-1], "text": text_of(whole[-1].get("text")) + text_of(part.get("text"))}
        elif part.get("text"):
            whole.append(part)
    return whole


def summed(last: Json, earlier: Sequence[Part]) -> Json:
    """Input as the last round had it, which holds all before; output of all."""
    if not isinstance(last, dict) or not earlier:
        return last
    usage = dict(last)
    for name in ("candidatesTokenCount", "thoughtsTokenCount"):
        counts = [count for each in (*earlier, last) if (count := tokens_of(each.get(name))) is not None]
        if counts:
            usage[name] = sum(counts)
    if "totalTokenCount" in usage:
        before = sum(_said(each) for each in earlier)
        usage["totalTokenCount"] = (tokens_of(last["totalTokenCount"]) or 0) + before
    if "candidatesTokensDetails" in usage:
        usage["candidatesTokensDetails"] = list(_by_modality([*earlier, last]))
    return usage


def _said(usage: Part) -> int:
    return (tokens_of(usage.get("candidatesTokenCount")) or 0) + (tokens_of(usage.get("thoughtsTokenCount")) or 0)


def _by_modality(usages: Iterable[Part]) -> Iterator[Json]:
    counts: dict[str, int] = {}
    for usage in usages:
        for _, each in objects(usage.get("candidatesTokensDetails")):
            modality = text_of(each.get("modality"))
            counts[modality] = counts.get(modality, 0) + (tokens_of(each.get("tokenCount")) or 0)
    for modality, count in counts.items():
        yield {"modality": modality, "tokenCount": count}


def _same_kind(one: Part, other: Part) -> bool:
    return SPOKEN.issuperset(one) and speech(one) is not None and bool(one.get("thought")) == bool(other.get("thought"))
