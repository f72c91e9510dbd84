from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.conversation import Address, Json, Skip
from headroom.dialects.document import ITEMS, Document, Rewrite, Unreadable
from headroom.dialects.document_memo import DocumentMemo


class Trace:
    """A reader that remembers what it was asked to read; its facts tell all it may depend on."""

    def __init__(self, name: str = "trace") -> None:
        self.name = name
        self.seen: tuple[str, ...] = ()
        self.fresh: list[Address] = []

    def read(self, at: Address, value: Json) -> tuple[Address, str, tuple[str, ...]]:
        self.fresh.append(at)
        return at, json.dumps(value), self.seen

    def absorb(self, fact: tuple[Address, str, tuple[str, ...]]) -> None:
        self.seen += (fact[1],)


@pytest.mark.parametrize(("raw", "reason"), [
    (b"", "not_json"),
    (b" \n", "not_json"),
    (b"nul", "not_json"),
    (b"\xef\xbb\xbf{}", "not_json"),
    (b'{"a":1', "not_json"),
    (b'{"a":1,}', "not_json"),
    (b"{,}", "not_json"),
    (b'{"a" 1}', "not_json"),
    (b"{a:1}", "not_json"),
    (b'{"a":1} x', "not_json"),
    (b'{"a":1.5.2}', "not_json"),
    (b'{"a":01}', "not_json"),
    (b'{"a":12x}', "not_json"),
    (b'{"a":NaN}', "not_json"),
    (b'{"a":"x\ny"}', "not_json"),
    (b'{"messages":[1 2]}', "not_json"),
    (b'{"messages":[1,]}', "not_json"),
    (b'{"messages":[{}', "not_json"),
    (b'{"a":"\xff"}', "not_utf8"),
    (b'{"a":"\xed\xa0\x80"}', "not_utf8"),
    (b'{"a":1}\xff', "not_json"),
    ('{"a":1}'.encode("utf-16"), "not_utf8"),
    (b"[]", "not_an_object"),
    (b' "x" ', "not_an_object"),
    (b"1", "not_an_object"),
    (b"[1", "not_json"),
    (b'{"a":1,"a":2}', "duplicate_keys"),
    (b'{"a":1,"\\u0061":2}', "duplicate_keys"),
    (b'{"a":[],"a":2}', "duplicate_keys"),
    (b'{"messages":[{"content":"x","content":"y"}]}', "duplicate_keys"),
    (b'{"messages":' + b"[" * 200_000 + b"]" * 200_000 + b"}", "too_deep"),
    (b"[" * 200_000, "too_deep"),
    (b'{"a":' * 200_000, "too_deep"),
    (b'{"a":' + b"[" * 300 + b"]" * 300 + b"}", "too_deep"),
    (b'{"a":[' + b"0," * ITEMS + b"0]}", "too_costly"),
    (b'{"a":[{"b":[' + b"0," * ITEMS + b"0]}]}", "too_costly"),
    (b'{"a":{' + b",".join(b'"%d":0' % i for i in range(ITEMS + 1)) + b"}}", "too_costly"),
])
@pytest.mark.parametrize("known", [False, True])
def test_what_cannot_be_read_says_why(raw: bytes, reason: Skip, known: bool) -> None:
    with pytest.raises(Unreadable) as caught:
        Document.parse(raw, DocumentMemo() if known else None)
    assert caught.value.reason == reason


@pytest.mark.parametrize("raw", [
    b"{}", b" { } ", b'{"n":' + b"9" * 500_000 + b"}", b'{"n":1e400,"m":-0.0}', b'{"a":"\\ud800"}', '{"é":"ü"}'.encode(),
    b'{"a":' + b"[" * 100 + b"]" * 100 + b"}", b'{"":{"":""}}', b'{"a":"\\u0000","b":true}',
])
def test_what_can_be_read_leaves_as_it_came(raw: bytes) -> None:
    assert Document.parse(raw).splice({}) is raw


BODY = """ {"model" : "m" , "messages":[ {"content":"one", "n":1.50} ,{"content":[{"text":"é\\u00e9"},{"text":"\\ud83d\\ude00"}]}, 7 ],
  "system":"be\\tkind","\\u0069nput":{"a":{"b":"deep"}} , "tools":[] }"""


def test_members_elements_and_sources() -> None:
    document = Document.parse(BODY.encode())
    assert document.get("model") == "m"
    assert document.get("absent") is None
    assert document.get("messages") == json.loads(BODY)["messages"]
    assert document.elements("messages") == tuple(json.loads(BODY)["messages"])
    assert document.elements("system") == document.elements("absent") == document.elements("tools") == ()
    assert document.sources("messages")[0] == (("messages", 0), '{"content":"one", "n":1.50}')
    assert document.sources("system") == ((("system",), '"be\\tkind"'),)
    assert document.sources("absent") == document.sources("tools") == ()


@pytest.mark.parametrize(("edits", "old", "new"), [
    ({("messages", 0, "content"): 'a"b'}, '"one"', '"a\\"b"'),
    ({("messages", 1, "content", 0, "text"): "ü\n"}, '"é\\u00e9"', '"ü\\n"'),
    ({("messages", 1, "content", 1, "text"): "x"}, '"\\ud83d\\ude00"', '"x"'),
    ({("system",): ""}, '"be\\tkind"', '""'),
    ({("input", "a", "b"): "\ud800"}, '"deep"', '"\\ud800"'),
])
def test_a_splice_changes_one_literal_and_nothing_else(edits: Mapping[Address, str], old: str, new: str) -> None:
    assert Document.parse(BODY.encode()).splice(edits).decode() == BODY.replace(old, new)


def test_many_literals_at_once() -> None:
    edits: dict[Address, str] = {
        ("system",): "s", ("messages", 1, "content", 1, "text"): "two", ("messages", 0, "content"): "zero",
        ("messages", 1, "content", 0, "text"): "first",
    }
    spliced = json.loads(Document.parse(BODY.encode()).splice(edits))
    assert [spliced["system"], spliced["messages"][0]["content"]] == ["s", "zero"]
    assert spliced["messages"][1]["content"] == [{"text": "first"}, {"text": "two"}]


def test_the_same_text_in_another_spelling_stays_as_it_was_spelled() -> None:
    raw = BODY.encode()
    assert Document.parse(raw).splice({("messages", 1, "content", 0, "text"): "éé", ("system",): "be\tkind"}) is raw


@pytest.mark.parametrize("address", [
    (), ("absent",), ("messages",), ("messages", 9, "content"), ("messages", -1), ("messages", "0", "content"),
    ("messages", 0, "n"), ("messages", 1, "content"), ("messages", 1, "content", 2, "text"), ("messages", 2), ("system", 0),
    ("input", "a"), (0,),
])
def test_an_address_that_is_no_string_is_refused(address: Address) -> None:
    with pytest.raises(ValueError):
        Document.parse(BODY.encode()).splice({address: "x"})


def body(messages: list[Json], **rest: Json) -> bytes:
    return json.dumps({"model": "m", "messages": messages, **rest}).encode()


def message(i: int) -> Json:
    return {"role": "user", "content": f"message {i} " * 300}


MESSAGES = [message(i) for i in range(20)]
"""Long enough for arrays to be recognised."""


def test_only_what_is_new_is_read_again() -> None:
    memo = DocumentMemo()
    Document.parse(body(MESSAGES), memo).facts("messages", Trace())
    longer, reader = [*MESSAGES, message(20), message(21)], Trace()
    facts = Document.parse(body(longer), memo).facts("messages", reader)
    assert reader.fresh == [("messages", 20), ("messages", 21)]
    assert facts == Document.parse(body(longer)).facts("messages", Trace())


def test_behind_a_change_everything_is_read_again() -> None:
    memo = DocumentMemo()
    Document.parse(body(MESSAGES), memo).facts("messages", Trace())
    changed, reader = [*MESSAGES[:12], {"content": "changed"}, *MESSAGES[13:]], Trace()
    facts = Document.parse(body(changed), memo).facts("messages", reader)
    assert reader.fresh == [("messages", i) for i in range(12, 20)]
    assert facts == Document.parse(body(changed)).facts("messages", Trace())


def test_facts_of_two_readers_and_two_members_do_not_mix() -> None:
    memo = DocumentMemo()
    raw = json.dumps({"messages": MESSAGES, "input": MESSAGES, "system": "s" * 5000}).encode()
    document = Document.parse(raw, memo)
    for known in (False, True):
        assert [fact[0] for fact in document.facts("input", Trace("a"))] == [("input", i) for i in range(20)]
        assert [fact[0] for fact in document.facts("messages", Trace("a"))] == [("messages", i) for i in range(20)]
        assert [fact[0] for fact in document.facts("system", Trace("a"))] == [("system",)]
        other = Trace("b")
        document.facts("messages", other)
        assert other.fresh == ([] if known else [("messages", i) for i in range(20)])


def test_a_reader_sees_what_came_before_whether_it_was_known_or_not() -> None:
    memo = DocumentMemo()
    for n in (3, 12, 20):
        facts = Document.parse(body(MESSAGES[:n]), memo).facts("messages", Trace())
        assert facts == Document.parse(body(MESSAGES[:n])).facts("messages", Trace())


def test_forms_that_are_replayed_give_the_same_bytes() -> None:
    memo = DocumentMemo()
    edits: dict[Address, str] = {("messages", i, "content"): f"short é {i}" for i in range(0, 20, 3)}
    plain = Document.parse(body(MESSAGES)).splice(edits)
    for _ in range(3):
        assert Document.parse(body(MESSAGES), memo).splice(edits) == plain
    other = {at: text + "!" for at, text in edits.items()}
    assert Document.parse(body(MESSAGES), memo).splice(other) == Document.parse(body(MESSAGES)).splice(other)


def test_a_small_memo_forgets_and_stays_right() -> None:
    memo = DocumentMemo(64 * 1024)
    for n in range(1, 21):
        raw = body(MESSAGES[:n])
        document = Document.parse(raw, memo)
        assert document.facts("messages", Trace()) == Document.parse(raw).facts("messages", Trace())


PIECES = st.sampled_from([
    "{", "}", "[", "]", ",", ":", " ", "\n", '"messages"', '"input"', '"a"', '"b"', '"\\u0061"', '"é"', "1", "12", "1.5", "-", "true",
    "tru", "null", '{"a":1}', '{"a":"x"}', '"x', "[1,2]", '{"content":"y"}', '{"a":1,"a":2}', "\ud800",
])


def outcome(raw: bytes, memo: DocumentMemo | None) -> Json:
    try:
        document = Document.parse(raw, memo)
    except Unreadable as error:
        return error.reason
    names = ("messages", "input", "a", "b", "é")
    return [(document.get(n), document.elements(n), document.sources(n), document.facts(n, Trace())) for n in names]


@given(texts=st.lists(st.lists(PIECES, max_size=14), min_size=2, max_size=6))
@settings(deadline=None, max_examples=300)
def test_whatever_was_read_before_makes_no_difference(texts: list[list[str]]) -> None:
    memo = DocumentMemo(1 << 20)
    for text in [*texts, *texts]:
        for raw in (joined := "".join(text).encode("utf-8", "surrogatepass"), b'{"messages":[' + joined + b"]}"):
            assert repr(outcome(raw, memo)) == repr(outcome(raw, None))


@given(
    head=st.lists(st.integers(0, 2), max_size=8), tails=st.lists(st.lists(st.integers(0, 5), max_size=8), min_size=2, max_size=6),
    ascii_only=st.booleans(), cut=st.integers(0, 200),
)
@settings(deadline=None, max_examples=60)
def test_conversations_that_share_a_head_are_read_as_if_alone(
    head: list[int], tails: list[list[int]], ascii_only: bool, cut: int
) -> None:
    memo = DocumentMemo()
    variants: list[Json] = [{"content": text * 500} for text in ("plain ", "é\n", "😀\\", "x", '"{', "}],")]
    for tail in [*tails, tails[0]]:
        value = {"messages": [MESSAGES[0], *(variants[i] for i in (*head, *tail))], "system": "s" * 2000}
        raw = json.dumps(value, ensure_ascii=ascii_only).encode()
        for one in (raw, raw[: len(raw) - cut], raw[:-1] + b"\xff"):
            assert outcome(one, memo) == outcome(one, None)


def test_threads_share_a_memo() -> None:
    memo = DocumentMemo(512 * 1024)
    bodies = [body([message(k), *MESSAGES[:n]]) for k in range(3) for n in range(1, 12)]
    wanted = [outcome(raw, None) for raw in bodies]
    wrong: list[int] = []

    def work() -> None:
        wrong.extend(i for i, raw in enumerate(bodies) if outcome(raw, memo) != wanted[i])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_an_element_that_is_an_object_is_replaced_by_the_json_that_the_text_is() -> None:
    document = Document.parse(b'{"tools": [{"name": "a"} , {"name":"b"}], "n": 1.0}')
    assert document.splice({("tools", 0): '{"name":"ä"}'}) == '{"tools": [{"name":"ä"} , {"name":"b"}], "n": 1.0}'.encode()


@pytest.mark.parametrize(("start", "stop", "new", "expected"), [
    (0, 1, ["9"], '{"m": [9, 1 ,2], "x": 1.50}'),
    (0, 1, [], '{"m": [1 ,2], "x": 1.50}'),
    (1, 2, [], '{"m": [0 ,2], "x": 1.50}'),
    (2, 3, [], '{"m": [0, 1], "x": 1.50}'),
    (0, 3, [], '{"m": [], "x": 1.50}'),
    (0, 3, ["7", "8"], '{"m": [7,8], "x": 1.50}'),
    (1, 3, ["\"\u00e9\""], '{"m": [0, "é"], "x": 1.50}'),
    (3, 3, ["7", "8"], '{"m": [0, 1 ,2,7,8], "x": 1.50}'),
    (3, 3, [], '{"m": [0, 1 ,2], "x": 1.50}'),
])
def test_elements_are_replaced(start: int, stop: int, new: Sequence[str], expected: str) -> None:
    raw = b'{"m": [0, 1 ,2], "x": 1.50}'
    assert Document.parse(raw).splice({}, [Rewrite("m", start, stop, lambda _: new)]).decode() == expected


@pytest.mark.parametrize(("start", "stop"), [(-1, 1), (1, 1), (0, 4), (4, 4), (2, 1)])
def test_elements_that_are_not_there_are_not_replaced(start: int, stop: int) -> None:
    with pytest.raises(ValueError, match="no elements"):
        Document.parse(b'{"m": [0, 1, 2]}').splice({}, [Rewrite("m", start, stop, lambda _: ())])
    with pytest.raises(ValueError, match="no elements"):
        Document.parse(b'{"m": []}').splice({}, [Rewrite("m", 0, 0, lambda _: ("1",))])


def test_two_rewrites_of_one_element_are_refused() -> None:
    for ranges in [((0, 2), (1, 3)), ((1, 3), (0, 2)), ((0, 3), (1, 2))]:
        with pytest.raises(ValueError, match="two rewrites"):
            Document.parse(b'{"m": [0, 1, 2]}').splice({}, [Rewrite("m", *each, lambda _: ("9",)) for each in ranges])


def test_two_runs_beside_each_other_that_leave_nothing_are_refused() -> None:
    for first, second in [(0, 1), (1, 0)]:
        with pytest.raises(ValueError, match="beside each other"):
            Document.parse(b'{"m": [0, 1, 2]}').splice({}, [Rewrite("m", at, at + 1, lambda _: ()) for at in (first, second)])


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3), max_leaves=5,
)


@settings(deadline=None, max_examples=150)
@given(st.lists(st.fixed_dictionaries({"t": st.text(max_size=8), "o": JSONS}), min_size=1, max_size=8), st.data())
def test_rewrites_do_to_bytes_what_they_do_to_values(elements: list[dict[str, Json]], data: st.DataObject) -> None:
    marks = sorted(data.draw(st.sets(st.integers(0, len(elements)), max_size=6)))
    edited = data.draw(st.sets(st.integers(0, len(elements) - 1)))
    runs = [(a, b, data.draw(st.lists(JSONS, max_size=2))) for a, b in zip(marks[::2], marks[1::2], strict=False)]
    raw = json.dumps({"a": [1], "m": elements, "z": "é"}, ensure_ascii=data.draw(st.booleans()), indent=data.draw(st.sampled_from([None, 1]))).encode()
    edits: dict[Address, str] = {("m", i, "t"): elements[i]["t"] + "!" for i in edited}
    after = [{**element, "t": element["t"] + "!"} if i in edited else element for i, element in enumerate(elements)]
    expected: list[Json] = list(after)
    seen: list[Json] = []
    for start, stop, new in reversed(runs):
        expected[start:stop] = [*new, after[start:stop]]

    def rewrite(start: int, stop: int, new: list[Json]) -> Rewrite:
        def make(sources: Sequence[str]) -> Sequence[str]:
            seen.extend(json.loads(source) for source in sources)
            return [*map(json.dumps, new), f"[{','.join(sources)}]"]
        return Rewrite("m", start, stop, make)

    out = Document.parse(raw).splice(edits, data.draw(st.permutations([rewrite(*run) for run in runs])))
    assert json.loads(out) == {"a": [1], "m": expected, "z": "é"}
    assert len(seen) == sum(stop - start for start, stop, _ in runs)
