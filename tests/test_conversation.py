from __future__ import annotations

import dataclasses

import pytest

from headroom.conversation import Conversation, Part, Report


def test_facts_are_frozen() -> None:
    part = Part("tool", "text", ("messages", 0))
    with pytest.raises(dataclasses.FrozenInstanceError):
        part.text = "other"  # type: ignore[misc]  # the point of the test
    assert Conversation("m", (part,)) == Conversation("m", (Part("tool", "text", ("messages", 0)),))


def test_saved_is_what_is_missing() -> None:
    assert Report(before=10, after=4).saved == 6
    assert Report().saved == 0
