from __future__ import annotations

import dataclasses

import pytest

from headroom.conversation import Conversation, Edit, Part, Report


def test_facts_are_frozen() -> None:
    part = Part("tool", "text", ("messages", 0))
    with pytest.raises(dataclasses.FrozenInstanceError):
        part.text = "other"  # type: ignore[misc]  # the point of the test
    assert Conversation("m", (part,)) == Conversation("m", (Part("tool", "text", ("messages", 0)),))


def test_saved_is_what_is_missing() -> None:
    assert Report(before=10, after=4).saved == 6
    assert Report().saved == 0


def test_a_report_that_is_printed_shows_no_content() -> None:
    edit = Edit("logs", "Bash", "SECRET original", "SECRET short", "exact", 9, 4)
    assert "SECRET" not in repr(Report(edits=(edit,), originals={"k": "SECRET"}, forms={"c": "SECRET"}))
