"""The scripted model's generateContent API: a thought signature must come back on the call it was given with."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from headroom.conversation import Json
from headroom.demo.base import Answer, Question, data_only, dump, objects, pieces
from headroom.demo.binding import Prefix, Seals
from headroom.demo.promptcache import BYTES_PER_TOKEN, PromptCache

CALL = re.compile(r"/models/(?P<model>[^/:]+):(?P<verb>generateContent|streamGenerateContent|countTokens)$")

ORDINARY = str.maketrans("-_", "+/")
"""From the URL-safe alphabet of base64 (RFC 4648 §5) to the ordinary one."""

STATUSES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED",
            500: "INTERNAL", 503: "UNAVAILABLE"}


class Gemini:
    """Without `seals` nothing is bound, without `cache` all input counts as fresh."""

    def __init__(self, seals: Seals | None, cache: PromptCache | None) -> None:
        self._seals, self._cache = seals, cache

    def hears(self, method: str, path: str) -> bool:
        return method == "POST" and CALL.search(path) is not None

    def turns(self, body: Mapping[str, Json]) -> Sequence[str | None]:
        return [None if content.get("role") == "model" else _words(content) for content in _contents(body)]

    def refusal(self, body: Mapping[str, Json]) -> str:
        contents = _contents(body)
        if not contents:
            return "contents is not specified"
        if self._seals is None:
            return ""
        # Only the current turn is checked: it starts at the last user content that holds text.
        starts = [i for i, c in enumerate(contents) if c.get("role") != "model" and _words(c)]
        for i, content in enumerate(contents[starts[-1] if starts else 0 :], starts[-1] if starts else 0):
            calls = [part for part in objects(content.get("parts")) if "functionCall" in part]
            if content.get("role") != "model" or not calls:
                continue
            name = calls[0]["functionCall"].get("name") if isinstance(calls[0]["functionCall"], dict) else None
            # SDKs hold it as bytes and write them in the URL-safe alphabet.
            given = str(calls[0].get("thoughtSignature")).translate(ORDINARY)
            if given != self._signature(calls[0]["functionCall"]):
                return f"Function call `{name}` in contents[{i}] is missing its thought_signature, or it was changed."
        return ""

    def answer(self, question: Question) -> Answer:
        step = question.step
        found = CALL.search(question.path)
        assert found is not None
        counts = (self._cache or PromptCache()).count(*_blocks(question.body))
        if found["verb"] == "countTokens":
            return Answer({"totalTokens": counts.total}, (), stream=False)
        parts: list[Json] = [{"text": step.text}] if step.text or not step.calls else []
        for number, call in enumerate(step.calls):
            made = {"name": call.name, "args": call.input}
            # Parallel siblings have no signature of their own.
            parts.append({"functionCall": made, **({} if number else {"thoughtSignature": self._signature(made)})})
        said = len(dump(parts)) // BYTES_PER_TOKEN
        tail = {
            "usageMetadata": {"promptTokenCount": counts.total, "candidatesTokenCount": said,
                              "totalTokenCount": counts.total + said, "cachedContentTokenCount": counts.read},
            "modelVersion": found["model"], "responseId": question.where.tag("response"),
        }
        events = _chunks(parts, tail)
        return Answer(_candidate(parts, tail, ended=True), events, stream=found["verb"] == "streamGenerateContent")

    def error(self, status: int, message: str) -> Json:
        return {"error": {"code": status, "message": message, "status": STATUSES.get(status, "INTERNAL")}}

    def noise(self, count: int) -> list[bytes]:
        return [b": keep-alive\n\n"] * count

    def complaint(self, message: str) -> bytes:
        return data_only(self.error(503, message))

    def _signature(self, call: Json) -> str:
        # Clients add an id of their own to the call; what was said is its name and arguments.
        said = [call.get("name"), call.get("args")] if isinstance(call, dict) else call
        return (self._seals or Seals(b"unbound")).seal(Prefix(said).digest())


def _contents(body: Mapping[str, Json]) -> list[dict[str, Json]]:
    given = body.get("contents")
    return [given] if isinstance(given, dict) else objects(given)


def _words(content: Mapping[str, Json]) -> str:
    texts = [part["text"] for part in objects(content.get("parts")) if isinstance(part.get("text"), str)]
    return "\n".join(texts)


def _blocks(body: Mapping[str, Json]) -> tuple[list[bytes], int]:
    head = [dump(body.get("systemInstruction")), *map(dump, objects(body.get("tools")))]
    blocks = [*head, *map(dump, _contents(body))]
    return blocks, len(blocks)


def _candidate(parts: Sequence[Json], tail: Json, *, ended: bool) -> Json:
    content = {"role": "model", "parts": list(parts)}
    return {"candidates": [{"content": content, "index": 0, **({"finishReason": "STOP"} if ended else {})}], **tail}


def _chunks(parts: Sequence[Json], tail: Json) -> tuple[bytes, ...]:
    """Text comes in pieces, a call whole."""
    split = [
        piece
        for part in parts
        for piece in ([{"text": text} for text in pieces(part["text"])] if "text" in part else [part])
    ]
    last = len(split) - 1
    return tuple(data_only(_candidate([piece], tail, ended=i == last)) for i, piece in enumerate(split))
