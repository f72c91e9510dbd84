"""Requests of agents in four dialects, written by hand with the standard library alone, so that every Python can write them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from headroom.conversation import Json
from tests.laws.outputs import Output

TOOLS = ("Bash", "Edit", "Fetch", "Grep", "Read")
ABOUT = "Does what it says."
SYSTEM = "You are an agent.\n\nUse the tools."


@dataclass(frozen=True, slots=True)
class Step:
    """What the user says, if anything, what the model calls then, and what that prints; without calls it has the last word."""

    says: str
    thinks: bool = False
    outputs: tuple[Output, ...] = ()


def names(step: int, outputs: Sequence[Output]) -> list[str]:
    return [f"call_{step}_{k}" for k in range(len(outputs))]


def anthropic(steps: Sequence[Step]) -> list[Json]:
    said: list[Json] = []
    for n, step in enumerate(steps):
        if step.says:
            said.append({"role": "user", "content": [{"type": "text", "text": step.says}]})
        thought: list[Json] = [{"type": "thinking", "thinking": "Hm.", "signature": f"c2ln{n}"}] if step.thinks else []
        made = zip(names(n, step.outputs), step.outputs, strict=True)
        calls = [{"type": "tool_use", "id": name, "name": output.tool, "input": output.given} for name, output in made]
        said.append({"role": "assistant", "content": [*thought, *(calls or [{"type": "text", "text": f"Done, {n}."}])]})
        if calls:
            said.append({"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": call["id"], "content": output.text, **({"is_error": True} if output.error else {})}
                for call, output in zip(calls, step.outputs, strict=True)
            ]})
    return said


def openai_chat(steps: Sequence[Step]) -> list[Json]:
    said: list[Json] = [{"role": "system", "content": SYSTEM}]
    for n, step in enumerate(steps):
        if step.says:
            said.append({"role": "user", "content": step.says})
        made = zip(names(n, step.outputs), step.outputs, strict=True)
        calls = [{"id": name, "type": "function", "function": {"name": output.tool, "arguments": json.dumps(output.given)}} for name, output in made]
        said.append({"role": "assistant", "content": None, "tool_calls": calls} if calls else {"role": "assistant", "content": f"Done, {n}."})
        said += ({"role": "tool", "tool_call_id": call["id"], "content": output.text} for call, output in zip(calls, step.outputs, strict=True))
    return said


def openai_responses(steps: Sequence[Step]) -> list[Json]:
    said: list[Json] = []
    for n, step in enumerate(steps):
        if step.says:
            said.append({"type": "message", "role": "user", "content": [{"type": "input_text", "text": step.says}]})
        if step.thinks:
            said.append({"type": "reasoning", "id": f"rs_{n}", "encrypted_content": f"ZW5j{n}", "summary": []})
        made = list(zip(names(n, step.outputs), step.outputs, strict=True))
        said += ({"type": "function_call", "call_id": name, "name": output.tool, "arguments": json.dumps(output.given)} for name, output in made)
        said += ({"type": "function_call_output", "call_id": name, "output": output.text} for name, output in made)
        if not made:
            said.append({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": f"Done, {n}."}]})
    return said


def gemini(steps: Sequence[Step]) -> list[Json]:
    said: list[Json] = []
    for n, step in enumerate(steps):
        if step.says:
            said.append({"role": "user", "parts": [{"text": step.says}]})
        signed: Mapping[str, Json] = {"thoughtSignature": f"c2ln{n}"} if step.thinks else {}
        calls: list[Json] = [{"functionCall": {"name": output.tool, "args": output.given}} for output in step.outputs] or [{"text": f"Done, {n}."}]
        said.append({"role": "model", "parts": [{**calls[0], **signed}, *calls[1:]]})
        if step.outputs:
            said.append({"role": "user", "parts": [
                {"functionResponse": {"name": output.tool, "response": {"error" if output.error else "output": output.text}}} for output in step.outputs
            ]})
    return said


@dataclass(frozen=True, slots=True)
class Api:
    """How one API is spoken to."""

    target: str
    items: str
    """The member that holds the conversation."""
    said: Callable[[Sequence[Step]], list[Json]]
    head: Mapping[str, Json]

    def body(self, steps: Sequence[Step]) -> bytes:
        """As the request in which the model is to speak next."""
        return self.written(self.said(steps))

    def written(self, said: Sequence[Json]) -> bytes:
        return json.dumps({**self.head, self.items: said}, ensure_ascii=False, separators=(",", ":")).encode()

    def requests(self, steps: Sequence[Step]) -> list[bytes]:
        """One for each time the model was asked for what it then said, and one for what it will say."""
        found = [self.written(self._asked(steps[:n], steps[n].says)) for n in range(len(steps))]
        return [*found, self.body(steps)] if steps[-1].outputs else found

    def _asked(self, steps: Sequence[Step], says: str) -> list[Json]:
        said = self.said([*steps, Step(says)])
        return said[:-1]


SCHEMA: Json = {"type": "object", "title": "input", "properties": {"what": {"type": "string"}}}
APIS: Mapping[str, Api] = {
    "anthropic": Api("/v1/messages", "messages", anthropic, {
        "model": "claude-opus-4-8", "max_tokens": 2000, "system": SYSTEM, "tools": [{"name": name, "description": ABOUT, "input_schema": SCHEMA} for name in TOOLS],
    }),
    "openai-chat": Api("/v1/chat/completions", "messages", openai_chat, {
        "model": "gpt-4.1", "tools": [{"type": "function", "function": {"name": name, "description": ABOUT, "parameters": SCHEMA}} for name in TOOLS],
    }),
    "openai-responses": Api("/v1/responses", "input", openai_responses, {
        "model": "gpt-5.2", "instructions": SYSTEM, "store": False, "tools": [{"type": "function", "name": name, "description": ABOUT, "parameters": SCHEMA} for name in TOOLS],
    }),
    "gemini": Api("/v1beta/models/gemini-2.5-pro:generateContent", "contents", gemini, {
        "systemInstruction": {"parts": [{"text": SYSTEM}]}, "tools": [{"functionDeclarations": [{"name": name, "description": ABOUT, "parametersJsonSchema": SCHEMA} for name in TOOLS]}],
    }),
}
