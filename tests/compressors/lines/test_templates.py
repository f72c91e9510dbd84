"""Templates and their values together are the lines."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.base import TooCostly
from headroom.compressors.lines.templates import MAX_VALUES, Template, mine


def lines_of(template: Template) -> dict[int, str]:
    """What the template says its lines are."""
    rows = zip(*template.columns, strict=True) if template.columns else iter([()] * len(template.lines))
    return {
        i: template.parts[0] + "".join(chain.from_iterable(zip(row, template.parts[1:], strict=True)))
        for i, row in zip(template.lines, rows, strict=True)
    }


def mined(text: str, most: int = 100) -> list[Template]:
    lines = text.split("\n")
    found = mine(text, lines, most)
    for template in found:
        assert lines_of(template) == {i: lines[i] for i in template.lines}
    covered = [i for template in found for i in template.lines]
    assert len(covered) == len(set(covered))
    return found


@pytest.mark.parametrize(("text", "parts"), [
    ("\n".join(f"the request took {n} ms to complete" for n in (5, 17, 230, 4)), ("the request took ", " ms to complete")),
    ("\n".join(f"2024-01-0{n} the daily report is ready" for n in (1, 2, 3)), ("2024-01-", " the daily report is ready")),
    ("\n".join(f"opened session for {name} on the console" for name in ("ada", "grace", "alan", "edsger")),
     ("opened session for ", " on the console")),
    ("\n".join(["nothing varies in this line at all"] * 4), ("nothing varies in this line at all",)),
    ("\n".join(f"request {h * 32} was accepted by worker 7" for h in "abc"), ("request ", " was accepted by worker 7")),
], ids=["number", "prefix", "word", "constant", "hash"])
def test_templates(text: str, parts: tuple[str, ...]) -> None:
    assert [template.parts for template in mined(text)] == [parts]


def test_the_most_used_templates_are_kept_when_there_are_too_many() -> None:
    text = "\n".join(f"{word} is what this line is about, says {n}" for word in ("alpha", "beta") for n in range(4 if word == "beta" else 3))
    assert [t.parts[0][:4] for t in mined(text, most=1)] == ["beta"]


def test_values_are_a_work_limit() -> None:
    text = "1 2 3 4 5 6 7 8\n" * (MAX_VALUES // 8 + 10_000)
    with pytest.raises(TooCostly):
        mine(text, text.split("\n"), 10)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(st.sampled_from(["up", "down", "1", "22", "x1", "", "a=3", "the", "service", "is"]), max_size=9).map(" ".join), max_size=40))
def test_templates_never_change_a_line(lines: list[str]) -> None:
    mined("\n".join(lines))
