from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.agents.base import McpServer, Unparsable
from headroom.agents.codex import BEGIN, Codex

SERVER = McpServer("ours", ("python", "-m", "x", '--state=sqlite:"a" \\b\x7f é'))
AGENT = Codex()

FILES = [
    "",
    'model = "m"\n',
    'model = "m"  # no line end',
    '# mine\nmodel = "m"\n\n[mcp_servers.other]\ncommand = "x"\n[mcp_servers.other.env]\nA = "1"\n',
    '[profiles.a]\r\nmodel = "m"\r\n',
    "text = '''\n[mcp_servers.ours]\n'''\n",
]


def test_words_and_places() -> None:
    assert AGENT.config(Path("h"), {}) == Path("h/.codex/config.toml")
    assert AGENT.config(Path("h"), {"CODEX_HOME": "c"}) == Path("c/config.toml")
    assert AGENT.add(SERVER) == ("mcp", "add", "ours", "--", *SERVER.command)
    assert AGENT.remove("ours") == ("mcp", "remove", "ours")


@pytest.mark.parametrize("text", FILES)
def test_a_block_is_appended_and_taken_off(text: str) -> None:
    after = AGENT.insert(text, SERVER)
    assert after.startswith(text)
    assert BEGIN in after
    assert AGENT.registered(text, "ours") is None
    assert AGENT.registered(after, "ours") == SERVER
    assert (AGENT.marked(text), AGENT.marked(after)) == (False, True)
    assert AGENT.delete(after, "ours").rstrip("\n") == text.rstrip("\n")


@pytest.mark.parametrize("text", FILES[1:])
def test_what_others_append_later_stays(text: str) -> None:
    later = '\n[mcp_servers.later]\ncommand = "y"\n'
    left = AGENT.delete(AGENT.insert(text, SERVER) + later, "ours")
    assert left.startswith(text)
    assert left.endswith(later)


@pytest.mark.parametrize("text", [
    "model = ", "a = 1\na = 2\n", "mcp_servers = 1\n", "[mcp_servers]\nours = 1\n", "<<<<<<< HEAD\n",
])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(Unparsable):
        AGENT.registered(text, "ours")


def test_what_cannot_take_a_block_is_refused() -> None:
    with pytest.raises(Unparsable):
        AGENT.insert('mcp_servers = { other = { command = "x" } }\n', SERVER)
    with pytest.raises(Unparsable):
        AGENT.insert(AGENT.insert("", SERVER), SERVER)


@pytest.mark.parametrize("text", [
    '[mcp_servers.ours]\ncommand = "x"\n',
    AGENT.insert("", SERVER).replace("args", "env = {}\nargs").replace(BEGIN, "# edited"),
    AGENT.insert("", SERVER).replace("# <<<", '[mcp_servers.theirs]\ncommand = "z"\n# <<<'),
])
def test_only_our_block_is_taken_off(text: str) -> None:
    with pytest.raises(Unparsable):
        AGENT.delete(text, "ours")


@settings(deadline=None, max_examples=100)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8), st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=4))
def test_any_name_and_any_argument_can_be_written(name: str, words: list[str]) -> None:
    server = McpServer(name, ("python", *words))
    text = AGENT.insert('model = "m"\n', server)
    assert AGENT.registered(text, name) == server
    assert AGENT.delete(text, name) == 'model = "m"\n'
