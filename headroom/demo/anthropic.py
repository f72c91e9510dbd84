"""The scripted model's Messages API: thinking is bound to its prefix, and a mismatch is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from headroom.conversation import Json
from headroom.demo.base import Answer, Question, dump, event, objects, pieces, words
from headroom.demo.binding import Prefix, Seals, unmarked
from headroom.demo.promptcache import BYTES_PER_TOKEN, Counts, PromptCache

THINKING = {"thinking": "signature", "redacted_thinking": "data"}
"""Block types that hold reasoning, and the member that holds the seal."""

ERRORS = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error", 413: "request_too_large",
          429: "rate_limit_error", 500: "api_error", 529: "overloaded_error"}


class Sealed(NamedTuple):
    """A reasoning block on its way back, with the digest of all that stands before it."""

    message: int
    block: int
    seal: str
    prefix: bytes


class Anthropic:
    """Without `seals` nothing is bound, without `cache` all input counts as fresh."""

    def __init__(self, seals: Seals | None, cache: PromptCache | None) -> None:
        self._seals, self._cache = seals, cache

    def hears(self, method: str, path: str) -> bool:
        return method == "POST" and path.endswith(("/v1/messages", "/v1/messages/count_tokens"))

    def turns(self, body: Mapping[str, Json]) -> Sequence[str | None]:
        messages = objects(body.get("messages"))
        if messages and messages[-1].get("role") == "assistant":
            messages.pop()  # a prefill is the beginning of the answer, not a turn
        return [None if m.get("role") == "assistant" else words(m.get("content")) for m in messages]

    def refusal(self, body: Mapping[str, Json]) -> str:
        if not isinstance(body.get("messages"), list):
            return "messages: Field required"
        if self._seals is None:
            return ""
        previous = ""
        for sealed in _walk(body)[0]:
            opened = self._seals.open(sealed.seal, sealed.prefix)
            where = f"messages.{sealed.message}.content.{sealed.block}"
            if not opened.genuine:
                return (
                    f"{where}: the `thinking` block does not match the prefix it was generated with. "
                    "System, tools and all earlier messages must be sent back unchanged."
                )
            if previous and opened.previous != self._seals.mark(previous):
                return f"{where}: `thinking` blocks must be a contiguous run; the block before this one is missing."
            previous = sealed.seal
        return ""

    def answer(self, question: Question) -> Answer:
        body = question.body
        counts = self._count(body)
        if question.path.endswith("/count_tokens"):
            return Answer({"input_tokens": counts.total}, (), stream=False)
        content = self._content(question)
        stop = "tool_use" if question.step.calls else "end_turn"
        usage = {
            "input_tokens": counts.fresh, "cache_creation_input_tokens": counts.written,
            "cache_read_input_tokens": counts.read, "output_tokens": len(dump(content)) // BYTES_PER_TOKEN,
            "service_tier": "standard",
        }
        message = {
            "id": "msg_" + question.where.tag("message"), "type": "message", "role": "assistant",
            "model": body.get("model"), "content": content, "stop_reason": stop, "stop_sequence": None, "usage": usage,
        }
        return Answer(message, tuple(_events(message)), stream=body.get("stream") is True)

    def error(self, status: int, message: str) -> Json:
        kind = ERRORS.get(status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_scripted"}

    def noise(self, count: int) -> list[bytes]:
        return [event("ping", {"type": "ping"})] * count + [event("x_novelty", {"type": "x_novelty", "some": "thing"})]

    def complaint(self, message: str) -> bytes:
        return event("error", {"type": "error", "error": {"type": "overloaded_error", "message": message}})

    def _content(self, question: Question) -> list[Json]:
        step, where = question.step, question.where
        content: list[Json] = []
        thinking = question.body.get("thinking")
        if step.thinking and isinstance(thinking, dict) and thinking.get("type") in ("enabled", "adaptive"):
            walked, prefix = _walk(question.body)
            seals = self._seals or Seals(b"unbound")
            seal = seals.seal(prefix.digest(), walked[-1].seal if walked else "")
            content.append({"type": "thinking", "thinking": step.thinking, "signature": seal})
            if step.redacted:
                content.append({"type": "redacted_thinking", "data": seals.seal(prefix.digest(), seal)})
        if step.text:
            content.append({"type": "text", "text": step.text})
        for number, call in enumerate(step.calls):
            tool_id = "toolu_" + where.tag("call", number)
            content.append({"type": "tool_use", "id": tool_id, "name": call.name, "input": call.input})
        return content

    def _count(self, body: Mapping[str, Json]) -> Counts:
        blocks, cacheable = _blocks(body)
        return (self._cache or PromptCache()).count(blocks, cacheable)


def _content_blocks(message: Mapping[str, Json]) -> list[dict[str, Json]]:
    content = message.get("content")
    return [{"type": "text", "text": content}] if isinstance(content, str) else objects(content)


def _walk(body: Mapping[str, Json]) -> tuple[list[Sealed], Prefix]:
    """Every reasoning block with what stands before it, and the digest of it all."""
    tools = [tool for tool in objects(body.get("tools")) if not tool.get("defer_loading")]
    system = body.get("system", "")
    prefix = Prefix(_content_blocks({"content": system}), sorted(tools, key=lambda tool: str(tool.get("name"))))
    found: list[Sealed] = []
    for i, message in enumerate(objects(body.get("messages"))):
        for j, block in enumerate(_content_blocks(message)):
            member = THINKING.get(str(block.get("type")))
            if member is None:
                prefix.add([message.get("role"), _settled(block)])
            else:
                found.append(Sealed(i, j, str(block.get(member)), prefix.digest()))
    return found, prefix


def _settled(block: Mapping[str, Json]) -> Json:
    """A result's content as blocks, whichever of its two shapes it came in."""
    if block.get("type") == "tool_result" and isinstance(block.get("content"), str):
        return {**block, "content": _content_blocks(block)}
    return block


def _blocks(body: Mapping[str, Json]) -> tuple[list[bytes], int]:
    """What the cache sees, in its order (tools, system, messages), and how many blocks stand up to the last mark."""
    values = [*objects(body.get("tools")), *_content_blocks({"content": body.get("system", "")})]
    for message in objects(body.get("messages")):
        values.extend({"role": message.get("role"), **block} for block in _content_blocks(message))
    marked = [number for number, value in enumerate(values, 1) if "cache_control" in value]
    return [dump(unmarked(value)) for value in values], marked[-1] if marked else 0


def _events(message: Mapping[str, Json]) -> Iterator[bytes]:
    usage = {**message["usage"], "output_tokens": 1}
    start = {**message, "content": [], "stop_reason": None, "usage": usage}
    yield event("message_start", {"type": "message_start", "message": start})
    yield event("ping", {"type": "ping"})
    for index, block in enumerate(message["content"]):
        opening, deltas = _deltas(block)
        yield event("content_block_start", {"type": "content_block_start", "index": index, "content_block": opening})
        for delta in deltas:
            yield event("content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta})
        yield event("content_block_stop", {"type": "content_block_stop", "index": index})
    ended = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield event("message_delta", {"type": "message_delta", "delta": ended, "usage": message["usage"]})
    yield event("message_stop", {"type": "message_stop"})


def _deltas(block: Mapping[str, Json]) -> tuple[Json, list[Json]]:
    """How a block opens in a stream, and what then fills it."""
    if block["type"] == "text":
        return {**block, "text": ""}, [{"type": "text_delta", "text": piece} for piece in pieces(block["text"])]
    if block["type"] == "thinking":
        thoughts = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"])]
        seal = {"type": "signature_delta", "signature": block["signature"]}
        return {"type": "thinking", "thinking": "", "signature": ""}, [*thoughts, seal]
    if block["type"] == "tool_use":
        written = dump(block["input"]).decode("utf-8", "surrogatepass")
        return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces(written)]
    return block, []
