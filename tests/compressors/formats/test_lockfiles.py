"""Lockfiles of all package managers tell which versions changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom.compressors.formats.lockfiles import LOCKFILE, changed

NPM = """@@ -10,14 +10,14 @@
     "node_modules/lodash": {
-      "version": "4.17.20",
-      "resolved": "https://registry.npmjs.org/lodash/-/lodash-4.17.20.tgz",
+      "version": "4.17.21",
+      "resolved": "https://registry.npmjs.org/lodash/-/lodash-4.17.21.tgz",
       "integrity": "sha512-x"
     },
+    "node_modules/a/node_modules/@babel/core": {
+      "version": "7.24.0",
+      "dependencies": {
+        "debug": "^4.1.0"
+      }
+    },
-    "node_modules/left-pad": {
-      "version": "1.3.0"
-    },"""
CARGO = """ [[package]]
 name = "serde"
-version = "1.0.218"
+version = "1.0.219"
 source = "registry+https://github.com/rust-lang/crates.io-index"
-checksum = "ab"
+checksum = "cd"
+
+[[package]]
+name = "serde_json"
+version = "1.0.1"
"""
YARN = """-lodash@^4.17.20:
-  version "4.17.20"
-  resolved "https://registry.yarnpkg.com/lodash/-/lodash-4.17.20.tgz#x"
+lodash@^4.17.20, lodash@^4.17.21:
+  version "4.17.21"
+"@types/node@*":
+  version "20.1.0"
"""
BERRY = """-"lodash@npm:^4.17.20":
-  version: 4.17.20
+"lodash@npm:^4.17.21":
+  version: 4.17.21
"""
PNPM = """-  /lodash@4.17.20:
+  lodash@4.17.21:
+  '@types/node@20.1.0':
+  /react-dom@18.2.0(react@18.2.0):
"""
GO = """-github.com/a/b v1.2.3 h1:abc=
-github.com/a/b v1.2.3/go.mod h1:def=
+github.com/a/b v1.2.4 h1:ghi=
+github.com/a/b v1.2.4/go.mod h1:jkl=
"""
GEM = """-    rails (7.0.1)
+    rails (7.0.2)
+      actioncable (= 7.0.2)
"""
COMPOSER = """             "name": "symfony/console",
-            "version": "v6.0.1",
+            "version": "v6.0.2",
             "source": {
"""


@pytest.mark.parametrize(("lines", "expected"), [
    (NPM, ["lodash 4.17.20→4.17.21", "+@babel/core 7.24.0", "-left-pad 1.3.0"]),
    (CARGO, ["serde 1.0.218→1.0.219", "+serde_json 1.0.1"]),
    (YARN, ["lodash 4.17.20→4.17.21", "+@types/node 20.1.0"]),
    (BERRY, ["lodash 4.17.20→4.17.21"]),
    (PNPM, ["lodash 4.17.20→4.17.21", "+@types/node 20.1.0", "+react-dom 18.2.0"]),
    (GO, ["github.com/a/b v1.2.3→v1.2.4"]),
    (GEM, ["rails 7.0.1→7.0.2"]),
    (COMPOSER, ["symfony/console v6.0.1→v6.0.2"]),
    ("+1\n", []),
], ids=["npm", "cargo", "yarn", "yarn berry", "pnpm", "go", "bundler", "composer", "none"])
def test_packages_of(lines: str, expected: list[str]) -> None:
    assert changed(lines.split("\n")) == expected


@pytest.mark.parametrize(("path", "is_one"), [
    ("package-lock.json", True), ("web/yarn.lock", True), ("go.sum", True), ("a/.terraform.lock.hcl", True),
    ("package.json", False), ("src/lock.py", False), ("myyarn.lock", False), ("go.mod", False),
])
def test_lockfiles_are_known_by_name(path: str, is_one: bool) -> None:
    assert bool(LOCKFILE.search(path)) == is_one


@given(st.lists(st.builds("{}{}".format, st.sampled_from([" ", "+", "-"]), st.sampled_from([
    '    "node_modules/a": {', '      "version": "1.0.0",', '      "version": "2.0.0",', 'name = "b"', 'version = "3"', "    c (1.2)", "@@ -1 +1 @@", "d@^1:", "",
]))))
def test_what_is_told_stands_in_the_lines(lines: list[str]) -> None:
    text = "\n".join(lines)
    for told in changed(lines):
        name, _, versions = told.lstrip("+-").partition(" ")
        assert name in text
        assert all(version in text for version in versions.split("→"))


@pytest.mark.parametrize("line", ["+" + '"' * 1_000_000, "+" + "a@" * 500_000, "+" + " " * 1_000_000, "+  /" + "a/" * 500_000, "+" + "a." * 500_000])
def test_long_lines_are_survived(line: str) -> None:
    assert changed([line] * 100) == []
