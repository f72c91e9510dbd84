from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.conversation import Json
from headroom.dialects.document import Document, Rewrite
from headroom.fitting.choice import Cut
from headroom.fitting.decision import Decision
from headroom.fitting.rewriting import rewrites
from headroom.positions import positions
from tests.fitting.conversations import NAMED

ANTHROPIC = NAMED["anthropic"]


def say(n: int) -> Json:
    return {"role": "assistant", "content": [{"type": "thinking", "signature": "s"}, {"type": "text", "text": str(n)}]}


def decided(dropped: Sequence[int] = (), notes: Sequence[int] = (), bare: Sequence[int] = ()) -> Decision:
    return Decision((Cut(9, {}, frozenset(dropped), 2, 1),), dict.fromkeys(notes, "N"), {}, frozenset(bare))


def brackets(start: int, stop: int) -> Rewrite:
    """Puts something before and behind."""
    opens, closes = (json.dumps({"content": [{"type": "text", "text": sign}]}) for sign in "[]")
    return Rewrite("messages", start, stop, lambda sources: [opens, *sources, closes])


def left(decision: Decision, *others: Rewrite, count: int = 6) -> str:
    values = [say(n) for n in range(count)]
    document = Document.parse(json.dumps({"model": "m", "messages": values}).encode())
    body = json.loads(document.splice({}, rewrites(decision, ANTHROPIC, others)))
    return " ".join("+".join(map(_shown, each["content"])) for each in body["messages"])


def _shown(block: Json) -> str:
    return "*" if block["type"] == "thinking" else str(block["text"])


@pytest.mark.parametrize(("decision", "others", "expected"), [
    pytest.param(Decision(), (), "*+0 *+1 *+2 *+3 *+4 *+5", id="nothing"),
    pytest.param(decided([1, 2, 5], [0]), (), "*+0+N *+3 *+4", id="left out, with a note"),
    pytest.param(decided([1, 2], [0], [3]), (), "*+0+N 3 *+4 *+5", id="without reasoning"),
    pytest.param(decided([], [0]), (brackets(1, 3),), "*+0+N [ *+1 *+2 ] *+3 *+4 *+5", id="beside what is woven in"),
    pytest.param(decided([1, 2], [0]), (brackets(1, 3),), "*+0+N *+3 *+4 *+5", id="what went took it along"),
    pytest.param(decided([2], [0]), (brackets(1, 3),), "*+0+N [ *+1 ] *+3 *+4 *+5", id="the next turn went"),
    pytest.param(decided([0], [2]), (brackets(1, 3),), "[ *+1 *+2+N ] *+3 *+4 *+5", id="the next turn has the note"),
    pytest.param(decided([], [], [3]), (brackets(1, 3), brackets(3, 5)), "*+0 [ *+1 *+2 ] [ 3 4 ] *+5", id="an answer loses all of its reasoning"),
])
def test_a_decision_in_a_body(decision: Decision, others: tuple[Rewrite, ...], expected: str) -> None:
    assert left(decision, *others) == expected


PLACES = st.frozensets(st.integers(0, 9))


@settings(deadline=None, max_examples=100)
@given(PLACES, PLACES, PLACES)
def test_what_is_left_is_known_by_its_place_in_the_clients_body(dropped: frozenset[int], notes: frozenset[int], bare: frozenset[int]) -> None:
    decision = decided(sorted(dropped), sorted(notes - dropped), sorted(bare - dropped))
    document = Document.parse(json.dumps({"messages": [say(n) for n in range(10)]}).encode())
    places = positions(document, {}, rewrites(decision, ANTHROPIC), "messages")["messages"]
    kept = [i for i in range(10) if i not in dropped]
    assert [*places.own] == kept
    for at, own in enumerate(kept):
        assert places.item(at, "content", 0 if own in bare else 1) == 1


@settings(deadline=None)
@given(PLACES, PLACES, PLACES, st.lists(st.integers(0, 7), max_size=3))
def test_each_element_is_treated_by_itself_and_what_is_woven_in_stays(
    dropped: frozenset[int], notes: frozenset[int], bare: frozenset[int], starts: list[int]
) -> None:
    decision = decided([*dropped], [*(notes - dropped)], [*(bare - dropped)])
    others: list[Rewrite] = []
    for start in sorted(starts):
        if not others or start >= others[-1].stop:
            others.append(brackets(start, start + 2))
    shown = left(decision, *others, count=10).split()
    assert [each.strip("*+N") for each in shown if each not in "[]"] == [str(n) for n in range(10) if n not in dropped]
    assert shown.count("[") == shown.count("]") == sum(each.start not in dropped for each in others)
    for n in decision.notes:
        assert any(each.endswith(f"{n}+N") for each in shown)
    for n in decision.bare:
        assert str(n) in [each.removesuffix("+N") for each in shown]
