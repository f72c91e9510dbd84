"""The OpenAI SDK on the Chat Completions API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import openai

from tests.live.sdks.base import INSTRUCTIONS, SCHEMA, TOOLS, Api, Ask

ASKED: dict[str, Any] = {
    "model": "gpt-5.5",
    "tools": [
        {"type": "function", "function": {"name": name, "description": about, "parameters": SCHEMA}}
        for name, about in TOOLS.items()
    ],
}
STREAMED: dict[str, Any] = {**ASKED, "stream_options": {"include_usage": True}}
KEY = "sk-scripted"
MINE = {"role": True, "content": True, "tool_calls": {"__all__": {"id": True, "type": True, "function": {"name", "arguments"}}}}
"""What of an answer goes back: a stream's helper adds members of its own to it."""


@asynccontextmanager
async def sync(url: str, retries: int) -> AsyncIterator[Ask]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=retries) as client:

        async def ask(history: list[Any]) -> Any:
            return client.chat.completions.create(messages=history, **ASKED)

        yield ask


@asynccontextmanager
async def sync_stream(url: str, retries: int) -> AsyncIterator[Ask]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=retries) as client:

        async def ask(history: list[Any]) -> Any:
            with client.chat.completions.stream(messages=history, **STREAMED) as stream:
                return stream.get_final_completion()

        yield ask


@asynccontextmanager
async def async_(url: str, retries: int) -> AsyncIterator[Ask]:
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=retries) as client:

        async def ask(history: list[Any]) -> Any:
            return await client.chat.completions.create(messages=history, **ASKED)

        yield ask


@asynccontextmanager
async def async_stream(url: str, retries: int) -> AsyncIterator[Ask]:
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=retries) as client:

        async def ask(history: list[Any]) -> Any:
            async with client.chat.completions.stream(messages=history, **STREAMED) as stream:
                return await stream.get_final_completion()

        yield ask


async def leave_sync(url: str, history: list[Any]) -> None:
    with openai.OpenAI(base_url=f"{url}/v1", api_key=KEY) as client, client.chat.completions.stream(messages=history, **STREAMED) as stream:
        next(iter(stream))


async def leave_async(url: str, history: list[Any]) -> None:
    client = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=KEY)
    async with client, client.chat.completions.stream(messages=history, **STREAMED) as stream:
        await anext(aiter(stream))


def opening(words: str) -> list[Any]:
    return [{"role": "system", "content": INSTRUCTIONS}, {"role": "user", "content": words}]


def said(answer: Any) -> list[Any]:
    return [answer.choices[0].message.model_dump(include=MINE, exclude_none=True)]


def calls(answer: Any) -> list[tuple[str, str, Any]]:
    asked = answer.choices[0].message.tool_calls or []
    return [(call.id, call.function.name, json.loads(call.function.arguments)) for call in asked]


def results(outputs: Sequence[tuple[str, str, str]]) -> list[Any]:
    return [{"role": "tool", "tool_call_id": called, "content": output} for called, _, output in outputs]


def shown(answer: Any) -> Any:
    return answer.model_dump(exclude={"usage"})


FAILURES: dict[int, type[Exception]] = {
    400: openai.BadRequestError, 401: openai.AuthenticationError, 413: openai.APIStatusError,
    429: openai.RateLimitError, 500: openai.InternalServerError, 502: openai.InternalServerError,
    529: openai.InternalServerError,
}

API = Api(
    items="messages", opening=opening, said=said, calls=calls, results=results, shown=shown,
    flavours={"sync": sync, "sync stream": sync_stream, "async": async_, "async stream": async_stream},
    leave={"sync": leave_sync, "async": leave_async}, failures=FAILURES,
)
