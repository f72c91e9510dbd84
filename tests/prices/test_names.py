"""What may be taken off a name, and what must stay."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.prices.names import forms


@pytest.mark.parametrize(("name", "last"), [
    ("claude-opus-5-5", "claude-opus-5-5"),
    ("claude-opus-5-5-20260901", "claude-opus-5-5"),
    ("claude-opus-5-5[1m]", "claude-opus-5-5"),
    ("claude-opus-5-5-20260901[1m]", "claude-opus-5-5"),
    ("claude-sonnet-5-latest", "claude-sonnet-5"),
    ("anthropic/claude-opus-5.5", "claude-opus-5-5"),
    ("openrouter/anthropic/claude-opus-5.5", "claude-opus-5-5"),
    ("anthropic.claude-haiku-4-5-20251001-v1:0", "claude-haiku-4-5"),
    ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "claude-haiku-4-5"),
    ("us-gov.anthropic.claude-opus-4-6-v1", "claude-opus-4-6"),
    ("global.anthropic.claude-opus-4-6-v1:0:200k", "claude-opus-4-6"),
    ("arn:aws:bedrock:us-east-1:1234:inference-profile/us.anthropic.claude-opus-4-6-v1:0", "claude-opus-4-6"),
    ("claude-opus-4-5@20251101", "claude-opus-4-5"),
    ("publishers/google/models/gemini-3.8-flash-001", "gemini-3.8-flash"),
    ("models/gemini-3.8-flash", "gemini-3.8-flash"),
    ("GPT-5.4-2026-03-05", "gpt-5.4"),
    ("azure/gpt-5", "gpt-5"),
    # What names another model, or another price, stays.
    ("gpt-5-mini", "gpt-5-mini"),
    ("gpt-5-chat-latest", "gpt-5-chat"),
    ("gpt-4-0613", "gpt-4-0613"),
    ("gpt-5-99999999", "gpt-5-99999999"),
    ("gemini-3.1-pro-preview", "gemini-3.1-pro-preview"),
    ("ft:gpt-4.1:acme::abc", "ft:gpt-4.1:acme::abc"),
    ("deepseek/deepseek-r1:free", "deepseek-r1:free"),
    ("", ""),
])
def test_names(name: str, last: str) -> None:
    assert list(forms(name))[-1] == last


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=60) | st.from_regex(r"\A([a-z]{2}\.)?(anthropic[./])?claude-[a-z]+-[0-9.]+(-20260901)?(-v1:0)?(\[1m\])?\Z"))
def test_each_form_is_shorter_or_only_spelled_otherwise(name: str) -> None:
    found = list(forms(name))
    assert found[0] == name
    assert len(set(found)) == len(found)
    low = [form.lower().replace(".", "-") for form in found]
    assert all(after in before for before, after in pairwise(low))
