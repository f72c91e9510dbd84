from __future__ import annotations

import hashlib
import json

import pytest

from headroom import dialects, weaving
from headroom.chain import Chain, chain
from headroom.conversation import Json
from headroom.dialects.anthropic import Anthropic
from headroom.dialects.document import Document
from headroom.dialects.hidden import HIDDEN
from headroom.dialects.hidden.base import NAME, Asked, Exchange
from headroom.weaving import Seams

BASH = {"name": "Bash", "input_schema": {"type": "object"}}
USE = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}}
OURS = {"type": "tool_use", "id": "h1", "name": NAME, "input": {"key": "0" * 24}}

BODIES: dict[str, Json] = {
    "anthropic": {"model": "m", "tools": [BASH], "messages": [{"role": "user", "content": "Look."}]},
    "openai-chat": {"model": "m", "tools": [{"type": "function", "function": {"name": "Bash"}}], "messages": [{"role": "user", "content": "Look."}]},
    "openai-responses": {"model": "m", "store": False, "tools": [{"type": "function", "name": "Bash"}], "input": [{"role": "user", "content": "Look."}]},
    "gemini": {"tools": [{"functionDeclarations": [{"name": "Bash"}]}], "contents": [{"role": "user", "parts": [{"text": "Look."}]}]},
}
PATHS = {"gemini": "/v1beta/models/m:generateContent"}


def read(name: str, body: Json) -> tuple[Seams, Chain]:
    dialect = next(d for d in dialects.DIALECTS if d.name == name)
    document = Document.parse(json.dumps(body).encode())
    conversation = dialect.read(document, PATHS.get(name, ""))
    keys = chain(conversation, lambda text: hashlib.sha256(text.encode()).digest())
    return Seams(HIDDEN[name], document, dialect.turns, conversation), keys


def offered(name: str, body: Json, target: str = "") -> Json:
    """The body with our tool; None where it may not be offered."""
    seams, _ = read(name, body)
    if not seams.may_offer(target or PATHS.get(name, "")):
        return None
    addition = seams.tool()
    assert addition is not None
    assert NAME in addition.text
    return json.loads(seams.document.splice({}, [addition.rewrite]))


@pytest.mark.parametrize("name", HIDDEN)
def test_our_tool_stands_last_and_nothing_else_changes(name: str) -> None:
    body = BODIES[name]
    found = offered(name, body)
    before, after = json.dumps(body["tools"]), json.dumps(found["tools"])
    assert before.count("Bash") == after.count("Bash") == 1
    assert after.index(NAME) > after.index("Bash")
    assert {**found, "tools": body["tools"]} == body


def test_our_tool_stands_where_codex_brings_its_tools() -> None:
    brings = {"type": "additional_tools", "tools": [{"type": "custom", "name": "exec"}]}
    body: Json = {"model": "m", "store": False, "input": [brings, {"role": "user", "content": "Look."}]}
    found = offered("openai-responses", body)
    assert [tool["name"] for tool in found["input"][0]["tools"]] == ["exec", NAME]
    assert found["input"][1:] == body["input"][1:]


MCP = {"name": f"mcp__headroom__{NAME}", "input_schema": {}}


@pytest.mark.parametrize(("name", "change", "target"), [
    ("anthropic", {"tools": []}, ""),
    ("anthropic", {"tools": {}}, ""),
    ("anthropic", {"tools": None}, ""),
    ("openai-responses", {"tools": BASH}, ""),
    ("openai-chat", {"tools": "Bash"}, ""),
    ("anthropic", {"tools": [BASH, MCP]}, ""),
    ("anthropic", {"thread": "t"}, ""),
    ("anthropic", {"messages": []}, ""),
    ("openai-responses", {"store": True}, ""),
    ("openai-responses", {"store": None}, ""),
    ("openai-responses", {"previous_response_id": "r"}, ""),
    ("openai-responses", {"input": "Look."}, ""),
    ("openai-responses", {"tools": [], "input": [{"type": "additional_tools", "tools": [MCP]}, {"role": "user", "content": "x"}]}, ""),
    ("gemini", {"cachedContent": "c"}, ""),
    ("gemini", {"generationConfig": {"candidateCount": 2}}, ""),
    ("gemini", {}, "/v1beta/models/m:streamGenerateContent"),
])
def test_where_our_tool_may_not_be_offered(name: str, change: Json, target: str) -> None:
    assert offered(name, {**BODIES[name], **change}, target) is None


def test_a_stream_of_events_can_be_made_of_several() -> None:
    assert offered("gemini", BODIES["gemini"], "/v1beta/models/m:streamGenerateContent?alt=sse") is not None


EXCHANGE = Exchange(
    (((json.dumps({"role": "assistant", "content": [OURS]}),), HIDDEN["anthropic"].results([(Asked("h1", None), "the original")])),),
)


def test_a_hidden_round_stands_again_where_the_provider_saw_it() -> None:
    said = {"role": "assistant", "content": [{"type": "text", "text": "I see."}]}
    body = {"model": "m", "tools": [BASH], "messages": [{"role": "user", "content": "Look."}, said, {"role": "user", "content": "And?"}]}
    seams, keys = read("anthropic", body)
    unlike: list[str] = []
    rows = {keys.replies[0]: weaving.write(EXCHANGE)}
    (addition,) = seams.rounds(keys, rows, unlike.append)
    woven = json.loads(seams.document.splice({}, [addition.rewrite]))
    assert [message["role"] for message in woven["messages"]] == ["user", "assistant", "user", "assistant", "user"]
    assert woven["messages"][2]["content"][0]["content"] == "the original"
    assert unlike == []


def test_an_answer_that_is_not_the_one_on_record_stays_as_it_is() -> None:
    other = Exchange(((('{"role":"assistant","content":[{"type":"text","text":"Else."}]}',), ()),))
    body = {"model": "m", "tools": [BASH], "messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "I see."}]}
    seams, keys = read("anthropic", body)
    unlike: list[str] = []
    rows = {keys.replies[0]: weaving.write(other)}
    (addition,) = seams.rounds(keys, rows, unlike.append)
    assert json.loads(seams.document.splice({}, [addition.rewrite])) == body
    assert unlike == [keys.replies[0]]


def test_an_exchange_is_read_as_it_was_written() -> None:
    exchange = Exchange(((('{"a": "\u00e9"}', "x"), ("y",)),), ("last",), ("late",))
    assert weaving.read(weaving.write(exchange)) == exchange


@pytest.mark.parametrize(("row", "owner"), [
    (weaving.write(Exchange(), "f" * 32), "f" * 32), (weaving.write(Exchange()), ""), ("", ""), (" [", ""), ("a", ""), ("a {}", ""),
    ("f" * 200 + " [[],[],[]]", ""),
])
def test_a_row_says_whose_it_is(row: str, owner: str) -> None:
    assert weaving.owner(row) == owner


def test_a_row_with_an_owner_is_read_like_any_other() -> None:
    exchange = Exchange(((("a",), ("b",)),), ("c",), ("[d] e",))
    assert weaving.read(weaving.write(exchange, "f" * 32)) == weaving.read(weaving.write(exchange)) == exchange


@pytest.mark.parametrize("row", ["", "[]", "{", "[[],[],[1]]", "[[[[]]],[],[]]", '["",[],[]]', "[" * 100_000])
def test_a_row_that_is_none_of_ours_says_nothing(row: str) -> None:
    assert weaving.read(row) is None


THINKS = {"role": "assistant", "content": [{"type": "thinking", "thinking": "?", "signature": "x"}, {"type": "text", "text": "I see."}]}
ONLY = {"role": "assistant", "content": [{"type": "thinking", "thinking": "?", "signature": "x"}]}
USER = {"role": "user", "content": "Look."}
SEES = {"role": "assistant", "content": [{"type": "text", "text": "I see."}]}


@pytest.mark.parametrize(("messages", "most", "left", "count"), [
    ([USER, THINKS, USER], None, [USER, SEES, USER], 3),
    ([USER, THINKS, USER, THINKS], 2, [USER, SEES, USER, THINKS], 2),
    ([USER, ONLY, USER], None, [USER, USER], 3),
    ([USER], None, [USER], 1),
    ([USER], 9, [USER], 1),
    ([], None, [], 0),
])
def test_bound_reasoning_is_left_out_from_the_start(messages: list[Json], most: int | None, left: list[Json], count: int) -> None:
    body = json.dumps({"messages": messages}).encode()
    found, elements = weaving.without_reasoning(body, "messages", Anthropic().bare, most)
    assert (json.loads(found)["messages"], elements) == (left, count)
    assert found == body or left != messages


@pytest.mark.parametrize(("name", "change", "target", "room"), [
    ("anthropic", {}, "", True),
    ("anthropic", {"tools": [BASH, {"name": NAME, "input_schema": {}}]}, "", False),
    ("anthropic", {"tools": [{**BASH, "description": f"Not {NAME}."}]}, "", True),
    ("openai-chat", {"n": 2}, "", False),
    ("openai-responses", {"store": True}, "", False),
    ("gemini", {"generationConfig": {"candidateCount": 2}}, "", False),
    ("gemini", {}, "/v1beta/models/m:streamGenerateContent", False),
    ("gemini", {}, "/v1beta/models/m:streamGenerateContent?alt=sse", True),
])
def test_what_the_client_changes_in_mid_session_may_leave_our_tool_no_room(name: str, change: dict[str, Json], target: str, room: bool) -> None:
    seams, _ = read(name, {**BODIES[name], **change})
    assert seams.leaves_room(target or PATHS.get(name, "")) == room
