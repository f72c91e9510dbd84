"""The scripted model's Responses API: reasoning that does not fit its prefix is dropped without a word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from headroom.conversation import Json
from headroom.demo.base import Answer, Question, dump, event, objects, pieces, words
from headroom.demo.binding import Prefix, Seals
from headroom.demo.openai_chat import BORN, openai_error
from headroom.demo.promptcache import BYTES_PER_TOKEN, PromptCache

CALLS = ("function_call", "custom_tool_call", "local_shell_call", "web_search_call", "tool_search_call")

CONTENT = {"message": "content", "function_call": "arguments", "custom_tool_call": "input"}
"""The member of an item that arrives in pieces."""

GIVEN_BY_US = frozenset(("id", "status"))
"""Members of items that clients drop or change on the way back without changing what the model reads."""


class OpenAIResponses:
    """Without `seals` nothing is bound, without `cache` all input counts as fresh."""

    def __init__(self, seals: Seals | None, cache: PromptCache | None) -> None:
        self._seals, self._cache = seals, cache
        self.dropped_reasoning = 0
        """Reasoning items that were not taken into account: their prefix had changed."""

    def hears(self, method: str, path: str) -> bool:
        return method == "POST" and path.endswith("/responses")

    def turns(self, body: Mapping[str, Json]) -> Sequence[str | None]:
        found: list[str | None] = []
        speaking = False
        for item in _items(body):
            ours = _is_ours(item)
            if ours and not speaking:
                found.append(None)
            speaking = ours
            if item.get("role") == "user":
                found.append(words(item.get("content")))
        return found

    def refusal(self, body: Mapping[str, Json]) -> str:
        items = _items(body)
        if not items:
            return "Missing required parameter: 'input'."
        called = {item.get("call_id") for item in items if item.get("type") in CALLS}
        for item, following in zip(items, [*items[1:], {}], strict=True):
            kind = str(item.get("type"))
            if kind == "reasoning" and not _is_ours(following):
                return f"Item '{item.get('id')}' of type 'reasoning' was provided without its required following item."
            if kind in ("function_call_output", "custom_tool_call_output") and item.get("call_id") not in called:
                return f"No tool call found for {kind} with call_id {item.get('call_id')}."
        return ""

    def answer(self, question: Question) -> Answer:
        body, where = question.body, question.where
        output = self._output(question)
        usage = self._usage(body, output)
        response = {
            "id": "resp_" + where.tag("response", length=32), "object": "response", "created_at": BORN,
            "status": "completed", "error": None, "incomplete_details": None, "instructions": None,
            "model": body.get("model"), "output": output, "parallel_tool_calls": True, "tool_choice": "auto",
            "tools": [], "store": body.get("store", True), "temperature": 1.0, "top_p": 1.0, "metadata": {},
            "previous_response_id": body.get("previous_response_id"), "usage": usage,
        }
        events = tuple(
            event(given["type"], {**given, "sequence_number": number})
            for number, given in enumerate(_events(response))
        )
        return Answer(response, events, stream=body.get("stream") is True)

    def error(self, status: int, message: str) -> Json:
        return openai_error(status, message)

    def noise(self, count: int) -> list[bytes]:
        return [b": keep-alive\n\n"] * count + [event("response.x_novelty", {"type": "response.x_novelty"})]

    def complaint(self, message: str) -> bytes:
        return event("error", {"type": "error", "code": "server_error", "message": message, "param": None})

    def _output(self, question: Question) -> list[Json]:
        step, where = question.step, question.where
        output: list[Json] = []
        prefix, previous = self._read(question.body)
        if step.thinking:
            summary = [{"type": "summary_text", "text": step.thinking}]
            seal = (self._seals or Seals(b"unbound")).seal(prefix.digest(), previous)
            output.append({"id": "rs_" + where.tag("reasoning"), "type": "reasoning", "summary": summary,
                           "encrypted_content": seal})
        if step.text:
            text = {"type": "output_text", "annotations": [], "logprobs": [], "text": step.text}
            output.append({"id": "msg_" + where.tag("message"), "type": "message", "status": "completed",
                           "role": "assistant", "content": [text]})
        for number, call in enumerate(step.calls):
            call_id = "call_" + where.tag("call", number)
            free = isinstance(call.input, str)
            shape: dict[str, Json] = {"type": "custom_tool_call", "input": call.input} if free else \
                {"type": "function_call", "arguments": dump(call.input).decode()}
            output.append({"id": "fc_" + where.tag("item", number), "status": "completed", "call_id": call_id,
                           "name": call.name, **shape})
        return output

    def _read(self, body: Mapping[str, Json]) -> tuple[Prefix, str]:
        """Check what comes back; the digest of it all, and the seal of the last reasoning item."""
        tools = sorted(objects(body.get("tools")), key=dump)
        prefix, previous = Prefix(body.get("instructions"), tools), ""
        for item in _items(body):
            if item.get("type") != "reasoning":
                prefix.add({key: value for key, value in item.items() if key not in GIVEN_BY_US})
                continue
            seal = str(item.get("encrypted_content"))
            if self._seals is not None and not self._seals.open(seal, prefix.digest()).genuine:
                self.dropped_reasoning += 1
            previous = seal
        return prefix, previous

    def _usage(self, body: Mapping[str, Json], output: Json) -> Json:
        head = [dump(body.get("instructions")), *map(dump, objects(body.get("tools")))]
        blocks = [*head, *map(dump, _items(body))]
        counts = (self._cache or PromptCache()).count(blocks, len(blocks))
        said = len(dump(output)) // BYTES_PER_TOKEN
        return {
            "input_tokens": counts.total, "input_tokens_details": {"cached_tokens": counts.read},
            "output_tokens": said, "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": counts.total + said,
        }


def _items(body: Mapping[str, Json]) -> list[dict[str, Json]]:
    given = body.get("input")
    return [{"role": "user", "content": given}] if isinstance(given, str) else objects(given)


def _is_ours(item: Mapping[str, Json]) -> bool:
    return item.get("type") in (*CALLS, "reasoning") or item.get("role") == "assistant"


def _events(response: Mapping[str, Json]) -> Iterator[dict[str, Json]]:
    begun = {**response, "status": "in_progress", "output": [], "usage": None}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(response["output"]):
        yield {"type": "response.output_item.added", "output_index": index, "item": _opening(item)}
        for given in _filling(item):
            yield {**given, "item_id": item["id"], "output_index": index}
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    yield {"type": "response.completed", "response": response}


def _opening(item: Mapping[str, Json]) -> Json:
    """An item as it is announced, before its content came."""
    if item["type"] == "reasoning":
        return {**item, "summary": []}
    content: Json = [] if item["type"] == "message" else ""
    return {**item, CONTENT[item["type"]]: content, "status": "in_progress"}


def _filling(item: Mapping[str, Json]) -> Iterator[dict[str, Json]]:
    if item["type"] == "message":
        part = item["content"][0]
        here: dict[str, Json] = {"content_index": 0}
        yield {"type": "response.content_part.added", **here, "part": {**part, "text": ""}}
        for piece in pieces(part["text"]):
            yield {"type": "response.output_text.delta", **here, "delta": piece, "logprobs": []}
        yield {"type": "response.output_text.done", **here, "text": part["text"], "logprobs": []}
        yield {"type": "response.content_part.done", **here, "part": part}
    elif item["type"] == "reasoning":
        part = item["summary"][0]
        here = {"summary_index": 0}
        yield {"type": "response.reasoning_summary_part.added", **here, "part": {**part, "text": ""}}
        for piece in pieces(part["text"]):
            yield {"type": "response.reasoning_summary_text.delta", **here, "delta": piece}
        yield {"type": "response.reasoning_summary_text.done", **here, "text": part["text"]}
        yield {"type": "response.reasoning_summary_part.done", **here, "part": part}
    else:
        member, kind = ("input", "custom_tool_call_input") if item["type"] == "custom_tool_call" else \
            ("arguments", "function_call_arguments")
        for piece in pieces(item[member]):
            yield {"type": f"response.{kind}.delta", "delta": piece}
        yield {"type": f"response.{kind}.done", member: item[member], "name": item["name"]}
