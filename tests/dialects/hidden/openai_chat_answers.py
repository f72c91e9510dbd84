"""Answers of OpenAI Chat Completions as its API gives them, in a stream or whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from headroom.conversation import Json
from headroom.dialects.hidden.base import NAME, Round, Told
from headroom.dialects.hidden.json_text import written
from headroom.dialects.hidden.openai_chat_ear import StreamEar
from tests.dialects.hidden.listening import through

THINKING: Json = {"reasoning_content": "Where is it? é😀"}
SIGNED: Json = {"reasoning_details": [
    {"type": "reasoning.text", "text": "Hmm, so it is.", "signature": "EqQB/+==", "format": "anthropic-claude-v1", "index": 0},
    {"type": "reasoning.encrypted", "data": "EroB", "id": "rs_1", "index": 1},
]}
LOOK: Json = {"content": "Let me look. "}
SAYS: Json = {"content": "It says 42: é😀"}


def call(name: str, ident: str, given: str) -> Json:
    return {"id": ident, "type": "function", "function": {"name": name, "arguments": given}}


EDIT = call("Edit", "call_9", '{"path": "a", "lines": [1, 2]}')
BASH: Json = {**call("Bash", "call_8", "{}"), "extra_content": {"google": {"thought_signature": "Cg=="}}}
PATCH: Json = {"id": "call_7", "type": "custom", "custom": {"name": "patch", "input": "*** é"}}
CALLS = (EDIT, BASH, PATCH)


def mine(number: int = 1, given: str = '{"key": "0a1b"}') -> Json:
    return call(NAME, f"call_h{number}", given)


def is_mine(piece: Json) -> bool:
    return bool(piece.get("function", {}).get("name") == NAME)


def visible(pieces: Iterable[Json]) -> list[Json]:
    return [piece for piece in pieces if not is_mine(piece)]


def finish_of(pieces: Sequence[Json]) -> str:
    return "tool_calls" if any("id" in piece for piece in pieces) else "stop"


def said(pieces: Iterable[Json]) -> Json:
    """The message that these come to: what is thought, what is said, and the calls."""
    texts: dict[str, str] = {}
    details: list[Json] = []
    calls: list[Json] = []
    for piece in pieces:
        if "id" in piece:
            calls.append(piece)
        elif "reasoning_details" in piece:
            details += [{**detail, "index": len(details) + i} for i, detail in enumerate(piece["reasoning_details"])]
        else:
            texts |= {name: texts.get(name, "") + text for name, text in piece.items()}
    content = texts.pop("content", None)
    lists = {name: found for name, found in (("reasoning_details", details), ("tool_calls", calls)) if found}
    return {"role": "assistant", "content": content, **texts, **lists}


def usage(number: int) -> Json:
    return {"prompt_tokens": 100 * number, "completion_tokens": 5, "total_tokens": 100 * number + 5,
            "prompt_tokens_details": {"cached_tokens": 10 * number}, "completion_tokens_details": {"reasoning_tokens": 2}}


def usage_of_all(rounds: int) -> Json:
    return {**usage(rounds), "completion_tokens": 5 * rounds, "total_tokens": 105 * rounds,
            "completion_tokens_details": {"reasoning_tokens": 2 * rounds}}


def whole(pieces: Sequence[Json], number: int = 1, finish: str = "") -> Json:
    choice = {"index": 0, "message": said(pieces) | {"refusal": None, "annotations": []}, "logprobs": None,
              "finish_reason": finish or finish_of(pieces)}
    return {"id": f"chatcmpl-{number}", "object": "chat.completion", "created": 1_790_000_000 + number, "model": f"m{number}",
            "choices": [choice], "usage": usage(number), "service_tier": "default"}


def chunk(delta: Json, number: int = 1, finish: str | None = None) -> Json:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return {"id": f"chatcmpl-{number}", "object": "chat.completion.chunk", "created": 1_790_000_000 + number, "model": f"m{number}",
            "choices": [choice], "usage": None}


def chunks(pieces: Sequence[Json], number: int = 1, finish: str = "") -> list[Json]:
    found = [chunk({"role": "assistant", "content": ""}, number)]
    calls = blocks = 0
    for piece in pieces:
        found += [chunk(delta, number) for delta in spelled(piece, calls, blocks)]
        calls += "id" in piece
        blocks += len(piece.get("reasoning_details", ()))
    found.append(chunk({}, number, finish or finish_of(pieces)))
    return [*found, {**found[0], "choices": [], "usage": usage(number)}]


def spelled(piece: Json, index: int, blocks: int) -> list[Json]:
    """The deltas of a text, or of a call with its arguments in several, behind so many calls and blocks of thinking."""
    if "reasoning_details" in piece:
        details = [{**detail, "index": blocks + i} for i, detail in enumerate(piece["reasoning_details"])]
        return [{"reasoning_details": [part]} for detail in details for part in _thoughts(detail)]
    if "id" not in piece:
        return [{name: part} for name, text in piece.items() for part in parts(text)]
    kind, member = piece["type"], "arguments" if "function" in piece else "input"
    begun = {**piece, "index": index, kind: {**piece[kind], member: ""}}
    return [{"tool_calls": [entry]} for entry in (begun, *({"index": index, kind: {member: part}} for part in parts(piece[kind][member])))]


def _thoughts(detail: Json) -> list[Json]:
    """A text in pieces, and its signature behind it."""
    if "text" not in detail:
        return [detail]
    bare = {name: value for name, value in detail.items() if name != "signature"}
    return [*({**bare, "text": part} for part in parts(detail["text"])), {**detail, "text": ""}]


def parts(text: str) -> list[str]:
    return [text[i : i + 4] for i in range(0, len(text), 4)]


def lines(found: Iterable[Json], end: str = "\n") -> bytes:
    return "".join(f"data: {written(each)}{end}{end}" for each in found).encode()


def stream(pieces: Sequence[Json], number: int = 1, finish: str = "") -> bytes:
    return lines(chunks(pieces, number, finish)) + b"data: [DONE]\n\n"


def messages(data: bytes) -> list[Json]:
    """As a client reads them."""
    found = [line[6:] for line in data.split(b"\n") if line.startswith(b"data: ")]
    return [json.loads(each) for each in found if each != b"[DONE]"]


def shown(rounds: Sequence[Sequence[Json]]) -> tuple[bytes, list[Round], Told]:
    """What a client gets of these rounds in one stream."""
    return through(StreamEar(), (stream(pieces, number) for number, pieces in enumerate(rounds, 1)))


def rebuilt(data: bytes) -> Json:
    """The answer as SDKs put it together from a stream, which they trust to be numbered well and ended once."""
    found = messages(data)
    assert data.count(b"[DONE]") == 1
    assert data.endswith(b"data: [DONE]\n\n")
    assert {(each["id"], each["created"], each["model"]) for each in found} == {("chatcmpl-1", 1_790_000_001, "m1")}
    choices = [each["choices"][0] for each in found if each["choices"]]
    assert [bool(choice["finish_reason"]) for choice in choices] == [False] * (len(choices) - 1) + [True]
    assert [choice["delta"].get("role") for choice in choices] == ["assistant"] + [None] * (len(choices) - 1)
    message: dict[str, Json] = {"role": "assistant", "content": None}
    for choice in choices:
        for name, value in choice["delta"].items():
            if isinstance(value, list):
                _add(message.setdefault(name, []), value)
            elif name != "role" and value:
                message[name] = (message.get(name) or "") + value
    for made in message.get("tool_calls", ()):
        del made["index"]
    assert [each["usage"] is None for each in found] == [True] * len(choices) + [False]
    return {"message": message, "finish_reason": choices[-1]["finish_reason"], "usage": found[-1]["usage"]}


def _add(entries: list[Json], deltas: list[Json]) -> None:
    for delta in deltas:
        if delta["index"] == len(entries):
            entries.append(json.loads(json.dumps(delta)))
            continue
        entry = entries[delta["index"]]
        for kind, member in (("function", "arguments"), ("custom", "input")):
            if kind in delta:
                entry[kind][member] += delta[kind][member]
        if "text" in delta:
            assert delta["type"] == entry["type"]
            entry |= {name: value for name, value in delta.items() if name == "signature"} | {"text": entry["text"] + delta["text"]}


ROUNDS: dict[str, list[list[Json]]] = {
    "nothing of ours": [[THINKING, LOOK]],
    "no text before": [[mine()], [SAYS]],
    "text in both": [[THINKING, LOOK, mine()], [THINKING, SAYS]],
    "text behind it": [[LOOK, mine(), LOOK], [SAYS]],
    "two at once": [[LOOK, mine(1), mine(2)], [SAYS]],
    "two rounds": [[THINKING, mine(1)], [LOOK, mine(2)], [SAYS]],
    "then the client's": [[LOOK, mine()], [LOOK, EDIT, BASH]],
    "before the client's": [[mine(), EDIT]],
    "between the client's": [[LOOK, EDIT, mine(), BASH]],
    "behind the client's": [[PATCH, mine()]],
    "mixed in the second": [[LOOK, mine(1)], [SAYS, mine(2), EDIT]],
    "the limit": [[LOOK, mine(1)], [mine(2)]],
    "nothing but ours": [[mine()]],
    "no arguments": [[mine(1, "")], [SAYS]],
    "signed thinking in all": [[SIGNED, mine(1)], [SIGNED, LOOK, mine(2)], [THINKING, SIGNED, SAYS, EDIT]],
    "an empty end": [[LOOK, mine()], []],
}

ODD = [
    b'data: {"error": {}}\n\n', b'data: {"choices": [1, [], {"delta": 1}]}\n\n', b'data: {"choices": [], "y": "headroom_retrieve"}\r\n\r\n',
    b'data: {"choices": [{"index": [], "delta": {"tool_calls": [{"function": "headroom_retrieve"}]}}]}\n\n',
    b'data: {"choices": [{"delta": {"tool_calls": {"function": {"name": "headroom_retrieve"}}}}]}\n\n',
    b'data: {"choices": [{"delta": {"role": 1, "content": 7, "reasoning_details": 1, "tool_calls": [7]}, "finish_reason": []}]}\n\n',
    b'data: {"usage": 7, "choices": [{"delta": {"tool_calls": [{"index": "a", "id": [], "function": {"arguments": 1}}]}}]}\n\n',
    stream([LOOK, EDIT]), stream([THINKING, SIGNED, SAYS])[:-40], lines(chunks([BASH]), "\r\n"), stream([SAYS])[33:],
    stream([{"content": NAME}, PATCH]), stream([call("x", "y", NAME)]),
]
"""Of answers, or nearly, without a call of ours."""
