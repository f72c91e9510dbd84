from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom import positions, weaving
from headroom.chain import chain
from headroom.conversation import Json
from headroom.dialects import DIALECTS
from headroom.dialects.document import Document, Rewrite
from headroom.dialects.hidden import HIDDEN
from headroom.dialects.hidden.base import Exchange
from headroom.positions import Positions
from headroom.weaving import Seams

OURS = {"role": "assistant", "content": [{"type": "text", "text": "Let me look."}, {"type": "tool_use", "id": "h1", "name": "x", "input": {}}]}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "h1", "content": "all of it"}]}


def user(*texts: str) -> Json:
    return {"role": "user", "content": [{"type": "text", "text": text} for text in texts]}


def said(*texts: str) -> Json:
    return {"role": "assistant", "content": [{"type": "text", "text": text} for text in texts]}


def made(member: str, own: Sequence[Json], *runs: tuple[int, int, Sequence[Json]]) -> Positions:
    """Of a body with other elements in place of these runs."""
    def rewrite(start: int, stop: int, elements: Sequence[Json]) -> Rewrite:
        return Rewrite(member, start, stop, lambda _: [json.dumps(element) for element in elements])

    return positions.positions(Document.parse(json.dumps({member: own}).encode()), {}, [rewrite(*run) for run in runs])


CLIENT = [user("Read it."), said("Let me look.", "It says 42."), user("And then?"), said("43."), user("Thanks.")]
WOVEN = made("messages", CLIENT, (1, 3, [OURS, RESULT, said("It says 42."), CLIENT[2]]))
"""As sent: 0 the same; 1, 2 and 3 are the client's 1, with a call and a result of ours; 4 is 2, and so on."""

TEXTS = {
    # Anthropic
    "messages.0: no": "messages.0: no",
    "messages.4.content.0: no": "messages.2.content.0: no",
    "`messages.6`": "`messages.4`",
    "messages.6.content.0.tool_result.content.1": "messages.4.content.0.tool_result.content.1",
    "messages.4: no\\nmessages.5: nor this": "messages.2: no\\nmessages.3: nor this",
    # OpenAI
    "messages[5].content": "messages[3].content",
    "messages.[5].role": "messages.[3].role",
    "'content' is a required property - 'messages.5'": "'content' is a required property - 'messages.3'",
    "Invalid type for '$.messages[4].content[0].text'": "Invalid type for '$.messages[2].content[0].text'",
    # What we put in is told as what the client has next: its own text that stood beside ours, or the whole answer.
    "messages.1.content.0": "messages.1.content.0",
    "messages.1.content.1": "messages.1.content.1",
    "messages.2.content.0": "messages.1.content.1",
    "messages.3.content.0": "messages.1.content.1",
    "messages.99": "messages.4",
    # Not ours to read.
    "message[5]": "message[5]", "messages": "messages", "messages[4:6]": "messages[4:6]", "messages.5th": "messages.5th",
    "my_messages.5": "my_messages.5", "x.messages.5": "x.messages.5", "input[5]": "input[5]", "messages.12345678": "messages.12345678",
    "5 messages, 4.5": "5 messages, 4.5", "": "",
}


@pytest.mark.parametrize(("text", "told"), TEXTS.items())
def test_positions_are_told_as_the_clients_own(text: str, told: str) -> None:
    assert positions.told(text, [WOVEN]) == told


@pytest.mark.parametrize("text", TEXTS)
def test_what_names_no_place_is_known_before_places_are_looked_for(text: str) -> None:
    assert positions.named(text, {"messages"}) or positions.told(text, [WOVEN]) == text


ITEMS = [{"type": "message", "role": "user", "content": "go"}, *(
    {"type": kind, "call_id": f"c{i}", "output" if kind.endswith("output") else "arguments": str(i)}
    for i in range(3) for kind in ("function_call", "function_call_output")
)]
NOTED = {**ITEMS[0], "content": [{"type": "input_text", "text": "go"}, {"type": "input_text", "text": "2 results are not shown"}]}
CUT = made("input", ITEMS, (0, 5, [NOTED]))


@pytest.mark.parametrize(("text", "told"), {
    "input[0].content[0]": "input[0].content[0]",
    "input[0].content[1]": "input[0].content[0]",
    "Invalid value: 'input[1]'.": "Invalid value: 'input[5]'.",
    '"param": "input[2].output"': '"param": "input[6].output"',
}.items())
def test_what_was_left_out_is_counted_again(text: str, told: str) -> None:
    assert positions.told(text, [CUT]) == told


CONTENTS = [{"role": "user", "parts": [{"text": "go"}]}, {"role": "model", "parts": [{"text": "a b"}]}, {"role": "user", "parts": [{"text": "on"}]}]
IN_CONTENTS = made("contents", CONTENTS, (1, 2, [
    {"role": "model", "parts": [{"text": "a"}, {"functionCall": {"name": "x"}}]}, {"role": "user", "parts": [{"functionResponse": {"name": "x"}}]},
    {"role": "model", "parts": [{"text": " b"}]},
]))
TOOLS = made("tools", [{"functionDeclarations": [{"name": "A"}, {"name": "B"}]}], (0, 1, [{"functionDeclarations": [{"name": "A"}, {"name": "B"}, {"name": "x"}]}]))


@pytest.mark.parametrize(("text", "told"), {
    "* GenerateContentRequest.contents[4].parts[0].data: empty\\n": "* GenerateContentRequest.contents[2].parts[0].data: empty\\n",
    "* GenerateContentRequest.contents[2].parts[0]: bad": "* GenerateContentRequest.contents[1].parts[0]: bad",
    "* CountTokensRequest.contents[4].parts[0].data: empty": "* CountTokensRequest.contents[2].parts[0].data: empty",
    "Unknown name 'x' at 'contents[4]'": "Unknown name 'x' at 'contents[2]'",
    "GenerateContentRequest.tools[0].function_declarations[1].name: bad": "GenerateContentRequest.tools[0].function_declarations[1].name: bad",
    "GenerateContentRequest.tools[0].function_declarations[2].name: bad": "GenerateContentRequest.tools[0].function_declarations[1].name: bad",
    "function call `default_api:ls` , position 5. Please": "function call `default_api:ls` , position 3. Please",
    "function call `default_api:ls`, position 0": "function call `default_api:ls`, position 0",
}.items())
def test_positions_as_gemini_writes_them(text: str, told: str) -> None:
    assert positions.told(text, [{**IN_CONTENTS, **TOOLS}]) == told


def test_our_tool_behind_the_clients_is_told_as_its_last() -> None:
    tools = made("tools", [{"name": "A"}, {"name": "B"}], (0, 2, [{"name": "A"}, {"name": "B"}, {"name": "x"}]))
    assert positions.told("tools.1.name, tools.2.name, messages.7", [tools]) == "tools.1.name, tools.1.name, messages.7"


def test_steps_lead_from_what_was_sent_last_to_what_the_client_sent() -> None:
    thinking = {"type": "thinking", "thinking": "hm", "signature": "s"}
    before = {"messages": [user("a"), {"role": "assistant", "content": [thinking]}, {"role": "assistant", "content": [thinking, {"type": "text", "text": "b"}]}, user("c")]}
    after = {"messages": [user("a"), {"role": "assistant", "content": [{"type": "text", "text": "b"}]}, user("c")]}
    bare = positions.between(json.dumps(before).encode(), json.dumps(after).encode(), "messages")
    assert positions.told("messages.1.content.0", [bare]) == "messages.2.content.1"
    first = made("messages", [user("a"), user("c")], (0, 1, before["messages"][:3]))
    assert positions.told("messages.2", [bare, first]) == "messages.1"


TURNS: dict[str, tuple[list[Json], tuple[list[str], list[str]], list[int]]] = {
    # As sent: words; our call behind words, its result, words; words.
    "openai-chat": ([{"role": "assistant", "content": "Let me look. It says 42."}], (
        ['{"role":"assistant","content":"Let me look. ","tool_calls":[{"id":"h1","type":"function","function":{"name":"headroom_retrieve","arguments":"{}"}}]}'],
        ['{"role":"tool","tool_call_id":"h1","content":"all of it"}'],
    ), [0, 1, 1, 1, 2]),
    # Words are an item of their own, so what stands behind our result has its next there.
    "openai-responses": ([
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]} for text in ("Let me look. ", "It says 42.")
    ], (
        ['{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Let me look. "}]}',
         '{"type":"function_call","call_id":"h1","name":"headroom_retrieve","arguments":"{}"}'],
        ['{"type":"function_call_output","call_id":"h1","output":"all of it"}'],
    ), [0, 1, 2, 2, 2, 3]),
    "gemini": ([{"role": "model", "parts": [{"text": "Let me look. "}, {"text": "It says 42."}]}], (
        ['{"role":"model","parts":[{"text":"Let me look. "},{"functionCall":{"name":"headroom_retrieve","args":{}}}]}'],
        ['{"role":"user","parts":[{"functionResponse":{"name":"headroom_retrieve","response":{"output":"all of it"}}}]}'],
    ), [0, 1, 1, 1, 2]),
}


@pytest.mark.parametrize("name", TURNS)
def test_hidden_rounds_of_each_api(name: str) -> None:
    reply, (said, results), own = TURNS[name]
    dialect, hidden = next(each for each in DIALECTS if each.name == name), HIDDEN[name]
    words = {"role": "user", "parts": [{"text": "And?"}]} if name == "gemini" else {"role": "user", "content": "And?"}
    document = Document.parse(json.dumps({"model": "m", "tools": [{"name": "Bash"}], dialect.turns: [words, *reply, words]}).encode())
    conversation = dialect.read(document, "/v1beta/models/m:generateContent" if name == "gemini" else "")
    seams, keys = Seams(hidden, document, dialect.turns, conversation), chain(conversation, lambda text: hashlib.sha256(text.encode()).digest())
    row = weaving.write(Exchange(((tuple(said), tuple(results)),)))
    (addition,) = seams.rounds(keys, {keys.replies[0]: row}, pytest.fail)
    assert positions.positions(document, {}, [addition.rewrite])[dialect.turns].own == tuple(own)


ELEMENTS = st.lists(st.sampled_from("abcdef").map(lambda letter: f'{{"text":"{letter}"}}'), max_size=8)


@settings(deadline=None, max_examples=300)
@given(ELEMENTS, ELEMENTS)
def test_alignment_keeps_order_and_stays_within(before: list[str], after: list[str]) -> None:
    found = positions.aligned(before, after)
    assert len(found) == len(after)
    assert found == sorted(found)
    assert all(0 <= place <= len(before) for place in found)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.integers(), unique=True, max_size=12), st.data())
def test_what_is_left_of_elements_is_found_again(numbers: list[int], data: st.DataObject) -> None:
    before = [f'{{"text":"{number}"}}' for number in numbers]
    kept = [i for i in range(len(before)) if data.draw(st.booleans())]
    ours = {j: f'{{"ours":"{j} of ours"}}' for j in range(len(kept)) if data.draw(st.booleans())}
    after: list[str] = []
    places: list[int] = []
    for j, i in enumerate(kept):
        for source in [*([ours[j]] if j in ours else []), before[i]]:
            places.append(i if source == before[i] else -1)
            after.append(source)
    found = positions.aligned(before, after)
    assert [place for place, known in zip(found, places, strict=True) if known >= 0] == kept


@settings(deadline=None, max_examples=300)
@given(st.text(st.sampled_from("messages.[]0123 $`\\n'"), max_size=60))
def test_only_digits_change_and_nothing_does_where_nothing_was_put_in(text: str) -> None:
    told = positions.told(text, [WOVEN])
    letters = str.maketrans("", "", "0123456789")
    assert told.translate(letters) == text.translate(letters)
    assert positions.told(text, [made("messages", CLIENT)]) == text
    assert positions.told(text, []) == text


def test_what_is_asked_for_often_is_looked_for_once() -> None:
    long = {"role": "user", "content": [{"type": "text", "text": f"{i} of many"} for i in range(20_000)]}
    places = made("messages", [long], (0, 1, [{**long, "content": [OURS, *long["content"]]}]))
    paths = " ".join(f"messages.0.content.{i}" for i in range(1, 3000))
    assert positions.told(paths, [places]).endswith("messages.0.content.2998")
    dark = "messages.5.content." * 4000 + "function call `" * 4000 + "$." * 4000 + "Request." * 4000 + "x" * 60_000
    assert len(positions.told(dark, [WOVEN])) == len(dark)
