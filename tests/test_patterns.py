from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.patterns import (
    MAX_PATTERNS,
    SPARED,
    WINDOW,
    Counts,
    Evidence,
    Pattern,
    Patterns,
    Policies,
    Policy,
    at_least,
    decide,
    how_of,
)

JSON, LINES = "json-0123456789abcdef", "lines-0123456789abcdef"
ASKED = Counts(compressed=6, lossy=6, whole=6, before=600, after=60)

small = st.integers(0, 40)
counts = st.builds(Counts, small, small, small, small, small, small, small, small, small)


@pytest.mark.parametrize(("trials", "asked", "whole", "policy"), [
    (0, 0, 0, "as_is"), (4, 4, 4, "as_is"), (5, 5, 5, "whole"), (5, 4, 4, "gentle"), (5, 2, 0, "as_is"),
    (5, 5, 0, "gentle"), (100, 30, 0, "as_is"), (100, 40, 0, "gentle"), (100, 100, 59, "whole"), (100, 100, 50, "gentle"),
    (5, 50, 50, "whole"),
])
def test_what_follows_from_evidence(trials: int, asked: int, whole: int, policy: Policy) -> None:
    assert decide(Evidence(trials, asked, whole), "as_is") == policy


@pytest.mark.parametrize(("whole", "current", "policy"), [
    (50, "as_is", "gentle"), (50, "gentle", "gentle"), (50, "whole", "whole"), (40, "whole", "gentle"),
    (30, "as_is", "as_is"), (30, "gentle", "gentle"), (20, "gentle", "as_is"), (20, "whole", "as_is"),
])
def test_a_policy_is_not_left_for_a_trifle(whole: int, current: Policy, policy: Policy) -> None:
    assert decide(Evidence(100, whole, whole), current) == policy


@given(st.integers(1, 300), st.integers(0, 600))
def test_the_bound_lies_below_the_rate_and_grows_with_it(trials: int, hits: int) -> None:
    bound = at_least(hits, trials)
    assert 0.0 <= bound <= min(hits, trials) / trials + 1e-12
    assert bound <= at_least(hits + 1, trials) + 1e-12
    assert bound <= at_least(2 * min(hits, trials), 2 * trials) + 1e-12


@given(counts, counts, counts)
def test_counts_add_up_in_any_order(a: Counts, b: Counts, c: Counts) -> None:
    assert a.plus(b).plus(c) == c.plus(a).plus(b)
    assert Pattern("t").learn(a).learn(b).counts == a.plus(b)


@given(st.lists(counts, max_size=30))
@settings(deadline=None, max_examples=100)
def test_evidence_is_bounded_and_the_policy_follows_from_it(news: list[Counts]) -> None:
    pattern = Pattern("t")
    for each in news:
        before = pattern.policy
        pattern = pattern.learn(each)
        assert pattern.evidence.trials <= WINDOW
        assert pattern.policy == decide(pattern.evidence, before)


def test_a_policy_is_forgotten_when_nothing_confirms_it() -> None:
    pattern = Pattern("t").learn(ASKED)
    assert pattern.policy == "whole"
    pattern = pattern.learn(Counts(spared=SPARED - 1))
    assert pattern.policy == "whole"
    assert pattern.learn(Counts(spared=1)).policy == "as_is"
    assert Pattern("t").learn(replace(ASKED, lossy=100, whole=100)).learn(Counts(spared=1000 * SPARED)).policy == "as_is"


def test_a_tenant_goes_by_its_own_where_it_has_evidence() -> None:
    patterns = Patterns()
    calm = Counts(compressed=9, lossy=9)
    patterns.learn({("", JSON): ("T", ASKED), ("", LINES): ("T", ASKED), ("a", JSON): ("T", calm), ("b", JSON): ("T", Counts(lossy=1))})
    found = patterns.policies()
    assert found["a"].table == {LINES: "whole"}
    assert found[""].table == {LINES: "whole", JSON: "whole"}
    assert "b" not in found  # nothing of its own: the pool's
    assert (found["a"].of(LINES), found["a"].of(JSON)) == ("whole", "as_is")


def test_what_was_unheard_of_for_longest_goes_first() -> None:
    patterns = Patterns()
    for i in range(MAX_PATTERNS + 5):
        patterns.learn({("", f"n{i}"): ("T", Counts(compressed=1)), ("", "kept"): ("T", Counts(compressed=1))})
    assert len(patterns.rows) == MAX_PATTERNS
    assert ("", "kept") in patterns.rows
    assert ("", "n0") not in patterns.rows


policies = st.dictionaries(st.text("abc0-", max_size=5), st.sampled_from(["gentle", "whole"]), max_size=6)


@given(policies, policies, policies)
def test_a_version_names_one_table(a: dict[str, Policy], b: dict[str, Policy], tools: dict[str, Policy]) -> None:
    assert (Policies(a).version == Policies(b).version) is (a == b)
    assert Policies(dict(reversed(a.items()))).version == Policies(a).version
    assert Policies.decode(Policies(a, tools).encode()) == Policies(a, tools)
    assert (Policies(a, tools).version == "") is (not a)


def test_a_tool_is_as_important_as_what_is_missed_most_of_it() -> None:
    patterns = Patterns()
    lines = Counts(compressed=6, lossy=6, lines=6)
    patterns.learn({
        ("", JSON): ("T", ASKED), ("", LINES): ("T", lines), ("", "x"): ("U", lines), ("", "y"): ("V", Counts(compressed=9, lossy=9)),
    })
    assert patterns.policies()[""].importance == {"T": 1.0, "U": 0.5}


def test_what_is_shown() -> None:
    patterns = Patterns()
    patterns.learn({("a", JSON): ("T", ASKED), ("", LINES): ("U", Counts(compressed=9)), ("b", LINES): ("U", Counts(compressed=1, query=2))})
    assert patterns.summary() == {
        "patterns": 3, "gentle": 0, "whole": 1, "compressed": 16, "lossy": 6, "dropped": 0, "spared": 0, "retrieved": 8,
    }
    assert [(row["tool"], row["shared"], row["policy"], row["retrieved"]) for row in patterns.show("a")] == [
        ("U", True, "as_is", 0), ("T", False, "whole", 6),
    ]
    assert [row["compressed"] for row in patterns.show()] == [9, 6, 1]
    assert patterns.show()[1]["evidence"] == {"trials": 6, "asked": 6, "whole": 6}


def test_how_much_is_asked_for() -> None:
    assert [how_of(None, None), how_of("1-3", None), how_of(None, "a"), how_of("1-3", "a")] == ["whole", "lines", "query", "query"]


@pytest.mark.parametrize("row", [
    b"", b"[]", b"1", b"{", b"{}", b'{"kinds": {}}', b'{"kinds": [], "tools": {}}', b'{"kinds": {"a": "half"}, "tools": {}}',
    b'{"kinds": {}, "tools": {"a": ["whole"]}}',
])
def test_what_is_no_table_of_policies(row: bytes) -> None:
    with pytest.raises(ValueError, match=r"table|Expecting"):
        Policies.decode(row)
