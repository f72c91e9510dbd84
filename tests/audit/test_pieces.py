from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.audit.pieces import Cutter


@pytest.mark.parametrize(("body", "members", "items"), [
    (b'{"m":[]}', {}, []),
    (b' {"a" : 1 , "m" : [ {"b": 2} , "x" ] , "c":[3]} ', {"a": "1", "c": "[3]"}, ['{"b": 2}', '"x"']),
    (b'{"m":"hello"}', {"m": '"hello"'}, []),
    (b"{}", {}, []),
])
def test_pieces_are_as_they_are_written(body: bytes, members: dict[str, str], items: list[str]) -> None:
    pieces = Cutter("m").cut(body)
    assert (pieces.members, pieces.items) == (members, items)


values = st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3), max_leaves=5)


@settings(deadline=None, max_examples=80)
@given(st.lists(st.tuples(st.lists(values, max_size=6), st.text(max_size=3)), max_size=8))
def test_what_was_cut_before_changes_nothing(bodies: list[tuple[list[Any], str]]) -> None:
    cutter = Cutter("m")
    grown: list[Any] = []
    for items, head in bodies:
        grown = grown + items if head else items
        body = json.dumps({"h": head, "m": grown, "t": 1}).encode()
        assert cutter.cut(body) == Cutter("m").cut(body)
        assert [json.loads(item) for item in cutter.cut(body).items] == grown
