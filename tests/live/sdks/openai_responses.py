"""The OpenAI SDK on the Responses API, stateless, so that encrypted reasoning travels with the conversation."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import openai

from tests.live.sdks.base import INSTRUCTIONS, SCHEMA, TOOLS, Api, Ask
from tests.live.sdks.openai_chat import FAILURES, KEY

ASKED: dict[str, Any] = {
    "model": "gpt-5.5", "instructions": INSTRUCTIONS, "store": False, "include": ["reasoning.encrypted_content"],
    "tools": [
        {"type": "function", "name": name, "description": about, "parameters": SCHEMA, "strict": False}
        for name, about in TOOLS.items()
    ],
}
MINE = {"type", "id", "role", "content", "summary", "encrypted_content", "call_id", "name", "arguments"}
"""What of an item goes back: a stream's helper adds members of its own to it."""


@asynccontextmanager
async def sync(url: str, retries: int) -> AsyncIterator[Ask]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=retries) as client:

        async def ask(history: list[Any]) -> Any:
            return client.responses.create(input=history, **ASKED)

        yield ask


@asynccontextmanager
async def sync_stream(url: str, retries: int) -> AsyncIterator[Ask]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=retries) as client:

        async def ask(history: list[Any]) -> Any:
            with client.responses.stream(input=history, **ASKED) as stream:
                return stream.get_final_response()

        yield ask


@asynccontextmanager
async def async_(url: str, retries: int) -> AsyncIterator[Ask]:
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=retries) as client:

        async def ask(history: list[Any]) -> Any:
            return await client.responses.create(input=history, **ASKED)

        yield ask


@asynccontextmanager
async def async_stream(url: str, retries: int) -> AsyncIterator[Ask]:
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=retries) as client:

        async def ask(history: list[Any]) -> Any:
            async with client.responses.stream(input=history, **ASKED) as stream:
                return await stream.get_final_response()

        yield ask


async def leave_sync(url: str, history: list[Any]) -> None:
    with openai.OpenAI(base_url=f"{url}/v1", api_key=KEY) as client, client.responses.stream(input=history, **ASKED) as stream:
        next(iter(stream))


async def leave_async(url: str, history: list[Any]) -> None:
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=KEY) as client, client.responses.stream(input=history, **ASKED) as stream:
        await anext(aiter(stream))


def opening(words: str) -> list[Any]:
    return [{"role": "user", "content": words}]


def said(answer: Any) -> list[Any]:
    items = [item.model_dump(include=MINE, exclude_none=True, mode="json", warnings=False) for item in answer.output]
    for item in items:
        for part in item.get("content", []):
            part.pop("parsed", None)
    return items


def calls(answer: Any) -> list[tuple[str, str, Any]]:
    return [(item.call_id, item.name, json.loads(item.arguments)) for item in answer.output if item.type == "function_call"]


def results(outputs: Sequence[tuple[str, str, str]]) -> list[Any]:
    return [{"type": "function_call_output", "call_id": called, "output": output} for called, _, output in outputs]


def shown(answer: Any) -> Any:
    return answer.model_dump(exclude={"usage"}, warnings=False)


API = Api(
    items="input", opening=opening, said=said, calls=calls, results=results, shown=shown,
    flavours={"sync": sync, "sync stream": sync_stream, "async": async_, "async stream": async_stream},
    leave={"sync": leave_sync, "async": leave_async}, failures=FAILURES,
)
