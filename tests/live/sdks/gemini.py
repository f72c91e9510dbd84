"""The Google GenAI SDK on generateContent, whose function calls carry a signature that must come back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from google import genai
from google.genai import errors, types

from tests.live.sdks.base import INSTRUCTIONS, SCHEMA, TOOLS, Api, Ask

MODEL = "gemini-3-pro"
CONFIG = types.GenerateContentConfig(
    system_instruction=INSTRUCTIONS,
    tools=[types.Tool(function_declarations=[
        types.FunctionDeclaration(name=name, description=about, parameters_json_schema=SCHEMA) for name, about in TOOLS.items()
    ])],
    automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
)


def client_of(url: str, retries: int = 0) -> genai.Client:
    options = types.HttpOptions(base_url=url, retry_options=types.HttpRetryOptions(attempts=retries + 1, initial_delay=0.01, jitter=0.01))
    return genai.Client(api_key="scripted", http_options=options)


@asynccontextmanager
async def sync(url: str, retries: int) -> AsyncIterator[Ask]:
    with client_of(url, retries) as client:

        async def ask(history: list[Any]) -> Any:
            return [client.models.generate_content(model=MODEL, contents=history, config=CONFIG)]

        yield ask


@asynccontextmanager
async def sync_stream(url: str, retries: int) -> AsyncIterator[Ask]:
    with client_of(url, retries) as client:

        async def ask(history: list[Any]) -> Any:
            return list(client.models.generate_content_stream(model=MODEL, contents=history, config=CONFIG))

        yield ask


@asynccontextmanager
async def async_(url: str, retries: int) -> AsyncIterator[Ask]:
    async with client_of(url, retries).aio as client:

        async def ask(history: list[Any]) -> Any:
            return [await client.models.generate_content(model=MODEL, contents=history, config=CONFIG)]

        yield ask


@asynccontextmanager
async def async_stream(url: str, retries: int) -> AsyncIterator[Ask]:
    async with client_of(url, retries).aio as client:

        async def ask(history: list[Any]) -> Any:
            stream = await client.models.generate_content_stream(model=MODEL, contents=history, config=CONFIG)
            return [chunk async for chunk in stream]

        yield ask


async def leave_sync(url: str, history: list[Any]) -> None:
    with client_of(url) as client:
        stream: Any = client.models.generate_content_stream(model=MODEL, contents=history, config=CONFIG)
        next(stream)
        stream.close()


async def leave_async(url: str, history: list[Any]) -> None:
    async with client_of(url).aio as client:
        stream: Any = await client.models.generate_content_stream(model=MODEL, contents=history, config=CONFIG)
        await anext(stream)
        await stream.aclose()


def _parts(answer: Sequence[types.GenerateContentResponse]) -> list[types.Part]:
    contents = [chunk.candidates[0].content for chunk in answer if chunk.candidates]
    return [part for content in contents if content for part in content.parts or []]


def opening(words: str) -> list[Any]:
    return [types.Content(role="user", parts=[types.Part(text=words)])]


def said(answer: Any) -> list[Any]:
    return [types.Content(role="model", parts=_parts(answer))]


def calls(answer: Any) -> list[tuple[str, str, Any]]:
    found = [part.function_call for part in _parts(answer) if part.function_call]
    return [("", call.name or "", dict(call.args or {})) for call in found]


def results(outputs: Sequence[tuple[str, str, str]]) -> list[Any]:
    parts = [types.Part.from_function_response(name=name, response={"output": output}) for _, name, output in outputs]
    return [types.Content(role="user", parts=parts)]


def shown(answer: Any) -> Any:
    return [chunk.model_dump(exclude={"usage_metadata", "sdk_http_response"}) for chunk in answer]


API = Api(
    items="contents", opening=opening, said=said, calls=calls, results=results, shown=shown,
    flavours={"sync": sync, "sync stream": sync_stream, "async": async_, "async stream": async_stream},
    leave={"sync": leave_sync, "async": leave_async},
    failures={
        400: errors.ClientError, 401: errors.ClientError, 413: errors.ClientError, 429: errors.ClientError,
        500: errors.ServerError, 502: errors.ServerError, 529: errors.ServerError,
    },
)
