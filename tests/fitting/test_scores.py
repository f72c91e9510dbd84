from __future__ import annotations

import pytest
from hypothesis import given, settings

from headroom.dialects.ties import Ties
from headroom.dialects.turns import Call
from headroom.fitting.elements import Element
from headroom.fitting.scores import WEIGHTS, Factors, Order, factors, scores
from headroom.fitting.units import units
from tests.fitting.conversations import PLANS, WRITERS, Exchange, read


def turn(called: str, text: str, *, tool: str = "Bash", error: bool = False) -> list[Element]:
    return [
        Element(Ties("assistant", (Call("a", tool, called),), ("a",)), 10, called=called),
        Element(Ties("tool", answered=("a",)), 1000, text, error=error),
    ]


def user(text: str) -> Element:
    return Element(Ties(words=True), 10, text)


FLAT = "nothing of note here"


def found(*turns: list[Element], last: str = "go on") -> tuple[Factors, ...]:
    elements = [user("begin"), *(each for turn in turns for each in turn), Element(Ties("assistant", words=True)), user(last)]
    return factors(units([each.ties for each in elements], live=0), elements, {"Learned": 0.7})


@pytest.mark.parametrize(("turns", "last", "factor", "values"), [
    pytest.param([turn("a", FLAT), turn("b", FLAT)], "", "recency", [0.25, 0.5], id="recency"),
    pytest.param([turn("a", FLAT), turn("b", "the parser of dates")], "repair the parser", "similarity", [0.0, 1.0], id="similarity"),
    pytest.param([turn("a", FLAT), turn("b", FLAT, tool="Learned")], "", "importance", [0.0, 0.7], id="importance"),
    pytest.param([turn("a", FLAT, error=True), turn("b", "error: no"), turn("c", FLAT)], "", "errors", [1.0, 0.5, 0.0], id="errors"),
    pytest.param([turn("ls", "src/main.py src/rare.py"), turn("cat src/rare.py", FLAT)], "", "references", [0.25, 0.0], id="used by a call"),
    pytest.param([turn("ls", "src/main.py"), turn("b", "src/main.py")], "", "references", [0.0, 0.0], id="printed again is not used"),
    pytest.param([turn("a", "x x x x"), turn("b", "v w x y")], "", "density", [0.25, 1.0], id="density"),
])
def test_each_factor(turns: list[list[Element]], last: str, factor: str, values: list[float]) -> None:
    assert [getattr(each, factor) for each in found(*turns, last=last)[: len(turns)]] == values


def test_words_are_no_rounds() -> None:
    assert [each.words for each in found(turn("a", FLAT))] == [0.0, 1.0, 1.0]


def test_weights_sum_to_one_but_for_words() -> None:
    rest = WEIGHTS.recency + WEIGHTS.similarity + WEIGHTS.importance + WEIGHTS.errors + WEIGHTS.references + WEIGHTS.density
    assert round(rest, 9) == 1.0


@pytest.mark.parametrize(("order", "first"), [("oldest", [0, 1, 2, 3, 4]), ("position", [0, 2, 1, 3, 4])])
def test_what_goes_first_without_scores(order: Order, first: list[int]) -> None:
    elements = [user("a"), *turn("a", FLAT), Element(Ties("assistant", words=True)), user("b"), *turn("b", FLAT), Element(Ties("assistant", words=True)), user("c")]
    ranks = scores(units([each.ties for each in elements]), elements, {}, order)
    assert sorted(range(len(ranks)), key=ranks.__getitem__) == first


def test_a_listing_that_led_nowhere_goes_before_an_error_that_is_worked_on() -> None:
    elements = [
        user("make the dates parse"), *turn("python parse.py", "ValueError in src/dates.py"), *turn("ls /usr", "x\n" * 300),
        *turn("cat src/dates.py", "def parse(): …"), Element(Ties("assistant", words=True), text="src/dates.py has it"), user("repair dates"),
    ]
    ranks = scores(units([each.ties for each in elements], live=0), elements, {}, "scores")
    assert min(range(3), key=ranks.__getitem__) == 1


@pytest.mark.parametrize("name", WRITERS)
@settings(deadline=None, max_examples=25)
@given(plan=PLANS)
def test_every_factor_is_a_share(name: str, plan: list[Exchange]) -> None:
    elements = read(name, WRITERS[name](plan))
    for each in factors(units([each.ties for each in elements]), elements, {"Read": 1.0}):
        assert all(0 <= getattr(each, factor) <= 1 for factor in Factors.__slots__)


@pytest.mark.parametrize("text", ["a" * 200_000, "/" * 200_000, "a/b_" * 50_000, "A-1 " * 50_000, "(" * 200_000], ids=lambda text: text[:4])
def test_odd_texts_cost_no_more_than_others(text: str) -> None:
    assert len(found(turn("a", text), turn(text, text), last=text)) == 4
