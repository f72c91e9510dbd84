"""The connection to a Redis: scripts run within a time limit, behind a circuit breaker, and every failure is a StoreError.

redis-py speaks to Redis on asyncio only; on trio every call is a StoreError that says so.
"""

from __future__ import annotations

import hashlib
import logging
from asyncio import get_running_loop  # noqa: TID251  # redis-py runs on nothing else, and on trio we want to say so
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio

from headroom.errors import SettingsError, StoreError, extra
from headroom.stores.breaker import Breaker
from headroom.stores.redisurl import RedisURL

log = logging.getLogger(__name__)

CONNECTIONS = 32
"""Per process. Calls take under a millisecond, so more would only wait in Redis instead of here."""

BYTES_A_SECOND = 20e6
"""What a call with large values is given besides its time-out: a slow network, 160 Mbit/s."""

ROWS_A_SECOND = 50e3
"""The same for many rows: a script takes about 5 µs each on a slow core."""

KEEPALIVE_SECONDS = 30
"""An idle connection older than this is asked whether it lives before it is used: firewalls forget them silently."""


@dataclass(frozen=True, slots=True)
class Script:
    """Lua that runs in Redis as one atomic step."""

    text: str
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest())


Argument = str | bytes | float


class Link:
    """Connects at the first call, and anew after an error or a restart of Redis."""

    def __init__(self, url: RedisURL) -> None:
        """Raises SettingsError where the extra is not installed."""
        self._url, self._breaker = url, Breaker()
        self._errors, self._client = _connect(url)

    @property
    def down(self) -> bool:
        return self._breaker.open

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument], *, again: bool = True) -> Any:
        """What the script returned. `again`: running it twice does no harm, so it may be repeated on a new connection."""
        seconds = self._url.timeout + sum(len(a) for a in arguments if isinstance(a, bytes)) / BYTES_A_SECOND
        seconds += len(arguments) / ROWS_A_SECOND
        self._ask()
        try:
            with anyio.fail_after(seconds):
                answer = await self._evaluate(script, keys, arguments, again)
        except TimeoutError:
            raise self._broken(f"no answer in {seconds:.2f} s") from None
        except (self._errors.ConnectionError, self._errors.TimeoutError, OSError) as error:
            raise self._broken(str(error)) from None
        except self._errors.RedisError as error:
            self._closed()  # it answers, if not as we would like
            raise StoreError(self._says(str(error))) from None
        self._closed()
        return answer

    async def aclose(self) -> None:
        with anyio.CancelScope(shield=True), anyio.move_on_after(self._url.timeout):
            if _on_asyncio():
                await self._client.aclose(close_connection_pool=True)

    def _ask(self) -> None:
        if not _on_asyncio():
            raise StoreError("Redis can be used on asyncio only, not on trio")
        if not self._breaker.admits(anyio.current_time()):
            raise StoreError(self._says("it did not answer, and will be asked again soon"))

    async def _evaluate(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument], again: bool) -> Any:
        try:
            return await self._once_more("EVALSHA", script.digest, keys, arguments, again)
        except self._errors.NoScriptError:  # never loaded, or forgotten in a restart
            return await self._once_more("EVAL", script.text, keys, arguments, again)

    async def _once_more(self, command: str, script: str, keys: Sequence[str], arguments: Sequence[Argument], again: bool) -> Any:
        words = (command, script, len(keys), *keys, *arguments)
        try:
            return await self._client.execute_command(*words)
        except self._errors.BusyLoadingError:
            raise
        except (self._errors.ConnectionError, OSError):
            if not again:
                raise
        # An idle connection may have been cut by a restart of Redis without our noticing.
        return await self._client.execute_command(*words)

    def _broken(self, why: str) -> StoreError:
        if self._breaker.failed(anyio.current_time()):
            log.warning("%s", self._says(f"{why}; going on without it"))
        return StoreError(self._says(why))

    def _closed(self) -> None:
        if self._breaker.succeeded():
            log.warning("the Redis at %s answers again", self._url.shown)

    def _says(self, why: str) -> str:
        return f"the Redis at {self._url.shown} cannot be used: {' '.join(why.split())[:300]}"


def _on_asyncio() -> bool:
    try:
        get_running_loop()
    except RuntimeError:
        return False
    return True


def _connect(url: RedisURL) -> tuple[Any, Any]:
    """redis-py's exceptions and a client; nothing is sent yet."""
    try:
        from redis import exceptions  # noqa: PLC0415  # optional, and 100 ms that only --state redis:// needs
        from redis.asyncio import BlockingConnectionPool, Connection, Redis, SSLConnection  # noqa: PLC0415
        from redis.asyncio.retry import Retry  # noqa: PLC0415
        from redis.backoff import NoBackoff  # noqa: PLC0415
    except ImportError:
        raise SettingsError(f"a state in Redis needs redis-py: {extra('redis')}") from None
    tls: dict[str, Any] = {"ssl_cert_reqs": "required", "ssl_check_hostname": True, "ssl_ca_certs": url.ca} if url.tls else {}
    pool = BlockingConnectionPool(
        max_connections=CONNECTIONS, timeout=url.timeout, connection_class=SSLConnection if url.tls else Connection,
        host=url.host, port=url.port, db=url.db, username=url.user, password=url.password,
        socket_connect_timeout=url.connect_timeout, health_check_interval=KEEPALIVE_SECONDS, client_name="headroom",
        retry=Retry(NoBackoff(), 0), **tls,
    )
    return exceptions, Redis(connection_pool=pool)
