"""URLs of a Redis."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom.errors import SettingsError
from headroom.stores import shown
from headroom.stores.redisurl import CONNECT, CONNECT_TLS, TIMEOUT, RedisURL, parse


def plain(**changed: object) -> RedisURL:
    base: dict[str, object] = {
        "host": "localhost", "port": 6379, "db": 0, "user": None, "password": None, "tls": False, "prefix": "headroom",
        "timeout": TIMEOUT, "connect_timeout": CONNECT, "ca": None,
    }
    return RedisURL(**{**base, **changed})  # type: ignore[arg-type]  # a table of fields


@pytest.mark.parametrize(
    ("url", "means", "people_see"),
    [
        ("redis://", plain(), "redis://localhost:6379/0"),
        ("redis://db:7000/3", plain(host="db", port=7000, db=3), "redis://db:7000/3"),
        ("redis://:p%40ss@db", plain(host="db", password="p@ss"), "redis://db:6379/0"),
        ("redis://me:word@[::1]:7000/", plain(host="::1", port=7000, user="me", password="word"), "redis://[::1]:7000/0"),
        ("rediss://db?ca=/etc/ca.pem", plain(host="db", tls=True, ca="/etc/ca.pem", connect_timeout=CONNECT_TLS), "rediss://db:6379/0"),
        ("redis://db?prefix=a&timeout=1.5&connect_timeout=2", plain(host="db", prefix="a", timeout=1.5, connect_timeout=2.0), "redis://db:6379/0"),
    ],
)
def test_what_it_means(url: str, means: RedisURL, people_see: str) -> None:
    assert parse(url) == means
    assert shown(url) == people_see


@pytest.mark.parametrize(
    "url",
    [
        "redis://h:port", "redis://h:70000", "redis://h/x", "redis://h/-1", "redis://h?no=1", "redis://h?timeout=0",
        "redis://h?timeout=nan", "redis://h?timeout=soon", "redis://h?prefix", "redis://u:p#w@h", "http://h",
    ],
)
def test_what_cannot_be_read(url: str) -> None:
    with pytest.raises(SettingsError, match="percent-encoded"):
        parse(url)


@given(st.text(min_size=4))
def test_a_password_is_never_repeated(text: str) -> None:
    secret = f"hush{text}hush"
    for url in (f"redis://u:{secret}@h", f"redis://h?{secret}", f"redis://h/{secret}", f"redis://{secret}"):
        try:
            told = shown(url)
        except SettingsError as error:
            told = error.message
        assert url.endswith(f"://{secret}") or secret not in told


def test_other_stores_are_shown_as_they_are() -> None:
    assert shown("sqlite:/var/lib/state.db") == "sqlite:/var/lib/state.db"
