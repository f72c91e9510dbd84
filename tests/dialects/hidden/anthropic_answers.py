"""Answers of Anthropic Messages as its API gives them, in a stream or whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from headroom.conversation import Json
from headroom.dialects.hidden.anthropic_ear import StreamEar
from headroom.dialects.hidden.base import NAME, Round, Told
from headroom.dialects.hidden.json_text import written
from tests.dialects.hidden.listening import through

THINKING: Json = {"type": "thinking", "thinking": "Where is it? é😀", "signature": "EqQB/+=="}
REDACTED: Json = {"type": "redacted_thinking", "data": "EroB"}
LOOK: Json = {"type": "text", "text": "Let me look. "}
SAYS: Json = {"type": "text", "text": "It says 42: é😀"}
EDIT: Json = {"type": "tool_use", "id": "toolu_9", "name": "Edit", "input": {"path": "a", "lines": [1, 2]}, "caller": {"type": "direct"}}
BASH: Json = {"type": "tool_use", "id": "toolu_8", "name": "Bash", "input": {}}
RAN: Json = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}}
FOUND: Json = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"type": "web_search_result", "url": "u"}]}
CITED: Json = {"type": "text", "text": "It is so.", "citations": [{"type": "char_location", "cited_text": "so"}, {"type": "char_location"}]}
CALLS = (EDIT, BASH)


def mine(number: int = 1, given: Json = None) -> Json:
    return {"type": "tool_use", "id": f"toolu_h{number}", "name": NAME, "input": {"key": "0a1b"} if given is None else given}


def visible(blocks: Iterable[Json]) -> list[Json]:
    return [block for block in blocks if block.get("name") != NAME]


def stop_of(blocks: Sequence[Json]) -> str:
    return "tool_use" if any(block["type"] == "tool_use" for block in blocks) else "end_turn"


def message(blocks: Sequence[Json], number: int = 1, stop: str = "") -> Json:
    usage = {"input_tokens": 100 * number, "cache_creation_input_tokens": 7 * number, "cache_read_input_tokens": 10 * number,
             "output_tokens": 5, "service_tier": "standard"}
    return {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": f"m{number}", "content": list(blocks),
            "stop_reason": stop or stop_of(blocks), "stop_sequence": None, "usage": usage}


def events(blocks: Sequence[Json], number: int = 1, stop: str = "") -> list[Json]:
    whole = message(blocks, number, stop)
    start = {**whole, "content": [], "stop_reason": None, "usage": {**whole["usage"], "output_tokens": 1}}
    found: list[Json] = [{"type": "message_start", "message": start}, {"type": "ping"}]
    for index, block in enumerate(blocks):
        found += spelled(block, index)
    delta = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    return [*found, {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 5}}, {"type": "message_stop"}]


def spelled(block: Json, index: int) -> list[Json]:
    """The events of a block, its text or input in several deltas."""
    begun, deltas = dict(block), list[Json]()
    if block["type"] == "text":
        deltas = [{"type": "text_delta", "text": piece} for piece in pieces(block["text"])]
        begun["text"] = ""
        if "citations" in block:
            begun["citations"] = []
            deltas += [{"type": "citations_delta", "citation": each} for each in block["citations"]]
    elif block["type"] == "thinking":
        begun |= {"thinking": "", "signature": ""}
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"])]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
    elif "input" in block:
        begun["input"] = {}
        text = block["input"] if isinstance(block["input"], str) else written(block["input"]) if block["input"] else ""
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ["", *pieces(text)]]
    return [
        {"type": "content_block_start", "index": index, "content_block": begun},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def pieces(text: str) -> list[str]:
    return [text[i : i + 4] for i in range(0, len(text), 4)]


def lines(messages: Iterable[Json], end: str = "\n") -> bytes:
    return "".join(f"event: {each['type']}{end}data: {written(each)}{end}{end}" for each in messages).encode()


def stream(blocks: Sequence[Json], number: int = 1, stop: str = "") -> bytes:
    return lines(events(blocks, number, stop))


def messages(data: bytes) -> list[Json]:
    """As a client reads them."""
    return [json.loads(line[6:]) for line in data.split(b"\n") if line.startswith(b"data: ")]


def shown(rounds: Sequence[Sequence[Json]]) -> tuple[bytes, list[Round], Told]:
    """What a client gets of these rounds in one stream."""
    return through(StreamEar(), (stream(blocks, number) for number, blocks in enumerate(rounds, 1)))


def rebuilt(data: bytes) -> Json:
    """The message as SDKs put it together from a stream, which they trust to be numbered well and ended once."""
    found = messages(data)
    kinds = [each["type"] for each in found]
    assert [kinds.count(kind) for kind in ("message_start", "message_delta", "message_stop")] == [1, 1, 1]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    whole, inputs = found[0]["message"], dict[int, str]()
    for each in found:
        delta, index = each.get("delta", {}), each.get("index", 0)
        if each["type"] == "content_block_start":
            assert index == len(whole["content"])
            whole["content"].append(each["content_block"])
        elif each["type"] == "content_block_delta":
            block = whole["content"][index]
            for name in ("text", "thinking", "signature"):
                if name in delta:
                    block[name] += delta[name]
            inputs[index] = inputs.get(index, "") + delta.get("partial_json", "")
            block.setdefault("citations", []).extend([delta["citation"]] if "citation" in delta else [])
            if not block["citations"]:
                del block["citations"]
    for index, text in inputs.items():
        if text:
            whole["content"][index]["input"] = json.loads(text)
    return whole | found[-2]["delta"] | {"usage": whole["usage"] | found[-2]["usage"]}


ROUNDS: dict[str, list[list[Json]]] = {
    "nothing of ours": [[THINKING, LOOK]],
    "no text before": [[mine()], [SAYS]],
    "text in both": [[THINKING, LOOK, mine()], [THINKING, SAYS]],
    "two at once": [[LOOK, mine(1), mine(2)], [SAYS]],
    "two rounds": [[THINKING, mine(1)], [LOOK, mine(2)], [SAYS]],
    "then the client's": [[LOOK, mine()], [LOOK, EDIT, BASH]],
    "before the client's": [[mine(), EDIT]],
    "between the client's": [[LOOK, EDIT, mine(), BASH]],
    "behind the client's": [[EDIT, mine()]],
    "mixed in the second": [[LOOK, mine(1)], [SAYS, mine(2), EDIT]],
    "the limit": [[LOOK, mine(1)], [mine(2)]],
    "nothing but ours": [[mine()]],
    "no arguments": [[mine(1, {})], [SAYS]],
    "beside what the provider runs": [[RAN, FOUND, CITED, mine()], [REDACTED, RAN, FOUND, SAYS]],
    "an empty end": [[LOOK, mine()], []],
}

ODD = [
    b"event: error\ndata: {}\n\n", b'data: {"type": []}\n\n', b'data: {"type": "x", "index": [], "y": "headroom_retrieve"}\r\n\r\n',
    b'data: {"type":"content_block_start","index":[],"content_block":{"type":"tool_use","name":"headroom_retrieve"}}\n\n',
    b'data: {"type":"content_block_delta","index":7,"delta":{"partial_json":7,"text":[],"citation":1}}\n\n',
    stream([LOOK, EDIT]), stream([THINKING, RAN, SAYS])[:-40], lines(events([BASH]), "\r\n"), stream([SAYS])[33:],
    stream([{"type": "text", "text": NAME}, CITED]),
]
"""Of answers, or nearly, without a call of ours."""
