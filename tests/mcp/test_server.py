from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from headroom import ccr
from headroom.demo.serving import serving
from headroom.mcp.server import available
from headroom.options import load
from headroom.proxy.choices import originals_space
from headroom.proxy.server import App
from headroom.settings import Settings

if not available():
    pytest.skip("the extra mcp (the official SDK) is not installed", allow_module_level=True)

from mcp import Client, StdioServerParameters, stdio_client

pytestmark = pytest.mark.anyio

LOG = "".join(f"2026-03-02T09:{i // 60:02d}:{i % 60:02d}Z INFO [worker-{i % 3}] GET /orders/{i * 7 % 97} 200 {i % 40}ms\n" for i in range(400))
TEXT = "one\ntwo é\nthree\n"
KEY = ccr.key_of(TEXT)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # the SDK's own tests run on both; its client is what is foreign here


@asynccontextmanager
async def client(home: Path, *options: str) -> AsyncIterator[Any]:
    """A real SDK client of a real server process."""
    parameters = StdioServerParameters(command=sys.executable, args=["-m", "headroom", "mcp", "serve", *options], env={"HOME": str(home)})
    async with Client(stdio_client(parameters)) as asking:
        yield asking


async def ask(asking: Any, tool: str, **arguments: Any) -> tuple[bool, list[str]]:
    result = await asking.call_tool(tool, arguments)
    return result.is_error, [block.text for block in result.content]


async def test_a_client_reads_originals_and_statistics_of_a_running_proxy(tmp_path: Path) -> None:
    app = App(load(Settings, ["--quiet", f"--state=sqlite:{tmp_path}/state.db"], {}).settings, {})
    async with serving(app) as url:
        await app.proxy.store.put(originals_space(Settings()), "somebody", {KEY: TEXT.encode()})
        with anyio.fail_after(60):
            async with client(tmp_path, f"--url={url}", "--state=memory:") as asking:
                tools = {tool.name: tool for tool in (await asking.list_tools()).tools}
                assert list(tools) == ["headroom_retrieve", "headroom_compress", "headroom_stats"]
                assert tools["headroom_retrieve"].annotations.read_only_hint
                assert await ask(asking, "headroom_retrieve", key=KEY) == (False, [TEXT])
                failed, (missing,) = await ask(asking, "headroom_retrieve", key="0" * 24)
                assert failed
                assert "run the command again" in missing
                failed, (stats,) = await ask(asking, "headroom_stats")
                assert not failed
                assert '"requests":{"total":0' in stats
                assert (await ask(asking, "headroom_nothing"))[0]


async def test_without_a_proxy_originals_come_from_the_state(tmp_path: Path) -> None:
    with anyio.fail_after(60):
        async with client(tmp_path, "--port=1", f"--state=sqlite:{tmp_path}/state.db") as asking:
            failed, (short, told) = await ask(asking, "headroom_compress", text=LOG, command="tail -n 400 service.log")
            assert not failed
            assert len(short) < len(LOG) / 2
            assert ccr.key_of(LOG) in told
        async with client(tmp_path, "--port=1", f"--state=sqlite:{tmp_path}/state.db") as asking:
            assert await ask(asking, "headroom_retrieve", key=ccr.key_of(LOG)) == (False, [LOG])
            failed, (why,) = await ask(asking, "headroom_stats")
            assert failed
            assert "no Headroom proxy answers at http://127.0.0.1:1" in why
