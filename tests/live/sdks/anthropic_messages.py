"""The Anthropic SDK on the Messages API, with thinking, which is bound to its prefix."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anthropic

from tests.live.sdks.base import INSTRUCTIONS, SCHEMA, TOOLS, Api, Ask

ASKED: dict[str, Any] = {
    "model": "claude-opus-4-8", "max_tokens": 4096, "system": INSTRUCTIONS,
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "tools": [{"name": name, "description": about, "input_schema": SCHEMA} for name, about in TOOLS.items()],
}
KEY = "sk-ant-scripted"


@asynccontextmanager
async def sync(url: str, retries: int) -> AsyncIterator[Ask]:
    with anthropic.Anthropic(base_url=url, api_key=KEY, max_retries=retries) as client:

        async def ask(history: list[Any]) -> Any:
            return client.messages.create(messages=history, **ASKED)

        yield ask


@asynccontextmanager
async def sync_stream(url: str, retries: int) -> AsyncIterator[Ask]:
    with anthropic.Anthropic(base_url=url, api_key=KEY, max_retries=retries) as client:

        async def ask(history: list[Any]) -> Any:
            with client.messages.stream(messages=history, **ASKED) as stream:
                return stream.get_final_message()

        yield ask


@asynccontextmanager
async def async_(url: str, retries: int) -> AsyncIterator[Ask]:
    async with anthropic.AsyncAnthropic(base_url=url, api_key=KEY, max_retries=retries) as client:

        async def ask(history: list[Any]) -> Any:
            return await client.messages.create(messages=history, **ASKED)

        yield ask


@asynccontextmanager
async def async_stream(url: str, retries: int) -> AsyncIterator[Ask]:
    async with anthropic.AsyncAnthropic(base_url=url, api_key=KEY, max_retries=retries) as client:

        async def ask(history: list[Any]) -> Any:
            async with client.messages.stream(messages=history, **ASKED) as stream:
                return await stream.get_final_message()

        yield ask


async def leave_sync(url: str, history: list[Any]) -> None:
    with anthropic.Anthropic(base_url=url, api_key=KEY) as client, client.messages.stream(messages=history, **ASKED) as stream:
        next(iter(stream))


async def leave_async(url: str, history: list[Any]) -> None:
    async with anthropic.AsyncAnthropic(base_url=url, api_key=KEY) as client, client.messages.stream(messages=history, **ASKED) as stream:
        await anext(aiter(stream))


def opening(words: str) -> list[Any]:
    return [{"role": "user", "content": words}]


def said(answer: anthropic.types.Message) -> list[Any]:
    return [{"role": "assistant", "content": answer.content}]


def calls(answer: anthropic.types.Message) -> list[tuple[str, str, Any]]:
    return [(block.id, block.name, block.input) for block in answer.content if block.type == "tool_use"]


def results(outputs: Sequence[tuple[str, str, str]]) -> list[Any]:
    return [{"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": called, "content": output} for called, _, output in outputs
    ]}]


def shown(answer: anthropic.types.Message) -> Any:
    return answer.model_dump(exclude={"usage"})


API = Api(
    items="messages", opening=opening, said=said, calls=calls, results=results, shown=shown,
    flavours={"sync": sync, "sync stream": sync_stream, "async": async_, "async stream": async_stream},
    leave={"sync": leave_sync, "async": leave_async},
    failures={
        400: anthropic.BadRequestError, 401: anthropic.AuthenticationError, 413: anthropic.APIStatusError,
        429: anthropic.RateLimitError, 500: anthropic.InternalServerError, 502: anthropic.InternalServerError,
        529: anthropic.InternalServerError,
    },
)
