from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from headroom import ccr
from headroom.cacheguard import Held
from headroom.chain import chain
from headroom.conversation import Address, Json
from headroom.dialects.document import Document
from headroom.fitting.choice import Cut
from headroom.fitting.decision import UNCUT, Decision, decode
from headroom.fitting.refit import Case, Means, Now, Refitted
from headroom.fitting.subject import Subject, names, weights
from headroom.prices import Model, Rates, load
from headroom.tokens import estimate
from tests.fitting.conversations import NAMED, PATHS, text

(MODEL,) = [each for each in load().models() if each.name == "claude-sonnet-5-5"]


def sized(window: int, *, binds: bool = True) -> Model:
    return replace(MODEL, window=window, max_output=500, binds=binds)


def use(n: int, path: str) -> Json:
    thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
    return {"role": "assistant", "content": [thought, {"type": "tool_use", "id": f"t{n}", "name": "Read", "input": {"file_path": path}}]}


def result(n: int, said: str) -> Json:
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": f"t{n}", "content": said}]}


def session(*reads: tuple[str, str]) -> list[Json]:
    found: list[Json] = [{"role": "user", "content": "go"}]
    for n, (path, said) in enumerate(reads):
        found += (use(n, path), result(n, said))
    return found


def unthinking(values: Sequence[Json]) -> list[Json]:
    """The same without the model's reasoning."""
    return [{**each, "content": [block for block in each["content"] if block["type"] != "thinking"]} if each["role"] == "assistant" else each for each in values]


def decide(
    values: Sequence[Json], now: Now, means: Means | None = None, edits: Mapping[Address, str] | None = None, decision: Decision = UNCUT
) -> Refitted:
    dialect = NAMED["anthropic"]
    document = Document.parse(json.dumps({"model": "m", "messages": list(values)}).encode())
    conversation = dialect.read(document, PATHS["anthropic"])
    subject = Subject(dialect, document, conversation, chain(conversation, lambda said: hashlib.sha256(said.encode()).digest()))
    base = weights(subject, estimate, estimate)

    def fold(cuts: Sequence[Cut]) -> Mapping[Address, str]:
        return edits or {}

    return Case(estimate, Means() if means is None else means, subject, base, now).decide(decision, names(subject, base), fold)


READS = session(*((f"src/{n}.py", text(n, 6000)) for n in range(10)))
SIZE = estimate(text(0, 6000))


def test_what_fits_is_left_alone() -> None:
    found = decide(READS, Now(sized(200_000)))
    assert (found.decision, found.rows, found.fits, found.removed) == (UNCUT, {}, True, 0)


def test_what_does_not_fit_is_cut_recorded_and_found_again() -> None:
    now = Now(sized(9 * SIZE + 500))
    found = decide(READS, now)
    (row,) = found.rows.values()
    assert decode(row, len(READS), 11) == found.decision
    assert found.fits
    assert found.notes
    assert found.removed > 2 * SIZE
    again = decide(READS, now, decision=found.decision)
    assert (again.decision, again.rows, again.notes) == (found.decision, {}, ())


def test_reasoning_goes_only_where_the_model_binds_it() -> None:
    window = 9 * SIZE + 500
    assert decide(READS, Now(sized(window))).decision.bare
    assert not decide(READS, Now(sized(window, binds=False))).decision.bare


def test_what_was_sent_without_a_cut_is_not_cut_where_it_stands() -> None:
    found = decide(READS, Now(sized(9 * SIZE + 500), first=len(READS) - 2))
    assert [cut.at for cut in found.decision.cuts] == [len(READS) - 1]


def test_a_conversation_of_which_nothing_may_go_leaves_as_it_is() -> None:
    found = decide(session(("a.py", text(0, 60_000))), Now(sized(9000)))
    assert (found.decision, found.fits) == (UNCUT, False)


def test_reads_that_had_their_day_are_folded_before_anything_goes() -> None:
    values = session(*((f"src/{n % 2}.py", text(n, 6000)) for n in range(10)))
    now = Now(sized(9 * SIZE + 500), lossy=True)
    found = decide(values, now)
    assert not found.decision.dropped
    assert found.folded
    for i in found.folded:
        form = found.decision.forms[i]
        assert form is not None
        assert ccr.MARKER.fullmatch(form)
        assert "shown again further down" in form
    assert decide(values, now, Means(fold=False)).decision.dropped
    assert decide(values, replace(now, lossy=False)).decision.dropped


def test_only_old_outputs_are_folded_without_the_lifecycle() -> None:
    values = session(*((f"src/{n % 2}.py", text(n, 6000)) for n in range(10)))
    found = decide(values, Now(sized(9 * SIZE + 500), lossy=True), Means(lifecycle=False))
    assert found.folded
    assert all("early in the conversation" in (found.decision.forms[i] or "") for i in found.folded)


def test_a_form_that_refers_to_what_is_gone_stands_as_it_came() -> None:
    said = [text(n, 6000) for n in range(10)]
    values = session(*((f"src/{n}.py", each) for n, each in enumerate(said)), ("src/0.py", said[0]))
    form = '[lines seen before: "= A-B of X" is lines A-B of the earlier result X]\n= all of Read src/0.py'
    edits: dict[Address, str] = {("messages", 22, "content", 0, "content"): form}
    found = decide(values, Now(sized(9 * SIZE + 500)), Means("oldest"), edits)
    (cut,) = found.decision.cuts
    assert 2 in cut.dropped
    if cut.at == 22:
        assert found.decision.forms == {11: None}
    else:
        assert found.decision.forms == {}


DEAD = session(*((f"src/{n % 2}.py", text(n, 6000)) for n in range(10)))


def test_a_cold_cache_is_a_good_time_to_fold_what_had_its_day() -> None:
    now = Now(sized(200_000, binds=False), "cold", lossy=True)
    found = decide(DEAD, now)
    (cut,) = found.decision.cuts
    assert (cut.at, cut.dropped) == (len(DEAD) - 1, frozenset())
    assert cut.after < cut.before
    assert len(found.rows) == 1
    assert {i for i, form in found.decision.forms.items() if form} == {*found.folded} == {1, 2, 3, 4, 5, 6}
    again = decide(DEAD, now, decision=found.decision)
    assert (again.decision, again.rows) == (found.decision, {})


def test_what_is_folded_at_one_cold_cache_is_not_told_again_at_the_next() -> None:
    now = Now(sized(200_000, binds=False), "cold", lossy=True)
    values = session(*edited(1, 12), *edited(2, 12))
    early = decide(values[:25], now)
    late = decide(values, now, decision=early.decision)
    assert early.folded
    assert late.folded
    assert {*early.folded}.isdisjoint(late.folded)
    assert {i for i, form in late.decision.forms.items() if form} == {*early.folded, *late.folded}


def kept(n: int) -> tuple[str, str]:
    """A read that has not had its day."""
    return f"src/kept{n}.py", text(n, 6000)


def edited(n: int, times: int) -> list[tuple[str, str]]:
    """A file that is read again and again."""
    return [(f"src/{n}.py", text(100 * n + i, 6000)) for i in range(times)]


TENTH = replace(sized(1_000_000, binds=False), rates=Rates(2.0, 10.0, 0.2, 2.5, 4.0))
WARM = Now(TENTH, "priced", lossy=True)


@pytest.mark.parametrize(("reads", "now", "parts"), [
    pytest.param([*edited(1, 14), *map(kept, range(5))], WARM, {*range(1, 14)}, id="much of it had its day"),
    pytest.param([*edited(1, 2), *map(kept, range(12))], WARM, set(), id="little did, with much behind it"),
    pytest.param([*edited(1, 2), *map(kept, range(22)), *edited(2, 7), *map(kept, range(30, 34))], WARM, {25, 26, 27, 28, 29, 30}, id="from where it pays most"),
    pytest.param([*edited(1, 2), *map(kept, range(12))], replace(WARM, held=Held(0.0)), {1}, id="nothing of it is cached"),
    pytest.param([*edited(1, 14), *map(kept, range(5))], replace(WARM, model=replace(TENTH, binds=True)), set(), id="reasoning is bound"),
    pytest.param([*edited(1, 14), *map(kept, range(5))], replace(WARM, model=None), set(), id="no price is known"),
    pytest.param([*edited(1, 14), *map(kept, range(5))], replace(WARM, lossy=False), set(), id="nothing could be had back"),
    pytest.param([*edited(1, 11), *map(kept, range(5))], WARM, {*range(1, 11)}, id="written for the short lifetime"),
    pytest.param([*edited(1, 11), *map(kept, range(5))], replace(WARM, held=Held(1.0, long=True)), set(), id="and for the long one"),
])
def test_what_had_its_day_is_folded_where_that_pays(reads: list[tuple[str, str]], now: Now, parts: set[int]) -> None:
    values = unthinking(session(*reads))
    found = decide(values, now)
    assert {*found.folded} == parts
    assert all(cut.after < cut.before for cut in found.decision.cuts)
    again = decide(values, now, decision=found.decision)
    assert (again.decision.forms, again.rows) == (found.decision.forms, {})


def test_for_money_alone_nothing_is_folded_in_front_of_reasoning() -> None:
    values = session(*edited(1, 14), *map(kept, range(5)))
    assert decide(values, WARM).decision == UNCUT
    assert decide(values, replace(WARM, occasion="cold", held=None)).folded
    assert decide([*unthinking(values[:-2]), *values[-2:]], WARM).decision == UNCUT
    assert decide([*values[:3], *unthinking(values[3:])], WARM).folded == decide(unthinking(values), WARM).folded


def test_what_is_old_by_turns_is_folded_where_that_pays() -> None:
    values = unthinking(session(*map(kept, range(80))))
    assert not decide(values[: 2 * 50 - 1], WARM).folded
    old = decide(values, WARM)
    assert {*old.folded} == {*range(1, 31)}
    assert all("early in the conversation" in (form or "") for form in old.decision.forms.values())


GEMINI = replace(sized(1_000_000, binds=False), rates=MODEL.rates, tier_from=int(20 * SIZE / 0.95) + 300, tier=replace(MODEL.rates, input=4.0, read=0.4, write_short=5.0))


def test_a_tier_is_crossed_by_a_cut_if_that_pays() -> None:
    values = session(*map(kept, range(24)))
    with_tier, without = (decide(values, Now(model, first=len(values) - 6)) for model in (GEMINI, replace(GEMINI, tier_from=None)))
    assert without.decision == UNCUT
    (cut,) = with_tier.decision.cuts
    assert cut.before > 20 * SIZE
    assert cut.after < 0.7 * cut.before
    assert with_tier.notes
    assert with_tier.fits
    assert decide(values, Now(GEMINI), decision=with_tier.decision).rows == {}
    assert not decide(values, Now(replace(GEMINI, tier=GEMINI.rates))).decision.cuts


@pytest.mark.parametrize(("now", "means"), [
    pytest.param(Now(sized(200_000, binds=False), "fit", lossy=True), Means(), id="the cache is warm"),
    pytest.param(Now(sized(200_000, binds=False), "priced", lossy=True), Means(), id="it would not pay"),
    pytest.param(Now(sized(200_000), "cold", lossy=True), Means(), id="reasoning would be lost"),
    pytest.param(Now(sized(200_000, binds=False), "cold"), Means(), id="nothing could be had back"),
    pytest.param(Now(None, "cold", lossy=True), Means(), id="no price is known"),
    pytest.param(Now(sized(200_000, binds=False), "cold", lossy=True), Means(lifecycle=False), id="it is switched off"),
])
def test_else_what_was_sent_stays(now: Now, means: Means) -> None:
    assert decide(DEAD, now, means).decision == UNCUT


def test_a_conversation_that_was_folded_when_its_cache_was_cold_is_cut_when_it_does_not_fit() -> None:
    window = 9 * SIZE + 500
    values = session(*((f"src/{n % 2}.py" if n < 6 else f"src/{n}.py", text(n, 6000)) for n in range(12)))
    early = decide(values[:13], Now(sized(window, binds=False), "cold", lossy=True)).decision
    assert early.cuts
    late = decide(values, Now(sized(window, binds=False), first=len(values) - 2, lossy=True), decision=early)
    assert late.decision.cuts[: len(early.cuts)] == early.cuts
    assert late.fits
