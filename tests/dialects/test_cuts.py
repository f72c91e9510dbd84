from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.conversation import Address
from headroom.dialects.cuts import leave, same
from headroom.dialects.document import Document
from headroom.dialects.document_memo import DocumentMemo, Link, Run


def run(at: int, links: list[Link]) -> Run:
    found = Run(at)
    for i, link in enumerate(links):
        found.add(at + 1 + 3 * i, at + 3 + 3 * i, link, b"," if i else b"")
    return found


def test_edits_are_known_as_far_as_they_are_the_same_in_the_same_elements() -> None:
    links = [Link(b"ab", 2) for _ in range(3)]
    addresses: list[Address] = [("m", 0), ("m", 1), ("m", 2)]
    first = run(10, links)
    assert same(first, addresses, ["x", "y", "z"]) == []
    leave(first, addresses, ["x", "y", "z"], [(11, 13, b"x"), None, (17, 19, b"z")])
    assert same(first, addresses, ["x", "y", "z"]) == [(11, 13, b"x"), None, (17, 19, b"z")]
    assert same(first, addresses, ["x", "y", "other"]) == [(11, 13, b"x"), None]
    assert same(first, addresses[:1], ["x"]) == [(11, 13, b"x")]
    assert same(first, [("m", 0), ("m", 2)], ["x", "y"]) == [(11, 13, b"x")]
    moved = replace(run(12, links), traces=first.traces)
    assert same(moved, addresses, ["x", "y", "z"])[0] == (13, 15, b"x")
    other = run(10, [*links[:1], Link(b"ab", 2), Link(b"ab", 2)])
    other.traces.leave("cuts", first.traces.find("cuts"))
    assert same(other, addresses, ["x", "y", "z"]) == [(11, 13, b"x")]


def test_what_is_not_remembered_leaves_nothing() -> None:
    short = run(0, [Link(b"ab", 2)])
    leave(short, [("m", 0), ("m", 1)], ["x", "y"], [None, None])
    assert same(short, [("m", 0), ("m", 1)], ["x", "y"]) == []


texts = st.sampled_from(["", "short", "é", "as it came 0", "as it came 1", "\ud800"])


@settings(deadline=None, max_examples=80)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3), st.lists(texts, max_size=8)), min_size=2, max_size=5))
def test_edits_made_before_make_no_difference(asked: list[tuple[int, int, list[str]]]) -> None:
    memo = DocumentMemo()
    for same_, system, new in [*asked, asked[0]]:
        items = [{"text": f"as it came {i % 2}", "pad": "x" * 3000} for i in range(same_)] + [{"text": text} for text in new]
        raw = json.dumps({"system": "é" * system, "tools": items[:2], "messages": items}).encode()
        edits: dict[Address, str] = {("messages", i, "text"): text for i, text in enumerate(new[: len(items)])}
        if items:
            edits["tools", 0] = '{"a":1}'
        assert spliced(raw, edits, memo) == spliced(raw, edits, None)


def spliced(raw: bytes, edits: Mapping[Address, str], memo: DocumentMemo | None) -> bytes:
    return Document.parse(raw, memo).splice(edits)
