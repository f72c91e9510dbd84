"""Start the real proxy, as a user would, in a process of its own."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Running:
    port: int
    pid: int
    cold_start: float
    """Seconds from the start of the process to its first answer, a request to the provider and back."""

    def rss(self) -> int:
        """Resident memory in bytes."""
        for line in Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise ValueError("no VmRSS")


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


@contextmanager
def proxy(upstream: int, *options: str, program: Sequence[str] = ("-m", "headroom")) -> Iterator[Running]:
    """The proxy in front of a provider on a local port, with state in a folder of its own. `program`: what Python is to run."""
    port = free_port()
    with tempfile.TemporaryDirectory() as home:
        state = Path(home) / "state.db"
        command = [sys.executable, *program, "proxy", "--port", str(port), "--quiet", "--state", f"sqlite:{state}"]
        for name in ("anthropic", "openai", "gemini"):
            command += [f"--{name}-api-url", f"http://127.0.0.1:{upstream}"]
        environ = {"HEADROOM_NO_CACHE": "1", **os.environ, "HOME": home}  # benches ask the same often
        environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program finds its compiled files; the first of several starts writes them
        started = time.perf_counter()
        process = subprocess.Popen([*command, *options], env=environ)
        try:
            yield Running(port, process.pid, _until_it_answers(port, process, started))
        finally:
            process.terminate()
            process.wait()


def _until_it_answers(port: int, process: subprocess.Popen[bytes], started: float) -> float:
    while time.perf_counter() - started < START_SECONDS:
        if process.poll() is not None:
            raise RuntimeError(f"the proxy ended with {process.returncode}")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("POST", "/v1/messages", b'{"model":"bench:json:0","messages":[]}', {"anthropic-version": "2023-06-01"})
            if connection.getresponse().status == 200:
                return time.perf_counter() - started
        except OSError:
            time.sleep(0.002)  # not listening yet; this is what is being measured
        finally:
            connection.close()
    raise RuntimeError("the proxy did not answer")
