from __future__ import annotations

from headroom.dialects.document_memo import FORKS, DocumentMemo, Link


def test_a_value_is_found_again_behind_the_run_it_stood_behind() -> None:
    memo, first = DocumentMemo(), Link(b'{"a":1}', 7)
    memo.learn("opening", first)
    second = Link(b'"x"', 3)
    memo.learn(first, second)
    raw = b'[{"a":1},"x"]'
    assert memo.follow("opening", raw, 1) is first
    assert memo.follow(first, raw, 9) is second
    assert memo.follow("opening", raw, 9) is None
    assert memo.follow(second, raw, 9) is None


def test_of_many_continuations_the_last_few_are_remembered() -> None:
    memo = DocumentMemo()
    for number in range(FORKS + 1):
        memo.learn("opening", Link(b'"%d"' % number, 3))
    assert [memo.follow("opening", b'"%d"' % number, 0) is not None for number in range(FORKS + 1)] == [False, *[True] * FORKS]


def test_facts_are_of_one_run_under_one_name() -> None:
    memo, one, other = DocumentMemo(), Link(b"1", 1), Link(b"1", 1)
    memo.remember(one, "name", ["fact"], 10)
    assert memo.recall(one, "name") == ["fact"]
    assert memo.recall(other, "name") is memo.recall(one, "else") is None
