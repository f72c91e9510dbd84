from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.conversation import Conversation, Part
from headroom.prefix import Common, Prefix, common, prefix

SYSTEM = Part("system", "s" * 10, ("system",))
TURNS = tuple(
    part for n in range(3) for part in (
        Part("user", "u" * 10, ("messages", 3 * n, "content")),
        Part("assistant", "a" * 10, ("messages", 3 * n + 1, "content")),
        Part("tool", f"{n}" * 20, ("messages", 3 * n + 2, "content")),
    )
)
TOOLS = ((("tools", 0), "d" * 10),)
TALK = Conversation("m", (SYSTEM, *TURNS), others=("d" * 10, "in 0", "in 1", "in 2"), definitions=TOOLS)
"""10 characters of definitions, 10 of system text, three rounds of 40; a tool's result is every third part."""


def made(talk: Conversation, forms: Mapping[int, str] | None = None, **more: object) -> Prefix:
    changes = {talk.parts[i].at: form for i, form in (forms or {}).items()}
    tools = [i for i, part in enumerate(talk.parts) if part.role == "tool"]
    return prefix(talk, "talk", tools, changes | more.pop("changes", {}), **more)  # type: ignore[operator, arg-type]


def with_part(i: int, text: str) -> Conversation:
    parts = list(TALK.parts)
    parts[i] = replace(parts[i], text=text)
    return replace(TALK, parts=tuple(parts))


def upto(n: int) -> Conversation:
    """The first rounds."""
    return replace(TALK, parts=TALK.parts[: 1 + 3 * n], others=TALK.others[: 1 + n])


@pytest.mark.parametrize(("earlier", "later", "expected"), [
    (made(TALK), made(TALK), Common(1, 1)),
    (made(upto(1)), made(upto(3)), Common(1, 1)),
    (made(upto(3)), made(upto(1)), Common(60 / 140, 60 / 140)),
    (made(upto(1)), made(TALK, {6: "short"}), Common(1, 1)),
    (made(TALK, {3: "x"}), made(TALK, {3: "x", 6: "y"}), Common(1, (20 + 20 + 1 + 20) / 121)),
    (made(TALK), made(TALK, {6: "y"}), Common(1, 80 / 140)),
    (made(TALK), made(TALK, {4: "", 5: "", 6: ""}), Common(1, 60 / 140)),
    (made(TALK, {6: "y"}), made(TALK), Common(1, 80 / 121)),
    (made(TALK), made(with_part(0, "new system")), Common(10 / 140, 10 / 140)),
    (made(TALK), made(with_part(3, "edited"), {6: "y"}), Common(40 / 140, 40 / 140)),
    (made(TALK), made(with_part(6, "edited"), {3: "x"}), Common(80 / 140, 40 / 140)),
    (made(TALK), made(replace(TALK, definitions=((("tools", 0), "other"),))), Common(0, 0)),
    (made(TALK), made(TALK, added=True), Common(1, 0)),
    (made(TALK), made(TALK, changes={("tools", 0): "d"}), Common(1, 0)),
    (made(TALK), made(TALK, woven={5: "a hidden round"}), Common(1, 70 / 140)),
    (made(TALK), made(TALK, woven={99: "behind the end"}), Common(1, 1)),
    (made(TALK), made(replace(TALK, others=("d" * 10, "in 0", "in 1", "changed"))), Common(2 / 3, 2 / 3)),
    (made(Conversation("m", ())), made(TALK), Common(0, 0)),
    (made(Conversation("m", ())), made(upto(1)), Common(0, 0)),
], ids=[
    "the same", "longer", "shorter", "what is new may be shortened", "a form appears", "a form appears where there was none", "a round is left out",
    "a form is lost", "system text", "the client's change comes first", "our change comes first", "definitions", "a tool of ours",
    "a definition compacted", "a round woven in", "behind the end", "a tool's input", "nothing before", "nothing before, few after",
])
def test_how_far_a_request_begins_like_the_one_before(earlier: Prefix, later: Prefix, expected: Common) -> None:
    found = common(earlier, later)
    assert [found.came, found.left] == pytest.approx([expected.came, expected.left])


FORMS = st.dictionaries(st.integers(1, 3).map(lambda n: 3 * n), st.sampled_from(["x", "yy"]))


@settings(deadline=None, max_examples=150)
@given(FORMS, st.integers(0, 3), st.integers(0, 3))
def test_what_is_appended_to_keeps_all_of_its_prefix(forms: dict[int, str], first: int, more: int) -> None:
    def turn(n: int) -> Prefix:
        talk = upto(n)
        return made(talk, {i: form for i, form in forms.items() if i < len(talk.parts)})

    assert common(turn(first), turn(min(3, first + more))) == Common(1, 1)


@settings(deadline=None, max_examples=150)
@given(FORMS, FORMS)
def test_less_may_leave_as_before_than_came_but_never_more(one: dict[int, str], other: dict[int, str]) -> None:
    found = common(made(TALK, one), made(TALK, other))
    assert 0 <= found.left <= found.came == 1
    assert (found.left == 1) == (one == other)


def test_its_size_is_counted() -> None:
    plain, changed = made(TALK), made(TALK, {3: "x"})
    assert plain.bytes < changed.bytes < made(replace(TALK, parts=TALK.parts * 2), {3: "x"}).bytes
