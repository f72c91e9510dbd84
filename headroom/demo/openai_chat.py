"""The scripted model's Chat Completions API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from headroom.conversation import Json
from headroom.demo.base import Answer, Question, data_only, dump, objects, pieces, words
from headroom.demo.promptcache import BYTES_PER_TOKEN, PromptCache

BORN = 1_760_000_000
"""Seconds since the epoch at which every answer says it was made: a clock would make runs differ."""


class OpenAIChat:
    """Without `cache` all input counts as fresh."""

    def __init__(self, cache: PromptCache | None) -> None:
        self._cache = cache

    def hears(self, method: str, path: str) -> bool:
        return method == "POST" and path.endswith("/chat/completions")

    def turns(self, body: Mapping[str, Json]) -> Sequence[str | None]:
        messages = objects(body.get("messages"))
        spoken = [m for m in messages if m.get("role") in ("user", "assistant")]
        return [None if m["role"] == "assistant" else words(m.get("content")) for m in spoken]

    def refusal(self, body: Mapping[str, Json]) -> str:
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages:
            return "Missing required parameter: 'messages'."
        asked: set[str] = set()
        for position, message in enumerate(objects(messages)):
            asked |= {str(call.get("id")) for call in objects(message.get("tool_calls"))}
            if message.get("role") == "tool" and message.get("tool_call_id") not in asked:
                return f"messages.[{position}]: a 'tool' message must follow the message with its 'tool_calls'."
        return ""

    def answer(self, question: Question) -> Answer:
        body, step, where = question.body, question.step, question.where
        message: dict[str, Json] = {"role": "assistant", "content": step.text or None, "refusal": None}
        calls = [
            {"id": "call_" + where.tag("call", number), "type": "function",
             "function": {"name": call.name, "arguments": dump(call.input).decode()}}
            for number, call in enumerate(step.calls)
        ]
        if calls:
            message["tool_calls"] = calls
        head = {"id": "chatcmpl-" + where.tag("message"), "created": BORN, "model": body.get("model")}
        end = "tool_calls" if calls else "stop"
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": end}
        usage = self._usage(body, message)
        whole = {**head, "object": "chat.completion", "choices": [choice], "usage": usage}
        options = body.get("stream_options")
        tell = isinstance(options, dict) and options.get("include_usage") is True
        events = tuple(_events({**head, "object": "chat.completion.chunk"}, message, end, usage if tell else None))
        return Answer(whole, events, stream=body.get("stream") is True)

    def error(self, status: int, message: str) -> Json:
        return openai_error(status, message)

    def noise(self, count: int) -> list[bytes]:
        return [b": keep-alive\n\n"] * count

    def complaint(self, message: str) -> bytes:
        return data_only(openai_error(500, message))

    def _usage(self, body: Mapping[str, Json], message: Json) -> Json:
        blocks = [dump(item) for item in (*objects(body.get("tools")), *objects(body.get("messages")))]
        counts = (self._cache or PromptCache()).count(blocks, len(blocks))
        output = len(dump(message)) // BYTES_PER_TOKEN
        return {
            "prompt_tokens": counts.total, "completion_tokens": output, "total_tokens": counts.total + output,
            "prompt_tokens_details": {"cached_tokens": counts.read},
            "completion_tokens_details": {"reasoning_tokens": 0},
        }


def openai_error(status: int, message: str) -> Json:
    kinds = {400: "invalid_request_error", 401: "invalid_request_error", 429: "rate_limit_exceeded"}
    return {"error": {"message": message, "type": kinds.get(status, "server_error"), "param": None, "code": None}}


def _events(head: Json, message: Mapping[str, Json], end: str, usage: Json) -> Iterator[bytes]:
    def chunk(delta: Json, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return data_only({**head, "choices": [choice]})

    yield chunk({"role": "assistant", "content": ""})
    if message["content"]:
        yield from (chunk({"content": piece}) for piece in pieces(message["content"]))
    for index, call in enumerate(message.get("tool_calls", [])):
        function = call["function"]
        opening = {"index": index, **call, "function": {**function, "arguments": ""}}
        yield chunk({"tool_calls": [opening]})
        for piece in pieces(function["arguments"]):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield chunk({}, end)
    if usage is not None:
        yield data_only({**head, "choices": [], "usage": usage})
    yield b"data: [DONE]\n\n"
