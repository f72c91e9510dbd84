from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.conversation import Json
from headroom.dialects.hidden.base import NAME, Asked, Ear, Round, Told
from headroom.dialects.hidden.events import PACKS
from headroom.dialects.hidden.json_text import written
from headroom.dialects.hidden.openai_chat_ear import StreamEar, Whole
from headroom.dialects.hidden.whole import WholeEar
from tests.dialects.hidden.openai_chat_answers import (
    BASH,
    CALLS,
    EDIT,
    LOOK,
    PATCH,
    ROUNDS,
    SAYS,
    SIGNED,
    THINKING,
    chunk,
    chunks,
    finish_of,
    is_mine,
    lines,
    messages,
    mine,
    rebuilt,
    said,
    shown,
    stream,
    usage,
    usage_of_all,
    visible,
    whole,
)

HELD_MOST = 1 << 16


@pytest.fixture(autouse=True)
def less_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headroom.dialects.hidden.openai_chat_ear.HELD_MOST", HELD_MOST)
    monkeypatch.setattr("headroom.dialects.hidden.whole.HELD_MOST", HELD_MOST)


DONE = b"data: [DONE]\n\n"
table = pytest.mark.parametrize("rounds", ROUNDS.values(), ids=ROUNDS)


def given_of(piece: Json) -> Json:
    return json.loads(piece["function"]["arguments"] or "{}")


@table
def test_one_answer_of_several(rounds: list[list[Json]]) -> None:
    data, ends, told = shown(rounds)
    seen = [piece for pieces in rounds for piece in visible(pieces)]
    assert NAME.encode() not in data
    assert rebuilt(data) == {"message": said(seen), "finish_reason": finish_of(seen), "usage": usage_of_all(len(rounds))}
    for pieces, end in zip(rounds, ends, strict=True):
        asked = [piece for piece in pieces if is_mine(piece)]
        assert end.asked == tuple(Asked(piece["id"], given_of(piece)) for piece in asked)
        assert [json.loads(element) for element in end.said] == ([said(pieces)] if asked else [])
        assert end.alone == (bool(asked) and not any(piece in CALLS for piece in pieces))
    assert told == Told("".join(piece.get("content", "") for piece in seen), tuple(piece["id"] for piece in seen if piece in CALLS))


@table
def test_a_whole_answer_is_the_one_that_the_stream_comes_to(rounds: list[list[Json]]) -> None:
    data, ends, told = shown(rounds)
    ear: Ear = WholeEar(Whole())
    for number, (pieces, end) in enumerate(zip(rounds, ends, strict=True), 1):
        assert ear.feed(written(whole(pieces, number)).encode()) == b""
        heard = ear.end()
        assert (heard.asked, heard.alone) == (end.asked, end.alone)
        assert list(map(json.loads, heard.said)) == list(map(json.loads, end.said))
    answer = json.loads(ear.finish())
    message = answer["choices"][0]["message"]
    assert message | {"refusal": None, "annotations": []} == message
    bare = {name: value for name, value in message.items() if name not in ("refusal", "annotations")}
    assert {"message": bare, "finish_reason": answer["choices"][0]["finish_reason"], "usage": answer["usage"]} == rebuilt(data)
    assert (answer["id"], answer["created"], answer["model"]) == ("chatcmpl-1", 1_790_000_001, "m1")
    assert ear.told() == told


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_cut_in_two_at_every_byte(end: str) -> None:
    source = lines(chunks([LOOK, mine(), EDIT]), end) + f"data: [DONE]{end}{end}".encode()
    for cut in range(len(source) + 1):
        ear = StreamEar()
        out = ear.feed(source[:cut]) + ear.feed(source[cut:])
        assert ear.end().asked == (Asked("call_h1", {"key": "0a1b"}),)
        out = (out + ear.finish()).replace(end.encode(), b"\n").rstrip(b"\n") + b"\n\n"
        assert out == shown([[LOOK, mine(), EDIT]])[0]


@pytest.mark.parametrize(("given", "value"), [
    ('{"key": "k", "lines": "1-2"}', {"key": "k", "lines": "1-2"}), ("", {}), ("{}", {}), ("{key", "{key"), ("[1]", "[1]"),
])
def test_arguments(given: str, value: Json) -> None:
    heard = shown([[mine(1, given)]])[1][0]
    assert heard.asked == (Asked("call_h1", value),)
    assert json.loads(heard.said[0])["tool_calls"] == [mine(1, given)]


def test_what_goes_on_at_once() -> None:
    ear, found = StreamEar(), chunks([LOOK, mine(), EDIT])
    out = [ear.feed(lines([each])) for each in found]
    hidden = [i for i, each in enumerate(found) if any(made["index"] == 0 for made in _calls(each))]
    assert [i for i, sent in enumerate(out) if sent] == [i for i in range(len(found) - 2) if i not in hidden]
    assert out[0] == lines(found[:1])
    assert {made["index"] for sent in out for each in messages(sent) for made in _calls(each)} == {0}
    assert ear.end().alone is False


def _calls(message: Json) -> list[Json]:
    return [made for choice in message["choices"] for made in choice["delta"].get("tool_calls", ())]


def once(pieces: Sequence[Json], number: int, index: int | None = 0) -> bytes:
    """All of an answer in one chunk, its calls all of one number or of none, as some providers have it."""
    message = said(pieces)
    if "tool_calls" in message:
        message["tool_calls"] = [({} if index is None else {"index": index}) | made for made in message["tool_calls"]]
    return lines([{**chunk(message, number, finish_of(pieces)), "usage": usage(number)}]) + DONE


@pytest.mark.parametrize("index", [0, None])
@pytest.mark.parametrize("rounds", [
    [[LOOK, mine()], [SAYS]], [[mine()], [LOOK, EDIT]], [[EDIT, mine(), BASH]], [[mine(1), mine(2)], [mine(3)]], [[LOOK, EDIT, mine()]],
])
def test_an_answer_in_one_chunk(rounds: list[list[Json]], index: int | None) -> None:
    ear, out, ends = StreamEar(), b"", []
    for number, pieces in enumerate(rounds, 1):
        out += ear.feed(once(pieces, number, index))
        ends.append(ear.end())
    found = messages(out + ear.finish())
    seen = [piece for pieces in rounds for piece in visible(pieces)]
    assert NAME not in str(found)
    assert [made["id"] for each in found for made in _calls(each)] == [piece["id"] for piece in seen if piece in CALLS]
    assert "".join(each["choices"][0]["delta"].get("content") or "" for each in found) == "".join(
        piece.get("content", "") for piece in seen
    )
    assert [each["choices"][0]["finish_reason"] for each in found] == [None] * (len(found) - 1) + [finish_of(seen)]
    assert found[-1]["usage"] == usage_of_all(len(rounds))
    assert [[json.loads(element) for element in end.said] for end in ends] == [
        [said(pieces)] if any(map(is_mine, pieces)) else [] for pieces in rounds
    ]


def test_the_opening_goes_on_when_it_brings_our_call() -> None:
    begun = {"role": "assistant", "content": None, "refusal": None, "tool_calls": [{"index": 0, **mine(1, "")}]}
    first = [chunk(begun), chunk({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}), chunk({}, 1, "tool_calls")]
    ear = StreamEar()
    assert messages(ear.feed(lines(first) + DONE)) == [chunk({"role": "assistant", "content": None, "refusal": None})]
    assert json.loads(ear.end().said[0]) == {"role": "assistant", "content": None, "tool_calls": [mine(1, "{}")]}
    assert messages(ear.finish()) == [chunk({}, 1, "stop")]


def test_names_and_ids_in_each_delta() -> None:
    named = [chunk({"tool_calls": [{"index": 0, **mine(1, part)}]}) for part in ('{"key":', ' "k"}')]
    ear = StreamEar()
    assert ear.feed(lines([*named, chunk({}, 1, "stop")])) == b""
    assert ear.end().asked == (Asked("call_h1", {"key": "k"}),)


@pytest.mark.parametrize("finish", ["length", "content_filter", "error"])
def test_half_an_answer_asks_nothing(finish: str) -> None:
    ear, body = StreamEar(), WholeEar(Whole())
    out = ear.feed(stream([LOOK, mine()], 1, finish))
    body.feed(written(whole([LOOK, mine()], 1, finish)).encode())
    assert ear.end() == body.end() == Round()
    assert rebuilt(out + ear.finish()) == {"message": said([LOOK]), "finish_reason": finish, "usage": usage(1)}
    assert json.loads(body.finish()) == whole([LOOK], 1, finish)


def test_no_usage_is_made_up() -> None:
    ear, out = StreamEar(), b""
    for number, pieces in enumerate(([LOOK, mine()], [SAYS]), 1):
        out += ear.feed(lines(chunks(pieces, number)[:-1]) + DONE)
        ear.end()
    assert all(each["usage"] is None for each in messages(out))


def test_usage_of_which_a_part_is_unknown() -> None:
    ear, out = StreamEar(), b""
    ear.feed(lines(chunks([LOOK, mine()])[:-1]))
    ear.end()
    out = ear.feed(lines([{**chunk({}, 2, "stop"), "usage": {"completion_tokens": 7, "cost": 0.5}}]))
    assert messages(out)[-1]["usage"] == {"completion_tokens": 7, "cost": 0.5}


def test_a_round_that_breaks_off() -> None:
    source, ear = stream([LOOK, mine()]), StreamEar()
    out = ear.feed(source[: source.index(b'"finish_reason":"tool_calls"')])
    assert (ear.end(), ear.finish()) == (Round(), b"")
    assert messages(out)[-1]["choices"][0]["delta"] == {"content": " "}
    second, error = StreamEar(), b'data: {"error":{"message":"overloaded","type":"server_error"}}\n\n'
    second.feed(source)
    assert second.end().alone
    broken = stream([SAYS], 2)
    assert second.feed(broken[: broken.index(b'"finish_reason":"stop"')] + b"\n\n" + error).endswith(error)
    assert (second.end(), second.finish()) == (Round(), b"")


def test_a_second_round_without_a_byte_ends_what_was_told() -> None:
    ear, body = StreamEar(), WholeEar(Whole())
    out = ear.feed(stream([LOOK, mine()]))
    body.feed(written(whole([LOOK, mine()])).encode())
    assert ear.end().alone
    assert body.end().alone
    assert ear.end() == body.end() == Round()
    assert rebuilt(out + ear.finish())["message"] == said([LOOK])
    assert json.loads(body.finish()) == whole([LOOK])


def test_a_last_event_without_its_blank_line() -> None:
    for cut in (-1, -2, -16):
        ear = StreamEar()
        out = ear.feed(stream([LOOK, mine()])[:cut])
        assert ear.end().alone
        assert messages(out + ear.finish())[-2:] == [chunk({}, 1, "stop"), {**chunk({}), "choices": [], "usage": usage(1)}]


@pytest.mark.parametrize("odd", [
    {**chunk({"content": "b"}), "choices": [{"index": 1, "delta": {"content": "b"}, "finish_reason": None}]},
    {**chunk({}), "choices": [{"index": 0, "delta": {}}, {"index": 1, "delta": {}}]},
    chunk({"content": [{"type": "thinking", "thinking": []}]}),
])
def test_several_choices_or_contents_in_parts_go_on_as_they_came(odd: Json) -> None:
    found = chunks([LOOK, mine(), SAYS])
    for at in (1, 3, 5, 9):
        source = lines([*found[:at], odd, *found[at:]]) + DONE
        for size in (97, len(source)):
            ear = StreamEar()
            out = b"".join(ear.feed(source[i : i + size]) for i in range(0, len(source), size))
            assert ear.end() == Round()
            assert out + ear.finish() == source
    body = whole([LOOK, mine()])
    body["choices"] = [*body["choices"], {**body["choices"][0], "index": 1}]
    ear_of_whole = WholeEar(Whole())
    ear_of_whole.feed(json.dumps(body).encode())
    assert ear_of_whole.end() == Round()
    assert ear_of_whole.finish() == json.dumps(body).encode()


def test_content_in_parts_in_a_later_round_asks_nothing() -> None:
    parts: Json = [{"type": "text", "text": "It says "}, {"type": "text", "text": "42."}]
    ear, body = StreamEar(), WholeEar(Whole())
    ear.feed(stream([LOOK, mine()]))
    ear.end()
    out = ear.feed(lines([chunk({"content": parts}, 2), *chunks([mine(2)], 2)]))
    assert messages(out) == [chunk({"content": parts})]
    assert ear.end() == Round()
    assert messages(ear.finish())[0] == chunk({}, 1, "stop")
    body.feed(written(whole([LOOK, mine()])).encode())
    body.end()
    second = whole([mine(2)], 2)
    second["choices"][0]["message"]["content"] = parts
    body.feed(written(second).encode())
    assert body.end() == Round()
    assert json.loads(body.finish())["choices"][0]["message"]["content"] == "Let me look. It says 42."


def test_more_than_can_be_held_goes_on_as_it_came() -> None:
    big = {"content": "x" * 40_000}
    plenty = lines([chunk(big)] * (PACKS * HELD_MOST // 40_000 + 1))
    long = lines([chunk({"tool_calls": [{"index": 0, **mine(1, "y" * (PACKS * HELD_MOST + 9))}]})])
    for source in (plenty + stream([LOOK, mine()]), stream([LOOK, mine()])[:-40] + plenty, long, b"data: x\n\n" + b"y" * (HELD_MOST + 9)):
        ear, body = StreamEar(), WholeEar(Whole())
        cuts = [source[i : i + (1 << 20)] for i in range(0, len(source), 1 << 20)]
        out = b"".join(map(ear.feed, cuts))
        assert b"".join(map(body.feed, cuts)) == source
        assert sorted(out.split(b"\n\n")) == sorted(source.split(b"\n\n"))  # what was held comes late
        for one in (ear, body):
            assert (one.end(), one.told(), one.finish()) == (Round(), Told(), b"")


@pytest.mark.parametrize("rounds", [[[LOOK, mine()], [SAYS]], [[mine(), EDIT]]])
def test_what_was_numbered_anew_is_broken_off_instead(rounds: list[list[Json]]) -> None:
    ear, out = StreamEar(), b""
    for number, pieces in enumerate(rounds, 1):
        ear.end()
        out += ear.feed(stream(pieces, number)[:-450])
    out += b"".join(ear.feed(b"data: " + b"x" * (HELD_MOST // 2)) for _ in range(3))
    assert "error" in messages(out)[-1]
    assert (ear.feed(stream([SAYS])), ear.end(), ear.told(), ear.finish()) == (b"", Round(), Told(), b"")


PIECES = st.lists(st.sampled_from([THINKING, SIGNED, LOOK, SAYS, EDIT, PATCH, mine(7)]), max_size=5)


@given(st.lists(PIECES, max_size=3), PIECES)
@settings(deadline=None, max_examples=100)
def test_generated_rounds(earlier: Sequence[list[Json]], last: list[Json]) -> None:
    calls = (EDIT, PATCH, mine(7))
    rounds = [*([*(piece for piece in pieces if piece not in calls), mine(at)] for at, pieces in enumerate(earlier)), last]
    data, ends, _ = shown(rounds)
    seen = [piece for pieces in rounds for piece in visible(pieces)]
    answer = rebuilt(data)
    assert (answer["message"], answer["finish_reason"]) == (said(seen), finish_of(seen))
    assert all(end.alone for end in ends[:-1])
