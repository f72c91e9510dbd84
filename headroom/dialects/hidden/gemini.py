"""A tool of ours in Gemini, which the client never sees.

A call and the text before it are parts of one content. Clients split and join texts as they like, write each chunk as a
content of its own or all as one, leave out thoughts, and give calls ids and signatures of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from headroom.conversation import Json
from headroom.dialects.gemini import ANSWER, SIGNATURE
from headroom.dialects.hidden.base import DESCRIPTION, NAME, PARAMETERS, Asked, Ear, Elements, Exchange
from headroom.dialects.hidden.gemini_ear import StreamEar, Whole
from headroom.dialects.hidden.gemini_parts import Part, asks, call_of, others, ours, signature, speech
from headroom.dialects.hidden.json_text import value_of, with_last, written
from headroom.dialects.hidden.whole import WholeEar
from headroom.dialects.shapes import mapping, objects, text_of

TOOL = written({"name": NAME, "description": DESCRIPTION, "parameters": PARAMETERS})
DECLARATIONS = ("functionDeclarations", "function_declarations")

ORDINARY = str.maketrans("-_", "+/")
"""From the URL-safe alphabet of base64 (RFC 4648 §5), in which SDKs write signatures, to the ordinary one."""


class Gemini:
    name = "gemini"
    tool = TOOL

    def fits(self, get: Callable[[str], Json], target: str) -> bool:
        """Not where a stream is one JSON array, nor with several candidates."""
        path, _, query = target.partition("?")
        config = mapping(get("generationConfig") or get("generation_config"))
        one = config.get("candidateCount", config.get("candidate_count")) in (None, 1)
        return one and (not path.endswith(":streamGenerateContent") or "alt=sse" in query)

    def declared(self, sources: Sequence[str]) -> frozenset[str]:
        return frozenset(
            text_of(declaration.get("name"))
            for source in sources for member in DECLARATIONS
            for _, declaration in objects(mapping(value_of(source)).get(member)) if text_of(declaration.get("name"))
        )

    def offer(self, sources: Sequence[str]) -> Elements | None:
        """Functions stand in one list, beside tools of the provider's own."""
        for i in reversed(range(len(sources))):
            tool = mapping(value_of(sources[i]))
            for member in DECLARATIONS:
                found = tool.get(member)
                if isinstance(found, list) and found:
                    return (*sources[:i], with_last(sources[i], member, TOOL), *sources[i + 1:])
        return None

    def ear(self, *, stream: bool) -> Ear:
        return StreamEar() if stream else WholeEar(Whole())

    def results(self, answers: Sequence[tuple[Asked, str]]) -> Elements:
        """As one content: what the model called for at once is answered at once."""
        return (written({"role": "user", "parts": [_answer(asked, text) for asked, text in answers]}),) if answers else ()

    def woven(self, reply: Sequence[str], after: Sequence[str], exchange: Exchange) -> Elements | None:
        contents = [_parts(source) for source in reply]
        if None in contents:
            return None
        given = [part for parts in contents for part in parts or ()]
        rounds, last = list(exchange.rounds), exchange.last
        if not any(part.get("thought") for part in given):
            rounds = [(tuple(map(_without_thoughts, said)), results) for said, results in rounds]
            last = tuple(map(_without_thoughts, last))
        seen = others(part for said in (*(said for said, _ in rounds), last) for part in _all(said))
        rest = _behind(reply, contents, seen)
        if rest is None or (exchange.last and _speaks(rest)):
            return None
        answered = _answered(after, last, exchange.late) if exchange.late else tuple(after)
        if answered is None:
            return None
        before = [element for said, results in rounds for element in (*said, *results)]
        return (*before, *(last or rest), *answered)


class Expected:
    """What the client was shown, to be told off against what it sends."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self._signed = {_signed(part) for part in parts} - {""}
        self._parts = [part for part in parts if speech(part) != ""]
        self._at = 0
        """Characters of the first part that are told off already."""

    @property
    def done(self) -> bool:
        return not self._parts

    def echoes(self, part: Part) -> bool:
        """An empty text holds nothing but a signature, if that."""
        return speech(part) == "" and (not self.done or _signed(part) in self._signed)

    def take(self, part: Part) -> Part | None:
        """What of a part goes beyond; {} if nothing does. None if it is not what was shown."""
        text = speech(part)
        if text is None:
            return {} if _alike(part, self._parts.pop(0)) else None
        while text and self._parts:
            first = self._parts[0]
            here = (speech(first) or "")[self._at:]
            length = min(len(here), len(text))
            if not here or bool(first.get("thought")) != bool(part.get("thought")) or here[:length] != text[:length]:
                return None
            text, self._at = text[length:], self._at + length
            if length == len(here):
                del self._parts[0]
                self._at = 0
        return {**part, "text": text} if text else {}


def _behind(reply: Sequence[str], contents: Sequence[list[Part] | None], seen: Sequence[Part]) -> Elements | None:
    """What is left of the client's elements behind what it saw of the hidden rounds. None if it saw something else."""
    expected = Expected(seen)
    rest: list[str] = []
    for source, parts in zip(reply, contents, strict=True):
        left = list(parts or ())
        while left and (not expected.done or expected.echoes(left[0])):
            beyond = {} if expected.echoes(left[0]) else expected.take(left[0])
            if beyond is None:
                return None
            left[:1] = [beyond] if beyond else []
        if left == parts:
            rest.append(source)
        elif left:
            rest.append(written({**mapping(value_of(source)), "parts": left}))
    return tuple(rest) if expected.done else None


def _answered(after: Sequence[str], last: Sequence[str], late: Sequence[str]) -> Elements | None:
    """The client's results with ours among them, in the order of the calls: all in one content, which the API wants."""
    theirs = _all(after)
    calls = [part for part in _all(last) if call_of(part) is not None]
    if not others(calls):
        return (*late, *after)  # calls of ours alone, beyond the last round: the client has nothing to answer
    if not any(map(_answers, theirs)):
        return None
    mine = _all(late)
    if len(mine) == sum(map(ours, calls)) and all(map(_answers, theirs)) and len(theirs) == len(others(calls)):
        own, left = iter(mine), iter(theirs)
        parts = [next(own if ours(call) else left) for call in calls]
    else:
        parts = [*mine, *theirs]
    return (written({**mapping(value_of(after[0])), "parts": parts}),)


def _parts(source: str) -> list[Part] | None:
    """None if a content is of no shape that we know."""
    content = value_of(source)
    if not isinstance(content, dict):
        return None
    given = content.get("parts", [])
    if isinstance(given, dict):  # a single part may stand without its list
        return [given]
    return list(given) if isinstance(given, list) and all(isinstance(part, dict) for part in given) else None


def _all(sources: Iterable[str]) -> list[Part]:
    return [part for source in sources for part in _parts(source) or ()]


def _without_thoughts(source: str) -> str:
    parts = _parts(source) or []
    kept = [part for part in parts if not part.get("thought")]
    return source if len(kept) == len(parts) else written({**mapping(value_of(source)), "parts": kept})


def _alike(given: Part, shown: Part) -> bool:
    """Ids of calls and signatures may be the client's own."""
    call, made = call_of(given), call_of(shown)
    if call is None or made is None:
        return call is made and _plain(given) == _plain(shown)
    return call.get("name") == made.get("name") and (call.get("args") or {}) == (made.get("args") or {})


def _plain(part: Part) -> Part:
    return {name: value for name, value in part.items() if name not in SIGNATURE}


def _signed(part: Part) -> str:
    return signature(part).translate(ORDINARY)


def _speaks(sources: Iterable[str]) -> bool:
    parts = _all(sources)
    return asks(parts) or any(speech(part) != "" for part in parts)


def _answers(part: Part) -> bool:
    return any(isinstance(part.get(name), dict) for name in ANSWER)


def _answer(asked: Asked, text: str) -> Json:
    answer = {"name": NAME, "response": {"output": text}}
    return {"functionResponse": {"id": asked.id, **answer} if asked.id else answer}
