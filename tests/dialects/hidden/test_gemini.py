"""A tool of ours in Gemini: offered, answered, and woven into what the client keeps."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from headroom.dialects.hidden.base import NAME, Asked, Exchange
from headroom.dialects.hidden.gemini_parts import ours
from tests.dialects.hidden.gemini_answers import (
    HIDDEN,
    SIGNED,
    THOUGHT,
    Parts,
    Played,
    ask,
    call,
    contents,
    essence,
    exchange_of,
    joined,
    messages,
    played,
    say,
)

TOOLS = {
    "functions": ('{"functionDeclarations":[{"name":"Bash"},{"name":"mcp_headroom_headroom_retrieve"}]}',),
    "snake case": ('{"function_declarations": [{"name": "Bash"}]}',),
    "beside others": ('{"functionDeclarations":[{"name":"a"}]}', '{"functionDeclarations":[{"name":"b"}]}', '{"googleSearch":{}}'),
    "nothing to stand behind": ('{"googleSearch":{}}', '{"functionDeclarations":[]}'),
    "no shape": ("7", "[1", '{"functionDeclarations":{"name":"a"}}'),
}


@pytest.mark.parametrize(("case", "names"), [
    ("functions", {"Bash", "mcp_headroom_headroom_retrieve"}), ("snake case", {"Bash"}), ("beside others", {"a", "b"}),
    ("nothing to stand behind", set()), ("no shape", set()),
])
def test_declared_and_offered(case: str, names: set[str]) -> None:
    tools = TOOLS[case]
    assert HIDDEN.declared(tools) == names
    offered = HIDDEN.offer(tools)
    assert (offered is None) == (not names)
    if offered is not None:
        assert len(offered) == len(tools)
        assert HIDDEN.declared(offered) == names | {NAME}
        changed = [i for i, (a, b) in enumerate(zip(tools, offered, strict=True)) if a != b]
        assert changed == [1 if case == "beside others" else 0]
        (functions,) = json.loads(offered[changed[0]]).values()
        assert functions[-1]["name"] == NAME


def test_results_stand_in_one_content() -> None:
    (one,) = HIDDEN.results([(Asked("", {}), "a"), (Asked("c2", {}), "b")])
    assert json.loads(one) == {"role": "user", "parts": [
        {"functionResponse": {"name": NAME, "response": {"output": "a"}}},
        {"functionResponse": {"id": "c2", "name": NAME, "response": {"output": "b"}}},
    ]}
    assert HIDDEN.results([]) == ()


# Woven in again: tables

RESULT = HIDDEN.results([(Asked("", {}), "42")])
ONE = Exchange(((contents([say("Let me look. "), ask(**SIGNED)]), RESULT),))
THINKING = Exchange(((contents([THOUGHT, say("A. "), ask(**SIGNED)]), RESULT),))
MIXED = Exchange((), contents([call(x=1), ask("a"), call(x=2)]), RESULT)
USER = (json.dumps({"role": "user", "parts": [say("Thanks")]}),)


def results(*outputs: str, **more: Any) -> tuple[str, ...]:
    parts = [{"functionResponse": {"name": "Bash", "response": {"output": each}, **more}} for each in outputs]
    return (json.dumps({"role": "user", "parts": parts}),)


CHANGED = {
    "another text": (contents([say("Let me see. It says 42.")]), USER, ONE),
    "less text": (contents([say("Let me ")]), USER, ONE),
    "nothing": (contents([]), USER, ONE),
    "no elements": ((), USER, ONE),
    "a call first": (contents([call(), say("Let me look. ")]), USER, ONE),
    "a thought that was a text": (contents([say("Let me look. ", thought=True)]), USER, ONE),
    "another thought": (contents([say("Hm. ", thought=True), say("A. B.")]), USER, THINKING),
    "no shape": (("7",), USER, ONE),
    "parts of no shape": (('{"role":"model","parts":[7]}',), USER, ONE),
    "another call": (contents([call(x=1), call(x=3)]), results("1", "2"), MIXED),
    "a call less": (contents([call(x=1)]), results("1"), MIXED),
    "a call more": (contents([call(x=1), call(x=2), call(x=3)]), results("1", "2", "3"), MIXED),
    "text more": (contents([call(x=1), call(x=2), say("So")]), results("1", "2"), MIXED),
    "no results": (contents([call(x=1), call(x=2)]), USER, MIXED),
    "nothing after": (contents([call(x=1), call(x=2)]), (), MIXED),
}


@pytest.mark.parametrize(("reply", "after", "exchange"), CHANGED.values(), ids=CHANGED.keys())
def test_another_answer_is_not_woven(reply: tuple[str, ...], after: tuple[str, ...], exchange: Exchange) -> None:
    assert HIDDEN.woven(reply, after, exchange) is None


(SAID, _), = ONE.rounds
KEPT = {
    "as it came": (contents([say("Let me look. ")], [say("It says 42.")]), contents([say("It says 42.")])),
    "joined": (contents([say("Let me look. It says 42.")]), contents([say("It says 42.")])),
    "split": (contents([say("Let me"), say(" look. It"), say(" says 42.")]), contents([say("It"), say(" says 42.")])),
    "one part without a list": (('{"role":"model","parts":{"text":"Let me look. B"}}',), contents([say("B")])),
    "signed itself": (
        contents([say("Let me look. ", thought_signature="mine"), call()]), contents([call()]),
    ),
    "empty texts": (contents([say(""), say("Let me look. "), say(""), call()]), contents([say(""), call()])),
    "bytes of the rest": (
        (*contents([say("Let me look. ")]), '{ "parts":[{"text":"\\u0041"}],"role":"model"}'),
        ('{ "parts":[{"text":"\\u0041"}],"role":"model"}',),
    ),
}


@pytest.mark.parametrize(("reply", "rest"), KEPT.values(), ids=KEPT.keys())
def test_however_a_client_keeps_it_the_rest_stays(reply: tuple[str, ...], rest: tuple[str, ...]) -> None:
    woven = HIDDEN.woven(reply, USER, ONE)
    assert woven is not None
    assert woven[:2] == (*SAID, *RESULT)
    assert woven[-1:] == USER
    middle = woven[2:-1]
    assert middle == rest or [json.loads(each) for each in middle] == [json.loads(each) for each in rest]
    if reply[-1] == rest[-1]:
        assert middle == rest


def test_a_signature_of_its_own_part_belongs_to_its_round() -> None:
    said = contents([say("A. "), say("", thoughtSignature="a+/="), ask()])
    reply = contents([say("A. "), say("", thoughtSignature="a-_="), say("B.")])  # as SDKs write bytes
    assert HIDDEN.woven(reply, (), Exchange(((said, RESULT),))) == (*said, *RESULT, *_compact([say("B.")]))


def test_thoughts_that_the_client_leaves_out_are_left_out_of_the_rounds() -> None:
    assert HIDDEN.woven(contents([say("A. B.")]), USER, THINKING) == (
        *_compact([say("A. "), ask(**SIGNED)]), *RESULT, *_compact([say("B.")]), *USER,
    )
    (said, _), = THINKING.rounds
    assert HIDDEN.woven(contents([THOUGHT, say("A. B.")]), USER, THINKING) == (*said, *RESULT, *_compact([say("B.")]), *USER)


def _compact(parts: Parts) -> tuple[str, ...]:
    return (json.dumps({"role": "model", "parts": parts}, separators=(",", ":")),)


LATE: list[Any] = json.loads(RESULT[0])["parts"]
ORDERS = {
    "in the order of the calls": (results("1", "2"), lambda own: [own[0], *LATE, own[1]]),
    "not as many": (results("1"), lambda own: [*LATE, *own]),
    "words beside": (
        (json.dumps({"role": "user", "parts": [*json.loads(results("1", "2")[0])["parts"], say("Go on")]}),),
        lambda own: [*LATE, *own],
    ),
}


@pytest.mark.parametrize(("after", "order"), ORDERS.values(), ids=ORDERS.keys())
def test_late_results_stand_among_the_clients_own(after: tuple[str, ...], order: Any) -> None:
    reply = contents([{"functionCall": {"id": "mine", **call(x=1)["functionCall"]}, **SIGNED}, call(x=2), say("")])
    woven = HIDDEN.woven(reply, after, MIXED)
    assert woven is not None
    assert woven[:-1] == MIXED.last
    content = json.loads(woven[-1])
    assert content == {"role": "user", "parts": order(json.loads(after[0])["parts"])}


@pytest.mark.parametrize("after", [USER, ()])
def test_late_results_for_calls_of_ours_alone_stand_before_what_the_user_says(after: tuple[str, ...]) -> None:
    over = Exchange(THINKING.rounds, contents([say("B. "), ask(**SIGNED)]), RESULT)
    woven = HIDDEN.woven(contents([THOUGHT, say("A. B. ")]), after, over)
    assert woven == (*THINKING.rounds[0][0], *RESULT, *over.last, *RESULT, *after)


@st.composite
def kept(draw: st.DrawFn, out: bytes) -> tuple[str, ...]:
    """How a client keeps an answer."""
    chunks: list[Parts] = [message["candidates"][0]["content"]["parts"] for message in messages(out)]
    way = draw(st.sampled_from(["chunks", "joined", "split", "rebuilt"]))
    if way == "chunks":
        return contents(*chunks)
    parts = [part for parts in chunks for part in parts]
    if draw(st.booleans()):
        parts = [part for part in parts if not part.get("thought")]
    if way == "joined":
        return contents(joined([part for part in parts if part != say("")]))
    if way == "split":
        cut = [draw(st.integers(0, len(part.get("text", "")))) for part in parts]
        return contents([
            piece for at, part in zip(cut, parts, strict=True)
            for piece in ([{**part, "text": part["text"][:at]}, {**part, "text": part["text"][at:]}] if "text" in part else [part])
        ])
    return contents([
        {"functionCall": {"id": f"c{i}", **part["functionCall"]}, "thoughtSignature": "skip"} if "functionCall" in part else part
        for i, part in enumerate(parts)
    ])


@settings(deadline=None, max_examples=300)
@given(played(), st.data())
def test_what_the_client_keeps_becomes_what_the_provider_saw(played: Played, data: st.DataObject) -> None:
    ear = HIDDEN.ear(stream=True)
    out, exchange = exchange_of(ear, played)
    assert NAME.encode() not in out
    reply = data.draw(kept(out))
    made = [part for element in reply for part in json.loads(element)["parts"] if "functionCall" in part]
    after = results(*map(str, range(len(made)))) if made else USER
    woven = HIDDEN.woven(reply, after, exchange)
    assert woven is not None
    seen = [part for element in reply for part in json.loads(element)["parts"]]
    thoughts = any(part.get("thought") for part in seen)
    at = 0
    for said, answers in exchange.rounds:
        assert woven[at : at + 2] == (*bare(said, thoughts), *answers)
        at += 2
    if played.mixed:
        assert woven[at:-1] == bare(exchange.last, thoughts)
        answered = json.loads(woven[-1])["parts"]
        assert [part["functionResponse"]["name"] == NAME for part in answered] == [
            part["functionCall"]["name"] == NAME for chunk in played.final for part in chunk if "functionCall" in part
        ]
        assert [part for part in answered if part["functionResponse"]["name"] != NAME] == json.loads(after[0])["parts"]
    else:
        rest = [part for element in woven[at:-1] for part in json.loads(element)["parts"]]
        assert essence(rest, thoughts) == essence([part for chunk in played.final for part in chunk if not ours(part)], thoughts)
        assert woven[-1:] == after


def bare(said: tuple[str, ...], thoughts: bool) -> tuple[str, ...]:
    return tuple(element if thoughts else _without(element) for element in said)


def _without(element: str) -> str:
    content = json.loads(element)
    content["parts"] = [part for part in content["parts"] if not part.get("thought")]
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


@settings(deadline=None, max_examples=100)
@given(played())
def test_words_put_before_what_was_said_are_noticed(played: Played) -> None:
    out, exchange = exchange_of(HIDDEN.ear(stream=True), played)
    told = [part for said, _ in exchange.rounds for part in json.loads(said[0])["parts"] if part.get("text")]
    assume(told or exchange.last)
    reply = contents([say("#")], *(message["candidates"][0]["content"]["parts"] for message in messages(out)))
    assert HIDDEN.woven(reply, results("1"), exchange) is None
