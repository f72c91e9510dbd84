"""Gemini: POST /v1beta/models/MODEL:generateContent and :streamGenerateContent, on Vertex too.

Texts stand in `systemInstruction` and in the parts of `contents`. The answer of a tool is an object, and stays one: its
string leaves are the texts. Member names come in camel case and in snake case. The model's name is in the path.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

from headroom.conversation import Address, Conversation, Json, Part, Role, Usage
from headroom.dialects.document import Document
from headroom.dialects.rewriting import appended
from headroom.dialects.shapes import compact, mapping, objects, text_of, tokens_of
from headroom.dialects.ties import UNKNOWN, Side, Ties
from headroom.dialects.turns import Call, Calls, Turn, read

PATH = re.compile(
    r"(?:/v1(?:beta\d?|alpha)?(?:/projects/[^/]+/locations/[^/]+/publishers/google)?)?"
    r"/models/(?P<model>[^/:]+):(?P<verb>generateContent|streamGenerateContent)"
)

STATUSES = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 405: "UNIMPLEMENTED",
    409: "ABORTED", 426: "FAILED_PRECONDITION", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 501: "UNIMPLEMENTED",
    502: "UNAVAILABLE", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
}
"""google.rpc.Code names."""

CALL, ANSWER = ("functionCall", "function_call"), ("functionResponse", "function_response")
SIGNATURE = ("thoughtSignature", "thought_signature")
PARALLEL = 64
"""Calls of one name in one turn that are told apart; beyond, the tool is known but not its input."""

MIME = ("mimeType", "mime_type")

BOUND = re.compile(r"thought[ _]?signature|reasoning", re.IGNORECASE)
BROKEN = re.compile(
    r"mismatch|(?:do(?:es)? not|doesn't|don't|no longer) match|invalid|not valid|corrupt|was modified", re.IGNORECASE
)


class Gemini:
    name = "gemini"
    provider = "gemini"
    turns = "contents"

    def speaks(self, method: str, path: str) -> bool:
        return method == "POST" and PATH.fullmatch(path) is not None

    def forward(self, target: str) -> str:
        """Some clients leave out the version."""
        return "/v1beta" + target if target.startswith("/models/") else target

    def read(self, document: Document, path: str) -> Conversation:
        members = (("systemInstruction", _system), ("system_instruction", _system), ("contents", _content))
        reading = read(document, self.name, members, ("tools",))
        match = PATH.fullmatch(path)
        return Conversation(
            match["model"] if match else "", reading.parts, reading.fresh,
            match is not None and match["verb"] == "streamGenerateContent", reading.others,
            bool(document.get("cachedContent") or document.get("cached_content")), definitions=reading.definitions, opaque=reading.opaque, replies=reading.replies, traces=reading.traces,
        )

    def ties(self, element: Json) -> Ties:
        """Calls and answers without ids are told apart by name and number, within one turn only."""
        content = mapping(element)
        pieces = [piece for _, piece in objects(content.get("parts"))] or [mapping(content.get("parts"))]
        if not any(pieces):
            return UNKNOWN
        calls = tuple(_made(pieces))
        answers = [answer for piece in pieces for _, answer in _members(piece, ANSWER)]
        answered = tuple(_numbered(answers))
        side: Side = "tool" if answered else "assistant" if content.get("role") == "model" else "user"
        words = any(isinstance(piece.get("text"), str) and not piece.get("thought") for piece in pieces)
        bound = any(piece.get(name) for piece in pieces for name in SIGNATURE)
        return Ties(side, calls, tuple(call.id for call in calls), answered, words, bound)

    def noted(self, source: str, text: str) -> str:
        return appended(source, "parts", text, lambda said: {"text": said})

    def bare(self, source: str) -> str | None:
        return source

    def usage(self, message: Json) -> Usage | None:
        """promptTokenCount includes what was cached, candidatesTokenCount leaves out the thoughts."""
        # Without alt=sse a streamed answer is one array of chunks, and the last one counts.
        chunks = message if isinstance(message, list) else [message]
        found = next((f for c in reversed(chunks) if isinstance(f := mapping(c).get("usageMetadata"), dict)), None)
        if found is None:
            return None
        prompt, tools, cached, said, thought = (
            tokens_of(found.get(f"{name}TokenCount"))
            for name in ("prompt", "toolUsePrompt", "cachedContent", "candidates", "thoughts")
        )
        uncached = None if prompt is None else max(0, prompt + (tools or 0) - (cached or 0))
        return Usage(uncached, None if said is None and thought is None else (said or 0) + (thought or 0), cached)

    def error(self, status: int, message: str, kind: str = "") -> Json:
        usual = "INTERNAL" if status >= 500 else "INVALID_ARGUMENT"
        return {"error": {"code": status, "message": message, "status": kind or STATUSES.get(status, usual)}}

    def broken(self, message: str) -> bytes:
        return b"\n\ndata: %s\n\n" % json.dumps(self.error(502, message)).encode()

    def mismatch(self, status: int, body: Json) -> bool:
        first = body[0] if isinstance(body, list) and body else body  # an array where the answer was to be one
        words = text_of(mapping(mapping(first).get("error")).get("message"))
        return status == 400 and BOUND.search(words) is not None and BROKEN.search(words) is not None


def _system(at: Address, value: Json, calls: Calls) -> Turn:
    return Turn(tuple(Part("system", text, where) for where, text in _texts(mapping(value).get("parts"), (*at, "parts"))))


def _content(at: Address, value: Json, calls: Calls) -> Turn:
    content = mapping(value)
    assistant = content.get("role") == "model"
    pieces, at = content.get("parts"), (*at, "parts")
    role: Role = "assistant" if assistant else "user"
    parts = [Part(role, text, where) for where, text in _texts(pieces, at)]
    made = tuple(_made(piece for _, piece in objects(pieces)))
    answered: dict[str, None] = {}
    for j, piece in objects(pieces):
        for member, answer in _members(piece, ANSWER):
            id = text_of(answer.get("id")) or _open(text_of(answer.get("name")), calls, answered)
            answered[id] = None
            parts += _answer(answer, (*at, j, member), calls.get(id))
    others = tuple(filter(None, (compact(call.input) for call in made)))
    return Turn(tuple(parts), made, tuple(answered), others, assistant)


def _made(pieces: Iterable[Mapping[str, Json]]) -> Iterator[Call]:
    calls = [call for piece in pieces for _, call in _members(piece, CALL)]
    for id, call in zip(_numbered(calls), calls, strict=True):
        yield Call(id, text_of(call.get("name")), call.get("args"))


def _numbered(pieces: Iterable[Mapping[str, Json]]) -> Iterator[str]:
    """The id of each call or answer: its own, or its name and which of that name it is."""
    named: Counter[str] = Counter()
    for piece in pieces:
        name = text_of(piece.get("name"))
        yield text_of(piece.get("id")) or _id_of(name, named[name])
        named[name] += 1


def _texts(pieces: Json, at: Address) -> Iterator[tuple[Address, str]]:
    if isinstance(pieces, dict) and isinstance(pieces.get("text"), str):  # a single part may stand without its list
        yield (*at, "text"), pieces["text"]
    for j, piece in objects(pieces):
        if isinstance(piece.get("text"), str):
            yield (*at, j, "text"), piece["text"]


def _members(piece: Mapping[str, Json], names: tuple[str, ...]) -> Iterator[tuple[str, Mapping[str, Json]]]:
    for name in names:
        found = piece.get(name)
        if isinstance(found, dict):
            yield name, found


def _answer(answer: Mapping[str, Json], at: Address, call: Call | None) -> Iterator[Part]:
    response = answer.get("response")
    if isinstance(response, dict):
        tool = text_of(answer.get("name")) or (call.tool if call else "")
        failed = bool(response.get("error"))
        for where, text in _leaves(response, (*at, "response")):
            yield Part("tool", text, where, tool, call.input if call else None, failed)


def _leaves(value: Json, at: Address) -> Iterator[tuple[Address, str]]:
    """All strings below a value, but not the data of images and the like."""
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, list):
        for k, inner in enumerate(value):
            yield from _leaves(inner, (*at, k))
    elif isinstance(value, dict) and not any(name in value for name in MIME):
        for key, inner in value.items():
            yield from _leaves(inner, (*at, key))


def _id_of(name: str, index: int) -> str:
    """Calls have ids on some models only. Else the k-th answer of a name belongs to the k-th call of that name."""
    return f"{name} {index}"


def _open(name: str, calls: Calls, answered: Collection[str]) -> str:
    """The first call of that name in the last turn that is not answered yet."""
    ids = (_id_of(name, index) for index in range(PARALLEL))
    return next((id for id in ids if id in calls and id not in answered), "")
