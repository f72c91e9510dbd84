"""Outputs are parted where one ends and the next begins."""

from __future__ import annotations

import json
from itertools import chain, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.lines.segments import sections, shapes

LISTING = "\n".join(f"-rw-r--r-- 1 ann staff {i * 17} Nov 21 02:19 file{i}.txt" for i in range(12))
LOG = "\n".join(f"2026-11-21 10:11:{i:02} INFO request {i} took {i * 3} ms" for i in range(12))
MATCHES = "\n".join(f"src/app/main.py:{i}:    value = {i}" for i in range(12))
CODE = "\n\n".join(f"def f{i}(x):\n    # note {i}\n    return x + {i}\n\n\n@decorated\nclass C{i}:\n    value: int = {i}" for i in range(4))
DOCUMENT = json.dumps([{"id": i, "name": f"n{i}"} for i in range(9)], indent=2)
LINE = json.dumps([{"id": i, "name": f"name {i}"} for i in range(9)])


def parts(text: str) -> list[list[str]]:
    return [[text[part.start : part.end] for part in section] for section in sections(text)]


@pytest.mark.parametrize(("text", "expected"), [
    (f"{LISTING}\n{LOG}\n{MATCHES}", [[LISTING, LOG, MATCHES]]),
    (f"{LISTING}\n\n{LOG}\n", [[LISTING, LOG]]),
    (f"{LOG}\n\n{LOG}", [[f"{LOG}\n\n{LOG}"]]),
    (f"=== list ===\n{LISTING}\n=== log ===\n{LOG}", [[LISTING], [LOG]]),
    (f"==> a.log <==\n{LOG}\n\n==> b.log <==\n{LOG}", [[LOG], [LOG]]),
    (f"$ ls\n{LISTING}\n$ cat\n{LOG}\n", [[LISTING], [LOG]]),
    (f"$ curl\n{DOCUMENT}\nHTTP 200\n", [[DOCUMENT], ["HTTP 200"]]),
    (f"warning: old\n{DOCUMENT}200", [["warning: old"], [DOCUMENT], ]),
    (f"Result:\n```json\n{DOCUMENT}\n```\nDone", [["Result:"], [DOCUMENT], ["Done"]]),
    (f"Result:\n{LINE} HTTP 200\nDone", [["Result:"], [LINE], ["Done"]]),
    ("", []),
    ("\n\n\n", []),
    ("x", [["x"]]),
], ids=range(13))
def test_a_text_is_parted_like_this(text: str, expected: list[list[str]]) -> None:
    assert parts(text) == expected


def test_lines_of_json_are_one_stretch() -> None:
    text = "\n".join(LINE for _ in range(5))
    assert parts(text) == [[text]]


@pytest.mark.parametrize("text", ["{\n  f();\n}\n" * 9, 'x = {\n  "a": 1\n},\n' * 9, "[a]\nb\n" * 9, '{"a": [\n' * 50])
def test_brackets_that_are_no_documents(text: str) -> None:
    assert not any(part.document for section in sections(text) for part in section)


def test_code_is_not_parted_from_itself() -> None:
    assert len(list(chain.from_iterable(sections(CODE)))) <= 2


@pytest.mark.parametrize(("line", "expected"), [
    ("2026-11-21 10:11", b"0-0-0 0:"), ("    x = 1", b" a = 0"), ("  12\tcode here", b" 0\t"), ("é\r", b"a "), ("", b""), ("src/app/a.py:12: x", b"a/a/a.a:"),
])
def test_the_shape_of_a_line(line: str, expected: bytes) -> None:
    assert shapes(line) == [expected]


BRICKS = st.sampled_from([LISTING, LOG, DOCUMENT, LINE, "", "x", "{", "}", "[", "]", '{"a": 1}', "```", "=== a ===", "$ b", "é\t", "}\r", "{\n}", "--------"])


@settings(deadline=None, max_examples=200)
@given(st.lists(BRICKS, max_size=14).map("\n".join))
def test_stretches_are_in_order_and_miss_no_words_but_separators(text: str) -> None:
    found = list(chain.from_iterable(sections(text)))
    assert all(part.start < part.end for part in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
    assert all(text[part.start : part.end].strip() for part in found)
