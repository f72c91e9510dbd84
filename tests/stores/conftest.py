"""What tests of stores share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clock import Clock
from tests.redisserver import RedisServer


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One for all tests of a module, which empty it; with nothing on disk."""
    server = RedisServer(tmp_path_factory.mktemp("redis"), "--appendonly", "no")
    yield server
    server.stop()
