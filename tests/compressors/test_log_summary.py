from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.base import Goal, TooCostly
from headroom.compressors.lines import view
from headroom.compressors.log_summary import MAX_CHARS, MIN_LINES, LogSummary

SUMMARY = LogSummary()
GOAL = Goal()


def routine(i: int) -> str:
    return f"2026-11-21 10:{i // 60 % 60:02}:{i % 60:02} INFO worker {i % 7} handled request {i * 37} in {i % 90} ms"


LOG = [routine(i) for i in range(300)]


def shown(lines: list[str], query: str = "") -> set[int]:
    """Indexes of the lines that a summary shows."""
    made = SUMMARY.compress("\n".join(lines), Goal(query=query))
    assert made is not None
    assert made.grade == "lossy"
    found = view.numbered(made.text, lines)
    assert found is not None
    return set(found)


def test_what_has_times_is_a_log() -> None:
    assert SUMMARY.sniff("\n".join(LOG), GOAL) > 0.5
    assert SUMMARY.sniff("def f():\n    return 1\n" * 40, GOAL) == 0.0


def test_a_kind_is_shown_once_with_its_count() -> None:
    made = SUMMARY.compress("\n".join(LOG), GOAL)
    assert made is not None
    first, second, gap, *rest = made.text.split("\n")
    assert (first, second, gap) == (f"{LOG[0]} [×300]", LOG[1], "… 3-297")
    assert rest == LOG[-3:]
    assert (made.omitted, made.lines) == ("lines 3-297 of 300", "3-297")


def test_whatever_came_once_is_shown() -> None:
    lines = [*LOG]
    lines[50], lines[150] = "2026-11-21 10:00:50 INFO config reloaded from /etc/app.toml", "2026-11-21 10:02:30 DEBUG x"
    assert {50, 150} <= shown(lines)


HIDDEN = {
    "in a value": [f"2026-11-21 10:{i // 60:02}:{i % 60:02},{i:03}:INFO:db:query took {i} ms" for i in range(200)],
    "among words that vary": [f"10:{i // 60:02}:{i % 60:02} INFO worker result: INFO{chr(97 + i % 19) * (1 + i // 19)}" for i in range(200)],
}


@pytest.mark.parametrize("lines", HIDDEN.values(), ids=HIDDEN)
def test_trouble_is_a_kind_of_its_own_wherever_in_the_line_it_stands(lines: list[str]) -> None:
    told = [*lines]
    for at, level in ((77, "ERROR"), (120, "CRITICAL")):
        before, _, after = told[at].rpartition("INFO")
        told[at] = before + level + after
    assert {77, 120} <= shown(told)


def test_trouble_is_shown_first_and_last_with_its_trace() -> None:
    lines = [*LOG]
    trace = ["java.io.IOException: broken pipe", "\tat a.B.c(B.java:7)", "\tat a.B.d(B.java:9)"]
    for at in (40, 120, 240):
        lines[at : at + 4] = [f"2026-11-21 10:00:{at % 60:02} ERROR write of block {at} failed", *trace]
    found = shown(lines)
    assert {40, 41, 42, 43, 240} <= found
    assert 120 not in found


def test_what_the_question_names_is_shown_unless_it_is_the_rule() -> None:
    assert 123 in shown(LOG, f"why did request {123 * 37} take so long?")
    assert len(shown(LOG, "what does worker 3 do")) < 10


def test_names_that_vary_are_one_kind_where_most_is_said_alike() -> None:
    dice = random.Random(1)
    lines = [f"Nov 21 10:11:{i % 60:02} host sshd[{i}]: Failed password for invalid user {''.join(dice.choices('abcdefgh', k=8))} from 10.0.0.{i % 9} port {i}" for i in range(200)]
    assert len(shown(lines)) < 12


def test_kinds_that_share_little_more_than_their_header_stay_apart() -> None:
    words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"]
    odd = [f"2026-11-21 10:00:00 INFO {a} {b} {a}{b} done" for a in words for b in words[:3]]
    assert {300 + i for i in range(len(odd))} <= shown([*LOG, *odd, *LOG])


@pytest.mark.parametrize("lines", [LOG[: MIN_LINES - 1], [f"x{chr(97 + i % 26) * i}" for i in range(100)], ["… 2-3", *LOG]])
def test_no_summary_where_there_is_nothing_to_leave_out(lines: list[str]) -> None:
    assert SUMMARY.compress("\n".join(lines), GOAL) is None


def test_too_long_a_log_is_too_costly() -> None:
    with pytest.raises(TooCostly):
        SUMMARY.compress("x" * (MAX_CHARS + 1), GOAL)


events = st.sampled_from(["open {}", "close {} of {}", "error at {}", "retry", "", "\tat x({})", "warn: {} é"])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(events, st.integers(0, 99)), min_size=MIN_LINES, max_size=200), st.sampled_from(["", "open 7", "why retry"]), st.sampled_from(["", "\n"]))
def test_every_kind_survives_and_what_is_shown_is_verbatim(rows: list[tuple[str, int]], query: str, end: str) -> None:
    lines = [kind.replace("{}", str(n)) for kind, n in rows]
    text = "\n".join(lines) + end
    made = SUMMARY.compress(text, Goal(query=query))
    if made is None:
        return
    found = view.numbered(made.text, text.split("\n"))
    assert found is not None
    seen = {rows[i][0] for i in found if i < len(rows)}
    assert seen == {kind for kind, _ in rows}
    assert SUMMARY.compress(text, Goal(query=query)) == made
    again = SUMMARY.compress(made.text, Goal(query=query))
    assert again is None or len(again.text) <= len(made.text)
