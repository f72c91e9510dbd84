from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.audit.cache import PrefixCache, Terms, Tokens

TERMS = Terms(1000, 300.0)
A, B, C, X = ((name, 600.0) for name in (b"a", b"b", b"c", b"x"))


@pytest.mark.parametrize(("earlier", "at", "now", "expected"), [
    ([], 0.0, [A], Tokens(600, 0, 0)),
    ([], 0.0, [A, B], Tokens(0, 0, 1200)),
    ([A, B], 10.0, [A, B, C], Tokens(0, 1200, 600)),
    ([A, B], 300.0, [A, B], Tokens(0, 1200, 0)),
    ([A, B], 301.0, [A, B, C], Tokens(0, 0, 1800)),
    ([A, B, C], 10.0, [A, B, X], Tokens(0, 1200, 600)),
    ([A, B], 10.0, [X, B], Tokens(0, 0, 1200)),
    ([A, B], 10.0, [A, X], Tokens(0, 0, 1200)),  # one block is below the minimum, so it was never kept
], ids=["too short", "first", "grown", "on the last second", "expired", "branched", "another head", "minimum"])
def test_what_is_read_and_written(earlier: list[tuple[bytes, float]], at: float, now: list[tuple[bytes, float]], expected: Tokens) -> None:
    cache = PrefixCache()
    if earlier:
        cache.take("m", earlier, 0.0, TERMS)
    assert cache.take("m", now, at, TERMS) == expected


def test_each_use_begins_a_life_anew_and_models_share_nothing() -> None:
    cache = PrefixCache()
    cache.take("m", [A, B], 0.0, TERMS)
    assert cache.take("m", [A, B], 200.0, TERMS).read == 1200
    assert cache.take("m", [A, B], 400.0, TERMS).read == 1200
    assert cache.take("n", [A, B], 400.0, TERMS).read == 0


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.floats(0, 5000)), max_size=6), st.floats(0, 400))))
def test_every_token_is_charged_once(requests: list[tuple[list[tuple[bytes, float]], float]]) -> None:
    cache, at = PrefixCache(), 0.0
    for blocks, pause in requests:
        at += pause
        assert cache.take("m", blocks, at, TERMS).all == round(sum(tokens for _, tokens in blocks))
