"""Answers of OpenAI Responses as its API gives them, in a stream or whole."""

from __future__ import annotations

import json
from collections.abc import Sequence

from headroom.conversation import Json
from headroom.dialects.hidden.base import NAME, Round, Told
from headroom.dialects.hidden.json_text import written
from headroom.dialects.hidden.openai_responses_ear import StreamEar
from tests.dialects.hidden.listening import through

REASONING: Json = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gAAA=="}
LOOK: Json = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [
    {"type": "output_text", "annotations": [], "logprobs": [], "text": "Let me look. "}]}
SAYS: Json = {"id": "msg_2", "type": "message", "status": "completed", "role": "assistant", "content": [
    {"type": "output_text", "annotations": [], "logprobs": [], "text": "It says 42: é😀"}]}
EDIT: Json = {"id": "fc_9", "type": "function_call", "status": "completed", "call_id": "call_9", "name": "edit", "arguments": "{\"a\": 1}"}
EXEC: Json = {"id": "ctc_8", "type": "custom_tool_call", "status": "completed", "call_id": "call_8", "name": "exec", "input": "ls"}
RAN: Json = {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "q"}}


def mine(number: int = 1, arguments: str = '{"key": "0a1b"}') -> Json:
    return {"id": f"fc_{number}", "type": "function_call", "status": "completed", "call_id": f"call_{number}", "name": NAME, "arguments": arguments}


def response(items: Sequence[Json], number: int = 1, *, status: str = "completed", tools: Sequence[Json] = ()) -> Json:
    usage = {"input_tokens": 100 * number, "input_tokens_details": {"cached_tokens": 10 * number}, "output_tokens": 5,
             "output_tokens_details": {"reasoning_tokens": 2}, "total_tokens": 100 * number + 5}
    return {"id": f"resp_{number}", "object": "response", "created_at": 1000 + number, "status": status, "model": "m",
            "output": list(items), "tools": list(tools), "usage": usage}


def lines(messages: Sequence[Json], *, end: str = "\n") -> bytes:
    return "".join(f"event: {m['type']}{end}data: {written(m)}{end}{end}" for m in messages).encode()


def spelled(item: Json, index: int) -> list[Json]:
    """The events of an item, its text or arguments in several deltas."""
    place = {"item_id": item["id"], "output_index": index}
    events: list[Json] = [{"type": "response.output_item.added", "output_index": index, "item": {**item, "status": "in_progress"}}]
    if item["type"] == "message":
        events[0]["item"]["content"] = []
        for i, part in enumerate(item["content"]):
            events += [{"type": "response.output_text.delta", **place, "content_index": i, "delta": piece} for piece in pieces(part["text"])]
    if item["type"] == "function_call":
        events[0]["item"]["arguments"] = ""
        events += [{"type": "response.function_call_arguments.delta", **place, "delta": piece} for piece in pieces(item["arguments"])]
        events.append({"type": "response.function_call_arguments.done", **place, "arguments": item["arguments"]})
    return [*events, {"type": "response.output_item.done", "output_index": index, "item": item}]


def pieces(text: str) -> list[str]:
    return [text[i:i + 4] for i in range(0, len(text), 4)]


def events(items: Sequence[Json], number: int = 1, *, status: str = "completed", tools: Sequence[Json] = ()) -> list[Json]:
    whole = response(items, number, status=status, tools=tools)
    blank = {**whole, "output": [], "status": "in_progress", "usage": None}
    found: list[Json] = [{"type": "response.created", "response": blank}, {"type": "response.in_progress", "response": blank}]
    for index, item in enumerate(items):
        found += spelled(item, index)
    found.append({"type": f"response.{status}", "response": whole})
    return [{**message, "sequence_number": i} for i, message in enumerate(found)]


def stream(items: Sequence[Json], number: int = 1) -> bytes:
    return lines(events(items, number))


def shown(rounds: Sequence[Sequence[Json]]) -> tuple[bytes, list[Round], Told]:
    """What a client gets of these rounds in one stream."""
    return through(StreamEar(), (stream(items, number) for number, items in enumerate(rounds, 1)))


def messages(data: bytes) -> list[Json]:
    """As a client reads them."""
    return [json.loads(line[6:]) for line in data.split(b"\n") if line.startswith(b"data: ")]


def rebuilt(data: bytes) -> Json:
    """The answer as the SDKs put it together from a stream, which they trust to be numbered well."""
    output: list[Json] = []
    found = messages(data)
    assert [message["sequence_number"] for message in found] == list(range(len(found)))
    assert [message["type"] for message in found].count("response.created") == 1
    for message in found[2:-1]:
        at = message["output_index"]
        if message["type"] == "response.output_item.added":
            assert at == len(output)
            output.append(message["item"])
        assert message.get("item_id", output[at]["id"]) == output[at]["id"]
        if message["type"] == "response.output_item.done":
            output[at] = message["item"]
    assert found[-1]["type"] == "response.completed"
    assert found[-1]["response"]["output"] == output
    return found[-1]["response"]


ROUNDS: dict[str, list[list[Json]]] = {
    "nothing of ours": [[REASONING, LOOK]],
    "no text before": [[mine()], [SAYS]],
    "text in both": [[REASONING, LOOK, mine()], [SAYS]],
    "two at once": [[LOOK, mine(1), mine(2)], [SAYS]],
    "two rounds": [[REASONING, mine(1)], [LOOK, mine(2)], [SAYS]],
    "before the client's": [[mine(), EDIT]],
    "between the client's": [[LOOK, EDIT, mine(), EXEC]],
    "behind the client's": [[EDIT, mine()]],
    "mixed in the second": [[LOOK, mine(1)], [SAYS, mine(2), EDIT]],
    "the limit": [[LOOK, mine(1)], [mine(2)]],
    "nothing but ours": [[mine()]],
    "no arguments": [[mine(1, "")], [SAYS]],
    "arguments that are no JSON": [[mine(1, "{key")], [SAYS]],
    "beside what the provider runs": [[RAN, mine()], [RAN | {"id": "ws_2"}, SAYS]],
}

ODD = [
    b"event: error\ndata: {}\n\n", b'data: {"type": []}\n\n', b"response.output_item.done",
    b'data: {"type": "response.output_item.done", "output_index": [], "item": {}}\n\n',
    b'data: {"type": "x", "output_index": [], "sequence_number": 7, "y": "headroom_retrieve"}\r\n\r\n',
    stream([LOOK, EDIT]), stream([REASONING, RAN, SAYS])[:-40], lines(events([EXEC]), end="\r\n"), stream([SAYS])[33:],
]
"""Of answers, or nearly, without a call of ours."""
