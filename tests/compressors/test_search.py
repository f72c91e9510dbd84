"""Search results are grouped by file, and each line can be put together again."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.base import Goal
from headroom.compressors.search import SearchResults

SEARCH = SearchResults()
GOAL = Goal(tool="Grep")

NUMBERED = "\n".join([
    "/srv/app/src/a.py:1:import os",
    "/srv/app/src/a.py:20:    return os",
    "/srv/app/src/a.py:31:",
    "/srv/app/src/b.py:7:os = None",
    "/srv/app/src/deep/c.py:8:x: int = 1:2",
    "/srv/app/src/deep/c.py:9:y",
    "/srv/app/src/deep/c.py:10:z",
])
CONTEXT = "\n".join([
    "/srv/application/src/a-1-b.py-11-before",
    "/srv/application/src/a-1-b.py:12:match",
    "/srv/application/src/a-1-b.py-13-after-14-",
    "--",
    "/srv/application/src/c.py-1-",
    "/srv/application/src/c.py:2:match",
    "/srv/application/src/c.py-3-    end",
])
PLAIN = "\n".join([
    "/srv/application/src/forms/a.py:    def __init__(",
    "/srv/application/src/forms/a.py:    def __init__(self):",
    "/srv/application/src/forms/a.py:## heading",
    "/srv/application/src/forms/a.py:--",
    "/srv/application/src/forms/b.py:class B:",
    "/srv/application/src/forms/b.py:= 3",
    "/srv/application/src/forms/b.py:    def __init__(self):",
    "/srv/application/src/forms/b.py:",
])
BEGUN = "".join(f"/srv/app/{name}.py:{i}:    async def {name}{i}():\n" for name in "ab" for i in range(4)) + "/srv/app/b.py:9:x = 1\n/srv/app/c.py:3:    async def c():\n"
HEADED = "\n\n".join([
    "src/web/handlers/parsers/a.py\n1:import os\n20-import b\n21:import c\n--\n31:", "src/web/handlers/parsers/b.py\n7:import os", "src/web/handlers/deep/c.py\n8:import io\n9:import re as x\n10:import z",
    *(f"src/web/handlers/{name}.py\n3:import {name}" for name in "defg"),
])
FOLDERS = "\n".join([
    "/srv/app/top.py:1:x", "/srv/app/sources/parsers/a.py:1:x", "/srv/app/sources/parsers/b.py:1:x", "/srv/app/sources/parsers/c.py:1:x", "/srv/app/sources/parsers/c.py:2:y",
    "/srv/app/tests/d.py:3:z", "/srv/app/end.py:4:z",
])
CASES = {
    "folders": FOLDERS,
    "a folder of the form's sign": "\n".join(f"/srv/application/{folder}a.py:{i}:x" for i in range(3) for folder in ("sources/of/it/", "././", "./", "x/./", "sources/of/it/=/")),
    "folders as files": "\n".join(f"/srv/application/src/{name}:{i}:x" for i in range(5) for name in ("a/", "b.c/", "d.py")),
    "numbers like ours": "\n".join(f"/srv/application/src/{name}:{text}" for name in ("a.py", "b.py") for text in ("3 x", "4 y", "5:z", "6: z", " 7", "8:")),
    "numbered": NUMBERED,
    "what all begin with": BEGUN,
    "headed": HEADED,
    "headed, with other lines": f"{HEADED}\n\nx.py: binary file matches\n\nsrc/web/handlers/x.py\n1:x\n2:y\n\n5 matches\n",
    "a name twice": f"{HEADED}\n\nsrc/web/handlers/d.py\n4:import y\n",
    "headed, with CRLF": re.sub(r"(?m)^([0-9].*)", "\\1\r", HEADED),
    "context": CONTEXT,
    "plain": PLAIN,
    "columns": "".join(f"src/a.py:{i}:5:async def f{i}" + "\n" for i in range(9)),
    "counts": "".join(f"/srv/app/core/{name}.py:{i}\n" for i, name in enumerate("abcdefgh")),
    "windows": "".join(f"C:\\src\\a.py:{i}:x\n" for i in range(9)),
    "brackets": "".join(f"app/[id]/(group)/page.tsx:{i}:x\n" for i in range(9)),
    "names like numbers": "".join(f"/srv/app/12-{i}.c:3:x\n/srv/app/7.c:1:y\n" for i in range(9)),
    "names like signs": "".join(f"/srv/app/--{i}.c:3:x\n/srv/app/##.c:1:y\n/srv/app/##.c:2:y\n" for i in range(9)),
    "a binary file, a warning": NUMBERED + "\nBinary file /srv/app/x.so matches\ngrep: /srv/app/y: Permission denied\n",
    "no final newline, blank lines": f"\n{NUMBERED}\n\n",
    "CRLF": NUMBERED.replace("\n", "\r\n") + "\r\n",
    "a form's signs inside": NUMBERED + "\n## x\n= y\n12:z\n[matches]",
}


@pytest.mark.parametrize("text", CASES.values(), ids=CASES)
def test_every_kind_comes_back(text: str) -> None:
    found = SEARCH.compress(text, GOAL)
    assert found is not None
    assert found.grade == "exact"
    assert SEARCH.expand(found.text) == text
    assert len(found.text) < len(text)
    assert SEARCH.compress(found.text, GOAL) is None
    assert SEARCH.sniff(text, GOAL) >= 0.5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (NUMBERED, [
            '[matches in /srv/app/src/: "## file" over "number text"]',
            "## a.py", "1 import os", "20     return os", "31:", "b.py:7 os = None", "## deep/c.py", "8 x: int = 1:2", "9 y", "10 z",
        ]),
        (CONTEXT, [
            '[matches in /srv/application/src/: "## file" over "number text"; number-text is context, " text" counts on]',
            "## a-1-b.py", "11-before", "12 match", " after-14-", "--", "## c.py", "1-", "2 match", "     end",
        ]),
        (PLAIN, [
            '[matches in /srv/application/src/forms/: "## file" over its lines; "= " before other lines]',
            "## a.py", "    def __init__(", "    def __init__(self):", "= /srv/application/src/forms/a.py:## heading", "= /srv/application/src/forms/a.py:--",
            "## b.py", "class B:", "= /srv/application/src/forms/b.py:= 3", "    def __init__(self):", "= /srv/application/src/forms/b.py:",
        ]),
        (FOLDERS, [
            '[matches in /srv/app/: "## file" over "number text", "## folder/" over its files]',
            "top.py:1 x", "## sources/parsers/", "a.py:1 x", "b.py:1 x", "## c.py", "1 x", "2 y", "## tests/", "d.py:3 z", "## ./", "end.py:4 z",
        ]),
        (BEGUN, [
            '[matches in /srv/app/: "## file" over "number text"; behind a blank each text begins with "    async def "]',
            "## a.py", "0 a0():", "1 a1():", "2 a2():", "3 a3():", "## b.py", "0 b0():", "1 b1():", "2 b2():", "3 b3():", "9:x = 1", "c.py:3 c():", "",
        ]),
        (HEADED, [
            '[matches in src/web/handlers/: "## file" over "number text"; behind a blank each text begins with "import "; headings were on their own]',
            "## parsers/a.py", "1 os", "20-import b", "21 c", "--", "31:", "## parsers/b.py", "7 os", "## deep/c.py", "8 io", "9 re as x", "10 z",
            *(line for name in "defg" for line in (f"## {name}.py", f"3 {name}")),
        ]),
        (CASES["counts"], ["[matches in /srv/app/core/]", *(f"{name}.py:{i}" for i, name in enumerate("abcdefgh")), ""]),
    ],
    ids=["numbered", "context", "plain", "folders", "begun", "headed", "counts"],
)
def test_a_form_reads_like_this(text: str, expected: list[str]) -> None:
    found = SEARCH.compress(text, GOAL)
    assert found is not None
    assert found.text.split("\n") == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024-01-02T10:11:12.345Z INFO started\n" * 20,
        "12:30:15: tick\n" * 20,
        "10.0.0.1:80: refused\n" * 20,
        '"name": "x",\n' * 20,
        "INFO:3:x\n" * 20,
        "src/a.py\nand b.py\n\n12:def f():\n" * 5,
    ],
)
def test_logs_and_data_are_not_misread(text: str) -> None:
    assert SEARCH.compress(text, GOAL) is None
    assert SEARCH.sniff(text, GOAL) == 0.0


@pytest.mark.parametrize("short", ["", "x", '[matches in /x/: "## file" over "number text"]\n1 no file', '[matches: "## file" over "number text"]\n## a\n no number'])
def test_a_damaged_form_is_not_ours(short: str) -> None:
    assert SEARCH.expand(short) is None


PATHS = st.sampled_from(["/a/b/c.py", "/a/b/d-3-e.py", "/a/x", "f.py", "./g/h.rs", "2-x.c", "C:\\a\\b.c", "= a.py", "## b.py", "--/c.py"])
TEXTS = st.text("ab:-=#/. 12\r", max_size=8)
LINES = st.one_of(
    st.builds("{}:{}:{}".format, PATHS, st.integers(0, 99), TEXTS),
    st.builds("{}-{}-{}".format, PATHS, st.integers(0, 99), TEXTS),
    st.builds("{}:{}".format, PATHS, TEXTS),
    st.just("--"),
    TEXTS,
)
HITS = st.lists(st.builds("{}{}{}{}".format, st.integers(0, 30), st.sampled_from(":-"), st.sampled_from(["", "import ", "  def f("]), TEXTS) | st.just("--"), min_size=1, max_size=6)


@settings(deadline=None, max_examples=300)
@given(st.lists(LINES, min_size=5, max_size=30).map("\n".join), st.sampled_from(["", "\n"]))
def test_whatever_is_printed_comes_back(text: str, end: str) -> None:
    found = SEARCH.compress(text + end, GOAL)
    if found is not None:
        assert SEARCH.expand(found.text) == text + end


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(PATHS | TEXTS, HITS), min_size=2, max_size=6), st.sampled_from(["", "\n", "\n\n"]))
def test_headings_of_the_tool_come_back(files: list[tuple[str, list[str]]], end: str) -> None:
    text = "\n\n".join("\n".join([path, *hits]) for path, hits in files) + end
    found = SEARCH.compress(text, GOAL)
    if found is not None:
        assert SEARCH.expand(found.text) == text
