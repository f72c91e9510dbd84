from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.conversation import Json
from headroom.dialects.hidden.base import NAME, Asked, Elements, Exchange, Hidden
from headroom.dialects.hidden.json_text import written
from headroom.dialects.hidden.openai_chat import TOOL, OpenAIChat
from headroom.dialects.hidden.openai_chat_ear import StreamEar
from headroom.dialects.hidden.whole import WholeEar
from tests.dialects.hidden.openai_chat_answers import (
    BASH,
    EDIT,
    LOOK,
    PATCH,
    SAYS,
    SIGNED,
    THINKING,
    is_mine,
    mine,
    rebuilt,
    said,
    stream,
    visible,
    whole,
)

HIDDEN = OpenAIChat()
THOUGHT = ("reasoning_content", "reasoning_details")
Manner = Callable[[Json], list[Json]]
"""How a client writes the message of an answer into its history."""


@pytest.mark.parametrize(("tool", "names"), [
    ({"type": "function", "function": {"name": "Edit", "parameters": {}}}, {"Edit"}),
    ({"type": "custom", "custom": {"name": "patch"}}, {"patch"}), ({"name": "flat"}, {"flat"}),
    ({"type": "function", "function": {"name": f"mcp__headroom__{NAME}"}}, {f"mcp__headroom__{NAME}"}),
    ({"function": {"name": 1}, "custom": [NAME]}, set()), (["x"], set()), (None, set()),
])
def test_declared(tool: Json, names: set[str]) -> None:
    assert HIDDEN.declared([written(tool)]) == names
    assert HIDDEN.declared(["{", "", written(tool)]) == names


def test_offer() -> None:
    hidden: Hidden = HIDDEN
    assert hidden.offer([]) is None
    assert hidden.offer(['{"type": "x"}']) == ('{"type": "x"}', TOOL)
    assert hidden.declared([hidden.tool]) == {NAME}
    assert json.loads(TOOL)["function"]["parameters"]["required"] == ["key"]


@pytest.mark.parametrize(("body", "fits"), [
    ({}, True), ({"n": 1, "stream": True, "modalities": ["text"], "logprobs": False}, True), ({"n": None, "modalities": None}, True),
    ({"n": 2}, False), ({"n": "x"}, False), ({"modalities": ["text", "audio"]}, False), ({"logprobs": True}, False),
])
def test_fits(body: dict[str, Json], fits: bool) -> None:
    assert HIDDEN.fits(body.get, "/v1/chat/completions") is fits


def test_results() -> None:
    assert HIDDEN.results([]) == ()
    found = HIDDEN.results([(Asked("call_1", {}), "a\n\ud83d"), (Asked("call_2", {}), "é")])
    assert [json.loads(each.encode()) for each in found] == [
        {"role": "tool", "tool_call_id": "call_1", "content": "a\n\ud83d"}, {"role": "tool", "tool_call_id": "call_2", "content": "é"},
    ]


def test_ears() -> None:
    assert isinstance(HIDDEN.ear(stream=True), StreamEar)
    assert isinstance(HIDDEN.ear(stream=False), WholeEar)


def as_it_came(message: Json) -> list[Json]:
    return [message]


def spelled_anew(message: Json) -> list[Json]:
    """From what the client knows, other members first, arguments spelled anew."""
    calls = [
        {**made, "function": {**made["function"], "arguments": json.dumps(json.loads(made["function"]["arguments"]), indent=1)}}
        if "function" in made else made for made in message.get("tool_calls", ())
    ]
    return [{"content": message["content"] or "", **({"tool_calls": calls} if calls else {}), "role": "assistant", **thoughts(message)}]


def in_parts(message: Json) -> list[Json]:
    """The text as one of a list, with a mark for the cache."""
    text = {"type": "text", "text": message["content"], "cache_control": {"type": "ephemeral"}}
    return [{**message, "content": [text] if message["content"] else None}]


def split(message: Json) -> list[Json]:
    """The text in several parts, blocks of thinking in the pieces in which they came."""
    content = message["content"] or ""
    texts = [{"type": "text", "text": content[i : i + 3]} for i in range(0, len(content), 3)]
    details = [
        piece for each in message.get("reasoning_details", ())
        for piece in ([{**each, "text": each["text"][:3], "signature": None}, {**each, "text": each["text"][3:]}] if "text" in each else [each])
    ]
    return [{**message, "content": texts, **({"reasoning_details": details} if details else {})}]


def apart(message: Json) -> list[Json]:
    """Calls in a message of their own."""
    spoken = {name: value for name, value in message.items() if name != "tool_calls"}
    calls = {"role": "assistant", "content": None, "tool_calls": message.get("tool_calls")}
    return [spoken, calls] if calls["tool_calls"] else [spoken]


def thoughtless(message: Json) -> list[Json]:
    return [{name: value for name, value in message.items() if name not in THOUGHT}]


def trimmed(message: Json) -> list[Json]:
    return [{**message, "content": (message["content"] or "").strip()}]


def thoughts(message: Json) -> dict[str, Json]:
    return {name: message[name] for name in THOUGHT if name in message}


MANNERS: tuple[Manner, ...] = (as_it_came, spelled_anew, in_parts, split, apart, thoughtless, trimmed)
KINDS = st.lists(st.sampled_from(["text", "blank", "thinking", "signed", "call", "custom", "ours", "ours with none"]), max_size=5)


def made(kinds: Sequence[Sequence[str]]) -> list[list[Json]]:
    """The pieces of each round, none like another. All but the last round ask for ours, and for nothing of the client's."""
    number, rounds = 0, []
    for at, wanted in enumerate(kinds):
        last, pieces = at == len(kinds) - 1, []
        for kind in (wanted if last else [*(kind for kind in wanted if kind not in ("call", "custom")), "ours"]):
            number += 1
            pieces.append({
                "text": {"content": f"t{number}. é😀"}, "blank": {"content": " \n"}, "thinking": {"reasoning_content": f"h{number} "},
                "signed": {"reasoning_details": [
                    {**SIGNED["reasoning_details"][0], "signature": f"s{number}"}, {"type": "reasoning.encrypted", "data": f"d{number}", "index": 1},
                ]},
                "call": EDIT | {"id": f"call_{number}"}, "custom": PATCH | {"id": f"call_{number}"},
                "ours": mine(number), "ours with none": mine(number, ""),
            }[kind])
        rounds.append(pieces)
    return rounds


def exchanged(rounds: Sequence[Sequence[Json]], *, limit: bool, streamed: bool = False) -> tuple[Exchange, Json]:
    """What a proxy does with these answers, and the message of the one that the client gets. At the limit what is left of ours
    alone is forgotten."""
    ear, out = HIDDEN.ear(stream=streamed), b""
    done, last, late = list[tuple[Elements, Elements]](), Elements(), Elements()
    for number, pieces in enumerate(rounds, 1):
        out += ear.feed(stream(pieces, number) if streamed else written(whole(pieces, number)).encode())
        heard = ear.end()
        results = HIDDEN.results([(asked, f"result of {asked.id}") for asked in heard.asked])
        if heard.asked and number < len(rounds):
            assert heard.alone
            done.append((heard.said, results))
        elif heard.asked and not (limit and heard.alone):
            last, late = heard.said, results
    out += ear.finish()
    message = rebuilt(out)["message"] if streamed else json.loads(out)["choices"][0]["message"]
    return Exchange(tuple(done), last, late), {name: value for name, value in message.items() if value or name == "content"}


def as_read(element: Json) -> Json:
    """As the API reads it: without what manners add or leave out."""
    message = json.loads(json.dumps(element))
    content = message.pop("content", None)
    text = content or "" if not isinstance(content, list) else "".join(part["text"] for part in content)
    if "reasoning_details" in message:
        message["reasoning_details"] = blocks(message["reasoning_details"])
    for call in message.get("tool_calls", ()):
        if "function" in call:
            given = call["function"]["arguments"]
            call["function"]["arguments"] = json.loads(given) if given else {}
    return {"content": text.strip(), **message}


def blocks(details: Sequence[Json]) -> list[Json]:
    """Pieces of one number as one."""
    joined: list[Json] = []
    for each in details:
        if joined and "text" in each and "text" in joined[-1] and joined[-1]["index"] == each["index"]:
            joined[-1] = each | {"text": joined[-1]["text"] + each["text"]}
        else:
            joined.append(each)
    return joined


def spoken(elements: Sequence[Json]) -> list[Json]:
    """Messages of the model's behind each other are one, and one that says nothing is none."""
    joined: list[Json] = []
    for element in map(as_read, elements):
        if element["role"] == "assistant" and joined and joined[-1]["role"] == "assistant":
            joined[-1] = {**joined[-1], **element, "content": joined[-1]["content"] + element["content"]}
        elif element["role"] != "assistant" or any(value for name, value in element.items() if name != "role"):
            joined.append(element)
    return joined


AFTER: list[list[str]] = [[], ['{ "role":"user" , "content":"go on" }'], ['{"role":"tool","tool_call_id":"t", "content": "x"}']]


@given(st.lists(KINDS, min_size=1, max_size=3), st.sampled_from(MANNERS), st.sampled_from(AFTER), st.booleans(), st.booleans())
@settings(deadline=None, max_examples=400)
def test_woven_is_what_the_provider_saw(kinds: list[list[str]], manner: Manner, after: list[str], limit: bool, streamed: bool) -> None:
    rounds = made(kinds)
    exchange, answer = exchanged(rounds, limit=limit, streamed=streamed)
    assert not any(map(is_mine, answer.get("tool_calls", ())))
    woven = HIDDEN.woven([written(each) for each in manner(answer)], after, exchange)
    assert woven is not None
    kept = manner is not thoughtless
    seen: list[Json] = []
    for at, pieces in enumerate(rounds):
        shown = pieces if at < len(rounds) - 1 or exchange.last else visible(pieces)
        seen.append(said(piece for piece in shown if kept or not any(name in piece for name in THOUGHT)))
        seen += [{"role": "tool", "tool_call_id": each["id"], "content": f"result of {each['id']}"} for each in shown if is_mine(each)]
    assert spoken(list(map(json.loads, woven))) == spoken([*seen, *map(json.loads, after)])
    if kept or not any(name in piece for name in THOUGHT for pieces in rounds for piece in pieces):
        pairs = [element for saying, results in exchange.rounds for element in (*saying, *results)]
        assert list(woven[: len(pairs)]) == pairs
        assert not exchange.last or woven[len(pairs) : len(woven) - len(after)] == (*exchange.last, *exchange.late)


@given(st.lists(KINDS, min_size=2, max_size=3), st.sampled_from([as_it_came, in_parts, split, apart]), st.data())
@settings(deadline=None, max_examples=150)
def test_a_changed_answer_is_not_woven(kinds: list[list[str]], manner: Manner, data: st.DataObject) -> None:
    exchange, answer = exchanged(made(kinds), limit=True)
    hidden = [json.loads(element) for saying, _ in exchange.rounds for element in saying]
    others: list[Json] = []
    if any((message["content"] or "").strip() for message in hidden):
        others += [{**answer, "content": "x" + answer["content"]}, {**answer, "content": None}, {**answer, "content": answer["content"][:3] + "x"}]
    if any("reasoning_content" in message for message in hidden):
        others.append({**answer, "reasoning_content": "x" + answer["reasoning_content"]})
    if any("reasoning_details" in message for message in hidden):
        others.append({**answer, "reasoning_details": answer["reasoning_details"][1:]})
    if exchange.last:
        others += [{**answer, "content": (answer["content"] or "") + "x"}, {**answer, "tool_calls": []}, {**answer, "tool_calls": [EDIT, BASH]}]
    if others:
        other = data.draw(st.sampled_from(others))
        assert HIDDEN.woven(list(map(written, manner(other))), (), exchange) is None


SPOKEN = (written(said([LOOK, mine()])),)


@pytest.mark.parametrize("reply", [
    [], ["{}"], ["{", "7"], ['{"role":"assistant"}'], ['{"role":"assistant","content":[]}'], ['{"role":"assistant","content":[7]}'],
    ['{"role":"user","content":"Let me look. "}'], ['{"role":"assistant","content":"Let me"}'], ['{"role":"assistant","content":"No."}'],
    ['{"role":"assistant","content":[{"type":"image_url","text":"Let me look. "}]}'],
    ['{"role":"assistant","content":{"text":"Let me look. "}}'], ['{"role":"assistant","content":"Let me look. ","reasoning":7}'],
])
def test_what_is_not_that_answer(reply: list[str]) -> None:
    assert HIDDEN.woven(reply, (), Exchange(((SPOKEN, ("{}",)),))) is None


@pytest.mark.parametrize(("reply", "rest"), [
    ('{"role":"assistant","content":"Let me look. "}', []), ('{"role":"assistant","content":"Let me look."}', []),
    ('{"role": "assistant", "content": "Let me look. It is \\u0034."}', ['{"role":"assistant","content":"It is 4."}']),
    ('{"content":[{"type":"text","text":"Let "},{"type":"text","text":"me look. It"},{"type":"text","text":" is."}],"role":"assistant","name":"a"}',
     ['{"content":[{"type":"text","text":"It"},{"type":"text","text":" is."}],"role":"assistant","name":"a"}']),
    ('{"role":"assistant","content":[{"type":"refusal","refusal":"Let me look. No."}]}',
     ['{"role":"assistant","content":[{"type":"refusal","refusal":"No."}]}']),
    ('{"role":"assistant","content":"Let me look. ","tool_calls":[{"id":"x"}],"refusal":null}',
     ['{"role":"assistant","content":null,"tool_calls":[{"id":"x"}]}']),
])
def test_the_rest_is_the_clients_own(reply: str, rest: list[str]) -> None:
    assert HIDDEN.woven([reply], ["{}"], Exchange(((SPOKEN, ("[]",)),))) == (*SPOKEN, "[]", *rest, "{}")


def test_a_message_of_which_nothing_was_hidden_stays_byte_for_byte() -> None:
    first, second = '{"role":"assistant", "content":"Let me look. "}', '{ "role": "assistant","content": "It is \\u0034." , "n": 1.50}'
    assert HIDDEN.woven([first, second], (), Exchange(((SPOKEN, ("[]",)),))) == (*SPOKEN, "[]", second)


def test_what_hides_nothing_is_left_as_it_is() -> None:
    reply = '{"role": "assistant", "content": [ {"type":"text","text":"hi"} ] }'
    assert HIDDEN.woven([reply, reply], ["{}"], Exchange()) == (reply, reply, "{}")


def test_late_results_stand_before_the_clients() -> None:
    last = (written(said([THINKING, LOOK, mine(), EDIT])),)
    late = HIDDEN.results([(Asked("call_h1", {}), "the text")])
    theirs = '{"role":"tool", "tool_call_id":"call_9","content":"done"}'
    reply = said([THINKING, LOOK, EDIT])
    assert HIDDEN.woven([written(reply)], [theirs], Exchange((), last, late)) == (*last, *late, theirs)
    for other in ({**reply, "content": "Let me look. x"}, {**reply, "tool_calls": [BASH]}, {**reply, "tool_calls": [EDIT, BASH]}, said([THINKING, LOOK])):
        assert HIDDEN.woven([written(other)], [theirs], Exchange((), last, late)) is None


def test_a_conversation_of_two_rounds_in_a_stream() -> None:
    ear, out = HIDDEN.ear(stream=True), b""
    done: list[tuple[Elements, Elements]] = []
    for number, pieces in enumerate(([THINKING, LOOK, mine()], [SIGNED, mine(2)], [SAYS, EDIT]), 1):
        out += ear.feed(stream(pieces, number))
        heard = ear.end()
        if heard.asked:
            done.append((heard.said, HIDDEN.results([(asked, "found") for asked in heard.asked])))
    out += ear.finish()
    assert NAME.encode() not in out
    assert ear.told().calls == ("call_9",)
    assert [json.loads(element) for saying, _ in done for element in saying] == [said([THINKING, LOOK, mine()]), said([SIGNED, mine(2)])]
    reply = written(said([THINKING, LOOK, SIGNED, SAYS, EDIT]))
    assert HIDDEN.woven([reply], ["{}"], Exchange(tuple(done))) == (
        *done[0][0], *done[0][1], *done[1][0], *done[1][1], written(said([SAYS, EDIT])), "{}",
    )
