"""The hidden tool: what hearing for it costs a stream, and how long a retrieval keeps the model's answer waiting."""

from __future__ import annotations

import argparse
import json
import re
import sys

from bench.bench_stream import delay_ms, events_per_second
from bench.proxy import proxy
from bench.wire import Connection, median, provider, request
from headroom import ccr

TEXT = re.compile(rb'"text":"(\d+\.\d+) (\d+\.\d+)"')
TOOLS = [{"name": "Bash", "description": "Run a command.", "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}}}]


def body(model: str, kib: int) -> bytes:
    """`kib` of history, in tool results of 20 KiB, the last of which is what is asked for; 0: a conversation that begins."""
    messages: list[object] = []
    text = ""
    for n in range(kib // 20):
        text = "\n".join(f"2026-03-02 09:00:{i % 60:02d} INFO worker-{n} request {i * 7919 + n} took {i % 40} ms" for i in range(300))
        messages += [
            {"role": "user", "content": "Look."} if n == 0 else {"role": "user", "content": [{"type": "text", "text": "Go on."}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": f"t{n}", "name": "Bash", "input": {"command": f"cat log{n}"}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": f"t{n}", "content": text}]},
        ]
    metadata = {"key": ccr.key_of(text)}  # the provider of the bench reads it there
    messages = messages or [{"role": "user", "content": "Look."}]
    return json.dumps({
        "model": model, "max_tokens": 9, "stream": True, "tools": TOOLS, "messages": messages, "metadata": metadata,
    }).encode()


def retrieval(port: int, kib: int, rounds: int) -> tuple[float, float]:
    """Milliseconds from the model's call to the provider's next request: median and worst."""
    waits: list[float] = []
    connection = Connection(port)
    connection.ask(request(port, body("bench:json:0", 0)))
    for _ in range(rounds):
        answer = connection.ask(request(port, body("bench:asks:0", kib))).answer
        match = TEXT.search(answer)
        assert match is not None, answer[-400:]
        assert b"headroom_retrieve" not in answer
        waits.append((float(match[2]) - float(match[1])) * 1000)
    connection.close()
    return median(waits), max(waits)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    rounds = parser.parse_args(sys.argv[1:] if __name__ == "__main__" else []).rounds
    with provider() as upstream, proxy(upstream, "--no-rate-limit", "--no-cache") as running:
        tools = b'"tools":%s,' % json.dumps(TOOLS).encode()
        direct, plain, heard = (events_per_second(port, 8, 8000, more) for port, more in ((upstream, b""), (running.port, b""), (running.port, tools)))
        print(f"SSE events/s over 8 streams: {heard:,.0f} heard for calls, {plain:,.0f} only relayed, {direct:,.0f} direct")
        none, before, after = (delay_ms(port, 500, more) for port, more in ((upstream, b""), (running.port, b""), (running.port, tools)))
        print(f"delay of an event, p50: {none:.3f} ms direct, {before:.3f} relayed, {after:.3f} heard: added {after - none:.3f} ms (aim 5 for the first)")
        for kib in (20, 100, 1000):
            typical, worst = retrieval(running.port, kib, rounds)
            print(f"retrieval, {kib:>4} KiB of history: {typical:.2f} ms p50 from the call's end to the provider's next request, worst {worst:.1f}")


if __name__ == "__main__":
    main()
