from __future__ import annotations

import pytest

from headroom.dialects.document_memo import Link, Run
from headroom.dialects.spans import Array, Value


def test_elements_that_are_remembered_stand_before_those_that_are_not() -> None:
    run = Run(4)
    run.add(5, 7, Link(b"{}", 2), b"")
    array = Array(run)
    array.know({})
    array.add(Value(8, 9, None, [1]))
    assert len(array) == 2
    assert [(array[i].start, array[i].end, array[i].parsed) for i in (0, 1, -1, -2)] == [(5, 7, [{}]), (8, 9, [1]), (8, 9, [1]), (5, 7, [{}])]
    assert array[0] is array[-2]
    assert array[0].link is run.links[0]
    with pytest.raises(IndexError):
        array[2]
