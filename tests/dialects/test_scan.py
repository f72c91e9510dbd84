from __future__ import annotations

import json

import pytest

from headroom.conversation import Json
from headroom.dialects.document_memo import DocumentMemo
from headroom.dialects.scan import ITEMS, WORTH, Scan, Unreadable
from headroom.dialects.spans import Array, Value


def read(raw: bytes, memo: DocumentMemo | None = None) -> tuple[dict[str, Value], dict[str, Array]]:
    members: dict[str, Value] = {}
    arrays: dict[str, Array] = {}
    Scan(raw, memo).read(members, arrays)
    return members, arrays


def body(elements: list[Json], before: str = "") -> bytes:
    return json.dumps({"before": before, "list": elements, "after": "ü"}, ensure_ascii=False).encode()


LONG: list[Json] = [{"text": f"é {i} " * WORTH} for i in range(12)]


def spans(raw: bytes, array: Array) -> list[Json]:
    return [json.loads(raw[array[i].start : array[i].end]) for i in range(len(array))]


@pytest.mark.parametrize("elements", [
    LONG, [*LONG, "more"], LONG[:3], [*LONG[:5], {"text": "other"}, *LONG[6:]], [*LONG, 1, {}], [1, *LONG], [],
])
@pytest.mark.parametrize("before", ["", "ä" * 10, "moved"])
def test_what_is_known_is_found_again_wherever_it_stands(elements: list[Json], before: str) -> None:
    memo = DocumentMemo()
    for known in (LONG, elements, elements):
        raw = body(known, before if known is elements else "")
        members, arrays = read(raw, memo)
        assert spans(raw, arrays["list"]) == known
        assert raw[members["after"].start : members["after"].end].decode() == '"ü"'


def test_elements_that_are_known_are_not_parsed_again() -> None:
    memo = DocumentMemo()
    read(body(LONG), memo)
    array = read(body([*LONG, "new"]), memo)[1]["list"]
    assert [array[i].parsed is None for i in range(13)] == [True] * 12 + [False]


def test_one_that_is_known_whole_is_the_same_run() -> None:
    memo = DocumentMemo()
    runs = [read(body(LONG), memo)[1]["list"].run for _ in range(2)]
    assert runs[0] is runs[1]
    shorter = read(body(LONG[:6]), memo)[1]["list"].run
    assert shorter.links == runs[0].links[:6]
    assert read(body(LONG), memo)[1]["list"].run is runs[0]


@pytest.mark.parametrize("known", [0, 3])
def test_too_many_are_too_many_however_many_are_known(known: int) -> None:
    memo = DocumentMemo()
    read(body(LONG[:known]), memo)
    read(body([*LONG[:known], *[0] * (ITEMS - known)]), memo)
    with pytest.raises(Unreadable):
        read(body([*LONG[:known], *[0] * (ITEMS - known), 0]), memo)
