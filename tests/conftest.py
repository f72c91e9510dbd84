"""What every test shares."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Our code runs on both; a test of a foreign server that does not overrides this."""
    return str(request.param)
