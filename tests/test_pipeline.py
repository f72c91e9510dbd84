from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom.ccr import MARKER, key_of
from headroom.conversation import Conversation, Part, Skip
from headroom.patterns import Policies, Policy
from headroom.pipeline import Outcome, Pipeline, Scale
from headroom.signature import signature
from headroom.transforms.base import Sent, Short


def words(text: str) -> int:
    return len(text.split())


@dataclass(frozen=True, slots=True)
class Halve:
    """Drops every second word of a text that starts with "long"; a small, honest transform."""

    name: str = "halve"

    def context(self, part: Part, past: Sequence[Sent], lossy: bool) -> str | None:
        return ""

    def __call__(self, part: Part, past: Sequence[Sent], lossy: bool) -> Short | Skip:
        if part.text.startswith("boom"):
            raise RuntimeError("secret content")
        if part.text.startswith("void"):
            return Short(" ", "halve", "exact")
        if part.text.startswith("lossy without"):
            return Short("less", "halve", "lossy")
        if part.text.startswith("lossy"):
            return Short("less", "halve", "lossy", "lines 2-9 of 9", "2-9") if lossy else "no_way_back"
        if not part.text.startswith("long"):
            return "no_kind"
        return Short("short " + " ".join(part.text.split()[2::2]), "halve", "exact")


@dataclass(frozen=True, slots=True)
class Strip:
    name: str = "strip"

    def context(self, part: Part, past: Sequence[Sent], lossy: bool) -> str | None:
        return ""

    def __call__(self, part: Part, past: Sequence[Sent], lossy: bool) -> Short | Skip:
        return Short(part.text.strip(" ~"), "strip", "equal") if "~" in part.text else "no_gain"


@dataclass(frozen=True, slots=True)
class Refer:
    """Looks back: says "as above" if the same text stands before it."""

    name: str = "refer"

    def context(self, part: Part, past: Sequence[Sent], lossy: bool) -> str | None:
        return None

    def __call__(self, part: Part, past: Sequence[Sent], lossy: bool) -> Short | Skip:
        return Short("as above", "refer", "exact") if any(p.text == part.text for p in past if p.part.role != "system") else "no_kind"


def tool(text: str, i: int = 0) -> Part:
    return Part("tool", text, ("messages", i), "Bash")


def conversation(*parts: Part, fresh: int = 0) -> Conversation:
    return Conversation("m", tuple(replace(p, at=("messages", i)) for i, p in enumerate(parts)), fresh)


def fold(
    pipeline: Pipeline, c: Conversation, sent: dict[str, str | None] | None = None, history: int = 0, *, lossy: bool = False,
) -> Outcome:
    return pipeline(c, pipeline.chain(c), sent or {}, history, lossy=lossy)


LONG = "long a b c d e f g h"


def test_only_tool_output_is_shortened_and_everything_else_says_why() -> None:
    c = conversation(Part("system", LONG, ()), Part("user", LONG, ()), tool(LONG), tool("other"), Part("assistant", LONG, ()))
    outcome = fold(Pipeline([Halve()], Scale(words)), c)
    assert outcome.edits == {("messages", 2): "short b d f h"}
    assert {(s.reason, s.parts) for s in outcome.report.skipped} == {("not_tool_output", 3), ("no_kind", 1)}
    assert outcome.report.originals == {key_of(LONG): LONG}
    assert (outcome.report.before, outcome.report.saved) == (9 * 4 + 1, 4)
    assert [(e.by, e.tool, e.grade, e.before, e.after) for e in outcome.report.edits] == [("halve", "Bash", "exact", 9, 5)]


def test_transforms_follow_each_other_and_the_weakest_grade_stands() -> None:
    outcome = fold(Pipeline([Strip(), Halve()], Scale(words)), conversation(tool("~ " + LONG + " ~")))
    assert outcome.edits == {("messages", 0): "short b d f h"}
    assert [(e.by, e.grade) for e in outcome.report.edits] == [("strip+halve", "equal")]


@pytest.mark.parametrize(("text", "reason", "failed"), [
    ("boom", "failed", {"halve: RuntimeError": 1}),
    ("void", "failed", {"halve: ValueError": 1}),
    ("lossy without a marker", "failed", {"halve: ValueError": 1}),
    ("long \ud800", "surrogates", {}),
])
def test_a_transform_that_fails_costs_savings_and_nothing_else(text: str, reason: str, failed: dict[str, int]) -> None:
    outcome = fold(Pipeline([Halve()], Scale(words)), conversation(tool(text), tool(LONG)))
    assert outcome.edits == {("messages", 1): "short b d f h"}
    assert [s.reason for s in outcome.report.skipped] == [reason]
    assert outcome.report.failed == failed
    assert "secret" not in str(outcome.report.failed)


def test_what_was_retrieved_is_never_shortened_again() -> None:
    c = conversation(replace(tool(LONG), tool="mcp__headroom__headroom_retrieve"), replace(tool(LONG), call={"command": "headroom retrieve 0"}))
    outcome = fold(Pipeline([Halve()], Scale(words)), c, lossy=True)
    assert outcome.edits == {}
    assert [(s.reason, s.parts) for s in outcome.report.skipped] == [("marked", 2)]


def test_what_was_sent_before_is_sent_again_whatever_the_transforms_say_now() -> None:
    pipeline = Pipeline([Halve()], Scale(words))
    c = conversation(tool(LONG), tool("x " + LONG))
    keys = list(pipeline.chain(c).parts.values())
    outcome = fold(pipeline, c, {keys[0]: None, keys[1]: "an older form"})
    assert outcome.edits == {("messages", 1): "an older form"}
    assert [s.reason for s in outcome.report.skipped] == ["sent_as_is"]
    assert outcome.report.forms == {}
    assert outcome.report.edits == ()
    assert outcome.report.saved == 10 - 3


def test_history_without_a_record_is_left_alone_and_recorded_so() -> None:
    pipeline = Pipeline([Halve()], Scale(words))
    c = conversation(tool(LONG), Part("assistant", "ok", ()), tool("long z y x w"), fresh=2)
    outcome = fold(pipeline, c, history=c.fresh)
    keys = pipeline.chain(c).parts
    assert outcome.report.forms == {keys[0]: None, keys[2]: "short y w"}
    assert ("foreign", 1) in {(s.reason, s.parts) for s in outcome.report.skipped}


def test_a_key_depends_on_all_that_was_said_before_but_not_on_system_text() -> None:
    pipeline = Pipeline([], Scale(words))
    a = pipeline.chain(conversation(Part("system", "Monday", ()), Part("user", "hi", ()), tool("x")))
    b = pipeline.chain(conversation(Part("system", "Tuesday", ()), Part("user", "hi", ()), tool("x")))
    c = pipeline.chain(conversation(Part("system", "Monday", ()), Part("user", "ho", ()), tool("x")))
    assert a.parts[2] == b.parts[2] != c.parts[2]


def test_a_key_depends_on_the_call_that_is_answered() -> None:
    part = tool("x")
    answers = [part, replace(part, tool="Read"), replace(part, call={"path": "a"}), replace(part, error=True)]
    keys = {Pipeline([], Scale(words)).chain(conversation(answer)).parts[0] for answer in answers}
    assert len(keys) == len(answers)


def test_a_transform_that_looks_back_is_not_remembered_by_content() -> None:
    outcome = fold(Pipeline([Refer()], Scale(words)), conversation(tool("a b c d"), tool("a b c d")))
    assert outcome.edits == {("messages", 1): "as above"}


def test_results_are_remembered_by_content() -> None:
    calls: list[str] = []

    class Counting:
        name = "counting"

        def context(self, part: Part, past: Sequence[Sent], lossy: bool) -> str | None:
            return past[-1].question if lossy and past else ""

        def __call__(self, part: Part, past: Sequence[Sent], lossy: bool) -> Short | Skip:
            calls.append(part.text)
            return Halve()(part, past, lossy)

    pipeline = Pipeline([Counting()], Scale(words))
    for fresh_word in ("one", "two"):
        fold(pipeline, conversation(Part("user", fresh_word, ()), tool(LONG)))
    assert calls == [LONG]
    for fresh_word in ("one", "two", "two"):
        fold(pipeline, conversation(Part("user", fresh_word, ()), tool(LONG)), lossy=True)
    assert calls == [LONG] * 3


LOSSY = "lossy " + "word " * 90


@pytest.mark.parametrize(("lossy", "protect", "reason"), [
    (True, (), ""), (False, (), "no_way_back"), (True, ("b*",), "protected"), (True, ("*x", "BASH"), "protected"), (True, ("bas", "ash"), ""),
])
def test_a_lossy_form_needs_a_way_back_and_an_unprotected_tool(lossy: bool, protect: tuple[str, ...], reason: str) -> None:
    outcome = fold(Pipeline([Halve()], Scale(words), protect), conversation(tool(LOSSY)), lossy=lossy)
    assert [s.reason for s in outcome.report.skipped] == [reason] * bool(reason)
    assert len(outcome.edits) == (not reason)


def test_the_pipeline_writes_the_marker_that_a_lossy_form_owes() -> None:
    outcome = fold(Pipeline([Strip(), Halve()], Scale(words)), conversation(tool(LOSSY + "~")), lossy=True)
    first, _, rest = outcome.edits[("messages", 0)].partition("\n")
    marker = MARKER.fullmatch(first)
    assert marker is not None
    assert (marker["what"], marker["key"], marker["lines"], rest) == ("lines 2-9 of 9", key_of(LOSSY + "~"), "2-9", "less")
    assert [(e.by, e.grade) for e in outcome.report.edits] == [("strip+halve", "lossy")]
    assert key_of(LOSSY + "~") in outcome.report.originals


def test_a_replayed_form_says_what_it_stands_for() -> None:
    pipeline, c = Pipeline([Halve()], Scale(words)), conversation(tool(LOSSY), tool(LONG))
    first = fold(pipeline, c, lossy=True)
    again = fold(pipeline, c, dict(first.report.forms), 2, lossy=True)
    assert again.edits == first.edits
    assert (again.report.originals, again.report.standing) == ({}, {key_of(LOSSY): LOSSY})
    assert first.report.standing == {}


class Recording:
    """Keeps what it is shown of the past."""

    name = "recording"

    def __init__(self) -> None:
        self.seen: list[list[tuple[str, str]]] = []

    def context(self, part: Part, past: Sequence[Sent], lossy: bool) -> str | None:
        return None

    def __call__(self, part: Part, past: Sequence[Sent], lossy: bool) -> Short | Skip:
        self.seen.append([(p.text, p.question) for p in past])
        return Halve()(part, past, lossy)


def test_the_past_is_shown_as_it_left_with_the_question_that_was_asked() -> None:
    recording = Recording()
    c = conversation(
        tool(LONG), Part("user", "why?", ()), Part("user", "<system-reminder>be brief</system-reminder>", ()), tool("x"), tool("y"),
    )
    fold(Pipeline([recording], Scale(words)), c)
    seen = [("short b d f h", ""), ("why?", "why?"), ("<system-reminder>be brief</system-reminder>", "why?"), ("x", "why?")]
    assert recording.seen == [[], seen[:3], seen]


def test_where_the_provider_forgets_nothing_of_the_past_is_shown() -> None:
    recording = Recording()
    c = replace(conversation(tool(LONG), Part("user", "why?", ()), tool("x")), forgets=True)
    fold(Pipeline([recording], Scale(words)), c)
    assert recording.seen == [[], [("", ""), ("", "why?")]]


def test_what_is_gone_from_a_place_on_is_not_shown_there() -> None:
    recording = Recording()
    c = replace(conversation(tool("x"), tool("y"), tool("z")), gone={2: (0,)})
    fold(Pipeline([recording], Scale(words)), c)
    assert recording.seen == [[], [("x", "")], [("", ""), ("y", "")]]


text = st.sampled_from([LONG, "long p q r s t", "other words", "boom", "~ " + LONG]) | st.text(max_size=12)
part = st.builds(Part, st.sampled_from(["system", "user", "assistant", "tool"]), text, st.just(("x",)), st.sampled_from(["", "Bash"]))
others = st.lists(st.text("ab {}", max_size=9), max_size=2).map(tuple)
conversations = st.builds(
    lambda parts, more, opaque: replace(conversation(*parts), others=more, opaque=opaque), st.lists(part, max_size=7), others, st.integers(0, 2),
)
PIPELINE = Pipeline([Strip(), Halve(), Refer()], Scale(words))


@given(conversations, st.integers(0, 7))
def test_the_past_does_not_depend_on_the_future(c: Conversation, n: int) -> None:
    whole = fold(PIPELINE, c)
    start = fold(PIPELINE, replace(c, parts=c.parts[:n]))
    assert {at: short for at, short in whole.edits.items() if at[1] in range(n)} == start.edits
    assert dict(list(whole.report.forms.items())[: len(start.report.forms)]) == start.report.forms


@given(conversations)
def test_no_part_grows_and_every_part_is_accounted_for(c: Conversation) -> None:
    outcome = fold(PIPELINE, c)
    for p in c.parts:
        assert words(outcome.edits.get(p.at, p.text)) <= words(p.text)
    assert sum(s.parts for s in outcome.report.skipped) + len(outcome.edits) == len(c.parts) + len(c.others) + c.opaque
    left = sum(s.tokens for s in outcome.report.skipped)
    edited = sum(words(p.text) for p in c.parts if p.at in outcome.edits)
    assert outcome.report.before == left + edited == sum(words(t) for t in [*(p.text for p in c.parts), *c.others])


@given(conversations)
def test_a_journal_of_what_was_sent_changes_nothing(c: Conversation) -> None:
    first = fold(PIPELINE, c)
    again = fold(Pipeline([], Scale(words)), c, dict(first.report.forms), history=len(c.parts))
    assert again.edits == first.edits
    assert again.report.after == first.report.after


def test_threads_agree() -> None:
    cs = [conversation(tool(f"{LONG} {i % 7}")) for i in range(60)]
    expected = [fold(Pipeline([Halve()], Scale(words)), c).edits for c in cs]
    shared, seen = Pipeline([Halve()], Scale(words)), []

    def work() -> None:
        seen.append([fold(shared, c).edits for c in cs])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [expected] * 4


ROWS = "lossy" + "".join(f"\n{i:02} rows of a table" for i in range(40))
"""Halve shortens it with loss or not at all."""
WORDY = "long " + "".join(f"\nword {i}" for i in range(90))
"""Halve shortens it without loss."""


def policies(policy: Policy, *texts: str) -> Policies:
    return Policies({signature("Bash", text): policy for text in texts})


@pytest.mark.parametrize(("policy", "text", "lossy", "skipped", "spared"), [
    ("as_is", ROWS, True, "", 0), ("gentle", ROWS, True, "toin", 1), ("whole", ROWS, True, "toin", 1),
    ("gentle", ROWS, False, "no_way_back", 0), ("whole", ROWS, False, "toin", 1),
    ("gentle", WORDY, True, "", 1), ("gentle", WORDY, False, "", 0), ("whole", WORDY, True, "toin", 1),
    ("whole", LONG, True, "", 0),
])
def test_a_policy_spares_outputs_of_its_kind(policy: Policy, text: str, lossy: bool, skipped: str, spared: int) -> None:
    pipeline = Pipeline([Halve()], Scale(words)).under(policies(policy, text))
    report = fold(pipeline, conversation(tool(text)), lossy=lossy).report
    assert [s.reason for s in report.skipped] == ([skipped] if skipped else [])
    assert report.spared == (("Bash", signature("Bash", text)),) * spared


def test_what_holds_for_one_conversation_holds_for_no_other() -> None:
    pipeline = Pipeline([Halve()], Scale(words))
    c = conversation(tool(ROWS), replace(tool(ROWS), tool="Other"), replace(tool(ROWS), error=True))
    usual = fold(pipeline, c, lossy=True)
    spared = fold(pipeline.under(policies("gentle", ROWS)), c, lossy=True)
    assert list(spared.edits) == [("messages", 1), ("messages", 2)]
    assert fold(pipeline, c, lossy=True) == usual
    assert fold(pipeline.under(policies("gentle", ROWS)), c, lossy=True) == spared


def test_a_policy_bears_on_nothing_that_was_sent_and_on_nothing_protected_or_retrieved() -> None:
    c = conversation(tool(ROWS), tool(ROWS), replace(tool(ROWS), call={"command": "headroom retrieve 0"}), fresh=1)
    pipeline = Pipeline([Halve()], Scale(words)).under(policies("whole", ROWS))
    first = pipeline.chain(c).parts[0]
    report = fold(pipeline, c, {first: "short"}, 1, lossy=True).report
    assert {s.reason for s in report.skipped} == {"toin", "marked"}
    assert len(report.spared) == 1
    protecting = Pipeline([Halve()], Scale(words), ["bash"]).under(policies("whole", ROWS))
    report = fold(protecting, c, lossy=True).report
    assert {s.reason for s in report.skipped} == {"protected", "marked"}
    assert report.spared == ()


@given(st.lists(st.sampled_from([ROWS, WORDY, LONG]), max_size=6), st.sampled_from(["as_is", "gentle", "whole"]), st.booleans())
def test_under_a_policy_the_past_does_not_depend_on_the_future_either(texts: list[str], policy: Policy, lossy: bool) -> None:
    pipeline = Pipeline([Halve()], Scale(words)).under(policies(policy, ROWS))
    parts = [tool(text) for text in texts]
    all_of_it = fold(pipeline, conversation(*parts), lossy=lossy)
    for n in range(len(parts)):
        before = fold(pipeline, conversation(*parts[:n]), lossy=lossy)
        assert before.edits == {at: text for at, text in all_of_it.edits.items() if at in before.edits}
        assert before.report.spared == all_of_it.report.spared[: len(before.report.spared)]
