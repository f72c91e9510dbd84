"""How 1, 2 and 4 workers scale, with a generator and a provider at the speed of C: requests/s, latency, and who takes the processor.

Needs wrk and nginx (Debian: wrk, nginx-light), and says so where they are missing. nginx gives the same answer to everything.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.bench_latency import grown, priced
from bench.proxy import free_port, proxy

WORKERS = (1, 2, 4)
CONNECTIONS = 32
SECONDS, WARM_SECONDS = 8, 2
"""The script as a whole stays below a minute."""

START_SECONDS = 10.0

PLACES = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"  # where Debian puts servers
LAST = "number 0?"
"""How the first body of `grown` ends; Lua counts on from there."""

NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/errors crit;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 100000000; client_body_in_single_buffer on; client_body_buffer_size 64k;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/a; fastcgi_temp_path {folder}/b; uwsgi_temp_path {folder}/c; scgi_temp_path {folder}/d;
  server {{ listen 127.0.0.1:{port} backlog=2048; location / {{ default_type application/json; return 200 '{answer}'; }} }}
}}
"""
ANSWER = '{"id":"msg_1","type":"message","role":"assistant","content":[{"type":"text","text":"ok"}],"usage":{"input_tokens":300,"output_tokens":2}}'

SCRIPT = """
local n = 0
local head, tail = %s, %s
local fields = {["content-type"] = "application/json", ["x-api-key"] = "sk-bench", ["anthropic-version"] = "2023-06-01"}
function request()
  n = n + 1
  return wrk.format("POST", "/v1/messages", fields, head .. n .. tail)
end
function done(summary, latency)
  local e = summary.errors
  io.write(string.format("RESULT %%d %%d %%d %%d %%d\\n", summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""
"""Bodies are those of a conversation that was seen before, each with another last message."""


@dataclass(frozen=True, slots=True)
class Loaded:
    rate: float
    p50: float
    p99: float
    """Milliseconds."""
    errors: int
    generator: float
    shares: Sequence[float]
    """Of one core: of the generator, and of each process that was looked at."""


def main() -> None:
    missing = [name for name in ("wrk", "nginx") if shutil.which(name, path=PLACES) is None]
    if missing or not Path("/proc/self/stat").exists():
        print(f"left out: needs {' and '.join(missing) or '/proc'} (Debian: apt-get install wrk nginx-light)")
        return
    with tempfile.TemporaryDirectory() as folder, nginx(Path(folder)) as (upstream, stub):
        script = Path(folder) / "post.lua"
        script.write_text(_script(), "utf-8")
        cores = len(os.sched_getaffinity(0))
        print(f"{'1 KB, ' + str(CONNECTIONS) + ' connections':<24}{'requests/s':>12}{'p50, ms':>9}{'p99':>8}{'wrk':>7}{'nginx':>7}  each worker (1.00: a whole core)")
        _show("direct", load(upstream, script, WARM_SECONDS, [stub]))
        rates = {}
        for number in WORKERS:
            options = ("--workers", str(number), "--no-rate-limit", "--no-cache", *priced(folder))
            with proxy(upstream, *options) as running:
                workers = _workers(running.pid, number)
                load(running.port, script, WARM_SECONDS, [])
                loaded = load(running.port, script, SECONDS, [stub, *workers])
            rates[number] = loaded
            _show(f"{number} worker{'s' if number > 1 else ''}", loaded)
        _compare(rates, cores)


def _show(name: str, loaded: Loaded) -> None:
    stub, *workers = loaded.shares
    shares = "  ".join(f"{share:.2f}" for share in workers)
    failed = f"  {loaded.errors} failed" if loaded.errors else ""
    print(f"{name:<24}{loaded.rate:>12,.0f}{loaded.p50:>9.2f}{loaded.p99:>8.2f}{loaded.generator:>7.2f}{stub:>7.2f}  {shares}{failed}", flush=True)


def _compare(rates: Mapping[int, Loaded], cores: int) -> None:
    one = rates[min(rates)]
    for number, loaded in rates.items():
        taken = sum(loaded.shares[1:])
        print(f"{number} worker{'s' if number > 1 else ' '}: {loaded.rate / one.rate:.2f} times the requests/s of one; {loaded.rate / taken:,.0f} for each second of processor")
    others = max(loaded.generator + loaded.shares[0] for loaded in rates.values())
    print(
        f"{cores} cores here, of which wrk and nginx take up to {others:.2f}: workers can get {cores - others:.1f} together, so no more than that times one\n"
        "can be seen. Where each second of processor yields the same with more workers, more cores carry more in proportion."
    )


@contextmanager
def nginx(folder: Path) -> Iterator[tuple[int, int]]:
    """Its port and process."""
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, answer=ANSWER), "utf-8")
    program = shutil.which("nginx", path=PLACES)
    assert program is not None
    process = subprocess.Popen([program, "-c", str(config), "-p", str(folder), "-e", str(folder / "errors")])
    try:
        _until_listening(process, folder / "pid")
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def _until_listening(process: subprocess.Popen[bytes], written: Path) -> None:
    """nginx writes its process id once it has its sockets."""
    limit = time.monotonic() + START_SECONDS
    while not written.exists():
        if process.poll() is not None or time.monotonic() > limit:
            raise RuntimeError("nginx did not start")
        time.sleep(0.01)


def load(port: int, script: Path, seconds: int, processes: Sequence[int]) -> Loaded:
    """Ask for so long; and what of a core was taken meanwhile, by the generator and by each of `processes`."""
    before, began = [_spent(pid) for pid in processes], time.monotonic()
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout=10s", "-s", str(script), f"http://127.0.0.1:{port}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = process.stdout.read()
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0  # it has been waited for
    took = time.monotonic() - began
    shares = [(_spent(pid) - earlier) / took for pid, earlier in zip(processes, before, strict=True)]
    requests, micros, p50, p99, errors = (int(word) for word in told.rpartition("RESULT ")[2].split())
    return Loaded(requests / micros * 1e6, p50 / 1000, p99 / 1000, errors, (used.ru_utime + used.ru_stime) / took, shares)


def _spent(pid: int) -> float:
    """Seconds of processor that a process has taken, user's and system's: fields 14 and 15 of proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _workers(supervisor: int, number: int) -> list[int]:
    """A single worker has no supervisor."""
    if number == 1:
        return [supervisor]
    return [int(pid) for pid in Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text("ascii").split()]


def _script() -> str:
    body = next(grown(900, random.Random(7))).decode()
    head, _, tail = body.rpartition(LAST)
    assert head, "no body that ends as it should"
    return SCRIPT % (json.dumps(f"{head}number "), json.dumps(f"?{tail}"))


if __name__ == "__main__":
    main()
