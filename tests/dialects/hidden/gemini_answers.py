"""Answers of a scripted Gemini, and how clients read and keep them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from headroom.dialects.hidden.base import NAME, Ear, Exchange, Hidden
from headroom.dialects.hidden.gemini import Gemini

HIDDEN: Hidden = Gemini()
Parts = list[dict[str, Any]]


def say(text: str, **more: Any) -> dict[str, Any]:
    return {"text": text, **more}


def ask(key: str = "k1", **more: Any) -> dict[str, Any]:
    return {"functionCall": {"name": NAME, "args": {"key": key}}, **more}


def call(name: str = "Bash", **args: Any) -> dict[str, Any]:
    return {"functionCall": {"name": name, "args": args}}


def answer(parts: Parts, reason: str | None = None, said: int = 5, id: str = "r1") -> dict[str, Any]:
    ended = {"finishReason": reason} if reason else {}
    return {
        "candidates": [{"content": {"parts": parts, "role": "model"}, **ended, "index": 0}],
        "usageMetadata": {"promptTokenCount": 100, "cachedContentTokenCount": 60, "candidatesTokenCount": said,
                          "thoughtsTokenCount": 2, "totalTokenCount": 102 + said},
        "modelVersion": f"model of {id}", "responseId": id,
    }


def event(message: Any) -> bytes:
    return b"data: %s\r\n\r\n" % json.dumps(message, ensure_ascii=False).encode()


def stream(chunks: Sequence[Parts], id: str = "r1", reason: str | None = "STOP") -> bytes:
    return b"".join(
        event(answer(parts, reason if i == len(chunks) - 1 else None, i + 1, id)) for i, parts in enumerate(chunks)
    )


def messages(data: bytes) -> list[Any]:
    """As an SDK reads a stream."""
    return [json.loads(line[6:]) for line in data.decode().splitlines() if line.startswith("data: ")]


def shown(data: bytes) -> Parts:
    return [part for message in messages(data) for part in message["candidates"][0]["content"]["parts"] if part != say("")]


def contents(*said: Parts) -> tuple[str, ...]:
    return tuple(json.dumps({"role": "model", "parts": parts}) for parts in said)


SIGNED = {"thoughtSignature": "c2ln"}
THOUGHT = say("Where was it? ", thought=True)


def joined(parts: Parts) -> Parts:
    """As clients keep them."""
    whole: Parts = []
    for part in parts:
        if whole and "text" in part and "text" in whole[-1] and whole[-1].keys() == part.keys() and not SIGNED.keys() & part:
            whole[-1] = {**whole[-1], "text": whole[-1]["text"] + part["text"]}
        else:
            whole.append(part)
    return whole


def essence(parts: Parts, thoughts: bool) -> list[Any]:
    """What was said, however it is cut."""
    pieces: list[list[Any]] = []
    for part in parts:
        made = part.get("functionCall")
        if made:
            pieces.append(["call", made["name"], made["args"]])
        elif part["text"] and (thoughts or not part.get("thought")):
            kind = bool(part.get("thought"))
            if pieces and pieces[-1][0] is kind:
                pieces[-1][1] += part["text"]
            else:
                pieces.append([kind, part["text"]])
    return pieces


WORDS = st.text("ab \"\\\né😀", max_size=6)
SIGNS = st.sampled_from([{}, {}, SIGNED])


@st.composite
def texts(draw: st.DrawFn) -> dict[str, Any]:
    return say(draw(WORDS), **({"thought": True} if draw(st.booleans()) else {}))


@st.composite
def calls(draw: st.DrawFn, ours: bool) -> dict[str, Any]:
    made = ask(draw(WORDS)) if ours else call(draw(st.sampled_from(["Bash", "Read"])), x=draw(WORDS))
    return {**made, **draw(SIGNS)}


@dataclass(frozen=True, slots=True)
class Played:
    """What the provider says, in chunks of parts."""

    rounds: list[list[Parts]]
    final: list[Parts]
    mixed: bool
    """The last round calls ours and the client's."""
    over: bool
    """It calls ours once more than is answered."""


def some(parts: st.SearchStrategy[dict[str, Any]], least: int = 0) -> st.SearchStrategy[Parts]:
    return st.lists(parts, min_size=least, max_size=4)


@st.composite
def chunked(draw: st.DrawFn, parts: Parts) -> list[Parts]:
    chunks: list[Parts] = [[]]
    for part in parts:
        if draw(st.booleans()):
            chunks.append([])
        chunks[-1].append(part)
    return [*chunks, [say("")]] if draw(st.booleans()) else chunks


@st.composite
def played(draw: st.DrawFn) -> Played:
    rounds = [
        draw(chunked(draw(some(texts())) + draw(some(calls(ours=True), 1)) + draw(some(texts()))))
        for _ in range(draw(st.integers(0, 3)))
    ]
    kind = draw(st.sampled_from(["plain", "mixed", "over"]))
    made = [] if kind == "over" else draw(some(calls(ours=False), int(kind == "mixed")))
    mine = [] if kind == "plain" else draw(some(calls(ours=True), 1))
    final = draw(some(texts())) + draw(st.permutations(made + mine)) + draw(some(texts()))
    return Played(rounds, draw(chunked(final)), kind == "mixed", kind == "over")


def exchange_of(ear: Ear, played: Played) -> tuple[bytes, Exchange]:
    """What the proxy does."""
    out, done = b"", []
    for i, chunks in enumerate(played.rounds):
        out += ear.feed(stream(chunks, f"r{i}"))
        heard = ear.end()
        assert heard.alone
        done.append((heard.said, HIDDEN.results([(asked, "result") for asked in heard.asked])))
    out += ear.feed(stream(played.final, "last"))
    last = ear.end()
    assert bool(last.asked) == (played.mixed or played.over)
    assert last.alone == played.over
    out += ear.finish()
    late = HIDDEN.results([(asked, "late") for asked in last.asked])
    return out, Exchange(tuple(done), last.said, late) if played.mixed else Exchange(tuple(done))
