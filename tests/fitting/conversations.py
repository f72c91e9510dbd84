"""Conversations of agents in all four dialects, drawn from one plan, and the providers' rules they must obey."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from headroom import dialects
from headroom.conversation import Json
from headroom.dialects.base import Dialect
from headroom.dialects.document import Document
from headroom.fitting.elements import Element, elements

NAMED: Mapping[str, Dialect] = {dialect.name: dialect for dialect in dialects.DIALECTS}
PATHS = {
    "anthropic": "/v1/messages", "openai-chat": "/v1/chat/completions", "openai-responses": "/v1/responses",
    "gemini": "/v1beta/models/m:generateContent",
}


@dataclass(frozen=True, slots=True)
class Round:
    """Calls of one turn, and how long their results are."""

    sizes: tuple[int, ...]
    thought: bool = False


@dataclass(frozen=True, slots=True)
class Exchange:
    rounds: tuple[Round, ...]
    closes: bool = True
    """The model has the last word; else the user interrupted."""
    size: int = 20


Plan = Sequence[Exchange]


def text(seed: int, size: int) -> str:
    """Words of a source file that no other has."""
    return " ".join(f"src/m{seed}/f{n % 7}.py error{seed}_{n}" if n % 5 == 0 else f"word{seed + n}" for n in range(max(1, size // 8)))


def anthropic(plan: Plan) -> list[Json]:
    out: list[Json] = []
    for e, exchange in enumerate(plan):
        out.append({"role": "user", "content": text(e, exchange.size)})
        for r, round in enumerate(exchange.rounds):
            ids = [f"t{e}.{r}.{k}" for k in range(len(round.sizes))]
            thought: list[Json] = [{"type": "thinking", "thinking": "hm", "signature": "s"}] if round.thought else []
            out.append({"role": "assistant", "content": [
                *thought, *({"type": "tool_use", "id": id, "name": "Read", "input": {"file_path": f"src/{id}.py"}} for id in ids),
            ]})
            out.append({"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": id, "content": text(100 * e + r, size)} for id, size in zip(ids, round.sizes, strict=True)
            ]})
        if exchange.closes:
            out.append({"role": "assistant", "content": [{"type": "text", "text": f"done {e}"}]})
    return out


def chat(plan: Plan) -> list[Json]:
    out: list[Json] = [{"role": "system", "content": "be brief"}]
    for e, exchange in enumerate(plan):
        out.append({"role": "user", "content": text(e, exchange.size)})
        for r, round in enumerate(exchange.rounds):
            ids = [f"t{e}.{r}.{k}" for k in range(len(round.sizes))]
            out.append({"role": "assistant", "content": None, "tool_calls": [
                {"id": id, "type": "function", "function": {"name": "read", "arguments": json.dumps({"path": f"src/{id}.py"})}} for id in ids
            ]})
            out += ({"role": "tool", "tool_call_id": id, "content": text(100 * e + r, size)} for id, size in zip(ids, round.sizes, strict=True))
        if exchange.closes:
            out.append({"role": "assistant", "content": f"done {e}"})
    return out


def responses(plan: Plan) -> list[Json]:
    out: list[Json] = [{"type": "message", "role": "developer", "content": "be brief"}]
    for e, exchange in enumerate(plan):
        out.append({"role": "user", "content": [{"type": "input_text", "text": text(e, exchange.size)}]})
        for r, round in enumerate(exchange.rounds):
            if round.thought:
                out.append({"type": "reasoning", "id": f"rs{e}.{r}", "encrypted_content": "x", "summary": []})
            for k, size in enumerate(round.sizes):  # each result right behind its call, or all behind all calls
                call: Json = {"type": "custom_tool_call" if k % 2 else "function_call", "call_id": f"t{e}.{r}.{k}", "name": "shell"}
                call["input" if k % 2 else "arguments"] = json.dumps({"command": f"cat src/{k}.py"})
                out.append(call)
                if r % 2:
                    out.append({"type": f"{call['type']}_output", "call_id": call["call_id"], "output": text(100 * e + r, size)})
            if not r % 2:
                out += (
                    {"type": "custom_tool_call_output" if k % 2 else "function_call_output", "call_id": f"t{e}.{r}.{k}",
                     "output": text(100 * e + r, size)} for k, size in enumerate(round.sizes)
                )
        if exchange.closes:
            out.append({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": f"done {e}"}]})
    return out


def gemini(plan: Plan) -> list[Json]:
    out: list[Json] = []
    for e, exchange in enumerate(plan):
        out.append({"role": "user", "parts": [{"text": text(e, exchange.size)}]})
        for r, round in enumerate(exchange.rounds):
            out.append({"role": "model", "parts": [
                {"functionCall": {"name": "read", "args": {"path": f"src/{e}.{r}.{k}.py"}}, **({"thoughtSignature": "s"} if k == 0 and round.thought else {})}
                for k in range(len(round.sizes))
            ]})
            out.append({"role": "user", "parts": [
                {"functionResponse": {"name": "read", "response": {"output": text(100 * e + r, size)}}} for size in round.sizes
            ]})
        if exchange.closes:
            out.append({"role": "model", "parts": [{"text": f"done {e}"}]})
    return out


WRITERS: Mapping[str, Callable[[Plan], list[Json]]] = {
    "anthropic": anthropic, "openai-chat": chat, "openai-responses": responses, "gemini": gemini,
}


def breaches(name: str, values: Sequence[Json]) -> list[str]:
    """What a provider would refuse: half a pair, a result before its call, two turns of one side in a row."""
    found: list[str] = []
    open_calls: list[str] = []
    last = ""
    for i, value in enumerate(values):
        side, made, answered = SHAPES[name](value)
        for id in answered:
            if id in open_calls:
                open_calls.remove(id)
            else:
                found.append(f"{i}: result {id} without its call")
        if made and open_calls and name != "openai-responses":
            found.append(f"{i}: {open_calls} not answered")
        if side == "user" and open_calls and not answered:
            found.append(f"{i}: {open_calls} not answered before the user")
        if side == last and side in ("user", "assistant") and name in ("anthropic", "gemini"):
            found.append(f"{i}: two turns of {side}")
        if name == "openai-responses" and last == "reasoning" and side not in ("assistant", "reasoning"):
            found.append(f"{i}: reasoning without what it led to")
        open_calls += made
        last = side
    return found


def _anthropic(value: Json) -> tuple[str, list[str], list[str]]:
    blocks = value["content"] if isinstance(value["content"], list) else []
    return value["role"], [b["id"] for b in blocks if b["type"] == "tool_use"], [b["tool_use_id"] for b in blocks if b["type"] == "tool_result"]


def _chat(value: Json) -> tuple[str, list[str], list[str]]:
    answered = [value["tool_call_id"]] if value["role"] == "tool" else []
    return value["role"], [call["id"] for call in value.get("tool_calls", ())], answered


def _responses(value: Json) -> tuple[str, list[str], list[str]]:
    kind = value.get("type", "message")
    if kind == "message":
        return value["role"], [], []
    if kind.endswith("_output"):
        return "tool", [], [value["call_id"]]
    return ("reasoning", [], []) if kind == "reasoning" else ("assistant", [value["call_id"]], [])


def _gemini(value: Json) -> tuple[str, list[str], list[str]]:
    calls = [p["functionCall"]["name"] for p in value["parts"] if "functionCall" in p]
    answers = [p["functionResponse"]["name"] for p in value["parts"] if "functionResponse" in p]
    return "assistant" if value["role"] == "model" else "user", calls, answers


SHAPES: Mapping[str, Callable[[Json], tuple[str, list[str], list[str]]]] = {
    "anthropic": _anthropic, "openai-chat": _chat, "openai-responses": _responses, "gemini": _gemini,
}


def weigh(value: Json) -> int:
    return len(json.dumps(value)) // 4


def read(name: str, values: Sequence[Json]) -> tuple[Element, ...]:
    """The elements of a conversation, by way of a real body."""
    dialect = NAMED[name]
    conversation = dialect.read(Document.parse(json.dumps({"model": "m", dialect.turns: list(values)}).encode()), PATHS[name])
    return elements(dialect, values, conversation.parts, [weigh(value) for value in values])


ROUNDS = st.builds(Round, st.lists(st.sampled_from([8, 80, 800, 4000]), min_size=1, max_size=3).map(tuple), st.booleans())
EXCHANGES = st.builds(Exchange, st.lists(ROUNDS, max_size=6).map(tuple), st.booleans(), st.sampled_from([20, 400]))


def _legal(plan: Sequence[Exchange]) -> list[Exchange]:
    """Where the user interrupted, nothing but results may stand between two of the user's turns, so the model closes."""
    return [Exchange(each.rounds, True, each.size) for each in plan]


PLANS = st.lists(EXCHANGES, min_size=1, max_size=8).map(_legal)
ROUGH_PLANS = st.lists(EXCHANGES, min_size=1, max_size=8)
"""With interruptions: two turns of the user in a row, which providers join."""
