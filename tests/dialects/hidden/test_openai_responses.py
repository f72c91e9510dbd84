from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.conversation import Json
from headroom.dialects.hidden.base import NAME, Asked, Elements, Exchange, Hidden
from headroom.dialects.hidden.json_text import written
from headroom.dialects.hidden.openai_responses import TOOL, OpenAIResponses
from headroom.dialects.hidden.openai_responses_ear import StreamEar
from headroom.dialects.hidden.whole import WholeEar

HIDDEN = OpenAIResponses()
Manner = Callable[[Json], list[Json]]
"""How a client writes one of the answer's items into its history."""


@pytest.mark.parametrize(("tool", "names"), [
    ({"type": "function", "name": "edit", "parameters": {}}, {"edit"}),
    ({"type": "custom", "name": "exec"}, {"exec"}),
    ({"type": "function", "name": f"mcp__headroom__{NAME}"}, {f"mcp__headroom__{NAME}"}),
    ({"type": "namespace", "name": "mcp__headroom", "tools": [{"type": "function", "name": NAME}]}, {NAME}),
    ({"type": "mcp", "server_label": "h", "allowed_tools": [NAME, 1]}, {NAME}),
    ({"type": "mcp", "server_label": "h", "allowed_tools": {"tool_names": [NAME]}}, {NAME}),
    ({"type": "additional_tools", "role": "developer", "tools": [{"type": "custom", "name": "exec"}]}, {"exec"}),
    ({"type": "web_search"}, set()), ({"type": "mcp", "allowed_tools": None}, set()), ({"name": 1, "tools": {}}, set()), (["x"], set()), (None, set()),
])
def test_declared(tool: Json, names: set[str]) -> None:
    assert HIDDEN.declared([written(tool)]) == names


def test_declared_is_harmless_on_what_is_no_json() -> None:
    assert HIDDEN.declared(["{", ""]) == frozenset()


def test_offer() -> None:
    hidden: Hidden = HIDDEN
    assert hidden.offer([]) is None
    assert hidden.offer(['{"type": "custom"}']) == ('{"type": "custom"}', TOOL)
    assert HIDDEN.declared([TOOL]) == {NAME}
    assert json.loads(TOOL)["strict"] is False


@pytest.mark.parametrize(("before", "behind"), [
    ('{"type":"additional_tools","tools":[{"type":"custom","name":"exec"}', "]}"),
    (' { "tools" : [ {"a": "]}"} ', '] , "role":"developer", "type" : "additional_tools" } '),
])
def test_offer_in_an_item(before: str, behind: str) -> None:
    assert HIDDEN.offer([before + behind]) == (f"{before},{TOOL}{behind}",)


@pytest.mark.parametrize("item", [
    '{"type":"additional_tools","tools":[]}', '{"type":"additional_tools"}', '{"type":"additional_tools","tools":{}}', "{}", "[]", "", "{",
    '{"type":"message","tools":[1]}', '{"type":"additional_tools","tools":[1],"tools":[2]}',
])
def test_no_offer_where_no_tools_are(item: str) -> None:
    assert HIDDEN.offer([item]) == (item, TOOL)


def test_results() -> None:
    found = HIDDEN.results([(Asked("call_1", {}), "a\n\ud83d"), (Asked("call_2", {}), "é")])
    assert [json.loads(item.encode()) for item in found] == [
        {"type": "function_call_output", "call_id": "call_1", "output": "a\n\ud83d"},
        {"type": "function_call_output", "call_id": "call_2", "output": "é"},
    ]


def test_ears() -> None:
    assert isinstance(HIDDEN.ear(stream=True), StreamEar)
    assert isinstance(HIDDEN.ear(stream=False), WholeEar)


def message(number: int, *texts: str) -> Json:
    content = [{"type": "output_text", "annotations": [], "logprobs": [], "text": text} for text in texts]
    return {"id": f"msg_{number}", "type": "message", "status": "completed", "role": "assistant", "content": content}


def call(number: int, name: str = "edit", arguments: str = '{"a": 1}') -> Json:
    return {"id": f"fc_{number}", "type": "function_call", "status": "completed", "call_id": f"call_{number}", "name": name, "arguments": arguments}


def custom(number: int) -> Json:
    return {"id": f"ctc_{number}", "type": "custom_tool_call", "status": "completed", "call_id": f"call_{number}", "name": "exec", "input": "ls"}


def reasoning(number: int) -> Json:
    return {"id": f"rs_{number}", "type": "reasoning", "summary": [{"type": "summary_text", "text": f"hm {number}"}], "encrypted_content": f"gA{number}=="}


def searched(number: int) -> Json:
    return {"id": f"ws_{number}", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": f"q{number}"}}


def whole(item: Json) -> list[Json]:
    return [item]


def bare(item: Json) -> list[Json]:
    """As Codex: without ids, status and what it has no use for."""
    kept = {name: value for name, value in item.items() if name not in ("id", "status")}
    if item["type"] == "message":
        kept["content"] = [{"type": "output_text", "text": part["text"]} for part in item["content"]]
    return [kept | {"content": None} if item["type"] == "reasoning" else kept]


def plain(item: Json) -> list[Json]:
    if item["type"] != "message":
        return [item]
    return [{"role": "assistant", "content": "".join(part["text"] for part in item["content"])}]


def split(item: Json) -> list[Json]:
    """A message for each text, none for an empty one; arguments written anew."""
    if item["type"] == "function_call":
        return [item | {"arguments": item["arguments"].replace(" ", "")}]
    if item["type"] != "message":
        return [item]
    return [{"role": "assistant", "content": [part]} for part in item["content"] if part["text"]]


def thoughtless(item: Json) -> list[Json]:
    return [] if item["type"] == "reasoning" else bare(item)


def referred(item: Json) -> list[Json]:
    return [{"type": "item_reference", "id": item["id"]}] if item["type"] in ("message", "reasoning") else [item]


MANNERS: tuple[Manner, ...] = (whole, bare, plain, split, thoughtless, referred)
KINDS = st.lists(st.sampled_from(["message", "two", "empty", "reasoning", "call", "custom", "searched", "ours", "ours with none"]), max_size=5)


def made(kinds: Sequence[Sequence[str]]) -> list[list[Json]]:
    """Items of each round, none like another. All but the last round ask for ours, and for nothing of the client's."""
    number, rounds = 0, []
    for at, wanted in enumerate(kinds):
        last, items = at == len(kinds) - 1, []
        for kind in (wanted if last else [*(kind for kind in wanted if kind not in ("call", "custom")), "ours"]):
            number += 1
            items.append({
                "message": message(number, f"t{number}. "), "two": message(number, f"a{number} ", f"b{number}"), "empty": message(number),
                "reasoning": reasoning(number), "call": call(number), "custom": custom(number), "searched": searched(number),
                "ours": call(number, NAME, '{"key": "k"}'), "ours with none": call(number, NAME, ""),
            }[kind])
        rounds.append(items)
    return rounds


def exchanged(rounds: Sequence[Sequence[Json]]) -> tuple[Exchange, list[Json]]:
    """What a proxy does with these answers, and the items of the one that the client gets."""
    ear = HIDDEN.ear(stream=False)
    done: list[tuple[Elements, Elements]] = []
    last: Elements = ()
    late: Elements = ()
    for number, items in enumerate(rounds):
        ear.feed(written({"id": f"resp_{number}", "status": "completed", "output": items}).encode())
        heard = ear.end()
        results = HIDDEN.results([(asked, f"result of {asked.id}") for asked in heard.asked])
        if heard.asked and number < len(rounds) - 1:
            assert heard.alone
            done.append((heard.said, results))
        elif heard.asked:
            last, late = heard.said, results
    return Exchange(tuple(done), last, late), json.loads(ear.finish())["output"]


def values(elements: Sequence[str]) -> list[Json]:
    return [json.loads(element) for element in elements]


@given(st.lists(KINDS, min_size=1, max_size=3), st.sampled_from(MANNERS), st.sampled_from([[], ['{"role":"user","content":"go on"}']]))
@settings(deadline=None, max_examples=300)
def test_woven_is_what_the_provider_saw(kinds: list[list[str]], manner: Manner, after: list[str]) -> None:
    rounds = made(kinds)
    exchange, answer = exchanged(rounds)
    assert not any(item.get("name") == NAME for item in answer)
    reply = [written(element) for item in answer for element in manner(item)]
    kept = manner is not thoughtless or not any(item["type"] == "reasoning" for item in answer)
    seen: list[str] = []
    for said, results in (*exchange.rounds, (exchange.last, exchange.late)):
        seen += [element for element in said if kept or '"type":"reasoning"' not in element]
        seen += results
    rest = [] if exchange.last else [written(element) for item in rounds[-1] for element in manner(item)]
    assert HIDDEN.woven(reply, after, exchange) == (*seen, *rest, *after)
    assert values(seen) == [
        element for at, items in enumerate(rounds) if at < len(rounds) - 1 or exchange.last
        for element in [
            *(item for item in items if kept or item["type"] != "reasoning"),
            *({"type": "function_call_output", "call_id": item["call_id"], "output": f"result of {item['call_id']}"}
              for item in items if item.get("name") == NAME),
        ]
    ]


def changed(element: Json) -> Json:
    if element["type"] == "message":
        return element | {"content": [*element["content"], {"type": "output_text", "text": "!"}]}
    if element["type"] == "reasoning":
        return element | {"encrypted_content": "other"}
    return element | ({"call_id": "other"} if "call_id" in element else {"action": "other"})


@given(st.lists(KINDS, min_size=2, max_size=3), st.sampled_from([whole, bare]), st.data())
@settings(deadline=None, max_examples=150)
def test_a_changed_answer_is_not_woven(kinds: list[list[str]], manner: Manner, data: st.DataObject) -> None:
    exchange, answer = exchanged(made(kinds))
    reply = [element for item in answer for element in manner(item)]
    bound = len(reply) if exchange.last else sum(element.get("name") != NAME for said, _ in exchange.rounds for element in values(said))
    # An empty message may be left out, so one with a text is another message.
    spoken = [at for at, element in enumerate(reply[:bound]) if element.get("content") != []]
    if not spoken:
        return
    at = data.draw(st.sampled_from(spoken))
    other = [*reply[:at], changed(reply[at]), *reply[at + 1:]]
    assert HIDDEN.woven([written(element) for element in other], (), exchange) is None
    if exchange.last:
        assert HIDDEN.woven([written(element) for element in [*reply, message(99, "more")]], (), exchange) is None


@pytest.mark.parametrize("reply", [
    [], ["{}"], ["{", "7"], ['{"role":"user","content":"Let me look. "}'], ['{"role":"assistant","content":"Let me"}'],
    ['{"role":"assistant","content":[{"type":"input_image"}]}'], ['{"role":"assistant","content":"Let me look. No."}'],
    ['{"type":"item_reference","id":"msg_2"}'], ['{"type":"item_reference"}'],
])
def test_what_is_not_that_answer(reply: list[str]) -> None:
    said = (written(message(1, "Let me look. ")), written(call(2, NAME)))
    assert HIDDEN.woven(reply, (), Exchange(((said, ("{}",)),))) is None


def test_the_clients_results_stand_behind_ours() -> None:
    said = (written(reasoning(1)), written(call(2, NAME)), written(call(3)))
    late = HIDDEN.results([(Asked("call_2", {}), "the text")])
    theirs = '{"type":"function_call_output","call_id":"call_3","output":"done"}'
    reply = [written(element) for item in (reasoning(1), call(3)) for element in bare(item)]
    assert HIDDEN.woven(reply, [theirs], Exchange((), said, late)) == (*said, *late, theirs)
