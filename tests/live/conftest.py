"""What tests with the vendors' SDKs share: a thread for servers, and each SDK in each of its flavours."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from headroom.demo.serving import serving
from headroom.http.asgi import ASGIApp
from tests.live.sdks.base import Api

PACKAGES = {"anthropic_messages": "anthropic", "openai_chat": "openai", "openai_responses": "openai", "gemini": "google.genai"}
FLAVOURS = ("sync", "sync stream", "async", "async stream")


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    """The servers' own thread: synchronous SDKs block the test's."""
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture
def servers(portal: BlockingPortal) -> Iterator[Callable[[ASGIApp], str]]:
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(portal.wrap_async_context_manager(serving(app)))


@pytest.fixture(params=PACKAGES)
def api(request: pytest.FixtureRequest) -> Api:
    package = PACKAGES[request.param]
    pytest.importorskip(package, reason=f"the SDK {package} is not installed")
    found: Api = importlib.import_module(f"tests.live.sdks.{request.param}").API  # only where its SDK is there
    return found


@pytest.fixture(params=FLAVOURS)
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)
