"""What every test shares."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Our code runs on both; a test of a foreign server that does not overrides this."""
    return str(request.param)


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Packed bytes hold the time at which they were packed: a test is called the same in every process."""
    return argname if isinstance(val, bytes) and not (val.isascii() and val.decode().isprintable()) else None
