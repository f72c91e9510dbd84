from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.signature import SIGNATURE, signature


def log(start: int, lines: int) -> str:
    return "".join(f"2026-03-{i % 28 + 1:02d}T09:{i % 60:02d}:11Z INFO [worker-{i % 4}] GET /orders/{i} 200\n" for i in range(start, start + lines))


def records(start: int, number: int) -> str:
    return json.dumps([{"id": i, "name": f"n{i}", "tags": ["a"] * (i % 3), "at": {"x": i}} for i in range(start, start + number)])


def matches(start: int) -> str:
    return "\n".join(f"src/part_{i}/file.py:{i * 3}:    return total_{i}" for i in range(start, start + 60))


@pytest.mark.parametrize(("kind", "one", "other"), [
    ("lines", log(0, 300), log(77, 900)),
    ("json", records(0, 50), records(900, 400)),
    ("json", json.dumps(json.loads(records(3, 60)), indent=2), records(0, 9)),
    ("json", '{"u17": {"name": 1}, "u18": {"name": 2}}', '{"u1": {"name": 5}}'),
    ("lines", matches(1), matches(500)),
    ("lines", "total 48\n" + "-rw-r--r-- 1 u g 12 a.txt\n" * 9, "total 9\n" + "-rw-r--r-- 1 root g 99999 bcd.txt\n" * 30),
    ("text", "One sentence, and so on.\n\nAnother (longer) one: it ends", "# Title\n\nSome words; more - words"),
    ("text", "", " \n\t\n"),
])
def test_outputs_of_one_kind_share_a_signature(kind: str, one: str, other: str) -> None:
    assert signature("Bash", one) == signature("Bash", other)
    assert signature("Bash", one).startswith(kind + "-")


def test_kinds_and_tools_are_told_apart() -> None:
    texts = [log(0, 50), records(0, 50), matches(0), '[{"other": 1}, {"other": 2}]', "[12:00:01] a\n[12:00:02] b\n[12:00:03] c", "words"]
    found = {signature(tool, text) for text in texts for tool in ("Bash", "Grep")}
    assert len(found) == 2 * len(texts)


def test_a_signature_is_the_same_everywhere() -> None:
    assert signature("Bash", log(0, 50)) == "lines-2cae538a5a3eb74d"
    assert signature("Bash", records(0, 9)) == "json-5ab6c731248ed114"


@given(st.text(max_size=30), st.text(st.characters(), max_size=3000), st.text(max_size=50))
@settings(deadline=None, max_examples=200)
def test_any_text_has_one_and_nothing_behind_its_head_counts(tool: str, text: str, more: str) -> None:
    assert SIGNATURE.fullmatch(signature(tool, text))
    head = (text + " " * 1100)[:1100]
    assert signature(tool, head) == signature(tool, head + more)
