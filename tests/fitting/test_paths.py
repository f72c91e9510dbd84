from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.conversation import Json, Part
from headroom.fitting.paths import NOTHING, Touch, paths_of, touch

PATCH = "*** Begin Patch\n*** Update File: src/a.py\n@@\n-x\n+y\n*** Add File: b.py\n+z\n*** End Patch"


@pytest.mark.parametrize(("tool", "call", "expected"), [
    ("Read", {"file_path": "/w/a.py"}, Touch(("/w/a.py",), whole=True)),
    ("Read", {"file_path": "/w/a.py", "offset": 10}, Touch(("/w/a.py",))),
    ("Read", {"file_path": "/w/a.py", "offset": None, "limit": 0}, Touch(("/w/a.py",), whole=True)),
    ("read_files", {"paths": ["a.py", "b.py"]}, Touch(("a.py", "b.py"), whole=True)),
    ("mcp__fs__read_file", {"path": "a.py"}, Touch(("a.py",), whole=True)),
    ("Edit", {"file_path": "a.py", "old_string": "x", "new_string": "y"}, Touch(writes=("a.py",))),
    ("MultiEdit", {"file_path": "a.py", "edits": []}, Touch(writes=("a.py",))),
    ("Write", {"file_path": "a.py", "content": "x"}, Touch(writes=("a.py",))),
    ("str_replace_based_edit_tool", {"command": "str_replace", "path": "a.py"}, Touch(writes=("a.py",))),
    ("str_replace_based_edit_tool", {"command": "view", "path": "a.py"}, Touch(("a.py",), whole=True)),
    ("apply_patch", {"input": PATCH}, Touch(writes=("src/a.py", "b.py"))),
    ("apply_patch", PATCH, Touch(writes=("src/a.py", "b.py"))),
    ("shell", {"command": ["apply_patch", PATCH]}, Touch(writes=("src/a.py", "b.py"))),
    ("Grep", {"pattern": "x", "path": "src"}, NOTHING),
    ("LS", {"path": "src"}, NOTHING),
    pytest.param("edit_" * 20_000 + "\n", {"path": "a.py", "offset_" * 20_000 + "\n": 1}, Touch(("a.py",)), id="endless names"),
    pytest.param("Read", {"path": "a.py", "offset_" * 20_000 + "\n": 1}, Touch(("a.py",)), id="an endless name"),
    ("Bash", {"command": "cat src/a.py"}, Touch(("src/a.py",), whole=True)),
    ("Bash", {"command": "cd /w && nl -ba src/a.py"}, Touch(("src/a.py",), whole=True)),
    ("shell", {"command": "sed -n '1,80p' src/a.py"}, Touch(("src/a.py",))),
    ("Bash", {"command": "cat src/a.py | head -3"}, Touch(("src/a.py",))),
    ("Bash", {"command": "sed -i 's/x/y/' src/a.py"}, Touch(writes=("src/a.py",))),
    ("Bash", {"command": "cat > src/a.py <<'E'\nx\nE"}, Touch(writes=("src/a.py",))),
    ("Bash", {"command": "make 2>&1 > build.log"}, Touch(writes=("build.log",))),
    ("Bash", {"command": "cat a.py 2>/dev/null"}, Touch(("a.py",))),
    ("Bash", {"command": "git status"}, NOTHING),
    ("search_web", {"query": "x"}, NOTHING),
    ("Read", None, NOTHING),
])
def test_what_a_call_does(tool: str, call: Json, expected: Touch) -> None:
    found = touch(Part("tool", "x", (), tool, call))
    assert Touch(found.reads, found.writes, found.whole and bool(found.reads)) == expected


def test_what_failed_did_nothing() -> None:
    assert touch(Part("tool", "x", (), "Edit", {"file_path": "a.py"}, error=True)) == NOTHING
    assert touch(Part("user", "x", (), "Edit", {"file_path": "a.py"})) == NOTHING


def test_files_named_outright() -> None:
    assert paths_of({"file_path": "a.py", "command": PATCH}) == ("a.py", "src/a.py", "b.py")
    assert paths_of({"command": "cat a.py"}) == ()
    assert paths_of(None) == paths_of([]) == ()


ODD: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.text(max_size=20) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["path", "files", "command", "x"]), inner, max_size=3),
)


@settings(deadline=None)
@given(st.sampled_from(["Read", "Edit", "Bash", ""]), ODD)
def test_odd_calls_do_not_matter(tool: str, call: Json) -> None:
    found = touch(Part("tool", "x", (), tool, call))
    assert all(found.reads)
    assert all(found.writes)
