"""Lists of paths become an outline from which each path can be read, in its order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.base import Goal
from headroom.compressors.paths import MAX_PATH, Paths, common_folder

PATHS = Paths()
GOAL = Goal(tool="Bash")

TREE = "\n".join([
    "/srv/application/Makefile",
    "/srv/application/src/main.py",
    "/srv/application/src/parse.py",
    "/srv/application/src/read.py",
    "/srv/application/src/deep/down/types.d.ts",
    "/srv/application/src/deep/down/more.d.ts",
    "/srv/application/src/deep/down/other.d.ts",
    "/srv/application/src/deep/up/README",
    "/srv/application/src/zip.py",
    "/srv/application/tests/test_main.py",
])
OUTLINE = [
    "./: Makefile",
    "src/: (main parse read).py",
    " deep/",
    "  down/: (types more other).d.ts",
    "  up/: README",
    "src/: zip.py",
    "tests/: test_main.py",
]
RULE = '"folder/: names"; a folder lies in the nearest less indented one above'
CASES = {
    "files": TREE,
    "one ending": "\n".join(f"/srv/app/{folder}/{name}.test.tsx" for folder in ("x", "x/y", "z") for name in "abc"),
    "the folder itself comes first": "/srv/application\n" + TREE,
    "find .": ".\n" + "\n".join(f"./src/{a}/some_{b}.rs" for a in ("first", "second") for b in "cdefgh"),
    "git ls-files": "Makefile\nREADME.md\n" + "\n".join(f"src/part/some_{b}.rs" for b in "abcdefghijk"),
    "folders end in a slash": "\n".join(f"packages/thing-{a}/" for a in "abcdefghijklm"),
    "a name with blanks": TREE + "\n/srv/application/my file.py\n",
    "a name with brackets": TREE + "\n/srv/application/src/a(1).py\n/srv/application/app/(group)/page.tsx\n",
    "warnings, blank lines": "find: ‘/srv/x’: Permission denied\n\n" + TREE + "\n\n",
    "lines like ours": TREE + "\n= x\n  src/: a\n",
    "CRLF": TREE.replace("\n", "\r\n"),
    "addresses": "\n".join(f"https://example.org/things/{i}/page.html" for i in range(9)),
    "double slashes, dots": "\n".join(f"/srv/application//src/./{i}/../x.py" for i in range(9)),
    "a dot below the root": "\n".join(f"/srv/application/{name}" for name in (*"abcdefghijklm", "./a/a", "./b/a", "./c")),
    "a colon ends a folder": "\n".join(f"/srv/application/a:/b{i}" for i in range(9)),
    "a long line": TREE + "\n" + "a/" * MAX_PATH,
    "dotted": "\n".join(f"/srv/application/conf/.{name}" for name in ("git", "env", "env.py", "env.local.py", "x.py", "y.py", "z")),
}


@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("text", CASES.values(), ids=CASES)
def test_every_list_comes_back(text: str, end: str) -> None:
    text += end
    found = PATHS.compress(text, GOAL)
    if "\r" in text:
        assert found is None  # a line with a carriage return is no path
        return
    assert found is not None
    assert found.grade == "exact"
    assert PATHS.expand(found.text) == text
    assert len(found.text) < len(text)
    assert PATHS.compress(found.text, GOAL) is None
    assert PATHS.sniff(text, GOAL) >= 0.5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TREE, [
            f'[10 paths in /srv/application/: {RULE}; "(a b).c" is a.c b.c]',
            *OUTLINE,
        ]),
        (CASES["one ending"], [
            f"[9 paths in /srv/app/, all ending in .test.tsx: {RULE}]", "x/: a b c", " y/: a b c", "z/: a b c",
        ]),
        (CASES["a name with blanks"], [
            f'[10 paths in /srv/application/: {RULE}; "(a b).c" is a.c b.c; "= " before other lines]',
            *OUTLINE,
            "= /srv/application/my file.py",
            "",
        ]),
    ],
    ids=["files", "one ending", "a name with blanks"],
)
def test_an_outline_reads_like_this(text: str, expected: list[str]) -> None:
    found = PATHS.compress(text, GOAL)
    assert found is not None
    assert found.text.split("\n") == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n" * 20,
        "word\n" * 20,
        "one two three\n" * 20,
        "pytest==8.0\nhypothesis==6.0\n" * 9,
        "a/b\n" * 4,
    ],
)
def test_nothing_else_is_touched(text: str) -> None:
    assert PATHS.compress(text, GOAL) is None


@pytest.mark.parametrize(
    "form",
    ["", "src: a", "src/ a", "src/: a\n   deep/: b", " src/: a", "src/:"],
)
def test_a_damaged_outline_is_not_ours(form: str) -> None:
    assert PATHS.expand(f"[2 paths in /x/: {RULE}]\n{form}") is None
    assert PATHS.expand(form) is None


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["/a/b/c", "/a/b/d"], "/a/b/"),
        (["/a/b/c", "/a/bc"], "/a/"),
        (["a", "b"], ""),
        (["a/b"], "a/"),
        (["C:\\x\\a", "C:\\x\\b"], "C:\\x\\"),
        (["/a/b", "/a/b/c"], "/a/"),
    ],
)
def test_common_folder(paths: list[str], expected: str) -> None:
    assert common_folder(paths) == expected


NAMES = st.sampled_from(["a", "b.py", "c.py", "d.py", "e.d.ts", "f.d.ts", ".", "..", ".x", "", "g h", "(i)", "=", ":", "j:", "k.", "|", "é.py"])
LINES = st.lists(NAMES, min_size=1, max_size=5).map("/".join)


@settings(deadline=None, max_examples=300)
@given(st.lists(LINES, min_size=5, max_size=30).map("\n".join), st.sampled_from(["", "/", "/srv/very/long/root/", "./"]), st.sampled_from(["", "\n"]))
def test_whatever_is_listed_comes_back(lines: str, root: str, end: str) -> None:
    text = "\n".join(root + line for line in lines.split("\n")) + end
    found = PATHS.compress(text, GOAL)
    if found is not None:
        assert PATHS.expand(found.text) == text
