from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.errors import SettingsError, StoreError
from headroom.learning.rows import (
    Entry,
    decode_entry,
    decode_snapshot,
    encode_entry,
    encode_snapshot,
    export,
    read_export,
)
from headroom.patterns import COUNTS, Counts, News, Patterns

number = st.integers(0, 2**53)
counts = st.builds(Counts, *[number] * len(COUNTS))
signatures = st.integers(0, 9).map(lambda n: f"json-{n:016x}")
news: st.SearchStrategy[News] = st.dictionaries(
    st.tuples(st.sampled_from(["", "a", "b"]), signatures), st.tuples(st.text(st.characters(), max_size=64), counts), max_size=8,
)


@given(news, st.booleans())
@settings(deadline=None, max_examples=60)
def test_rows_come_back(added: News, reset: bool) -> None:
    entry = Entry("w-1", added, reset)
    assert decode_entry(encode_entry(entry)) == entry


@given(st.lists(st.dictionaries(st.tuples(st.just(""), signatures), st.tuples(st.just("T"), st.builds(Counts, lossy=st.integers(0, 9), whole=st.integers(0, 9)))), max_size=6))
@settings(deadline=None, max_examples=60)
def test_snapshots_come_back_with_policies_and_order(additions: list[News]) -> None:
    patterns = Patterns()
    for each in additions:
        patterns.learn(each)
    upto, again = decode_snapshot(encode_snapshot(7, patterns))
    assert upto == 7
    assert list(again.rows.items()) == list(patterns.rows.items())


@pytest.mark.parametrize("row", [b"", b"{", b"[]", b"{}", b'{"format":1}', b'{"format":1,"id":"x","reset":false,"rows":[[1]]}', b"\xff"])
def test_a_damaged_row_adds_nothing(row: bytes) -> None:
    if row == b"{}":
        with pytest.raises(StoreError):
            decode_entry(row)
    else:
        assert decode_entry(row) == Entry("")
    with pytest.raises(StoreError):
        decode_snapshot(row)


def test_a_row_of_a_later_version_is_not_passed_over() -> None:
    with pytest.raises(StoreError, match="later version"):
        decode_entry(b'{"format": 2}')


@given(news)
@settings(deadline=None, max_examples=60)
def test_an_export_adds_tenants_up_and_can_be_read(added: News) -> None:
    added = {name: (tool, Counts(before=n.before // 8, after=n.after // 8)) for name, (tool, n) in added.items()}
    patterns = Patterns()
    patterns.learn(added)
    found = read_export(json.dumps(export(patterns)))
    assert sum(c.before for _, c in found.values()) == sum(c.before for _, c in added.values())
    assert set(found) == {signature for _, signature in added}


def good() -> Any:
    patterns = Patterns()
    patterns.learn({("", f"json-{0:016x}"): ("T", Counts(1, 2, 3))})
    return export(patterns)


def broken(**changes: Any) -> str:
    value = good()
    value["patterns"][0] |= changes
    return json.dumps(value)


@pytest.mark.parametrize(("text", "says"), [
    ("{", "not JSON"), ("[" * 100_000, "not JSON"), ("[]", "no file of"), ('{"format": "headroom-toin"}', "no file of"),
    (json.dumps(good() | {"version": 2}), "version 2"),
    (json.dumps(good() | {"patterns": good()["patterns"] * 2}), "twice"),
    (json.dumps(good() | {"patterns": [0] * 2001}), "more than"),
    (json.dumps(good() | {"patterns": [0]}), "members"),
    (broken(more=1), "members"), (broken(signature="json-x"), "signature"), (broken(tool=1), "tool"), (broken(tool="x" * 65), "tool"),
    (broken(lossy=-1), "whole numbers"), (broken(lossy=1.5), "whole numbers"), (broken(lossy=True), "whole numbers"), (broken(lossy=2**60), "whole numbers"),
])
def test_what_is_no_export_is_refused_with_its_reason(text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        read_export(text)
