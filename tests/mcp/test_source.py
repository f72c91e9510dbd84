from __future__ import annotations

import time
from pathlib import Path

import pytest

from headroom.demo.serving import serving
from headroom.errors import OurError
from headroom.mcp.source import LocalSource
from headroom.options import load
from headroom.proxy.ask import NoProxy, Running
from headroom.proxy.choices import originals_space
from headroom.proxy.server import App
from headroom.settings import Settings
from headroom.stores import open_store

pytestmark = pytest.mark.anyio

KEY, OTHER = "0" * 24, "1" * 24
SPACE = originals_space(Settings())


@pytest.mark.parametrize("kind", ["memory:", "sqlite"])
async def test_the_proxy_is_asked_first_then_the_state(tmp_path: Path, kind: str) -> None:
    app = App(load(Settings, ["--quiet", f"--state=sqlite:{tmp_path}/proxy.db"], {}).settings, {})
    store = open_store("memory:" if kind == "memory:" else f"sqlite:{tmp_path}/own.db", time.time)
    async with serving(app) as url:
        await app.proxy.store.put(SPACE, "somebody", {KEY: b"from the proxy"})
        source = LocalSource(Running(url), store, SPACE)
        await source.keep({OTHER: "ours \ud800"})
        assert await source.original(KEY, "whole") == "from the proxy"
        assert await source.original(OTHER, "whole") == "ours \ud800"
        assert await source.original("2" * 24, "whole") is None
        assert (await source.stats())["requests"]["total"] == 0
    assert await source.original(OTHER, "whole") == "ours \ud800"
    with pytest.raises(OurError, match="no Headroom proxy answers"):
        await source.original(KEY, "whole")
    with pytest.raises(NoProxy):
        await source.stats()
    await store.aclose()


async def test_what_an_agent_had_shortened_can_be_had_from_the_proxy_on_the_same_state(tmp_path: Path) -> None:
    state = f"sqlite:{tmp_path}/state.db"
    app = App(load(Settings, ["--quiet", f"--state={state}"], {}).settings, {})
    store = open_store(state, time.time)
    async with serving(app) as url:
        source = LocalSource(Running(url), store, SPACE)
        await source.keep({KEY: "text"})
        assert await app.proxy.store.get(SPACE, None, [KEY]) == {KEY: b"text"}
    await store.aclose()
