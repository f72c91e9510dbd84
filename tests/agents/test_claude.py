from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.agents.base import McpServer, Unparsable
from headroom.agents.claude import Claude

SERVER = McpServer("ours", ("python", "-m", "x", "--state=sqlite:a b"))
ENTRY = {"type": "stdio", "command": "python", "args": ["-m", "x", "--state=sqlite:a b"], "env": {}, "alwaysLoad": True}
AGENT = Claude()


def test_words_and_places() -> None:
    assert AGENT.config(Path("h"), {}) == Path("h/.claude.json")
    assert AGENT.config(Path("h"), {"CLAUDE_CONFIG_DIR": "c"}) == Path("c/.claude.json")
    assert AGENT.add(SERVER) == ("mcp", "add-json", "--scope", "user", "ours", json.dumps(ENTRY))
    assert AGENT.remove("ours") == ("mcp", "remove", "--scope", "user", "ours")


@pytest.mark.parametrize(("text", "expected"), [
    ("", None),
    ("{}", None),
    (json.dumps({"mcpServers": {"ours": ENTRY}}), SERVER),
    ('{"mcpServers": {"ours": {"command": "x"}}}', McpServer("ours", ("x",))),
    ('{"mcpServers": {"ours": {"type": "http", "url": "https://x"}}}', McpServer("ours", ())),
])
def test_what_is_registered(text: str, expected: McpServer | None) -> None:
    assert AGENT.registered(text, "ours") == expected


@pytest.mark.parametrize("text", [
    "{", "[]", '{"mcpServers": []}', '{"a": 1, "a": 2}', '{"x": {"a": 1, "a": 2}}', "[" * 100_000, "// a note\n{}", '{"mcpServers": {"ours": 1}}',
])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(Unparsable):
        AGENT.registered(text, "ours")


def test_the_layout_is_claude_codes_own() -> None:
    before = '{\n  "userID": "é",\n  "projects": {},\n  "tips": []\n}'
    after = AGENT.insert(before, SERVER)
    assert after.startswith(before[:-2] + ',\n  "mcpServers": {\n    "ours": {\n      "type": "stdio",\n')
    assert not after.endswith("\n")
    assert not AGENT.marked(after)


@settings(deadline=None, max_examples=100)
@given(st.dictionaries(st.text(max_size=5), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3), max_leaves=8,
), max_size=4), st.dictionaries(st.text(max_size=4), st.just({"command": "x"}), max_size=2))
def test_only_our_entry_comes_and_goes(whole: dict[str, Any], servers: dict[str, Any]) -> None:
    text = json.dumps({**whole, "mcpServers": servers}, indent=2, ensure_ascii=False)
    after = AGENT.insert(text, SERVER)
    assert AGENT.registered(after, "ours") == SERVER
    assert json.loads(after) == {**whole, "mcpServers": {**servers, "ours": ENTRY}}
    if "ours" not in servers:
        assert AGENT.delete(after, "ours") == text
