from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.conversation import Json
from headroom.dialects import DIALECTS
from headroom.dialects.base import Dialect
from headroom.dialects.ties import Ties
from headroom.dialects.turns import Call
from headroom.fitting.units import Unit, is_anchor, units
from tests.fitting.conversations import PLANS, ROUGH_PLANS, WRITERS, Exchange, Round, breaches, read
from tests.laws.test_dialect_laws import ANTHROPIC, CHAT, GEMINI, ODD, RESPONSES

USER, SYSTEM, MODEL = Ties(words=True), Ties("system", words=True), Ties("assistant", words=True)


def call(id: str) -> Ties:
    return Ties("assistant", (Call(id, "Read", None),), (id,))


def result(id: str) -> Ties:
    return Ties("tool", answered=(id,))


@pytest.mark.parametrize(("ties", "groups"), [
    pytest.param([], [], id="nothing"),
    pytest.param([USER, MODEL], [(0, 1)], id="a pair"),
    pytest.param([USER, MODEL, USER], [(0, 1), (2,)], id="the user's turn"),
    pytest.param([SYSTEM, USER, USER, MODEL], [(0, 1, 2, 3)], id="all that opens"),
    pytest.param([USER, call("a"), result("a"), MODEL], [(1, 2), (0, 3)], id="a round"),
    pytest.param([USER, call("a"), result("a")], [(0, 1, 2)], id="the last step goes with its words"),
    pytest.param([USER, call("a"), result("a"), call("b"), result("b"), USER], [(1, 2), (0, 3, 4), (5,)], id="interrupted"),
    pytest.param([USER, call("a"), call("b"), result("b"), result("a"), MODEL], [(1, 2, 3, 4), (0, 5)], id="parallel"),
    pytest.param([USER, call("a"), call("b"), result("b"), MODEL, result("a"), MODEL], [(1, 2, 3, 4, 5), (0, 6)], id="late result"),
    pytest.param([USER, call("a"), USER, result("a"), MODEL], [(1, 2, 3), (0, 4)], id="the user in between"),
    pytest.param([USER, call("a"), result("a"), call("a"), result("a"), MODEL], [(1, 2), (3, 4), (0, 5)], id="an id used again"),
    pytest.param([USER, call("a"), USER, MODEL], [(0, 1), (2, 3)], id="never answered"),
    pytest.param([result("x"), MODEL, USER], [(0,), (1,), (2,)], id="begins in the middle"),
])
def test_what_goes_together(ties: list[Ties], groups: list[tuple[int, ...]]) -> None:
    assert [unit.elements for unit in units(ties)] == groups


LONG = [USER, call("a"), result("a"), MODEL, USER, call("b"), result("b"), MODEL, USER, call("c"), result("c"), MODEL, USER]


def safe(ties: list[Ties], *, foreign: int = 0, live: int = 0) -> list[tuple[int, ...]]:
    return [unit.elements for unit in units(ties, foreign=foreign, live=live) if unit.safe]


def test_first_and_last_words_stay() -> None:
    assert safe(LONG) == [(0, 3), (12,)]
    assert safe(LONG, live=1) == [(0, 3), (8, 11), (12,)]
    assert safe(LONG, live=2) == [(0, 3), (9, 10), (8, 11), (12,)]


def test_foreign_history_stays() -> None:
    assert safe(LONG, foreign=6) == [(1, 2), (0, 3), (5, 6), (4, 7), (12,)]


@pytest.mark.parametrize("odd", [
    pytest.param(Ties("assistant", fixed=True), id="stands for more than itself"),
    pytest.param(result("elsewhere"), id="result of a call that is not here"),
])
def test_what_cannot_go_keeps_its_unit(odd: Ties) -> None:
    ties = [USER, call("a"), result("a"), odd, MODEL, USER, MODEL, USER]
    assert next(unit for unit in units(ties, live=0) if 3 in unit.elements).safe
    assert [unit.elements for unit in units(ties, live=0) if not unit.safe][-1] == (5, 6)


def test_a_system_message_keeps_the_users_turn_before_it() -> None:
    assert safe([USER, MODEL, USER, call("a"), result("a"), SYSTEM, MODEL, USER]) == [(0, 1), (2, 3, 4), (5, 6), (7,)]


def test_without_words_to_carry_a_note_all_stays() -> None:
    assert all(unit.safe for unit in units([Ties(), *LONG[1:]], live=0))
    assert [is_anchor(ties) for ties in (USER, Ties(), SYSTEM, MODEL, result("a"))] == [True, False, False, False, False]


def test_an_exchange_names_its_rounds() -> None:
    found = units([USER, call("a"), result("a"), call("b"), result("b"), MODEL, USER])
    assert found[2] == Unit((0, 5), (0, 1), exchange=True, safe=True)


@pytest.mark.parametrize("name", WRITERS)
@settings(deadline=None, max_examples=60)
@given(plan=ROUGH_PLANS, gone=st.sets(st.integers(0, 60)))
def test_each_element_is_in_one_unit(name: str, plan: list[Exchange], gone: set[int]) -> None:
    ties = [element.ties for element in read(name, WRITERS[name](plan))]
    flat = [i for unit in units(ties, gone) for i in unit.elements]
    assert sorted(flat) == [i for i in range(len(ties)) if i not in gone]


@pytest.mark.parametrize("name", WRITERS)
@settings(deadline=None, max_examples=60)
@given(plan=PLANS, seed=st.integers(0, 1000), live=st.integers(0, 3))
def test_whatever_goes_by_units_what_is_left_is_legal(name: str, plan: list[Exchange], seed: int, live: int) -> None:
    values = WRITERS[name](plan)
    assert not breaches(name, values)
    found = units([element.ties for element in read(name, values)], live=live)
    chance, gone = random.Random(seed), set[int]()
    dropped = {n for n, unit in enumerate(found) if not unit.safe and not unit.exchange and chance.random() < 0.7}
    dropped |= {n for n, unit in enumerate(found) if not unit.safe and unit.exchange and dropped.issuperset(unit.rounds)}
    for n in dropped:
        gone.update(found[n].elements)
    assert not breaches(name, [value for i, value in enumerate(values) if i not in gone])


@pytest.mark.parametrize("name", WRITERS)
def test_a_story_of_an_agent_in_each_dialect(name: str) -> None:
    plan = [Exchange((Round((8, 8)), Round((8,), True), Round((8, 8, 8)))), Exchange(()), Exchange((Round((8,)),), closes=False)]
    found = units([element.ties for element in read(name, WRITERS[name](plan))], live=1)
    assert [(unit.exchange, unit.safe) for unit in found] == [
        (False, False), (False, False), (False, False), (True, True), (True, False), (True, True),
    ]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@settings(deadline=None, max_examples=60)
@given(values=st.lists(ANTHROPIC | CHAT | RESPONSES | GEMINI | ODD, max_size=8))
def test_odd_elements_never_raise_and_no_pair_is_torn(dialect: Dialect, values: list[Json]) -> None:
    ties = [dialect.ties(value) for value in values]
    found = units(ties, live=0)
    assert sorted(i for unit in found for i in unit.elements) == list(range(len(ties)))
    for unit in found:
        if not unit.safe and not unit.exchange:
            made = {id for i in unit.elements for id in ties[i].made}
            assert all(made.issuperset(ties[i].answered) for i in unit.elements)
