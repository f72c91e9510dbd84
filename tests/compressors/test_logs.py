"""Logs come back byte for byte, whatever stands in them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.base import Goal, TooCostly
from headroom.compressors.lines.templates import CODES
from headroom.compressors.logs import MAX_CHARS, LogTemplates

LOGS = LogTemplates()
GOAL = Goal()

LOG = "".join(
    f"Jun {9 + i // 20} 06:0{i % 7}:{i % 60:02} host sshd[{1000 + i // 3}]: Failed password for user{i % 4} from 10.0.{i % 9}.1 port {4000 + i}\n"
    for i in range(40)
)


def short_of(text: str) -> str:
    """The short form, which must be exact and shorter."""
    found = LOGS.compress(text, GOAL)
    assert found is not None
    assert found.grade == "exact"
    assert len(found.text) < len(text)
    assert LOGS.expand(found.text) == text
    return found.text


def test_a_log_reads_like_its_templates() -> None:
    text = "".join(f"2024-03-01 10:00:{i // 2:02} worker {i % 3}: finished batch {i} of the nightly import\n" for i in range(8))
    assert short_of(text).split("\n") == [
        '[templates: "A x y" = A with x, y for its {}; " = as above; ~ = nothing; ×2 = line above 2 more times]',
        "A=2024-03-01 10:00:{} worker {} finished batch {} of the nightly import",
        "--",
        "A 00 0: 0", "A 00 1: 1", "A 01 2: 2", "A 01 0: 3", "A 02 1: 4", "A 02 2: 5", "A 03 0: 6", "A 03 1: 7",
        "",
    ]


@pytest.mark.parametrize("text", [
    LOG, LOG.rstrip("\n"), LOG.replace("\n", "\r\n"), LOG + "\n\n\n" + LOG, "\n\n" + LOG,
    LOG.replace("Failed", "Échec"), LOG.replace("host", "𝔥ost 🎉"), LOG + "A\nB 1\n\tA\n×3\n\t\t×3\n--\nA=1\n" + LOG,
    LOG.replace("password", "{} password"), LOG.replace("password", "{} <> password"), LOG.replace("user1", "~").replace("user2", '"'),
    LOG + "same line again\n" * 50 + "x\n" * 5 + LOG, LOG.replace("10.0", "\t10.0"), LOG.replace(" port", "   port"),
    "\r\n".join(["one\rtwo three four five six seven"] * 9), LOG + "\x0b\x0c\x85\u2028\n" + LOG,
], ids=range(16))
def test_logs_come_back(text: str) -> None:
    short_of(text)


def test_repeated_lines_are_counted() -> None:
    assert "\n×49\n" in short_of(LOG + "the same line again\n" * 50 + LOG)


def test_what_stands_above_is_not_said_again() -> None:
    text = "".join(f"10:00:0{i // 30}.123 unit starts step {i} of the whole procedure\n" for i in range(90))
    assert 'A " 1\n' in short_of(text)


@pytest.mark.parametrize("text", [
    "", "one line", "a\nb\nc\nd\ne\nf\ng\n", LOG + "\x00", LOG + "{} <> {_} ⟨⟩", "x" * 5_000_000, "\n" * 1_000_000,
    "".join(f"{i:x}{i}\n" for i in range(3000)),
], ids=["empty", "one line", "few", "NUL", "all gaps taken", "one long line", "no text", "all different"])
def test_what_has_no_templates_is_left_alone(text: str) -> None:
    assert LOGS.compress(text, GOAL) is None


def test_its_own_form_is_left_alone() -> None:
    assert LOGS.compress(short_of(LOG), GOAL) is None


def test_size_is_a_work_limit() -> None:
    with pytest.raises(TooCostly):
        LOGS.compress("x" * (MAX_CHARS + 1), GOAL)


def test_many_templates_are_as_many_as_there_are_names() -> None:
    words = [f"{a}{b}{c}" for a in "abcdefghi" for b in "abcdefghi" for c in "abcdefghijk"]
    text = "".join(f"service {word} {word} {word} reports a temperature of {n} degrees\n" for word in words for n in range(3))
    assert f"\n{CODES[-1]}=" in short_of(text)


HEADER = '[templates: "A x y" = A with x, y for its {}; " = as above; ~ = nothing; ×2 = line above 2 more times]\n'


@pytest.mark.parametrize("short", [
    "", "A 1", HEADER, HEADER + "A=x{}y\n--\nA", HEADER + "A=x{}y\n--\nA 1 2", HEADER + 'A=x{}y\n--\nA "', HEADER + "A=x\n--\nA\n×99999999999",
])
def test_what_is_not_our_form_expands_to_nothing(short: str) -> None:
    assert LOGS.expand(short) is None


CODE = "".join(f"    def visit_{name}(self, node):\n        return self.{name}s[node.{name}]\n\n" for name in ("a", "list", "call"))


@pytest.mark.parametrize(("text", "sure"), [
    (LOG, True), (CODE, False), ("".join(f"{i:6}\tvalue = compute(value, {i})\n" for i in range(60)), True),
    ("".join(f"{i},name,{i * 7},2024-01-01\n" for i in range(60)), True), ("Some words.\nAnd more of them.\nNone twice,\nas prose is\nwont to be.\nFull stop.\n", False),
    ("\x00" + LOG, False),
], ids=["log", "code", "numbered", "csv", "prose", "NUL"])
def test_sniff(text: str, sure: bool) -> None:
    assert (LOGS.sniff(text, GOAL) > 0) == sure


WORDS = st.sampled_from(["A", "B 1", "×2", "~", '"', "\t", "", "10:00:01", "10.0.0.7", "src/x1", "{}", "<>", "é", "\r", "=", "--", "[9]", "deadbeef" * 4])
LINES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.lists(WORDS, max_size=7).map(" ".join),
    st.tuples(st.integers(0, 3), WORDS, WORDS).map(lambda t: f"10:00:0{t[0]} daemon says {t[1]} about {t[2]} and nothing else"),
)


@settings(max_examples=250, deadline=None)
@given(st.lists(LINES, min_size=1, max_size=12), st.integers(1, 4), st.sampled_from(["\n", "\r\n"]))
def test_every_text_comes_back(lines: list[str], times: int, end: str) -> None:
    text = end.join(lines * times)
    found = LOGS.compress(text, GOAL)
    if found is not None:
        assert len(found.text) < len(text)
        assert LOGS.expand(found.text) == text
        assert LOGS.compress(found.text, GOAL) is None


def test_a_log_whose_messages_vary_within_a_sample_still_competes() -> None:
    verbs = ["opened", "closed", "queued", "failed", "retried", "moved"]
    nouns = ["order", "cart", "user", "session", "token", "batch", "shard", "index"]
    lines = [f"2026-11-20T12:{i // 60:02d}:{i % 60:02d}Z [{verbs[i * 7 % 6]}] {nouns[i * 5 % 8]} {nouns[i * 3 % 7]} by worker {i % 9}" for i in range(400)]
    text = "\n".join(lines)
    assert LogTemplates().sniff(text, Goal()) >= 0.2
    made = LogTemplates().compress(text, Goal())
    assert made is not None
    assert LogTemplates().expand(made.text) == text
