from __future__ import annotations

import pytest

from headroom.conversation import Report
from headroom.record import Draft, Record


def record(status: int = 200, error: str = "") -> Record:
    return Record(
        ts=0.0, request_id="r", provider="anthropic", dialect="anthropic", model="m", path="/v1/messages", stream=False,
        status=status, report=Report(), tokens_before=10, tokens_after=7, error=error,
    )


@pytest.mark.parametrize(("status", "error", "failed"), [(200, "", False), (429, "", False), (502, "", True), (0, "", True), (200, "stream broke", True), (429, "TooMany", False), (429, "OverBudget", False)])
def test_what_counts_as_failed(status: int, error: str, failed: bool) -> None:
    assert record(status, error).failed is failed


def test_saved_is_before_less_after() -> None:
    assert record().tokens_saved == 3


def test_a_draft_starts_with_nothing_known() -> None:
    draft = Draft()
    assert (draft.model, draft.tokens_before, draft.error) == ("", None, "")
    assert draft.usage().input_tokens is None
