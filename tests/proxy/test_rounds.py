from __future__ import annotations

import gc
import json
from dataclasses import replace
from typing import Any

import anyio
import pytest

from headroom import ccr
from headroom.conversation import Json
from headroom.demo.script import Call, Step
from headroom.dialects.hidden.base import NAME
from headroom.http.message import Request, Response, once
from headroom.proxy import compression, exchange, prepared, rounds
from headroom.proxy.rounds import MISS, TOO_MANY, TOO_MUCH
from tests.proxy.test_hearing import LOG, RUN, TOOLS, Scene, look, results

pytestmark = pytest.mark.anyio

TOO_LONG = Response(400, [(b"content-type", b"application/json")], once(
    b'{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 212000 tokens > 200000 maximum"}}'
))
DONE = Step(text="Done.")


def asking(scene: Scene, **more: Any) -> Request:
    body = {"model": "m", "max_tokens": 1000, "stream": scene.stream, "tools": TOOLS, "messages": scene.history, **more}
    return Request("POST", "/v1/messages", [(b"content-type", b"application/json"), (b"x-api-key", b"k")], once(json.dumps(body).encode()))


async def test_a_text_that_the_window_does_not_hold_is_taken_back() -> None:
    scene = Scene([Step(calls=(RUN,)), look(), DONE], unlucky={2: TOO_LONG})
    await scene.say(LOG)
    assert (await scene.say()).status == 200
    assert results(scene.sent[3]) == [TOO_MUCH]
    await scene.say()
    assert results(scene.sent[4]) == [TOO_MUCH]
    assert scene.model.refused == []
    assert set(scene.closed) == {0, 1, 2, 3, 4}
    assert scene.intake.retained == 0


async def test_a_refusal_that_has_other_reasons_is_passed_on() -> None:
    scene = Scene([Step(calls=(RUN,)), look(), DONE], unlucky={2: TOO_LONG, 3: TOO_LONG})
    await scene.say(LOG)
    assert (await scene.say()).status == 400
    assert len(scene.asked) == 4


async def test_what_is_given_back_in_one_answer_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "MOST_TEXT", len(LOG) + 100)
    key = ccr.key_of(LOG)
    scene = Scene([Step(calls=(RUN,)), Step(calls=(Call(NAME, {"key": key}), Call(NAME, {"key": key}), Call(NAME, {"key": key, "lines": "3"}))), look(), DONE])
    await scene.say(LOG)
    await scene.say()
    assert results(scene.sent[-1]) == [LOG, TOO_MUCH, "line 2 of a log", TOO_MUCH]


async def test_what_is_answered_late_holds_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "MOST_LATE", len(LOG) - 1)
    scene = Scene([Step(calls=(RUN,)), Step(calls=(RUN, *look().calls)), DONE])
    await scene.say(LOG)
    await scene.say("ok")
    await scene.say()
    assert results(scene.sent[-1]) == [TOO_MUCH]
    assert scene.model.refused == []


async def test_a_thousand_calls_at_once_are_answered_as_far_as_is_reasonable() -> None:
    calls = tuple(Call(NAME, {"key": ccr.key_of(LOG), "lines": "7"}) for _ in range(1000))
    scene = Scene([Step(calls=(RUN,)), Step(calls=calls), DONE])
    await scene.say(LOG)
    await scene.say()
    found = results(scene.sent[-1])
    assert found[: rounds.MOST_CALLS] == ["line 6 of a log"] * rounds.MOST_CALLS
    assert set(found[rounds.MOST_CALLS:]) == {TOO_MANY}
    assert len(found) == 1000


@pytest.mark.parametrize("arguments", [
    {}, {"key": ""}, {"key": None}, {"key": ["a"]}, {"key": {"key": "x"}}, {"key": "../../etc/passwd"}, {"key": "0" * 24 + "\n"}, {"key": 1e300},
    {"key": "0" * 10_000}, {"KEY": ccr.key_of(LOG)},
])
@pytest.mark.parametrize("stream", [False, True])
async def test_no_argument_breaks_an_answer(arguments: dict[str, Any], stream: bool) -> None:
    scene = Scene([Step(calls=(Call(NAME, arguments),)), DONE], stream=stream)
    response = await scene.exchange(asking(scene))
    data = b"".join([chunk async for chunk in response.body])
    await response.body.aclose()
    assert b"Done." in data
    assert NAME.encode() not in data
    assert LOG not in results(scene.sent[-1])


@pytest.mark.parametrize("part", [
    {"lines": [1, 2]}, {"lines": True}, {"lines": -5}, {"lines": 10**300}, {"lines": "9-3"}, {"lines": "0"}, {"lines": 1.5}, {"query": ["x"]},
    {"query": "("}, {"query": "\ud800"}, {"query": "x" * 100_000}, {"lines": None, "query": ""},
])
async def test_no_part_of_a_text_that_is_asked_for_breaks_an_answer(part: dict[str, Any]) -> None:
    scene = Scene([Step(calls=(RUN,)), look(**part), DONE])
    await scene.say(LOG)
    assert (await scene.say()).status == 200
    assert len(results(scene.sent[-1])) == 1


async def test_who_leaves_in_a_later_round_leaves_nothing_behind() -> None:
    scene = Scene([Step(text="First.", calls=(Call(NAME, {"key": "0" * 24}),)), Step(text="Second. " * 50)], stream=True)
    response = await scene.exchange(asking(scene))
    async for chunk in response.body:
        if b"Second." in chunk:
            break
    await response.body.aclose()
    assert scene.closed == [0, 1]
    assert scene.intake.retained == 0


@pytest.mark.parametrize("stream", [False, True])
async def test_who_leaves_while_the_provider_is_asked_again_leaves_nothing_behind(stream: bool) -> None:
    scene = Scene([Step(text="First.", calls=(Call(NAME, {"key": "0" * 24}),)), DONE], stream=stream)
    waits, left = anyio.Event(), list[Response]()

    async def upstream(request: Request) -> Response:
        if scene.asked:
            waits.set()
            await anyio.sleep_forever()
        return await scene.upstream(request)

    scene.exchange._upstream = upstream

    async def client() -> None:
        response = await scene.exchange(asking(scene))
        left.append(response)
        try:
            async for _ in response.body:
                pass
        finally:
            with anyio.CancelScope(shield=True):
                await response.body.aclose()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(client)
        await waits.wait()
        tasks.cancel_scope.cancel()
    assert scene.closed == [0]
    assert scene.intake.retained == 0


async def test_a_count_is_of_what_would_be_sent() -> None:
    scene = Scene([Step(calls=(RUN,)), look(), Step(text="There.", calls=(RUN,)), DONE])
    await scene.say(LOG)
    await scene.say("ok")
    counted = replace(asking(scene), target="/v1/messages/count_tokens")
    answer = await scene.exchange(counted)
    assert "input_tokens" in json.loads(b"".join([chunk async for chunk in answer.body]))
    await scene.say()
    counted_body, sent_body = (json.loads(body) for body in scene.asked[-2:])
    assert counted_body["messages"] == sent_body["messages"]
    assert counted_body["tools"] == sent_body["tools"]


OWN = {"name": NAME, "input_schema": {"type": "object"}}


async def test_a_tool_of_the_clients_own_that_comes_later_is_left_to_it() -> None:
    scene = Scene([Step(calls=(RUN,)), look(), Step(text="There.", calls=(RUN,)), look()])
    await scene.say(LOG)
    await scene.say("ok")
    response = await scene.exchange(asking(scene, tools=[*TOOLS, OWN]))
    data = b"".join([chunk async for chunk in response.body])
    sent = json.loads(scene.asked[-1])
    assert [tool["name"] for tool in sent["tools"]] == ["Bash", NAME]
    assert results(sent["messages"]) == [LOG]
    assert json.loads(data)["content"][-1]["name"] == NAME
    assert scene.intake.retained == 0


async def test_the_same_turn_twice_at_once_is_answered_twice() -> None:
    scene = Scene([Step(calls=(RUN,)), look(), Step(text="There.", calls=(RUN,)), DONE])
    await scene.say(LOG)
    requests = [asking(scene, thinking={"type": "enabled", "budget_tokens": 1024}) for _ in range(2)]
    answers = [await scene.exchange(request) for request in requests]
    for answer in answers:
        text = json.loads(b"".join([chunk async for chunk in answer.body]))
        history = [*scene.history, {"role": "assistant", "content": text["content"]},
                   {"role": "user", "content": [{"type": "tool_result", "tool_use_id": text["content"][-1]["id"], "content": "ok"}]}]
        response = await scene.exchange(asking(scene, messages=history))
        assert response.status == 200
        await response.body.aclose()
        assert results(scene.sent[-1]) == [LOG]
    assert scene.model.refused == []


async def test_a_body_of_no_shape_that_is_known_goes_on_as_it_came() -> None:
    scene = Scene([DONE])
    shapes: list[Json] = ["text", None, {"role": "user"}, [1, None, "x"], [[]], [{"role": "user"}], [{"role": 5, "content": {"a": []}}]]
    for messages in shapes:
        request = asking(scene, messages=messages)
        response = await scene.exchange(request)
        await response.body.aclose()
        assert json.loads(scene.asked[-1])["messages"] == messages




HIDDEN = "what only one tenant has"


def of(scene: Scene, owner: str) -> None:
    async def named(request: Request) -> str:
        return owner

    scene.exchange._services = replace(scene.exchange._services, owner=named)


@pytest.mark.parametrize(("stored", "others"), [({ccr.key_of(HIDDEN): HIDDEN}, []), ({}, [MISS])])
async def test_a_text_from_the_store_is_woven_in_for_its_owner_alone(stored: dict[str, str], others: list[str]) -> None:
    """Who guesses what was said, and says it, gets nothing of what was not."""
    scene = Scene([Step(calls=(Call(NAME, {"key": ccr.key_of(HIDDEN)}),)), Step(text="It says so."), DONE], stored=stored)
    of(scene, "a")
    await scene.say()
    for owner, expected in (("b", others), ("a", [HIDDEN] if stored else others)):
        of(scene, owner)
        response = await scene.exchange(asking(scene, messages=[*scene.history[:2], {"role": "user", "content": "What did you read?"}]))
        await response.body.aclose()
        assert results(scene.sent[-1]) == expected
        scene.start()


async def test_a_conversation_that_has_become_too_large_to_be_read_goes_on_without_its_reasoning(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [Step(calls=(RUN,)), look(), Step(thinking="Ah. " * 9, text="There.", calls=(RUN,)), DONE]
    scene = Scene(steps)
    await scene.say(LOG)
    await scene.say("ok")
    monkeypatch.setattr(compression, "UNPARSED", 100)
    monkeypatch.setattr(exchange, "UNPARSED", 100)
    assert (await scene.say()).status == 200
    assert len(scene.model.refused) == 1
    assert scene.mishaps == {"mended": 1}


def read() -> int:
    gc.collect()
    return sum(isinstance(found, prepared.Reading) for found in gc.get_objects())


async def test_what_was_read_is_let_go_of_while_the_answer_comes() -> None:
    scene, before = Scene([DONE], stream=True), read()
    response = await scene.exchange(asking(scene))
    assert read() <= before
    await response.body.aclose()
