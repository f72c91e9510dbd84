from __future__ import annotations

from dataclasses import replace

import pytest

from headroom.ledger.entry import MAX_NAME, MAX_TOOLS, OTHER, client, entry
from tests.ledger.records import record


@pytest.mark.parametrize(("agent", "expected"), [
    ("claude-cli/2.1.0 (external, cli)", "claude-cli"),
    ("codex_cli_rs/0.50 (Linux)", "codex_cli_rs"),
    ("OpenAI/Python 2.8.1", "openai"),
    ("curl", "curl"),
    ("", ""),
    ("(strange)", ""),
    ("sk-ant-" + "x" * 90, ""),
    ("a\nb/1", "a"),
])
def test_a_client_is_known_by_its_product(agent: str, expected: str) -> None:
    assert client(agent) == expected


def test_no_content_and_nothing_long_is_kept() -> None:
    found = entry(record(model="m" * 1000, project="p\n" * 1000, tools=("Bash\x1b",)))
    assert len(found.model) == len(found.project) == MAX_NAME
    assert "secret" not in repr(found)
    assert "\n" not in found.project
    assert found.tools[0].tool == "Bash?"


def test_tools_beyond_the_bound_are_one() -> None:
    found = entry(record(tools=tuple(f"t{i}" for i in range(MAX_TOOLS + 7)))).tools
    assert len(found) == MAX_TOOLS + 1
    assert (found[-1].tool, found[-1].before, found[-1].after, found[-1].saved) == (OTHER, 700, 280, 70)


def test_the_same_tool_twice_is_one_row_and_ours_is_none() -> None:
    (found,) = entry(record(tools=("Bash", "", "Bash"))).tools
    assert (found.before, found.after, found.saved) == (200, 80, 10)


def test_tokens_that_a_bust_cost_are_kept() -> None:
    told = record()
    bust = replace(told, prompt_cache=replace(told.prompt_cache, cause="bust", lost=7))
    assert entry(bust).lost == 7
    assert entry(replace(told, prompt_cache=replace(told.prompt_cache, cause="rewritten", lost=7))).lost == 0
