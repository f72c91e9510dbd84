from __future__ import annotations

import pytest

from headroom.mode import Mode, chosen, mode


@pytest.mark.parametrize(("text", "expected"), [
    ("token", "token"), ("cache", "cache"), ("token_mode", "token"), ("cache_mode", "cache"), (" Cache ", "cache"),
])
def test_modes_have_two_names(text: str, expected: Mode) -> None:
    assert mode(text) == expected


@pytest.mark.parametrize("text", ["", "fast", "tokens"])
def test_anything_else_is_no_mode(text: str) -> None:
    with pytest.raises(ValueError, match="must be token or cache"):
        mode(text)


@pytest.mark.parametrize(("field", "expected"), [(None, "token"), (b"cache", "cache"), (b"CACHE_MODE", "cache"), (b"fast", "token"), (b"\xff", "token")])
def test_a_request_may_choose(field: bytes | None, expected: Mode) -> None:
    assert chosen(field, "token") == expected
