"""Every knob there is. One line here is a command-line option, an environment variable, a line of
--help and a row of README's table; headroom.options derives all four, and nothing else reads the environment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from headroom import mode
from headroom.options import (
    between,
    dollars,
    names,
    one_of,
    option,
    seconds,
    share,
    show_seconds,
    show_size,
    show_url,
    size,
    url,
)

LISTEN, ASK, LIMIT, SHORTEN, KEEP, SEE = "Listening", "Asking the provider", "Limits", "Compression", "State", "Watching"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    host: str = option("127.0.0.1", "Address to listen on. Beyond loopback, set HEADROOM_PROXY_TOKEN.", group=LISTEN)
    port: int = option(8787, "Port to listen on; 0 picks a free one and prints it.", group=LISTEN, short="p", parse=between(0, 65535))
    workers: int = option(1, "Processes on one listening socket, restarted if they die; SIGHUP replaces them one by one.", group=LISTEN, parse=between(1, 100))
    limit_concurrency: int = option(1000, "Connections served at once; above it 503 with Retry-After.", group=LISTEN, parse=between(1, 10**6))
    max_body: int = option(64 << 20, "Largest request body we read; above it 413. Routes we do not compress have no limit.", group=LISTEN, parse=size, show=show_size)
    allowed_hosts: tuple[str, ...] = option((), "More Host names, comma-separated, under which control routes answer (behind a reverse proxy).", group=LISTEN, parse=names, metavar="A,B")
    proxy_token: str = option("", "Secret that callers beyond loopback must send as X-Headroom-Proxy-Token.", group=LISTEN, flag=False, secret=True)

    anthropic_api_url: str = option("https://api.anthropic.com", "Where Anthropic requests go; a path prefix is kept.", group=ASK, env="ANTHROPIC_TARGET_API_URL", parse=url, metavar="URL")
    openai_api_url: str = option("https://api.openai.com", "Where OpenAI requests go, and what no other header claims; a path prefix is kept.", group=ASK, env="OPENAI_TARGET_API_URL", parse=url, metavar="URL")
    gemini_api_url: str = option("https://generativelanguage.googleapis.com", "Where Gemini requests go; a path prefix is kept.", group=ASK, env="GEMINI_TARGET_API_URL", parse=url, metavar="URL")
    max_connections: int = option(500, "Upstream connections in all; requests wait their turn up to the connect time-out.", group=ASK, parse=between(1, 10**6))
    max_keepalive: int = option(100, "Idle upstream connections kept.", group=ASK, parse=between(0, 10**6))
    connect_timeout: float = option(10.0, "For a connection, TLS included.", group=ASK, parse=seconds, show=show_seconds)
    request_timeout: float = option(600.0, "Until the first byte of an answer.", group=ASK, parse=seconds, show=show_seconds)
    idle_timeout: float = option(300.0, "Between two later bytes; there is no limit in total.", group=ASK, parse=seconds, show=show_seconds)
    retry_max_attempts: int = option(3, "Attempts, the first included, when no connection could be made; a status is never retried.", group=ASK, parse=between(1, 20))
    upstream_proxy: str = option("", "HTTP proxy for requests to the provider; without it HTTPS_PROXY and NO_PROXY are honoured.", group=ASK, env="", metavar="URL", secret=True)
    ca_bundle: str = option("", "PEM file of certificate authorities to trust instead of the system's.", group=ASK, env="SSL_CERT_FILE", metavar="PATH")

    mode: Literal["token", "cache"] = option("token", "What was already sent may be changed so that it fits (cache), or also where that is cheaper (token).", group=SHORTEN, parse=mode.mode, metavar="token|cache")
    rpm: int = option(600, "Requests a minute for each credential, and so many at once; above them 429 with Retry-After. 0: no limit.", group=LIMIT, parse=between(0, 10**7))
    tpm: int = option(0, "Tokens a minute for each credential, of input (cached too) and output, as the provider counts them.", group=LIMIT, parse=between(0, 10**8), show=lambda tokens: str(tokens) if tokens else "no limit")
    no_rate_limit: bool = option(False, "Neither of the two limits above.", group=LIMIT)
    budget: float | None = option(None, "US dollars that all requests together may cost in a period; above them 429 that says when it begins anew.", group=LIMIT, parse=dollars, metavar="USD")
    budget_period: Literal["hourly", "daily", "monthly"] = option("daily", "Of the budget: hourly (the last 60 minutes), daily (from midnight) or monthly (from the 1st), in local time.", group=LIMIT, parse=one_of("hourly", "daily", "monthly"), metavar="hourly|daily|monthly")
    budget_strict: bool = option(False, "Refuse models without a price, and everything while the account of the budget cannot be read, instead of going on.", group=LIMIT)
    no_cache: bool = option(False, "Ask the provider each time, also where exactly the same was asked before.", group=LIMIT)
    cache_max_entries: int = option(1000, "Answers kept to be given again to whoever asks exactly the same with the same credential and no temperature above 0.", group=LIMIT, parse=between(1, 10**6))
    cache_ttl: float = option(3600.0, "How long an answer is given again.", group=LIMIT, parse=seconds, show=show_seconds)
    cache_max_bytes: int = option(256 << 20, "Memory for such answers, in all processes; the ones unused for longest go first.", group=LIMIT, parse=size, show=show_size)

    no_optimize: bool = option(False, "Pure pass-through: bytes out are bytes in.", group=SHORTEN)
    lossless: bool = option(False, "Only what can be read back from the short form itself: nothing left out, no markers, no tool offered.", group=SHORTEN)
    no_ccr_inject_tool: bool = option(False, "Do not offer headroom_retrieve to the model: you vouch for another way back to originals (/v1/retrieve, headroom retrieve).", group=SHORTEN)
    protect_tool_results: tuple[str, ...] = option((), "Tools whose results never lose anything, comma-separated; globs such as mcp__*, any case.", group=SHORTEN, parse=names, metavar="A,B")
    code_aware: bool = option(False, "Outlines of long source code in any output, by syntax trees (extra code); needs a way back to originals.", group=SHORTEN, env="HEADROOM_CODE_AWARE_ENABLED")
    intercept_tool_results: bool = option(False, "Whole-file reads of long source files become outlines that the model can follow up with a range; needs a way back to originals.", group=SHORTEN, env="HEADROOM_INTERCEPT")
    no_intelligent_context: bool = option(False, "Where a conversation outgrows its model's window, its oldest turns go first, whatever they say.", group=SHORTEN)
    no_intelligent_scoring: bool = option(False, "There, tool calls go by age and before words, not by how much they would be missed.", group=SHORTEN)
    no_compress_first: bool = option(False, "There, turns go at once: outputs that had their day are not folded into markers first.", group=SHORTEN)
    no_read_lifecycle: bool = option(False, "There, reads of files that changed since or were read again are no worse than others.", group=SHORTEN)
    compact_tools: bool = option(False, "Take off from tool definitions what says nothing: shared indentation, titles that repeat a name, $schema.", group=SHORTEN)
    target_ratio: float | None = option(None, "Share of its tokens that prose keeps where it may be shortened with loss, 0.1 to 1; unset: 0.35 with a question, else all.", group=SHORTEN, parse=share, metavar="F")

    state: str = option("", "Where originals, the journal of sent forms and what proxies share live: memory:, sqlite:PATH, or redis://HOST, rediss://HOST (extra redis).", group=KEEP, metavar="URL", show=lambda url: show_url(url) or "sqlite in ~/.headroom")
    stateless: bool = option(False, "Write not one byte to disk; state lives in memory, at most 64 MiB of originals.", group=KEEP)
    ccr_ttl: float = option(7 * 86400.0, "How long an original is kept after its last use.", group=KEEP, parse=seconds, show=show_seconds)
    ccr_max_bytes: int = option(512 << 20, "Room for originals; the ones unused for longest go first.", group=KEEP, parse=size, show=show_size)
    toin_shared: bool = option(False, "Tenants share what is learned of which kinds of output get asked for again, and its policies; else each has its own.", group=KEEP)

    log_file: str = option("", "JSON lines, one record a request; reopened on SIGHUP.", group=SEE, metavar="PATH")
    log_messages: bool = option(False, "Also log request and answer bodies. Credentials never.", group=SEE)
    prices: str = option("", "JSON file of prices that lie over the bundled ones (headroom prices).", group=SEE, metavar="FILE", show=lambda path: path or "bundled")
    quiet: bool = option(False, "No banner.", group=SEE, short="q", env="")
