from __future__ import annotations

import pytest

from headroom.traces import Traces, shared

A, B, C = [1], [1], [2]


@pytest.mark.parametrize(("one", "other", "count"), [
    ([], [], 0), ([A], [], 0), ([A], [A], 1), ([A, B], [A], 1), ([A], [A, C], 1), ([A, B, C], [A, A, C], 1), ([A, C], [B, C], 0),
])
def test_a_head_is_shared_as_far_as_the_objects_are_the_same(one: list[object], other: list[object], count: int) -> None:
    assert shared(one, other) == shared(other, one) == shared(tuple(one), other) == count


def test_what_goes_on_from_here_leaves_nothing_there() -> None:
    traces = Traces()
    traces.leave("step", A)
    twin = traces.copy()
    assert twin.find("step") is A
    twin.leave("step", C)
    twin.leave("other", B)
    assert traces.find("step") is A
    assert traces.find("other") is None
