"""What old history adds to a request, for each API: µs of processor a KB, in process, once the conversation was seen before."""

from __future__ import annotations

import json
import random
import time

import anyio

from bench.bench_latency import WORDS, log
from bench.wire import median
from headroom.conversation import Json
from headroom.dialects import DIALECTS
from headroom.dialects.base import Dialect
from headroom.dialects.document_memo import DocumentMemo
from headroom.pipeline import standard
from headroom.proxy.compression import Compression
from headroom.sent import Journal
from headroom.stores.memory import Memory
from tests.fitting.conversations import PATHS

AIM = 4.0
SIZES = (100_000, 1_000_000)
ROUNDS = 40

RESULT = 3400
"""Characters of a tool's result: what a coding agent's has on average."""


def elements(dialect: str, number: int, text: str) -> list[Json]:
    """One tool call and its result."""
    at, command = f"call_{number}", {"command": f"step {number}"}
    match dialect:
        case "anthropic":
            call = {"type": "tool_use", "id": at, "name": "Bash", "input": command}
            result = {"type": "tool_result", "tool_use_id": at, "content": text}
            return [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
        case "openai-chat":
            made = {"id": at, "type": "function", "function": {"name": "Bash", "arguments": json.dumps(command)}}
            return [{"role": "assistant", "content": None, "tool_calls": [made]}, {"role": "tool", "tool_call_id": at, "content": text}]
        case "openai-responses":
            made = {"type": "function_call", "call_id": at, "name": "Bash", "arguments": json.dumps(command)}
            return [made, {"type": "function_call_output", "call_id": at, "output": text}]
    answer = {"functionResponse": {"name": "Bash", "response": {"output": text}}}
    return [{"role": "model", "parts": [{"functionCall": {"name": "Bash", "args": command}}]}, {"role": "user", "parts": [answer]}]


def question(dialect: str, number: int) -> Json:
    """What is new."""
    text = f"And now number {number}?"
    return {"role": "user", "parts": [{"text": text}]} if dialect == "gemini" else {"role": "user", "content": text}


def history(dialect: str, size: int, rng: random.Random) -> list[Json]:
    """Every other result is a log, so that there is something to replay."""
    found: list[Json] = [question(dialect, 0)]
    for number in range(size // RESULT):
        words = "\n".join(" ".join(rng.choices(WORDS, k=9)) for _ in range(RESULT // 57))
        found += elements(dialect, number, log(rng, RESULT) if number % 2 else words)
    return found


async def seconds(dialect: Dialect, size: int) -> tuple[float, float, int]:
    """Median and least, and the bytes of the conversation."""
    compression = Compression(standard(), Journal(Memory(time.monotonic), time.time), DocumentMemo(), durable=True)
    values = history(dialect.name, size, random.Random(7))
    times: list[float] = []
    for number in range(ROUNDS):
        body = json.dumps({"model": "m", dialect.turns: [*values, question(dialect.name, number)]}).encode()
        started = time.process_time()
        await compression.prepare(dialect, PATHS[dialect.name], body)
        times.append(time.process_time() - started)
    return median(times[3:]), min(times), len(body)  # the first ones fill memories


def main() -> None:
    print(f"{'µs a KB of history seen before':<34}{'KB':>8}{'p50':>8}{'least':>8}{'aim':>8}")
    for dialect in DIALECTS:
        for size in SIZES:
            middle, least, octets = anyio.run(seconds, dialect, size)
            per = 1e9 / octets
            mark = "" if middle * per <= AIM else "  missed"
            print(f"{dialect.name:<34}{octets / 1000:>8.0f}{middle * per:>8.2f}{least * per:>8.2f}{AIM:>8.1f}{mark}")


if __name__ == "__main__":
    main()
