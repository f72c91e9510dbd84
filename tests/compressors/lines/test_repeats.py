"""Runs of lines that were seen are named, and named so that they can be read back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.base import TooCostly
from headroom.compressors.lines.numbering import Lines
from headroom.compressors.lines.repeats import MAX_REPEATS, Earlier, expand, repeats, shown, whole, written

HEAD = '[lines seen before: "= A-B of X" is lines A-B of the earlier result X]\n'
CODE = [f"    value_{n} = compute(number={n}, of={n * n})" for n in range(40)]


def plain(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def cat(lines: list[str], first: int = 1, form: str = "{:>6}\t{}") -> str:
    return "\n".join(form.format(number, line) for number, line in enumerate(lines, first)) + "\n"


def shortened(text: str, *seen: str) -> str | None:
    """The form of a text, given what was seen before it: X0, X1 …"""
    known: dict[str, Lines] = {}
    names: dict[int, str] = {}
    earlier: dict[str, Earlier] = {}
    for at, source in enumerate(seen):
        lines = shown(source)
        known.update(dict.fromkeys(lines.first, lines))
        names[id(lines)] = f"X{at}"
        earlier[f"X{at}"] = Earlier(source, lines)
    here = shown(text)
    found = repeats(here, known)
    short = written(text, here, found, lambda lines: names[id(lines)]) if found else None
    assert short is None or expand(short, earlier.get) == text
    return short


NEW = "    value_9 = new"
EDITED = [*CODE[:9], NEW, NEW, *CODE[10:]]


@pytest.mark.parametrize(
    ("text", "seen", "form"),
    [
        (cat(CODE), [cat(CODE)], "= 1-40 of X0\n"),
        (cat(CODE)[:-1], [cat(CODE)], "= 1-40 of X0"),
        (cat(CODE[10:20], 11), [cat(CODE)], "= 11-20 of X0\n"),
        (cat(CODE[10:20]), [cat(CODE)], "= 1-10, were 11-20, of X0\n"),
        (cat(CODE), [cat(CODE[10:20], 11)], f"{cat(CODE[:10])}= 11-20 of X0\n{cat(CODE[20:], 21)}"),
        (cat(EDITED), [cat(CODE)], f"= 1-9 of X0\n    10\t{NEW}\n    11\t{NEW}\n= 12-41, were 11-40, of the same\n"),
        (plain(CODE), [cat(CODE)], "= 1-40, unnumbered, of X0\n"),
        (cat(CODE), [plain(CODE)], '= 1-40 ("value_0 = compute(number=0, of=0)"), numbered "%6d\\t", were 1-40, of X0\n'),
        (cat(CODE, 5), [cat(CODE, 5, "{}: {}")], '= 5-44, numbered "%6d\\t", of X0\n'),
        (plain(CODE[5:25]), [plain(CODE)], '= 6-25 ("value_5 = compute(number=5, of=25)") of X0\n'),
        (plain(CODE), [plain(CODE[:20]), plain(CODE[20:])], '= 1-20 ("value_0 = compute(number=0, of=0)") of X0\n= 1-20 ("value_20 = compute(number=20, of=400)") of X1\n'),
        (plain(CODE), [plain(CODE), plain(CODE[5:30])], '= 1-40 ("value_0 = compute(number=0, of=0)") of X0\n'),  # one long run rather than three
        (plain(CODE[:3]), [plain(CODE)], None),
        (plain(["abcd"] * 4), [plain(["abcd"] * 4)], None),
        (plain(CODE), [plain([line + "!" for line in CODE])], None),
        (plain(["= 1-4 of X0", *CODE]), [plain(CODE)], None),  # would be taken for a name
        (plain(CODE), [f"{HEAD}= 1-30 of Y\n{plain(CODE[30:])}"], f'{plain(CODE[:30])}= 31-40 ("value_30 = compute(number=30, of=900)") of X0\n'),
        (cat(CODE), [f"{HEAD}= 1-30 of Y\n{cat(CODE[30:], 31)}"], f"{cat(CODE[:30])}= 31-40 of X0\n"),
        (plain(CODE), [f"{HEAD}= all of Y\n{plain(CODE)}"], None),  # nobody knows where its lines stand
    ],
)
def test_repeats_are_named(text: str, seen: list[str], form: str | None) -> None:
    assert shortened(text, *seen) == (None if form is None else HEAD + form)


def test_a_whole_text_is_named_without_its_lines() -> None:
    for text in (plain(CODE), plain(CODE)[:-1]):
        short = whole("X", text)
        assert short.rstrip() == f"{HEAD}= all of X"
        assert expand(short, {"X": Earlier(text, shown(""))}.get) == text


def test_few_long_repeats_are_named_rather_than_many() -> None:
    pieces = [CODE[:5]] * (MAX_REPEATS + 5)
    text = plain([line for n, piece in enumerate(pieces) for line in [*piece, f"new line {n}"]])
    short = shortened(text, plain(CODE))
    assert short is not None
    assert short.count("\n= ") == MAX_REPEATS


def test_the_work_is_bounded() -> None:
    """Each run begins in the middle of what is already named, and ends a little later than the one before."""
    base = [f"line {n} of what all begin with" for n in range(300)]
    ends = [[f"line {n} of the {turn}. of the ends that follow" for n in range(4)] for turn in range(120)]
    known: dict[str, Lines] = {}
    for last in range(120, -1, -1):
        lines = shown(plain([*base[last > 0 :], *(line for end in ends[:last] for line in end)]))
        known.update(dict.fromkeys(lines.first, lines))
    with pytest.raises(TooCostly):
        repeats(shown(plain([*base, *(line for end in ends for line in end)])), known)


@pytest.mark.parametrize(
    "short",
    [
        "", "no form", HEAD, HEAD + "= 1-4 of Y", HEAD + "= 1-4 of the same", HEAD + "= 0-4 of X0", HEAD + "= 37-44 of X0", HEAD + "= 9-4 of X0",
        HEAD + '= 1-4, numbered "%q", of X0', HEAD + "= 1-999999999 of X0",
    ],
)
def test_what_cannot_be_read_is_refused(short: str) -> None:
    assert expand(short, {"X0": Earlier(plain(CODE), shown(plain(CODE)))}.get) in (None, "")


def test_a_form_that_claims_too_much_is_not_unrolled() -> None:
    assert shown(HEAD + "= 1-999999999 of X0\n" * 3 + plain(CODE)).contents == []


LINES = st.lists(st.sampled_from([*CODE[:12], "", "    }", "= 1-4 of X0", "= all of X0", "7: x", "é\r", "\x00"]), min_size=1, max_size=40)
FORMS = st.sampled_from(["{1}", "{:>6}\t{}", "{}: {}"])
TEXTS = st.builds(lambda lines, first, form, end: cat(lines, first, form)[:-1] + end, LINES, st.integers(1, 120), FORMS, st.sampled_from(["", "\n", "\n\n"]))


@settings(deadline=None, max_examples=300)
@given(TEXTS, st.lists(TEXTS, max_size=4))
def test_what_was_named_can_be_read_back(text: str, seen: list[str]) -> None:
    short = shortened(text, *seen)  # reads it back
    if short is not None:
        assert {row for row in short.split("\n")[1:] if not row.startswith("= ")} <= set(text.split("\n"))


@settings(deadline=None, max_examples=100)
@given(TEXTS, TEXTS)
def test_runs_are_long_enough_and_in_order(text: str, other: str) -> None:
    here, lines = shown(text), shown(other)
    done = 0
    for repeat in repeats(here, dict.fromkeys(lines.first, lines)):
        assert done <= repeat.start < repeat.end - 3
        assert here.contents[repeat.start : repeat.end] == repeat.seen.contents[repeat.at : repeat.at + repeat.end - repeat.start]
        done = repeat.end
