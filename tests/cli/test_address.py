from __future__ import annotations

import pytest

from headroom.cli.address import base_url


@pytest.mark.parametrize(("host", "url"), [
    ("127.0.0.1", "http://127.0.0.1:1"), ("0.0.0.0", "http://127.0.0.1:1"), ("::", "http://127.0.0.1:1"), ("", "http://127.0.0.1:1"),
    ("::1", "http://[::1]:1"), ("proxy.internal", "http://proxy.internal:1"),
])
def test_how_a_proxy_is_reached(host: str, url: str) -> None:
    assert base_url(host, 1) == url
