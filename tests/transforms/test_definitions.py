from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom.conversation import Json
from headroom.transforms.definitions import compacted, tidied

PYDANTIC = {
    "name": "read_file",
    "description": "\n    Read a file.\n\n\n\n    Args:\n        path: where   \n    ",
    "input_schema": {
        "$schema": "http://json-schema.org/draft-07/schema#", "title": "read_fileArguments", "type": "object", "required": ["file_path"],
        "properties": {
            "file_path": {"title": "File Path", "type": "string", "description": "  the path\n", "default": "  a  "},
            "title": {"title": "Headline", "type": "string", "enum": ["a ", " b"]},
            "$schema": {"type": "string"},
            "inner": {"anyOf": [{"type": "null"}, {"$schema": "x", "properties": {"file_path": {"title": "file-path"}}}]},
        },
    },
    "cache_control": {"type": "ephemeral"},
}
SHORT = {
    "name": "read_file",
    "description": "Read a file.\n\nArgs:\n    path: where",
    "input_schema": {
        "type": "object", "required": ["file_path"],
        "properties": {
            "file_path": {"type": "string", "description": "the path", "default": "  a  "},
            "title": {"title": "Headline", "type": "string", "enum": ["a ", " b"]},
            "$schema": {"type": "string"},
            "inner": {"anyOf": [{"type": "null"}, {"properties": {"file_path": {}}}]},
        },
    },
    "cache_control": {"type": "ephemeral"},
}


@pytest.mark.parametrize(("definition", "expected"), [
    (PYDANTIC, SHORT),
    ({"type": "function", "function": PYDANTIC}, {"type": "function", "function": SHORT}),
    ({"functionDeclarations": [PYDANTIC, {"name": "x"}]}, {"functionDeclarations": [SHORT, {"name": "x"}]}),
    ({"type": "mcp", "tools": [PYDANTIC]}, {"type": "mcp", "tools": [SHORT]}),
], ids=["anthropic", "chat", "gemini", "toolset"])
def test_what_says_nothing_goes_and_all_else_stays(definition: Json, expected: Json) -> None:
    short = compacted(json.dumps(definition))
    assert short is not None
    assert json.loads(short) == expected
    assert list(json.loads(short)) == list(expected)
    assert compacted(short) is None


@pytest.mark.parametrize("definition", [
    {"name": "Bash", "description": "Run.", "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}}},
    {"type": "web_search_20250305", "name": "web_search"}, "a tool", 7, None, [], {"name": "x", "input_schema": {"const": {"$schema": "x", "title": "x"}}},
])
def test_what_has_nothing_to_lose_stays_as_it_is(definition: Json) -> None:
    assert compacted(json.dumps(definition, indent=2)) is None


def test_a_schema_without_end_is_survived() -> None:
    deep: Json = {"title": "x"}
    for _ in range(300):
        deep = {"items": deep, "title": "a"}
    assert compacted(json.dumps({"name": "x", "input_schema": deep})) is None


@pytest.mark.parametrize(("text", "expected"), [
    ("Read a file.\n\n    Args:\n        path: where\n    ", "Read a file.\n\nArgs:\n    path: where"),
    ("Read a file:\n    its head\n    its tail", "Read a file:\n    its head\n    its tail"),
    ("    one\n      two  \n\n\n\n    three\n", "one\n  two\n\nthree"),
    ("\n\tone\n\ttwo\n", "one\ntwo"),
    ("", ""), ("plain", "plain"),
])
def test_descriptions(text: str, expected: str) -> None:
    assert tidied(text) == expected == tidied(expected)


@given(st.text("ab \t\n", max_size=40))
def test_every_word_of_a_description_stays_and_once_is_enough(text: str) -> None:
    assert tidied(text).split() == text.split()
    assert tidied(tidied(text)) == tidied(text)


schemas = st.recursive(
    st.fixed_dictionaries({}, optional={"title": st.sampled_from(["A", "Name", "name"]), "description": st.text("a \n", max_size=9), "type": st.just("string"), "$schema": st.just("x")}),
    lambda inner: st.fixed_dictionaries({}, optional={"properties": st.dictionaries(st.sampled_from(["name", "title", "a"]), inner), "anyOf": st.lists(inner), "items": inner}),
    max_leaves=8,
)


@given(schemas)
def test_the_same_calls_are_valid_before_and_after(schema: Json) -> None:
    source = json.dumps({"name": "t", "parameters": schema})
    short = compacted(source)
    if short is not None:
        assert len(short) < len(source)
        assert _calls(json.loads(short)["parameters"]) == _calls(schema)
        assert compacted(short) is None


def _calls(schema: Json) -> Json:
    """A schema without what does not decide about a call."""
    if isinstance(schema, list):
        return [_calls(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "properties" in schema:
        schema = {**schema, "properties": {name: _calls(each) for name, each in schema["properties"].items()}}
    return {name: _calls(each) if name in ("anyOf", "items") else each for name, each in schema.items() if name not in ("title", "description", "$schema")}
