from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.cacheguard import LEAST, CacheGuard, Cause, Held, Scope, Terms, Turn, Verdict, terms
from headroom.conversation import Conversation, Part, Usage
from headroom.prefix import Prefix, prefix

SCOPE = Scope("m", 1)
TERMS = Terms(lifetime=300.0, long=3600.0, minimum=1000)


def talk(*texts: str, forms: dict[int, str] | None = None, name: str = "talk", tools: str = "tools") -> Prefix:
    parts = tuple(Part("tool", text, ("messages", i)) for i, text in enumerate(texts))
    conversation = Conversation("m", parts, others=(tools,), definitions=((("tools", 0), tools),))
    return prefix(conversation, name, range(len(parts)), {parts[i].at: form for i, form in (forms or {}).items()})


def used(read: int | None, written: int | None = 0, fresh: int | None = 0) -> Usage:
    return Usage(fresh, 10, read, written)


def sent(what: Prefix, usage: Usage, at: float = 0.0, scope: Scope = SCOPE) -> Turn:
    return Turn(scope, what, usage, at, at + 1)


A, B, C = "a" * 95, "b" * 100, "c" * 100
BEFORE = sent(talk(A, B), used(0, 10_000))
"""Tools and A are one half of it, B is the other."""
GROWN = talk(A, B, C)

CASES: tuple[tuple[str, Turn, Turn, Verdict], ...] = (
    ("appended to, and read", BEFORE, sent(GROWN, used(10_000, 5_000), 10), Verdict("hit", 10_000)),
    ("about", BEFORE, sent(GROWN, used(9_900), 10), Verdict("hit", 10_000)),
    ("appended to, and not read", BEFORE, sent(GROWN, used(0), 10), Verdict("unexplained", 10_000)),
    ("the pause was too long", BEFORE, sent(GROWN, used(0, 15_000), 301), Verdict("expired")),
    ("outlived its lifetime", BEFORE, sent(GROWN, used(10_000), 3000), Verdict("hit", 10_000)),
    ("too short", sent(talk(A, B), used(0, 0, 800)), sent(GROWN, used(0, 0, 900), 10), Verdict("short")),
    ("too short to cache, writes unreported", sent(talk(A, B), used(0, None, 800)), sent(GROWN, used(0, None, 900), 10), Verdict("short")),
    ("no caching asked for", sent(talk(A, B), used(0, 0, 8000)), sent(GROWN, used(0, 0, 9000), 10), Verdict("short")),
    ("other system text or turn", BEFORE, sent(talk("other", B), used(100), 10), Verdict("client", 250)),
    ("other tools", BEFORE, sent(talk(A, B, tools="more"), used(0), 10), Verdict("client", 0)),
    ("a turn left out", BEFORE, sent(talk(B), used(0), 10), Verdict("client", 250)),
    ("the client's change came first", BEFORE, sent(talk("other", B, forms={1: "x"}), used(0), 10), Verdict("client", 250)),
    ("our change", BEFORE, sent(talk(A, B, C, forms={1: "x"}), used(5_000, 3_000), 10), Verdict("bust", 10_000, 5_000)),
    ("our change, meant so", BEFORE, replace(sent(talk(A, B, C, forms={1: "x"}), used(5_000, 3_000), 10), rewritten=True), Verdict("rewritten", 10_000, 5_000)),
    ("our change came first", BEFORE, sent(talk(A, "other", forms={0: "x"}), used(0), 10), Verdict("bust", 5_000, 5_000)),
    ("our change after too long a pause", BEFORE, sent(talk(A, B, forms={1: "x"}), used(0), 301), Verdict("expired")),
    ("our change, yet all was read", BEFORE, sent(talk(A, B, forms={1: "x"}), used(10_000), 10), Verdict("hit", 10_000)),
    ("our change in what was not cached", sent(talk(A, B), used(0, 800)), sent(talk(A, B, forms={1: "x"}), used(0), 10), Verdict("short")),
    ("our change, the provider says nothing of reads", BEFORE, sent(talk(A, B, forms={1: "x"}), used(None), 10), Verdict("bust", 10_000, 5_000)),
    ("our change, the provider says nothing", sent(talk(A, B), Usage()), sent(talk(A, B, forms={1: "x"}), Usage(), 10), Verdict("bust")),
    ("the provider says nothing", sent(talk(A, B), Usage()), sent(GROWN, Usage(), 10), Verdict("unreported")),
    ("the provider caches all and reports no writes", sent(talk(A, B), used(0, None, 10_000)), sent(GROWN, used(9_984, None, 5_016), 10), Verdict("hit", 10_000)),
    ("the answer before took two rounds", sent(talk(A, B), Usage(0, 1, 10_000, 13_000, rounds=(used(0, 10_000), used(10_000, 3_000)))), sent(GROWN, used(12_900), 10), Verdict("hit", 13_000)),
    ("this answer takes two rounds", BEFORE, sent(GROWN, Usage(0, 1, 14_000, 17_000, rounds=(used(0, 14_000), used(14_000, 3_000))), 10), Verdict("unexplained", 10_000)),
    ("another model", BEFORE, sent(GROWN, used(0), 10, Scope("other", 1)), Verdict("first")),
    ("another account", BEFORE, sent(GROWN, used(0), 10, Scope("m", 2)), Verdict("first")),
    ("another conversation", BEFORE, sent(talk(A, B, name="other"), used(0), 10), Verdict("first")),
    ("the answer before had not begun", BEFORE, sent(talk(A, B, forms={1: "x"}), used(0), 0.5), Verdict("parallel")),
)


@pytest.mark.parametrize(("before", "now", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_whose_doing_it_was(before: Turn, now: Turn, expected: Verdict) -> None:
    guard = CacheGuard()
    assert guard.observe(before, TERMS) == Verdict("first")
    assert guard.observe(now, TERMS) == expected
    assert guard.append_only("talk") is (expected.cause == "bust")


@pytest.mark.parametrize(("usages", "cold"), [
    ([], False),
    ([used(0, 10_000)], False),
    ([used(0, 10_000), used(10_000, 0)], False),
    ([used(0, 10_000), used(0, 15_000)], False),
    ([used(0, 0, 10_000)], True),
    ([used(0, None, 10_000)], False),
    ([used(0, None, 10_000), used(0, None, 15_000)], True),
    ([used(0, None, 10_000), used(0, None, 15_000), used(14_000, None, 1_000)], False),
    ([Usage()], False),
], ids=["never seen", "written", "read", "written again", "no caching", "first, unreported writes", "not found", "found again", "silent"])
def test_a_conversation_is_cold_while_nothing_of_it_is_cached(usages: list[Usage], cold: bool) -> None:
    guard = CacheGuard()
    for turn, usage in enumerate(usages):
        guard.observe(sent(talk(*[A] * (turn + 1)), usage, 10.0 * turn), TERMS)
    assert guard.cold("talk") is cold


@pytest.mark.parametrize(("second", "cold"), [
    (sent(talk(A, A), used(0, None, 15_000), 10.0), True),
    (sent(talk(A, A), used(0, None, 15_000), 10_000.0), False),
    (sent(talk(B, A), used(0, None, 15_000), 10.0), False),
], ids=["not found", "expired", "client"])
def test_a_provider_that_reports_no_writes_has_written_what_it_could_not_find(second: Turn, cold: bool) -> None:
    guard = CacheGuard()
    guard.observe(sent(talk(A), used(0, None, 10_000), 0.0), TERMS)
    guard.observe(second, TERMS)
    assert guard.cold("talk") is cold


@pytest.mark.parametrize(("usages", "parts", "held"), [
    ([], 0, None),
    ([used(0, 10_000)], 1, Held(1.0)),
    ([used(0, 10_000)], 2, None),
    ([used(0, 10_000), used(10_000, 2_000)], 2, Held(1.0)),
    ([used(0, None, 10_000), used(9_984, None, 5_000)], 2, Held(1.0)),
    ([used(0, 10_000), used(6_000, 1_500, 2_500)], 2, Held(0.75)),
    ([used(0, 0, 10_000)], 1, Held(0.0)),
    ([replace(used(0, 10_000), cache_write_long_tokens=10_000), used(10_000, 0)], 2, Held(1.0, long=True)),
    ([Usage()], 1, None),
], ids=["never seen", "written", "not the last request", "read and written", "unreported writes", "partly", "no caching", "long", "silent"])
def test_what_is_cached_of_a_conversation_is_what_its_last_request_was_told(usages: list[Usage], parts: int, held: Held | None) -> None:
    guard = CacheGuard()
    for turn, usage in enumerate(usages):
        guard.observe(sent(talk(*[A] * (turn + 1)), usage, 10.0 * turn), TERMS)
    assert guard.held("talk", parts) == held


def test_a_cache_that_was_asked_for_its_long_lifetime_has_it() -> None:
    guard = CacheGuard()
    guard.observe(sent(talk(A, B), replace(used(0, 10_000), cache_write_long_tokens=10_000)), TERMS)
    assert guard.observe(sent(talk(A, B, forms={1: "x"}), used(0), 3000), TERMS).cause == "bust"


def test_a_cache_that_outlived_its_short_lifetime_has_the_long_one() -> None:
    guard, change = CacheGuard(), talk(A, B, forms={1: "x"})
    guard.observe(BEFORE, TERMS)
    guard.observe(sent(talk(A, B), used(10_000), 1000), TERMS)
    assert guard.observe(sent(change, used(0), 2000), TERMS).cause == "bust"


def test_once_bust_a_conversation_stays_append_only_and_begins_anew() -> None:
    guard, change = CacheGuard(), talk(A, B, forms={1: "x"})
    for what, usage, at, cause in (
        (talk(A, B), used(0, 10_000), 0, "first"), (change, used(0, 9_000), 10, "bust"), (change, used(9_000), 20, "hit"),
    ):
        assert guard.observe(sent(what, usage, at), TERMS).cause == cause
    assert guard.append_only("talk")
    assert not guard.append_only("other")


def test_an_older_exchange_that_ends_later_is_not_the_last() -> None:
    guard = CacheGuard()
    for what, at, cause in ((talk(A, B), 5.0, "first"), (talk("side"), 4.0, "parallel"), (talk(A, B, C), 10.0, "hit")):
        assert guard.observe(sent(what, used(10_000), at), TERMS).cause == cause


def test_memory_is_bounded() -> None:
    guard = CacheGuard(max_bytes=3 * BEFORE.prefix.bytes)
    for n in range(10):
        guard.observe(sent(talk(A, B, name=str(n)), used(0, 10_000)), TERMS)
    seen: list[Cause] = [guard.observe(sent(talk(A, B, name=str(n)), used(10_000), 10), TERMS).cause for n in (9, 0)]
    assert seen == ["hit", "first"]


def test_terms_by_provider() -> None:
    assert terms("anthropic", 512) == Terms(300, 3600, 512)
    assert terms("openai", None) == terms("openai", 0) == Terms(1800, 43200, LEAST)
    assert terms("gemini", 4096) == terms("unheard of", 4096) == Terms(300, 300, 4096)


COUNTS = st.none() | st.integers(0, 100_000)
TURN = st.tuples(st.integers(1, 3), st.builds(Usage, COUNTS, COUNTS, COUNTS, COUNTS), st.floats(0, 5000), st.sampled_from(["", "short"]))


@settings(deadline=None, max_examples=200)
@given(st.lists(TURN, min_size=1, max_size=8))
def test_what_is_only_appended_to_is_never_a_bust(turns: list[tuple[int, Usage, float, str]]) -> None:
    """Whatever the provider reports, however long the pauses."""
    guard, texts, forms, now = CacheGuard(), list[str](), dict[int, str](), 0.0
    for more, usage, pause, form in turns:
        if form:
            forms[len(texts)] = form
        texts += [f"{len(texts) + i}" * 50 for i in range(more)]
        now += pause
        verdict = guard.observe(replace(sent(talk(*texts, forms=forms), usage, now), answered=now), TERMS)
        assert (verdict.cause == "bust", verdict.lost) == (False, 0)
    assert not guard.append_only("talk")


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 5), st.integers(0, 20_000), COUNTS, st.floats(2, 300))
def test_a_bust_costs_at_most_what_was_held_and_our_change_is_never_the_clients(
    place: int, held: int, read: int | None, pause: float
) -> None:
    guard, texts = CacheGuard(), [f"{i}" * 50 for i in range(6)]
    guard.observe(sent(talk(*texts), used(0, held)), TERMS)
    verdict = guard.observe(sent(talk(*texts, forms={place: "x"}), used(read), pause), TERMS)
    assert verdict.cause in ("bust", "hit", "short")
    assert 0 <= verdict.lost <= held
