from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise

import pytest

from headroom.conversation import Address, Json, Part
from headroom.dialects.document import Document
from headroom.dialects.document_memo import DocumentMemo
from headroom.dialects.shapes import opaque
from headroom.dialects.turns import Call, Calls, Turn, Turns, read
from headroom.traces import shared


def derive(at: Address, value: Json, calls: Calls) -> Turn:
    """ "call X" makes a call, "answer X" answers it once, anything else is said by the user."""
    verb, _, name = str(value).partition(" ")
    if verb == "call":
        return Turn(calls=(Call(name, f"tool {name}", {"n": name}),), others=(name,), assistant=True)
    if verb == "answer":
        call = calls.get(name)
        return Turn((Part("tool", name, at, call.tool if call else "unknown"),), answered=(name,))
    return Turn((Part("user", str(value), at),), elsewhere=verb == "stored")


def test_an_answer_knows_the_calls_before_it_until_they_are_answered() -> None:
    turns = Turns("test", derive)
    seen = []
    for i, value in enumerate(["answer a", "call a", "answer a", "answer a"]):
        turn = turns.read(("m", i), value)
        turns.absorb(turn)
        seen += [part.tool for part in turn.parts]
    assert seen == ["unknown", "tool a", "unknown"]


def test_members_are_read_in_the_order_given() -> None:
    raw = json.dumps({"m": ["hello", "call a", "answer a"], "s": "system", "t": [{"name": "a"}], "u": "tool"}).encode()
    memo = DocumentMemo()
    for _ in range(2):
        reading = read(Document.parse(raw, memo), "test", (("s", derive), ("m", derive), ("absent", derive)), ("t", "u", "v"))
        assert [part.text for part in reading.parts] == ["system", "hello", "a"]
        assert reading.parts[2].tool == "tool a"
        assert reading.fresh == 2
        assert reading.others == ('{"name": "a"}', '"tool"', "a")
        assert not reading.elsewhere


def test_one_stored_element_is_enough() -> None:
    document = Document.parse(b'{"m": ["a", "stored b", "c"]}')
    assert read(document, "test", (("m", derive),), ()).elsewhere


@pytest.mark.parametrize(("message", "blocks"), [
    ({"role": "user", "content": "hi"}, 0),
    ({"role": "user", "content": [{"type": "image", "source": {"type": "base64", "data": "x"}}, {"type": "text", "text": "hi"}]}, 1),
    ({"content": [{"type": "tool_result", "content": [{"type": "image"}, {"type": "document"}, {"type": "text", "text": ""}]}]}, 2),
    ({"content": [{"type": "image_url", "image_url": {"url": "data:"}}]}, 1),
    ({"type": "reasoning", "encrypted_content": "x"}, 1),
    ({"parts": [{"inlineData": {"data": "x"}}, {"functionResponse": {"response": {"parts": [{"fileData": {}}]}}}]}, 2),
    ({"content": [{"type": "tool_use", "input": {"type": "image", "list": [{"type": "image"}]}}]}, 0),
    ([{"type": "image"}], 1), ("image", 0), (None, 0),
])
def test_blocks_that_are_no_text_are_counted(message: Json, blocks: int) -> None:
    assert opaque(message) == blocks
    document = Document.parse(json.dumps({"messages": [message, message]}).encode())
    assert read(document, "test", (("messages", lambda at, value, calls: Turn()),), ()).opaque == 2 * blocks


def test_what_was_read_before_is_the_same_object_again_also_before_a_long_member() -> None:
    """Later steps go by that."""
    memo = DocumentMemo()
    values = ["call a " + "x" * 2000, *(f"hello {i} " * 500 for i in range(8))]
    readings = [
        read(Document.parse(json.dumps({"s": "short", "m": [*values, *more]}).encode(), memo), "test", (("s", derive), ("m", derive)), ())
        for more in ([], ["new"], ["new", "newer"])
    ]
    for before, after in pairwise(readings):
        assert shared(before.parts, after.parts) == len(before.parts)
        assert shared(before.replies, after.replies) == 1


@pytest.mark.parametrize("values", [["x" * 1100], ["x" * 1100, 1, "y" * 10_000]], ids=["elsewhere", "behind what is not remembered"])
def test_texts_are_charged_for_wherever_they_stand(values: Sequence[Json]) -> None:
    memo = DocumentMemo(1_000_000)  # enough for all but what stands elsewhere
    bodies = [json.dumps({"s": f"{i}" + "s" * 10_000, "m": [f"{i}", *values]}).encode() for i in range(50)]
    for raw in bodies:
        read(Document.parse(raw, memo), "test", (("s", derive), ("m", derive)), ())
    assert Document.parse(bodies[0], memo).remembered("m", "test") == []
