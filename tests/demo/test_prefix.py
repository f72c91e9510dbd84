"""A turn extends the one before it, byte for byte but for the moved mark."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.demo.prefix import elements, extends, members

MARKED = '{"role":"user","content":[{"type":"text","text":"hi","cache_control":{"type":"ephemeral"}}]}'
PLAIN = '{"role":"user","content":"hi"}'
BLOCK = '{"role":"user","content":[{"type":"text","text":"hi"}]}'
OTHER = '{"role":"user","content":"ho"}'
SPACED = '{"role": "user","content":"hi"}'


def conversation(*messages: str, system: str = '"s"') -> bytes:
    return f'{{"model":"m","messages":[{",".join(messages)}],"system":{system}}}'.encode()


@pytest.mark.parametrize(("earlier", "later", "expected"), [
    (conversation(PLAIN), conversation(PLAIN, OTHER), True),
    (conversation(PLAIN), conversation(PLAIN), True),
    (conversation(MARKED), conversation(PLAIN, MARKED), True),
    (conversation(MARKED), conversation(BLOCK, MARKED), True),
    (conversation(MARKED), conversation(OTHER, MARKED), False),
    (conversation(PLAIN), conversation(OTHER), False),
    (conversation(PLAIN), conversation(SPACED), False),  # only a mark excuses a difference
    (conversation(PLAIN, OTHER), conversation(PLAIN), False),
    (conversation(PLAIN), conversation(PLAIN, system='"t"'), False),
])
def test_extends(earlier: bytes, later: bytes, expected: bool) -> None:
    assert extends(earlier, later, "messages") == expected


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text(), json_values), st.sampled_from([None, 1, 3]))
def test_members_are_the_text_of_each_member(value: dict[str, object], indent: int | None) -> None:
    found = members(json.dumps(value, indent=indent))
    assert {name: json.loads(text) for name, text in found.items()} == value
    assert all(text == text.strip() for text in found.values())


@settings(max_examples=60, deadline=None)
@given(st.lists(json_values), st.sampled_from([None, 1, 3]))
def test_elements_are_the_text_of_each_element(value: list[object], indent: int | None) -> None:
    assert [json.loads(text) for text in elements(json.dumps(value, indent=indent))] == value
