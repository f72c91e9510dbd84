from __future__ import annotations

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.stores.answers import PER_CHUNK, PER_ENTRY, Kept, MemoryAnswers, Room
from headroom.stores.base import Size

STEPS = st.lists(st.one_of(
    st.tuples(st.just("put"), st.sampled_from("abcde"), st.integers(0, 3000)), st.tuples(st.just("get"), st.sampled_from("abcde"), st.just(0)),
    st.tuples(st.just("wait"), st.just(""), st.integers(1, 9)), st.tuples(st.just("clear"), st.just(""), st.just(0)),
), max_size=40)


def weight(size: int) -> int:
    """What an entry under a key of one letter takes."""
    return 1 + PER_ENTRY + PER_CHUNK + size


@settings(deadline=None, max_examples=100)
@given(STEPS)
def test_it_does_what_a_simple_model_does(steps: list[tuple[str, str, int]]) -> None:
    """At most three answers, at most so many bytes, none older than ten seconds; the ones unused for longest go first."""
    room, now, told = Room(3, 9000, 10.0), [0.0], [Size(0, 0)]
    rows: dict[str, tuple[float, int]] = {}

    async def run() -> None:
        answers = MemoryAnswers(room, lambda: now[0], told.append)
        for what, key, n in steps:
            if what == "put":
                await answers.put(key, Kept(200, (), (b"x" * n,), now[0]))
                rows.pop(key, None)
                rows[key] = (now[0], weight(n))
                while len(rows) > 3 or sum(size for _, size in rows.values()) > 9000:
                    del rows[next(iter(rows))]
            elif what == "get":
                found, row = await answers.get(key), rows.pop(key, None)
                fresh = row is not None and now[0] - row[0] <= 10
                assert (found is not None) == fresh
                if row is not None and fresh:
                    rows[key] = row
            elif what == "wait":
                now[0] += n
            else:
                await answers.clear()
                rows.clear()
        for key in [key for key, row in rows.items() if now[0] - row[0] > 10]:
            del rows[key]
        assert await answers.size() == told[-1] == Size(len(rows), sum(size for _, size in rows.values()))

    anyio.run(run)
