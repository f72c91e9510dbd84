"""The laws of references, over conversations as agents have them: reads of ranges, edits, runs, logs that grow."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from headroom import ccr
from headroom.compressors.lines import changes
from headroom.compressors.reads import NumberedReads
from headroom.conversation import Conversation, Part, Skip
from headroom.pipeline import Pipeline, Scale
from headroom.tokens import estimate
from headroom.transforms.base import Sent, Short
from headroom.transforms.references import References, is_reference, names
from headroom.transforms.shorten import Shorten
from headroom.transforms.tidy import Tidy

WORDS = ("def", "return", "value", "é", "", "    ", "= 1-4 of Read a.py", "}", "12:", "\t", "日本", "[x]", "\r", "client_id", '"')
SHORT_LINES = [" ".join(WORDS[i % len(WORDS)] for i in range(n, n * n, n)) for n in range(1, 12)]
LINES = SHORT_LINES + [f"{' ' * (n % 5)}{WORDS[n % len(WORDS)]} # remark number {n // 2} on this line" for n in range(60)]
FILE = st.lists(st.sampled_from(LINES), min_size=15, max_size=60)


@dataclass(frozen=True, slots=True)
class Hiding:
    """Sends the results of one tool in a form that has not one of their lines: where it may, with loss."""

    name: str = "hiding"

    def context(self, part: Part, past: Sequence[Sent], lossy: bool) -> str:
        return ""

    def __call__(self, part: Part, past: Sequence[Sent], lossy: bool) -> Short | Skip:
        if part.tool != "Hidden" or is_reference(part.text) or len(part.text) < 100:
            return "no_kind"
        lines = len(part.text.split("\n"))
        if lossy:
            return Short("[a view]\nand no more", self.name, "lossy", omitted=f"{lines} lines")
        return Short(f"[a form of {lines} lines]\nand no more", self.name, "equal")


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Part, ...]:
    """One file, edited between the calls that show it, whole or in part."""
    lines = list(draw(FILE))
    parts: list[Part] = [Part("user", "fix it", ("u",))]
    for turn in range(draw(st.integers(2, 7))):
        if draw(st.booleans()):
            at = draw(st.integers(0, len(lines) - 1))
            lines[at : at + draw(st.integers(0, 3))] = draw(st.lists(st.sampled_from(LINES), max_size=3))
            lines = lines or ["empty"]
        first = draw(st.sampled_from([0, 0, 0, draw(st.integers(0, len(lines)))]))
        piece = lines[first : first + draw(st.sampled_from([400, 400, 12, 30]))]
        tool, form = draw(st.sampled_from([("Read", "{:>6}\t{}"), ("Read", "{:>6}\t{}"), ("view", "{}: {}"), ("Bash", "{1}"), ("Hidden", "{1}"), ("", "{1}")]))
        text = "\n".join(form.format(number, line) for number, line in enumerate(piece, first + 1))
        around = draw(st.sampled_from([("", ""), ("", "\n"), ("$ run\n", "\n\n"), ("", "\n<note>\n")]))
        call = draw(st.sampled_from([{"file_path": "src/a.py"}, {"command": "cat src/a.py"}, None, {"command": ["sh", "-c", "make\ntest"]}]))
        parts.append(Part("assistant", "", ("a", turn)))
        parts.append(Part("tool", around[0] + text + around[1], ("t", turn), tool, call))
    return tuple(parts)


def folded(parts: tuple[Part, ...], lossy: bool) -> tuple[list[Sent], References]:
    """The conversation as it leaves."""
    scale = Scale(estimate)
    references = References(scale.tokens)
    pipeline = Pipeline([Tidy(), references, Hiding(), Shorten([NumberedReads()], scale.tokens)], scale)
    conversation = Conversation("m", parts)
    outcome = pipeline(conversation, pipeline.chain(conversation), {}, 0, lossy=lossy)
    assert not outcome.report.failed
    return [Sent(part, outcome.edits.get(part.at, part.text)) for part in parts], references


def came(part: Part) -> str:
    """The text as references meet it."""
    tidied = Tidy()(part, (), False)
    return tidied.text if isinstance(tidied, Short) else part.text


def refers(sent: Sent) -> bool:
    return sent.text != sent.part.text and is_reference(sent.text)


@settings(deadline=None, max_examples=150)
@given(conversations(), st.booleans())
def test_what_is_referred_to_gives_the_text_back_from_the_past_alone(parts: tuple[Part, ...], lossy: bool) -> None:
    sent, references = folded(parts, lossy)
    for at, one in enumerate(sent):
        if refers(one):
            assert references.expand(one.text, sent[:at]) == came(one.part)
            assert estimate(one.text) < estimate(one.part.text)


@settings(deadline=None, max_examples=150)
@given(conversations(), st.booleans())
def test_what_is_referred_to_stands_in_the_text_that_is_named(parts: tuple[Part, ...], lossy: bool) -> None:
    sent, references = folded(parts, lossy)
    for at, one in enumerate(sent):
        if not refers(one):
            continue
        header, *rows = one.text.split("\n")
        places = {name: place for place, name in names(sent[:at]).items()}
        like = changes.HEADER.match(one.text)
        if like:
            source = sent[places[like["name"]]]
            assert source.text.startswith("[a form of ")
            assert source.part.call == one.part.call
            continue
        last = ""
        for row in rows:
            named = re.fullmatch(r'= (?:all|[0-9]+-[0-9]+(?: \("[^"]*"\))?(?:, .*?)??),? of (.*)', row)
            if not named:
                continue
            last = last if named[1] == "the same" else named[1]
            source = sent[places[last]]
            assert not ccr.MARKER.search(source.text)
            if row.startswith("= all"):
                assert not is_reference(source.text, anywhere=True)
                continue
            alone = references.expand(f"{header}\n{row[: named.start(1)]}{last}", sent[:at])
            assert alone is not None
            assert not source.text.startswith("[a ")
            for line in alone.split("\n"):
                assert re.sub(r"^ *[0-9]+(?:\t|: )", "", line) in source.text


@settings(deadline=None, max_examples=80)
@given(conversations(), st.booleans())
def test_what_was_sent_does_not_depend_on_what_comes(parts: tuple[Part, ...], lossy: bool) -> None:
    whole, _ = folded(parts, lossy)
    for end in range(1, len(parts)):
        assert folded(parts[:end], lossy)[0] == whole[:end]


@settings(deadline=None, max_examples=80)
@given(conversations(), st.booleans())
def test_once_is_enough(parts: tuple[Part, ...], lossy: bool) -> None:
    sent, references = folded(parts, lossy)
    for at, one in enumerate(sent):
        if refers(one):
            again = Part("tool", one.text, one.part.at, one.part.tool, one.part.call)
            assert references(again, sent[:at], lossy) in ("marked", "short")


@settings(deadline=None, max_examples=80)
@given(conversations(), st.data())
def test_a_damaged_reference_is_refused_or_read_but_never_an_error(parts: tuple[Part, ...], data: st.DataObject) -> None:
    sent, references = folded(parts, False)
    for at, one in enumerate(sent):
        if refers(one):
            rows = one.text.split("\n")
            gone = data.draw(st.integers(0, len(rows) - 1))
            references.expand("\n".join(rows[:gone] + rows[gone + 1 :]), sent[:at])
            references.expand(one.text[: data.draw(st.integers(0, len(one.text)))], sent[:at])
            references.expand(one.text, sent[: at // 2])
