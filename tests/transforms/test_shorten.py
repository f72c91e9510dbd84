"""The best compressor wins, and nothing is believed unchecked."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom import ccr
from headroom.compressors import COMPRESSORS
from headroom.compressors.base import Compressed, Goal, TooCostly
from headroom.conversation import Grade, Part, Skip
from headroom.tokens import estimate
from headroom.transforms.base import Sent, Short
from headroom.transforms.shorten import GAIN, SHORT, Shorten

LINES = "".join(f"line {i} of the text\n" for i in range(100))
LONG = LINES * 40
BASH = {"command": "make"}


@dataclass(frozen=True, slots=True)
class Cutting:
    """A compressor that keeps the first characters under a line of its own; its inverse knows one text by heart."""

    name: str
    share: float = 0.5
    sure: float = 0.5
    grade: Grade = "exact"
    knows: str = ""
    """What `expand` gives back."""
    needs: str = ""
    """What a text must end in for it to be shortened."""
    limit: int = 10**9
    whole: float = 0.0
    """Instead of `share`, if not 0, of more than a sample."""

    @property
    def lossy(self) -> bool:
        return self.grade == "lossy"

    def sniff(self, text: str, goal: Goal) -> float:
        return self.sure

    def compress(self, text: str, goal: Goal) -> Compressed | None:
        if len(text) > self.limit:
            raise TooCostly("too long")
        if not text.endswith(self.needs):
            return None
        share = self.whole if self.whole and len(text) > len(LINES) * 10 else self.share
        omitted = f"lines about {goal.query[:9]}" if self.lossy else ""
        return Compressed(f"[{self.name}]\n{text[: int(len(text) * share)]}", self.grade, omitted)

    def expand(self, short: str) -> str | None:
        return self.knows if short.startswith(f"[{self.name}]\n") else None


def tokens(text: str) -> int:
    return (len(text) + 3) // 4


def shorten(*compressors: Cutting, text: str = LINES, tool: str = "Bash", error: bool = False) -> Short | Skip:
    return Shorten(compressors, tokens)(Part("tool", text, ("x",), tool, BASH, error), (), False)


def by(result: Short | Skip) -> str:
    return result.by if isinstance(result, Short) else result


GOOD = Cutting("good", 0.3, knows=LINES)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (shorten(GOOD), "good"),
        (shorten(GOOD, error=True), "error"),
        (shorten(GOOD, text="x" * (SHORT - 1)), "short"),
        (shorten(GOOD, text=LINES + ccr.marker("0" * 24, "lines 1-9")), "marked"),
        (shorten(GOOD, text="[good]\n" + LINES), "marked"),
        (shorten(), "no_kind"),
        (shorten(Cutting("unsure", sure=0.1, knows=LINES)), "no_kind"),
        (shorten(Cutting("longer", 1.0, knows=LINES)), "no_gain"),
        (shorten(Cutting("hardly shorter", 0.99, knows=LINES)), "no_gain"),
        (shorten(Cutting("wrong", 0.1, knows="something else")), "no_gain"),
        (shorten(Cutting("refuses", needs="?", knows=LINES)), "no_gain"),
        (shorten(Cutting("costly", limit=1)), "too_costly"),
        # What fails makes room for the next.
        (shorten(Cutting("wrong", 0.1, knows="something else"), GOOD), "good"),
        (shorten(Cutting("costly", limit=1), GOOD), "good"),
        # The better one wins, wherever it stands; of equals the first, whatever it says of itself.
        (shorten(Cutting("fair", 0.6, knows=LINES), GOOD), "good"),
        (shorten(GOOD, Cutting("fair", 0.6, knows=LINES)), "good"),
        (shorten(Cutting("early", 0.3, 0.4, knows=LINES), Cutting("later", 0.3, 0.7, knows=LINES)), "early"),
        # One that is certain and saves a lot ends the race.
        (shorten(Cutting("certain", 0.4, 0.9, knows=LINES), GOOD), "certain"),
        (shorten(Cutting("certain", 0.6, 0.9, knows=LINES), GOOD), "good"),
        # Equal forms may not stand for files.
        (shorten(Cutting("equal", 0.3, grade="equal")), "equal"),
        (shorten(Cutting("equal", 0.3, grade="equal"), tool="Read"), "file_read"),
        (shorten(Cutting("equal", 0.3, grade="equal"), Cutting("exact", 0.6, knows=LINES), tool="Read"), "exact"),
        # On a long text they compete on a sample. One that needs the whole text counts as half of what it is sure of.
        (shorten(Cutting("fair", 0.6, knows=LONG), Cutting("good", 0.3, knows=LONG), text=LONG), "good"),
        (shorten(Cutting("whole", 0.1, 0.9, knows=LONG + "."), Cutting("fair", 0.6, knows=LONG + "."), text=LONG + "."), "whole"),
        (shorten(Cutting("whole", 0.1, 0.9, knows=LONG + ".", needs="."), Cutting("fair", 0.6, knows=LONG + "."), text=LONG + "."), "whole"),
        (shorten(Cutting("whole", 0.1, 0.4, knows=LONG + ".", needs="."), Cutting("fair", 0.6, knows=LONG + "."), text=LONG + "."), "fair"),
        # Who is close behind on the sample is tried on the whole text.
        (shorten(Cutting("whole", 0.1, 0.7, knows=LONG + ".", needs="."), Cutting("fair", 0.6, knows=LONG + "."), text=LONG + "."), "whole"),
        # So is the next one where the first keeps less than the sample promised.
        (shorten(Cutting("promising", 0.2, knows=LONG, whole=0.9), Cutting("fair", 0.6, knows=LONG), text=LONG), "fair"),
        # After a guess, close is measured by what the first one saves: nobody who shows a third on the sample is near nine tenths.
        (shorten(Cutting("guess", 0.1, 0.8, knows=LONG + ".", needs="."), Cutting("near", 0.65, knows=LONG + ".", whole=0.05), text=LONG + "."), "guess"),
    ],
)
def test_who_wins(result: Short | Skip, expected: str) -> None:
    assert by(result) == expected


VIEW = Cutting("view", 0.1, grade="lossy", sure=0.9)


def lossy(*compressors: Cutting, text: str = LONG, tool: str = "Bash", allowed: bool = True) -> Short | Skip:
    past = (Sent(Part("user", "why?", ()), "why?", "why?"),)
    return Shorten(compressors, tokens)(Part("tool", text, ("x",), tool, BASH), past, allowed)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (lossy(VIEW), "view"),
        # Only with a way back; the reason tells what would have helped.
        (lossy(VIEW, allowed=False), "no_way_back"),
        (lossy(VIEW, Cutting("exact", 0.9, knows=LONG), allowed=False), "exact"),
        # Never on what may be a file.
        (lossy(VIEW, tool="Read"), "no_kind"),
        # The lossless form comes first, and must leave enough to be worth a second call.
        (lossy(VIEW, Cutting("exact", 0.9, knows=LONG)), "view"),
        (lossy(VIEW, Cutting("exact", 0.11, knows=LONG)), "exact"),
        (lossy(Cutting("view", 0.75, grade="lossy", sure=0.9), Cutting("exact", 0.9, knows=LONG)), "exact"),
        (lossy(VIEW, text=LINES), "no_kind"),
        # The surest wins, not the shortest: a wrong kind is a bad view.
        (lossy(VIEW, Cutting("surer", 0.4, grade="lossy", sure=1.0)), "surer"),
        (lossy(VIEW, Cutting("surer", 0.9, grade="lossy", sure=1.0)), "view"),
        (lossy(Cutting("unsure", 0.1, grade="lossy", sure=0.4)), "no_kind"),
        (lossy(Cutting("costly", 0.1, grade="lossy", sure=0.9, limit=1)), "no_kind"),
    ],
)
def test_lossy_forms_come_last(result: Short | Skip, expected: str) -> None:
    assert by(result) == expected


def test_a_lossy_form_says_what_it_leaves_out_and_knows_the_question() -> None:
    result = lossy(VIEW)
    assert isinstance(result, Short)
    assert (result.grade, result.omitted) == ("lossy", "lines about why?\nmake")


def test_the_question_is_part_of_what_an_answer_depends_on() -> None:
    shorten, part = Shorten([VIEW], tokens), Part("tool", LONG, ())
    past = (Sent(Part("user", "why?", ()), "why?", "why?"),)
    assert [shorten.context(part, past, True), shorten.context(part, (), True), shorten.context(part, past, False)] == ["why?", "", ""]


def test_candidates_say_how_each_one_fared() -> None:
    family = (
        VIEW, GOOD, Cutting("fair", 0.6, knows=LINES), Cutting("wrong", 0.1, knows="?"), Cutting("costly", limit=1),
        Cutting("silent", needs="?"), Cutting("unsure", sure=0.1, knows=LINES), Cutting("little", 0.98, knows=LINES),
    )
    found = Shorten(family, tokens).candidates(Part("tool", LINES, (), "Bash", BASH), ())
    assert [(c.name, c.verdict) for c in found] == [
        ("wrong", "its inverse does not give the bytes back"), ("good", ""), ("unsure", "not its kind of text"), ("fair", ""),
        ("little", "saves too little"), ("view", ""), ("costly", "too much work"), ("silent", "finds nothing to shorten"),
    ]


def test_a_few_tokens_are_not_worth_a_form() -> None:
    text = "x" * SHORT
    header = len("[near]\n")
    enough = (SHORT - header - 4 * GAIN) / SHORT
    assert by(shorten(Cutting("near", enough, knows=text), text=text)) == "near"
    assert by(shorten(Cutting("near", enough + 0.01, knows=text), text=text)) == "no_gain"


SHORTEN = Shorten(COMPRESSORS, estimate)
READ = "".join(f"{i:>6}\tdef f{i}():\n" for i in range(1, 80))
GREP = "".join(f"/srv/app/src/{name}.py:{i * 3}:    return {i}\n" for name in ("main", "read", "write") for i in range(20))
FIND = "".join(f"/srv/application/src/{a}/{b}.py\n" for a in ("core", "http", "stores") for b in ("base", "memory", "server", "client", "test"))
LISTING = "total 9\n" + "".join(f"-rw-r--r-- 1 ann staff {i:>5} Nov 21 02:19 f{i}.py\n" for i in range(40))


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (Part("tool", READ, (), "Read", {"file_path": "a.py"}), "reads"),
        (Part("tool", READ + "\n<system-reminder>\nbe careful\n</system-reminder>\n", (), "Read", {"file_path": "a.py"}), "reads"),
        (Part("tool", GREP, (), "Grep", {"pattern": "return"}), "search"),
        (Part("tool", FIND, (), "Bash", {"command": "find ."}), "paths"),
        (Part("tool", LISTING, (), "Bash", {"command": "ls -l"}), "listings"),
        (Part("tool", "All is well, nothing to see here. " * 30, (), "Bash", {"command": "make"}), "no_gain"),
        (Part("tool", "def f():\n    return 1\n\n\n" + "x = 1\n" * 2 + "# why\n" * 2 + "y(" * 250, (), "Read", {"file_path": "a.py"}), "no_gain"),
    ],
)
def test_the_family_knows_its_own(part: Part, expected: str) -> None:
    assert by(SHORTEN(part, (), False)) == expected


@pytest.mark.parametrize("text", [READ, GREP, FIND, LISTING, json.dumps([{"id": i, "name": f"n{i}", "ok": True} for i in range(60)], indent=2)])
def test_what_was_shortened_is_not_shortened_again(text: str) -> None:
    once = SHORTEN(Part("tool", text, (), "Bash", BASH), (), False)
    assert isinstance(once, Short)
    assert once.grade == "exact"
    assert not isinstance(SHORTEN(Part("tool", once.text, (), "Bash", BASH), (), False), Short)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.sampled_from([READ, GREP, FIND, LISTING, LINES, "[x]\n", "\n", "{", "é"]), max_size=4).map("".join), st.sampled_from(["Bash", "Read"]))
def test_never_longer_and_only_exact_for_files(text: str, tool: str) -> None:
    result = SHORTEN(Part("tool", text, (), tool, BASH), (), False)
    if isinstance(result, Short):
        assert estimate(result.text) <= estimate(text) - GAIN
        compressor = next(c for c in COMPRESSORS if c.name == result.by)
        assert result.grade == "equal" or compressor.expand(result.text) == text
        assert tool != "Read" or result.grade == "exact"
