"""`headroom proxy`: bind, say how to use it, serve until told to stop, drain, go."""

from __future__ import annotations

import errno
import gc
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TextIO

import anyio

from headroom import __version__
from headroom.budget import dollars
from headroom.cli.address import base_url, reachable
from headroom.compressors.code import syntax
from headroom.errors import OurError, SettingsError, extra
from headroom.http.coding import reads_zstd
from headroom.http.limits import Limits
from headroom.http.server import listen, port_of, serve
from headroom.layers.budget import EACH
from headroom.options import load
from headroom.pricefile import prices
from headroom.proxy.board import in_memory
from headroom.proxy.choices import state_url
from headroom.proxy.server import App, Proxy
from headroom.proxy.workers import descriptors, supervise, worker_command
from headroom.settings import Settings
from headroom.stores import shown

WHO_SECONDS = 1.0
NO_SYNTAX = f"by indentation: for syntax trees, {extra('code')}"
IN_MEMORY = ", each with a state of its own: an original can be asked for by HTTP only where it was kept"
INSTEAD = {
    errno.EACCES: "; ports below 1024 want a privileged user: choose another with --port",
    errno.EADDRNOTAVAIL: "; give --host an address of this machine",
}
SWITCH_SECONDS = 0.001
"""How long a worker thread may hold the interpreter while the event loop waits; CPython's default is 5 ms."""


def run(argv: Sequence[str], environ: Mapping[str, str], stdout: TextIO) -> int:
    loaded = load(Settings, argv, environ)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="headroom: %(message)s")
    for warning in loaded.warnings:
        print(f"headroom: warning: {warning}", file=sys.stderr)
    if loaded.settings.log_messages and not loaded.settings.log_file:
        print("headroom: warning: --log-messages logs nothing without --log-file PATH", file=sys.stderr)
    table = prices(loaded.settings.prices)  # before anything is bound: a wrong file must be known at once
    if (stale := table.stale(date.today())) is not None:
        print(f"headroom: warning: {stale}", file=sys.stderr)
    sys.setswitchinterval(SWITCH_SECONDS)
    if loaded.settings.workers > 1:
        return _supervise(loaded.settings, argv, environ, stdout)
    return anyio.run(_main, loaded.settings, environ, stdout, backend_options=backend())


def backend() -> dict[str, bool]:
    """uvloop where the extra `fast` is installed."""
    try:
        import uvloop  # noqa: F401, PLC0415  # optional; only to see whether it is there
    except ImportError:
        return {}
    return {"use_uvloop": True}


async def _main(settings: Settings, environ: Mapping[str, str], stdout: TextIO) -> int:
    app = App(settings, environ)
    proxy = app.proxy
    listeners = _listeners(settings, environ, stdout)
    drain = anyio.Event()
    code = [0]
    failure: OurError | None = None
    gc.freeze()  # what start-up made lives as long as the process; the collector need not look at it again
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_signals, proxy, drain, tasks.cancel_scope, code)
        try:
            await serve(app, listeners, Limits(connections=settings.limit_concurrency), drain)
        except OurError as error:
            failure = error  # raised behind the task group, which would wrap it in a group
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return code[0]


def _supervise(settings: Settings, argv: Sequence[str], environ: Mapping[str, str], stdout: TextIO) -> int:
    """Workers on one socket; this process serves nobody itself."""
    if os.name != "posix":
        raise SettingsError("--workers needs a system on which processes can share a socket (Linux, macOS)")
    Proxy(settings, environ)  # to hear now of what no worker could start with
    listeners, board = _listeners(settings, environ, stdout), in_memory()

    def spawn(control: socket.socket) -> subprocess.Popen[bytes]:
        told = (descriptors(listeners), str(control.fileno()), str(board))
        kept = (*(sock.fileno() for sock in listeners), control.fileno(), board)
        return subprocess.Popen(worker_command(told, argv), env=dict(environ), pass_fds=kept, stdin=subprocess.DEVNULL)

    def check() -> str:
        try:
            prices(settings.prices)
            Proxy(settings, environ)
        except OurError as error:
            return error.message
        return ""

    try:
        return anyio.run(supervise, settings.workers, spawn, check)
    finally:
        for sock in listeners:
            sock.close()
        os.close(board)


def _listeners(settings: Settings, environ: Mapping[str, str], stdout: TextIO) -> list[socket.socket]:
    try:
        listeners = listen(settings.host, settings.port)
    except OSError as error:  # in use, not allowed, no such address, no such name
        raise OurError(_cannot_listen(settings, error)) from None
    if not settings.quiet:
        print(banner(settings, shown(state_url(settings, environ)), port_of(listeners)), file=stdout, flush=True)
    return listeners


async def _signals(proxy: Proxy, drain: anyio.Event, scope: anyio.CancelScope, code: list[int]) -> None:
    """The first SIGINT or SIGTERM drains, the second ends it; SIGHUP reopens the log."""
    with anyio.open_signal_receiver(*_known_signals()) as received:
        async for number in received:
            if number in (signal.SIGINT, signal.SIGTERM):
                code[0] = 130 if number == signal.SIGINT else 0
                if drain.is_set():
                    scope.cancel()
                    return
                proxy.draining = True
                drain.set()
            elif proxy.log is not None:
                proxy.log.reopen()


def _known_signals() -> list[signal.Signals]:
    names = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


def banner(settings: Settings, state: str, port: int) -> str:
    base = base_url(settings.host, port)
    rows = [
        f"Headroom {__version__} on {base}",
        f"  compression  {_compression(settings)}",
        f"  mode         {settings.mode}",
        f"  state        {'in memory (--stateless)' if settings.stateless else state}",
        f"  request log  {settings.log_file or 'off (--log-file PATH)'}",
        f"  limits       {_limits(settings, state)}",
        f"  /v1/messages                          -> {settings.anthropic_api_url}",
        f"  /v1/chat/completions, /v1/responses   -> {settings.openai_api_url}",
        f"  /v1beta/models/*:generateContent      -> {settings.gemini_api_url}",
        "",
        f"  Claude Code   ANTHROPIC_BASE_URL={base} claude",
        f"  OpenAI SDKs   OPENAI_BASE_URL={base}/v1 your-app",
        f"  Codex         codex -c openai_base_url='\"{base}/v1\"'",
        f"  figures       curl {base}/stats",
    ]
    if not reads_zstd():
        rows.insert(-1, f"                signed in with ChatGPT it sends zstd, which is read with: {extra('zstd')}")
    if settings.workers > 1:
        rows.insert(3, f"  workers      {settings.workers}{IN_MEMORY if state == 'memory:' else ''}")
    if settings.prices:
        rows.insert(5, f"  prices       {settings.prices} over the bundled ones")
    if settings.host not in ("127.0.0.1", "localhost", "::1") and not settings.proxy_token:
        rows += [
            "", f"  WARNING: listening on {settings.host} without HEADROOM_PROXY_TOKEN: anybody who reaches this port may send",
            "  requests with credentials of their own. Control routes answer loopback only. Set HEADROOM_PROXY_TOKEN to close it.",
        ]
    return "\n".join(rows)


def _limits(settings: Settings, state: str) -> str:
    counted = [] if settings.no_rate_limit else [(settings.rpm, "requests"), (settings.tpm, "tokens")]
    rates = " and ".join(f"{n:,} {what}" for n, what in counted if n)
    rows = [f"{rates} a minute for each credential"] if rates else []
    if settings.budget is not None:
        rows.append(f"{dollars(settings.budget)} {EACH[settings.budget_period]} for all")
    if rows and settings.workers > 1 and state == "memory:":
        rows.append("each worker has its share, since in memory they cannot count together")
    return "; ".join(rows) or "none"


def _compression(settings: Settings) -> str:
    """What is on and off, and why."""
    if settings.no_optimize:
        return "OFF (--no-optimize): bytes pass as they come"
    if settings.lossless:
        views = "lossless (--lossless)"
    elif settings.no_ccr_inject_tool:
        views = "with views (--no-ccr-inject-tool: originals by `headroom retrieve` or /v1/retrieve)"
    else:
        views = "views of long outputs; the model gets originals back by headroom_retrieve, unseen by the client"
    more = [
        f"no views of {', '.join(settings.protect_tool_results)}" if settings.protect_tool_results else "",
        "tool definitions compacted (--compact-tools)" if settings.compact_tools else "",
        "outlines of whole-file reads (--intercept-tool-results)" if settings.intercept_tool_results else "",
        f"outlines of code {'by syntax trees' if syntax.available() else NO_SYNTAX}" if settings.code_aware else "",
    ]
    return "; ".join(["ON", *filter(None, [views, *more])])


def _cannot_listen(settings: Settings, error: OSError) -> str:
    where = f"{settings.host}:{settings.port}"
    if error.errno == errno.EADDRINUSE:
        return f"port {settings.port} is in use: {_who_answers(settings)}; choose another with --port"
    instead = INSTEAD.get(error.errno or 0, "")
    return f"cannot listen on {where}: {error.strerror}{instead}"


def _who_answers(settings: Settings) -> str:
    try:
        with socket.create_connection((reachable(settings.host), settings.port), WHO_SECONDS) as who:
            who.settimeout(WHO_SECONDS)
            who.sendall(b"GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            if b'"alive"' in b"".join(iter(lambda: who.recv(4096), b"")):
                return "another Headroom answers there"
    except OSError:
        pass
    return "another program answers there"
