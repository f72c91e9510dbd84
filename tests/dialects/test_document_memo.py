from __future__ import annotations

from headroom.dialects.document_memo import FORKS, DocumentMemo, Link, Run

HEAD = ("member", b"[")


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


def run(*values: bytes) -> tuple[Run, bytes]:
    """An array of these, and the bytes it was read from."""
    raw, found = b"[", Run(0)
    for value in values:
        gap = b", " if found.links else b""
        raw += gap + value
        found.add(len(raw) - len(value), len(raw), Link(value, len(value)), gap)
    return found, raw + b"]"


def test_a_run_is_known_as_far_as_it_stands_there() -> None:
    one, raw = run(b"{}", b'"a"', b"[1]")
    assert one.known(raw, 0) == 3
    assert one.known(b"....." + raw, 5) == 3
    assert one.known(raw.replace(b"[1]", b"[2]"), 0) == 2
    assert one.known(raw.replace(b'}, "', b'},  "'), 0) == 1
    assert one.known(b"[ {}]", 0) == 0
    head = one.head(2, 5)
    assert (head.starts, head.ends, head.links) == ([6, 10], [8, 13], one.links[:2])


def test_of_several_the_longest_counts_and_one_that_is_gone_on_with_makes_way() -> None:
    memo, (one, raw) = DocumentMemo(), run(b"{}", b'"a"')
    other, fork = run(b"{}", b'"b"')
    memo.keep(HEAD, one, None)
    memo.keep(HEAD, other, None)
    assert memo.longest(HEAD, raw, 0) == (one, 2)
    assert memo.longest(HEAD, fork, 0) == (other, 2)
    longer, more = run(b"{}", b'"a"', b"[]")
    memo.keep(HEAD, longer, one)
    assert memo.longest(HEAD, raw, 0) == (longer, 2)
    assert memo.longest(HEAD, more, 0) == (longer, 3)
    assert memo.longest(("other", b"["), raw, 0) == (None, 0)


def test_forks_are_forgotten_before_all_is() -> None:
    memo, runs = DocumentMemo(80_000), [run(b'"%d"' % i + b'"x"' * 2000) for i in range(3)]
    for each, _ in runs:
        memo.keep(HEAD, each, None)
    assert memo.longest(HEAD, runs[2][1], 0)[0] is runs[2][0]
    assert memo.longest(HEAD, runs[0][1], 0)[0] is None


def test_what_is_left_with_a_run_and_stands_elsewhere_is_charged_for() -> None:
    memo, (one, raw), (other, _) = DocumentMemo(80_000), run(b'"a"'), run(b'"b"')
    memo.keep(HEAD, other, None)
    memo.keep(HEAD, one, None)
    one.traces.foreign = 10_000
    memo.charge(HEAD, one)
    assert memo.longest(HEAD, raw, 0) == (one, 1)
    one.traces.foreign = 100_000
    memo.charge(HEAD, one)
    assert memo.longest(HEAD, raw, 0) == (None, 0)
    memo.charge(HEAD, one)  # as is one that was never kept
    assert memo.longest(HEAD, raw, 0) == (None, 0)


def test_what_an_array_is_found_by_is_charged_for() -> None:
    memo, (one, raw) = DocumentMemo(80_000), run(b'"a"')
    long = ("member", b"[" + b"x" * 16_000)
    for i in range(4):
        memo.keep((f"{i}", long[1]), one, None)
    assert [memo.longest((f"{i}", long[1]), raw, 0)[1] for i in range(4)] == [0, 0, 1, 1]
