from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.conversation import Json
from headroom.dialects.hidden.anthropic import TOOL, Anthropic
from headroom.dialects.hidden.anthropic_ear import StreamEar
from headroom.dialects.hidden.base import NAME, Asked, Elements, Exchange, Hidden
from headroom.dialects.hidden.json_text import written
from headroom.dialects.hidden.whole import WholeEar
from tests.dialects.hidden.anthropic_answers import (
    CITED,
    EDIT,
    FOUND,
    LOOK,
    RAN,
    SAYS,
    THINKING,
    message,
    mine,
    stream,
    visible,
)

HIDDEN = Anthropic()
SIGNED = ("thinking", "redacted_thinking")
Manner = Callable[[list[Json]], list[Json]]
"""How a client writes the blocks of an answer into its history, as messages."""


@pytest.mark.parametrize(("tool", "names"), [
    ({"name": "Edit", "input_schema": {}}, {"Edit"}),
    ({"type": "bash_20250124", "name": "bash"}, {"bash"}),
    ({"name": f"mcp__headroom__{NAME}", "input_schema": {}}, {f"mcp__headroom__{NAME}"}),
    ({"type": "mcp_toolset", "mcp_server_name": "h", "configs": {NAME: {"enabled": True}}}, {NAME}),
    ({"name": 1, "configs": [NAME]}, set()), (["x"], set()), (None, set()),
])
def test_declared(tool: Json, names: set[str]) -> None:
    assert HIDDEN.declared([written(tool)]) == names
    assert HIDDEN.declared(["{", "", written(tool)]) == names


def test_offer() -> None:
    hidden: Hidden = HIDDEN
    assert hidden.offer([]) is None
    assert hidden.offer(['{"name": "Edit"}']) == ('{"name": "Edit"}', TOOL)
    assert HIDDEN.declared([TOOL]) == {NAME}
    assert json.loads(TOOL)["input_schema"]["required"] == ["key"]


def test_results() -> None:
    assert HIDDEN.results([]) == ()
    (found,) = HIDDEN.results([(Asked("toolu_1", {}), "a\n\ud83d"), (Asked("toolu_2", {}), "é")])
    assert json.loads(found.encode()) == {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "toolu_1", "content": "a\n\ud83d"},
        {"type": "tool_result", "tool_use_id": "toolu_2", "content": "é"},
    ]}


def test_ears() -> None:
    assert isinstance(HIDDEN.ear(stream=True), StreamEar)
    assert isinstance(HIDDEN.ear(stream=False), WholeEar)


def said(blocks: Sequence[Json]) -> Json:
    return {"role": "assistant", "content": list(blocks)}


def whole(blocks: list[Json]) -> list[Json]:
    return [said(blocks)]


def marked(blocks: list[Json]) -> list[Json]:
    """With a mark for the cache, and without members that few clients know."""
    bare = [{name: value for name, value in block.items() if name not in ("citations", "caller")} for block in blocks]
    return [said([*bare[:-1], *({**block, "cache_control": {"type": "ephemeral"}} for block in bare[-1:])])]


def apart(blocks: list[Json]) -> list[Json]:
    """A message for each block."""
    return [said([block]) for block in blocks]


def thoughtless(blocks: list[Json]) -> list[Json]:
    return [said([block for block in blocks if block["type"] not in SIGNED])]


def unblank(blocks: list[Json]) -> list[Json]:
    """Without texts that the API refuses."""
    return [said([block for block in blocks if block.get("text") != "\n\n"])]


def plain(blocks: list[Json]) -> list[Json]:
    """Texts alone as a string."""
    if not blocks or any(block["type"] != "text" for block in blocks):
        return [said(blocks)]
    return [{"role": "assistant", "content": "".join(block["text"] for block in blocks)}]


MANNERS: tuple[Manner, ...] = (whole, marked, apart, thoughtless, unblank, plain)
KINDS = st.lists(st.sampled_from(["text", "blank", "cited", "thinking", "redacted", "call", "ran", "ours", "ours with none"]), max_size=5)


def made(kinds: Sequence[Sequence[str]]) -> list[list[Json]]:
    """Blocks of each round, none like another. All but the last round ask for ours, and for nothing of the client's."""
    number, rounds = 0, []
    for at, wanted in enumerate(kinds):
        last, blocks = at == len(kinds) - 1, []
        for kind in (wanted if last else [*(kind for kind in wanted if kind != "call"), "ours"]):
            number += 1
            blocks.append({
                "text": {"type": "text", "text": f"t{number}. "}, "blank": {"type": "text", "text": "\n\n"},
                "cited": CITED | {"text": f"c{number}."}, "thinking": THINKING | {"signature": f"s{number}"},
                "redacted": {"type": "redacted_thinking", "data": f"d{number}"}, "call": EDIT | {"id": f"toolu_{number}"},
                "ran": RAN | {"id": f"srvtoolu_{number}"}, "ours": mine(number), "ours with none": mine(number, {}),
            }[kind])
        rounds.append(blocks)
    return rounds


def exchanged(rounds: Sequence[Sequence[Json]], *, limit: bool) -> tuple[Exchange, list[Json]]:
    """What a proxy does with these answers, and the blocks of the one that the client gets. At the limit what is left of ours
    alone is forgotten."""
    ear = HIDDEN.ear(stream=False)
    done, last, late = list[tuple[Elements, Elements]](), Elements(), Elements()
    for number, blocks in enumerate(rounds):
        ear.feed(written(message(blocks, number)).encode())
        heard = ear.end()
        results = HIDDEN.results([(asked, f"result of {asked.id}") for asked in heard.asked])
        if heard.asked and number < len(rounds) - 1:
            assert heard.alone
            done.append((heard.said, results))
        elif heard.asked and not (limit and heard.alone):
            last, late = heard.said, results
    return Exchange(tuple(done), last, late), json.loads(ear.finish())["content"]


def results_of(blocks: Sequence[Json]) -> list[Json]:
    return [
        {"type": "tool_result", "tool_use_id": block["id"], "content": f"result of {block['id']}"}
        for block in blocks if block.get("name") == NAME
    ]


def unmarked(elements: Sequence[str]) -> list[tuple[str, list[Json]]]:
    """Roles and blocks as the API takes them, neighbours of one role joined, without what manners add or leave out."""
    joined: list[tuple[str, list[Json]]] = []
    for element in map(json.loads, elements):
        content = element["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        bare = [
            {name: value for name, value in block.items() if name not in ("cache_control", "citations", "caller")}
            for block in blocks if block.get("text") != "\n\n"
        ]
        if bare and (not joined or joined[-1][0] != element["role"]):
            joined.append((element["role"], []))
        for block in bare:
            before = joined[-1][1]
            if before and before[-1]["type"] == block["type"] == "text":
                before[-1] = {"type": "text", "text": before[-1]["text"] + block["text"]}
            else:
                before.append(block)
    return [(role, [{**block, "text": block["text"].replace("\n\n", "")} if "text" in block else block for block in blocks]) for role, blocks in joined]


AFTER = [[], ['{ "role":"user" , "content":"go on" }'], ['{"role":"user","content": [ {"type":"tool_result","tool_use_id":"t","content":1e2} ]}'],
         ['{"role":"system","content":"date"}']]


@given(st.lists(KINDS, min_size=1, max_size=3), st.sampled_from(MANNERS), st.sampled_from(AFTER), st.booleans())
@settings(deadline=None, max_examples=400)
def test_woven_is_what_the_provider_saw(kinds: list[list[str]], manner: Manner, after: list[str], limit: bool) -> None:
    rounds = made(kinds)
    exchange, answer = exchanged(rounds, limit=limit)
    assert not any(block.get("name") == NAME for block in answer)
    woven = HIDDEN.woven([written(each) for each in manner(answer)], after, exchange)
    assert woven is not None
    kept = manner is not thoughtless
    seen: list[str] = []
    for at, blocks in enumerate(rounds):
        shown = blocks if at < len(rounds) - 1 or exchange.last else visible(blocks)
        seen.append(written(said([block for block in shown if kept or block["type"] not in SIGNED])))
        if results := results_of(shown):
            seen.append(written({"role": "user", "content": results}))
    assert unmarked(woven) == unmarked([*seen, *after])
    if kept or not any(block["type"] in SIGNED for blocks in rounds for block in blocks):
        pairs = [element for spoken, results in exchange.rounds for element in (*spoken, *results)]
        assert list(woven[: len(pairs)]) == pairs


def changed(block: Json) -> Json:
    member = {"text": "text", "thinking": "signature", "redacted_thinking": "data"}.get(block["type"], "id")
    return block | {member: f"{block[member]}!"}


@given(st.lists(KINDS, min_size=2, max_size=3), st.sampled_from([whole, apart]), st.data())
@settings(deadline=None, max_examples=150)
def test_a_changed_answer_is_not_woven(kinds: list[list[str]], manner: Manner, data: st.DataObject) -> None:
    exchange, answer = exchanged(made(kinds), limit=True)
    reply = [block for block in answer if block.get("text") != "\n\n"]
    hidden = sum(len(visible(json.loads(element)["content"])) for spoken, _ in exchange.rounds for element in spoken)
    bound = len(reply) if exchange.last else hidden
    if bound:
        at = data.draw(st.integers(0, bound - 1))
        others = [[changed(reply[at])], [LOOK, reply[at]], []]
        for other in others[: 2 if reply[at]["type"] in SIGNED else 3]:  # all thinking may be left out
            blocks = [*reply[:at], *other, *reply[at + 1 :]]
            assert HIDDEN.woven(list(map(written, manner(blocks))), (), exchange) is None


SPOKEN = (written(said([LOOK, mine()])),)


@pytest.mark.parametrize("reply", [
    [], ["{}"], ["{", "7"], ['{"role":"assistant"}'], ['{"role":"assistant","content":[]}'], ['{"role":"assistant","content":[7]}'],
    ['{"role":"user","content":"Let me look. "}'], ['{"role":"assistant","content":"Let me"}'], ['{"role":"assistant","content":"No."}'],
    ['{"role":"assistant","content":[{"type":"text","text":"Let me look. No."}]}'],
    ['{"role":"assistant","content":[{"type":"thinking","text":"Let me look. "}]}'],
    ['{"role":"assistant","content":"Let me look. ","content":"Let me look. "}'],
])
def test_what_is_not_that_answer(reply: list[str]) -> None:
    assert HIDDEN.woven(reply, (), Exchange(((SPOKEN, ("{}",)),))) is None


@pytest.mark.parametrize(("reply", "rest"), [
    ('{"role":"assistant","content":"Let me look. "}', []),
    ('{"role": "assistant", "content": "Let me look. It is \\u0034."}', ['{"role": "assistant", "content": [{"type":"text","text":"It is 4."}]}']),
    ('{"content": [ {"type":"text","text":"Let me look. "} , {"type":"x", "n": 1.50} ] , "role": "assistant"}',
     ['{"content": [{"type":"x", "n": 1.50}] , "role": "assistant"}']),
    ('{"role":"assistant","content":[{"type":"text","text":"\\n"},{"type":"text","text":"Let me look. ","citations":null}]}', []),
])
def test_the_rest_is_the_clients_own(reply: str, rest: list[str]) -> None:
    assert HIDDEN.woven([reply], ["{}"], Exchange(((SPOKEN, ("[]",)),))) == (*SPOKEN, "[]", *rest, "{}")


def test_what_hides_nothing_is_left_as_it_is() -> None:
    reply = '{"role": "assistant", "content": [ {"type":"text","text":"hi"} ] }'
    assert HIDDEN.woven([reply, reply], ["{}"], Exchange()) == (reply, reply, "{}")


def test_the_clients_results_stand_behind_ours() -> None:
    spoken = (written(said([THINKING, mine(), EDIT])),)
    late = HIDDEN.results([(Asked("toolu_h1", {}), "the text")])
    theirs = '{"role":"user", "content":[ {"type":"tool_result","tool_use_id":"toolu_9","content":"done"} , {"type":"text","text":"go on"}]}'
    both = (
        '{"role":"user", "content":[{"type":"tool_result","tool_use_id":"toolu_h1","content":"the text"},'
        '{"type":"tool_result","tool_use_id":"toolu_9","content":"done"},{"type":"text","text":"go on"}]}'
    )
    assert HIDDEN.woven([written(said([THINKING, EDIT]))], [theirs], Exchange((), spoken, late)) == (*spoken, both)
    assert HIDDEN.woven([written(said([THINKING, EDIT, SAYS]))], [theirs], Exchange((), spoken, late)) is None
    assert HIDDEN.woven([written(said([THINKING, EDIT | {"input": {}}]))], [theirs], Exchange((), spoken, late)) is None


def test_a_conversation_of_two_rounds_in_a_stream() -> None:
    ear, out = HIDDEN.ear(stream=True), b""
    done: list[tuple[Elements, Elements]] = []
    for number, blocks in enumerate(([THINKING, LOOK, mine()], [RAN, FOUND, mine(2)], [SAYS, EDIT]), 1):
        out += ear.feed(stream(blocks, number))
        heard = ear.end()
        if heard.asked:
            done.append((heard.said, HIDDEN.results([(asked, "found") for asked in heard.asked])))
    out += ear.finish()
    assert NAME.encode() not in out
    reply = written(said([THINKING, LOOK, RAN, FOUND, SAYS, EDIT]))
    assert ear.told().calls == ("toolu_9",)
    assert HIDDEN.woven([reply], ["{}"], Exchange(tuple(done))) == (
        written(said([THINKING, LOOK, mine()])), *done[0][1], written(said([RAN, FOUND, mine(2)])), *done[1][1], written(said([SAYS, EDIT])), "{}",
    )


@pytest.mark.parametrize("block", [{"type": []}, {"type": {"a": 1}}, {"type": "text", "text": {}}, {}, {"type": "tool_use", "id": [], "input": "x"}])
def test_a_block_of_no_shape_that_is_known_is_left_as_it_is(block: Json) -> None:
    reply = [written({"role": "assistant", "content": [block, block]})]
    said = (written({"role": "assistant", "content": [SAYS, mine()]}),)
    assert HIDDEN.woven(reply, (), Exchange(((said, ("{}",)),))) is None
