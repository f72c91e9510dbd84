from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.conversation import Json, Part
from headroom.fitting.lifecycle import LONG, SHORT, Reason, folded


def part(tool: str, call: Json, size: int = SHORT, *, error: bool = False) -> Part:
    return Part("tool", "x" * size, (), tool, call, error)


def view(path: str, size: int = SHORT, **more: Json) -> Part:
    return part("Read", {"file_path": path, **more}, size)


def edit(path: str, *, error: bool = False) -> Part:
    return part("Edit", {"file_path": path, "new_string": "y"}, 20, error=error)


LS, USER = part("Bash", {"command": "make"}, LONG), Part("user", "x" * LONG, ())


@pytest.mark.parametrize(("parts", "reasons"), [
    pytest.param([view("a"), view("b")], {}, id="nothing"),
    pytest.param([view("a"), view("a")], {0: "superseded"}, id="read again"),
    pytest.param([view("a", offset=3), view("a")], {0: "superseded"}, id="a part, then all"),
    pytest.param([view("a"), view("a", offset=3)], {}, id="all, then a part"),
    pytest.param([view("a", offset=3), view("a", offset=3)], {0: "superseded"}, id="the same part"),
    pytest.param([view("a"), edit("a")], {0: "stale"}, id="edited"),
    pytest.param([view("a"), edit("a"), view("a")], {0: "superseded"}, id="edited and read again"),
    pytest.param([view("a"), edit("a", error=True)], {}, id="the edit failed"),
    pytest.param([edit("a"), view("a")], {}, id="edited before"),
    pytest.param([view("/w/src/a.py"), edit("src/a.py")], {0: "stale"}, id="a shorter path"),
    pytest.param([view("src/a.py"), edit("/w/src/a.py")], {0: "stale"}, id="a longer path"),
    pytest.param([view("src/a.py"), edit("lib/a.py")], {}, id="another folder"),
    pytest.param([view("./a.py"), part("Bash", {"command": "sed -i s/x/y/ a.py"})], {0: "stale"}, id="in the shell"),
    pytest.param([view("a", SHORT - 1), edit("a")], {}, id="short"),
    pytest.param([LS], {0: "old"}, id="old"),
    pytest.param([LS, LS], {0: "old", 1: "old"}, id="the same command may print something else"),
    pytest.param([part("Bash", {"command": "make"}, LONG, error=True), USER], {}, id="failures and words stay"),
])
def test_what_has_had_its_day(parts: list[Part], reasons: dict[int, Reason]) -> None:
    assert folded(parts, len(parts)) == reasons


def test_the_live_end_tells_and_stays() -> None:
    parts = [view("a"), LS, view("b"), edit("a"), view("b")]
    assert folded(parts, 2) == {0: "stale", 1: "old"}
    assert folded(parts, 2, old=False) == {0: "stale"}
    assert folded(parts, 3, keep={0, 1}) == {2: "superseded"}


@settings(deadline=None)
@given(st.lists(st.sampled_from([view("a"), view("a", offset=1), view("b", LONG), edit("a"), edit("b"), LS, USER]), max_size=12), st.integers(0, 12))
def test_what_is_folded_never_hides_the_last_sight_of_a_file_that_is_still_so(parts: list[Part], live: int) -> None:
    found = folded(parts, live, old=False)
    assert all(i < live and parts[i].role == "tool" for i in found)
    for path in "ab":
        for i, each in enumerate(parts):
            rest = parts[i + 1 :]
            names = {"file_path": path}
            if each.tool == "Read" and each.call == names and not any((later.call or {}).get("file_path") == path for later in rest):
                assert i not in found
