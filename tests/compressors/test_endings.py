"""Signs stand for endings that come together, and for nothing else."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors import endings
from headroom.compressors.base import Goal
from headroom.compressors.paths import Paths

COMPILED = [f"{name}.cpython-311{level}.pyc" for name in ("spam", "eggs", "ham", "bacon") for level in (".opt-1", ".opt-2", "")]
TRIPLE = (".cpython-311.opt-1.pyc", ".cpython-311.opt-2.pyc", ".cpython-311.pyc")


def test_endings_that_come_together_get_a_sign() -> None:
    known = endings.signs([COMPILED], "")
    assert known == {TRIPLE: "*"}
    assert endings.rules(known) == '; "x*" is x.cpython-311.opt-1.pyc x.cpython-311.opt-2.pyc x.cpython-311.pyc'
    assert re.fullmatch(endings.RULES, endings.rules(known))
    assert endings.read(endings.rules(known)) == {"*": TRIPLE}
    assert endings.signed(["main.py", *COMPILED, "spam.pyc"], known) == ["main.py", "spam*", "eggs*", "ham*", "bacon*", "spam.pyc"]
    assert endings.unsigned("spam*", {"*": TRIPLE}) == COMPILED[:3]
    assert endings.unsigned("spam.py", {"*": TRIPLE}) == ["spam.py"]


def test_a_sign_that_a_name_holds_is_not_used() -> None:
    assert endings.signs([COMPILED], "a*b ~") == {TRIPLE: "^"}
    assert endings.signs([COMPILED], "*~^%") == {}


def test_what_is_rare_or_said_twice_or_no_plain_ending_gets_none() -> None:
    assert endings.signs([COMPILED[:3]], "") == {}
    assert endings.signs([["README", "README"] * 50], "") == {}
    assert endings.signs([[f"file{i}.{e}" for i in range(20) for e in ("a;b", 'c"')]], "") == {}
    assert endings.signs([[".git", ".env", ".x"]] * 50, "") == {}


def test_a_list_of_compiled_files_reads_like_this() -> None:
    text = "\n".join(f"lib/{folder}/{name}" for folder in "ab" for name in COMPILED)
    made = Paths().compress(text, Goal())
    assert made is not None
    header, *rows = made.text.split("\n")
    assert header.endswith('; "x*" is x.cpython-311.opt-1 x.cpython-311.opt-2 x.cpython-311]')
    assert rows == ["a/: spam* eggs* ham* bacon*", "b/: spam* eggs* ham* bacon*"]
    assert Paths().expand(made.text) == text
    assert Paths().compress(made.text, Goal()) is None


def test_folders_that_hold_the_same_share_a_tail() -> None:
    folders = [f"{name}-{i}.1.dist-info" for i, name in enumerate(("alpha", "beta", "gamma", "delta", "omega"))]
    rows = [f"{name}/: entry_points top_level" for name in folders]
    known = endings.tails(["./: README", *rows, "other/: top_level"], "")
    tail = ".dist-info/: entry_points top_level"
    assert known == {tail: "|"}
    assert endings.tail_rules(known) == f'; "x|" is x{tail}'
    assert re.fullmatch(endings.TAIL_RULES, endings.tail_rules(known))
    assert endings.read_tails(endings.tail_rules(known)) == {"|": tail}
    assert endings.cut_tail(rows[0], known) == "alpha-0.1|"
    assert [endings.with_tail(endings.cut_tail(row, known), {"|": tail}) for row in rows] == rows
    assert endings.tails(rows, "|&$#") == {}
    assert endings.tails([f'{i}/: "some names";' for i in range(99)], "") == {}


def test_a_list_of_packages_reads_like_this() -> None:
    text = "".join(f"/srv/lib/{name}-{i}.1.dist-info/{file}.txt\n" for i, name in enumerate(("alpha", "beta", "gamma", "delta", "omega")) for file in ("entry_points", "top_level"))
    made = Paths().compress(text, Goal())
    assert made is not None
    header, *rows = made.text.split("\n")
    assert header.endswith('; "x|" is x.dist-info/: entry_points top_level]')
    assert rows == ["alpha-0.1|", "beta-1.1|", "gamma-2.1|", "delta-3.1|", "omega-4.1|", ""]
    assert Paths().expand(made.text) == text


STEMS = st.sampled_from(["a", "some_name", "x.y", ".z", "b*", "", "é", "x"])
PARTS = st.lists(st.sampled_from(["", ".o", ".d.ts", ".js", ".js.map", ".test-1", "/", "(1)", ";"]), min_size=1, max_size=4)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(STEMS, PARTS), min_size=1, max_size=4), st.integers(3, 20), st.sampled_from(["", "/srv/app/", "./"]))
def test_every_list_comes_back(families: list[tuple[str, list[str]]], times: int, root: str) -> None:
    text = "\n".join(f"{root}d{i}/{stem}{i % 3}{part}" for i in range(times) for stem, parts in families for part in parts)
    made = Paths().compress(text, Goal())
    if made is not None:
        assert Paths().expand(made.text) == text
        assert len(made.text) < len(text)
