"""The headers of diffs are shortened by what stands below them, and every byte can be had back."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.base import Goal
from headroom.compressors.diffs import Diffs

DIFFS = Diffs()
GOAL = Goal(tool="Bash")

FILE = """diff --git a/src/app/encoder.py b/src/app/encoder.py
index 687c506..45f5477 100644
--- a/src/app/encoder.py
+++ b/src/app/encoder.py
"""
HUNKS = """@@ -30,6 +30,7 @@ ESCAPES = {
 for i in range(0x20):
     ESCAPES.setdefault(chr(i))
     # why
+del i
{BLANK}
 INFINITY = float('inf')
{BLANK}
@@ -50,3 +51,2 @@ ESCAPES = {
 a
-b
 c
""".replace("{BLANK}", " ")
NEW = """diff --git a/new file.md b/new file.md
new file mode 100644
index 0000000..1234567
--- /dev/null
+++ b/new file.md\t
@@ -0,0 +1,5 @@
+# Title
+
+@@ 12
++diff x 1234..5678
+-
\\ No newline at end of file
"""
GONE = """diff --git a/run.sh b/run.sh
deleted file mode 100755
index 1234567..0000000
--- a/run.sh
+++ /dev/null
@@ -1,3 +0,0 @@
-#!/bin/sh
-
-true
"""
MOVED = """diff --git a/src/one.py b/lib/two.py
similarity index 95%
rename from src/one.py
rename to lib/two.py
index 1234567..89abcde 100644
--- a/src/one.py
+++ b/lib/two.py
@@ -1,3 +1,3 @@
 x
-y
+z
 w
"""
MOVED_FORM = """diff src/one.py → lib/two.py 95% 1234567..89abcde
@@ 1
 x
-y
+z
 w
"""
PLAIN = """--- old/a.txt\t2026-01-01 00:00:00.000000000 +0000
+++ new/a.txt\t2026-01-02 00:00:00.000000000 +0000
@@ -1,2 +1,2 @@
 a
-b
+c
--- old/b.txt\t2026-01-01 00:00:00.000000000 +0000
+++ new/b.txt\t2026-01-02 00:00:00.000000000 +0000
@@ -1,4 +1,4 @@
-- x
+- y
 a
 b
 c
@@ -11,3 +11,3 @@
 a
 b
-c
+d
@@ -21,3 +21,3 @@
 a
 b
-c
+d
"""
CASES = {
    "a file": FILE + HUNKS,
    "after a message": "commit 1234567890abcdef\nAuthor: A <a@b.c>\n\n    Why\n\n" + FILE + HUNKS + "\ncommit 234567890abcdef1\n\n    Next\n\n" + MOVED,
    "a new file": NEW + FILE + HUNKS,
    "a deleted file": GONE + FILE + HUNKS,
    "a renamed file": MOVED + FILE + HUNKS,
    "a moved file": MOVED.split("index 1", 1)[0].replace("95", "100") + FILE + HUNKS,
    "a binary file": "diff --git a/x.png b/x.png\nindex 1234567..89abcde 100644\nBinary files a/x.png and b/x.png differ\n" + FILE + HUNKS,
    "modes change": "diff --git a/x.sh b/x.sh\nold mode 100644\nnew mode 100755\n" + FILE.replace("100644", "100755") + HUNKS,
    "an empty file": "diff --git a/x/__init__.py b/x/__init__.py\nnew file mode 100644\nindex 0000000..e69de29\n" + FILE + HUNKS,
    "plain": PLAIN,
    "recursive": "diff -ruN old/a.txt new/a.txt\n" + PLAIN.replace("--- old/b", "diff -ruN old/b.txt new/b.txt\n--- old/b"),
    "no context": FILE + "@@ -3 +3 @@ def f():\n-a\n+b\n@@ -9,0 +10,4 @@ def f():\n+c\n+\n+ d\n+-e\n@@ -20,3 +24,0 @@ def f():\n-f\n-g\n-\n",
    "combined": FILE.replace("--git a/src/app/encoder.py b/", "--cc ") + "@@@ -1,2 -1,2 +1,3 @@@\n  a\n++b\n" + FILE + HUNKS,
    "quoted": FILE.replace("src/app", "src/\\303\\244pp").replace("a/", '"a/') + HUNKS + FILE + HUNKS,
    "cut short": FILE + HUNKS + FILE + HUNKS[:-8],
    "no final newline": (FILE + HUNKS)[:-1],
    "blank lines stripped": (FILE + HUNKS).replace("\n \n", "\n\n") + MOVED,
    "CRLF in the files": FILE + HUNKS.replace("\n", "\r\n").replace("{\r", "{") + MOVED,
    "numbers that do not follow": FILE + HUNKS.replace("+51", "+99") + MOVED,
    "of other prefixes": FILE.replace("a/src", "i/src").replace("b/src", "w/src") + HUNKS + HUNKS.replace("30", "130"),
    "text that looks like a count": FILE + HUNKS + HUNKS.replace("ESCAPES = {", "+12 x").replace("30", "130"),
}


@pytest.mark.parametrize("text", CASES.values(), ids=CASES)
def test_every_kind_comes_back(text: str) -> None:
    text += ("" if text.endswith("\n") else "\n") + 3 * MOVED + text
    found = DIFFS.compress(text, GOAL)
    assert found is not None
    assert found.grade == "exact"
    assert DIFFS.expand(found.text) == text
    assert len(found.text) < len(text)
    assert DIFFS.compress(found.text, GOAL) is None
    assert DIFFS.sniff(text, GOAL) >= 0.5


@pytest.mark.parametrize(("text", "expected"), [
    (FILE + HUNKS, """[diff: "@@ N" = hunk at new line N, " = text as before; "diff FILE ids" = its header lines]
diff src/app/encoder.py 687c506..45f5477
@@ 30 ESCAPES = {
 for i in range(0x20):
     ESCAPES.setdefault(chr(i))
     # why
+del i

 INFINITY = float('inf')
{BLANK}
@@ 51 "
 a
-b
 c
""".replace("{BLANK}", " ")),
    (3 * MOVED + NEW, """[diff: "@@ N" = hunk at new line N, "@@ N +n" = n lines follow, all added, + left off; "diff FILE ids" = its header lines]
""" + 3 * MOVED_FORM + """diff new file.md new 1234567
@@ 1 +5
# Title

@@ 12
+diff x 1234..5678
-
\\ No newline at end of file
"""),
    (GONE + MOVED, """[diff: "@@ N" = hunk at new line N, "@@ N +n" = n lines follow, all added, + left off; "diff FILE ids" = its header lines]
diff run.sh deleted 1234567 100755
@@ 0 -3
#!/bin/sh

true
""" + MOVED_FORM),
], ids=["changed", "new", "deleted and renamed"])
def test_the_form(text: str, expected: str) -> None:
    found = DIFFS.compress(text, GOAL)
    assert found is not None
    assert found.text == expected


@pytest.mark.parametrize("text", [
    "no diff\n" * 30,
    FILE + HUNKS + "@@ 12 x\n",
    FILE + HUNKS + "diff x 1234567..89abcde\n",
    FILE + HUNKS + "diff --- x\n",
    "@@ -1,2 +1,3 @@\n",
], ids=["prose", "a hunk of the form", "a file of the form", "a name of the form", "too little"])
def test_what_is_left_alone(text: str) -> None:
    assert DIFFS.compress(text, GOAL) is None


SIGNED = st.builds("{}{}".format, st.sampled_from([" ", "+", "-", "-", "+", " "]), st.sampled_from(["", "a", " ", "b\r", "@@ 3", "-- x", "++ y", "é\t"]))
HUNK = st.builds(
    lambda old, new, text, body: [
        f"@@ -{old},{sum(x[0] in ' -' for x in body)} +{new},{sum(x[0] in ' +' for x in body)} @@{text}".replace(",1 ", " "), *body
    ],
    st.integers(0, 9), st.integers(0, 9), st.sampled_from(["", " f", ' "', " +1", " ", "f"]), st.lists(SIGNED, max_size=6),
)
OTHER = st.sampled_from([*(FILE + NEW + MOVED + GONE).split("\n"), "", " ", "--- a", "+++ b", "diff a 1234", "@@ 1", "@@ 1 +2", "diff --- a", "commit 1", "\\ No newline", "[diff: x]"]).map(lambda line: [line])
WHOLE = st.sampled_from([FILE + HUNKS, NEW, MOVED, GONE, PLAIN]).map(lambda text: text[:-1].split("\n"))
TEXTS = st.builds(
    lambda parts, end: "\n".join(line for part in parts for line in part) + end,
    st.lists(st.one_of(HUNK, OTHER, WHOLE), min_size=1, max_size=8), st.sampled_from(["", "\n", "\n\n"]),
)


@settings(deadline=None, max_examples=600)
@given(TEXTS)
def test_whatever_it_is_it_comes_back(text: str) -> None:
    found = DIFFS.compress(text, GOAL)
    if found is None:
        return
    assert DIFFS.expand(found.text) == text
    assert DIFFS.compress(found.text, GOAL) is None


@settings(deadline=None, max_examples=200)
@given(TEXTS, st.data())
def test_a_damaged_form_is_no_error(text: str, data: st.DataObject) -> None:
    found = DIFFS.compress(text, GOAL)
    if found is None:
        return
    DIFFS.expand(found.text[: data.draw(st.integers(0, len(found.text)))])
    DIFFS.expand(found.text.replace("\n", "", 1))


CONTENT = st.lists(st.sampled_from(["a", "b", "", "-- x", "++ y", "@@ 1", "    return 1"]), max_size=40)


@settings(deadline=None, max_examples=150)
@given(CONTENT, CONTENT, st.integers(0, 3))
def test_real_hunks_lose_their_numbers(old: list[str], new: list[str], context: int) -> None:
    text = 3 * MOVED + FILE + "\n".join(list(difflib.unified_diff(old, new, lineterm="", n=context))[2:]) + "\n"
    found = DIFFS.compress(text, GOAL)
    assert found is not None
    assert DIFFS.expand(found.text) == text
    assert "\n@@ -" not in found.text


def test_a_review_of_many_files_is_shorter_by_its_headers() -> None:
    old = [f"    value_{i} = compute({i}, scale=2)" for i in range(400)]
    new = [line.replace("scale=2", "scale=3") if i % 40 == 7 else line for i, line in enumerate(old)]
    hunks = "\n".join(list(difflib.unified_diff(old, new, lineterm="", n=3))[2:])
    text = "".join(FILE.replace("encoder", f"module_{i}") + hunks + "\n" for i in range(10))
    found = DIFFS.compress(text, GOAL)
    assert found is not None
    assert DIFFS.expand(found.text) == text
    assert len(found.text) < 0.95 * len(text)


@pytest.mark.parametrize("text", [
    "@@ -1,1 +1,1 @@\n" * 30_000,
    "@@ -1,9 +1,9 @@\n" + " a\n" * 200_000,
    FILE + "@@ -0,0 +1,300000 @@\n" + "+\n" * 300_000,
    (FILE + "@@ -1 +1 @@\n") * 5_000,
    "diff --git " + "a/" * 500_000 + "\n@@ -1 +1 @@\n",
    "@@ -1 +1 @@\n diff " + "1 " * 500_000,
    "@@ -1 +1 @@\n" + "\n" * 500_000 + " ",
    "@@ -1 +1 @@\n" + "diff a → b 12% → 1%\n" * 20_000,
], ids=["headers", "one long hunk", "a long new file", "files", "a long name", "a long line", "empty lines", "headings"])
def test_hostile_texts_are_survived(text: str) -> None:
    DIFFS.sniff(text, GOAL)
    found = DIFFS.compress(text, GOAL)
    assert found is None or DIFFS.expand(found.text) == text
