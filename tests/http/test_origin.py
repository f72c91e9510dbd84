from __future__ import annotations

import pytest

from headroom.errors import SettingsError
from headroom.http.origin import Base, Origin, base


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.example.com", Base(Origin(True, "api.example.com", 443), "")),
        ("https://API.example.com/", Base(Origin(True, "api.example.com", 443), "")),
        ("http://localhost:8080/proxy/anthropic/", Base(Origin(False, "localhost", 8080), "/proxy/anthropic")),
        ("http://[::1]:1", Base(Origin(False, "::1", 1), "")),
    ],
)
def test_base_urls(url: str, expected: Base) -> None:
    assert base(url) == expected


@pytest.mark.parametrize(
    "url", ["", "api.example.com", "ftp://x", "https://", "https://x:0", "https://x:99999", "https://u:secret@x", "https://x?key=secret", "https://x#f"]
)
def test_what_is_no_base_url(url: str) -> None:
    with pytest.raises(SettingsError) as raised:
        base(url)
    assert "secret" not in raised.value.message


def test_how_an_origin_is_written() -> None:
    assert Origin(True, "x", 443).host_field == "x"
    assert Origin(False, "x", 443).host_field == "x:443"
    assert Origin(False, "::1", 8080).host_field == "[::1]:8080"
    assert Origin(True, "::1", 443).host_field == "[::1]"
    assert Origin(True, "x", 443).authority == "x:443"
