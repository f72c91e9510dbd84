"""Tool definitions without what says nothing: indentation of descriptions, titles that repeat a name, the schema's own dialect.

A function of the definition alone, so the same tool has the same bytes on every turn. What a call must look like, and
every word of a description, stay.
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping

from headroom.conversation import Json

_MAPS = frozenset(("properties", "patternProperties", "$defs", "definitions", "dependentSchemas"))
"""Members of a JSON schema that hold schemas by name (json-schema.org, 2020-12 core and validation)."""

_SCHEMAS = frozenset((
    "items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames", "anyOf", "oneOf", "allOf", "prefixItems",
    "unevaluatedProperties", "unevaluatedItems", "additionalItems",
))
"""Members that hold a schema, or a list of them."""

_ROOTS = frozenset(("input_schema", "parameters", "inputSchema", "parametersJsonSchema", "output_schema", "outputSchema", "response", "responseJsonSchema"))
"""Members of a definition that hold a schema: Anthropic, OpenAI, MCP and Gemini."""

_HOLDERS = frozenset(("function", "custom"))
_LISTS = frozenset(("functionDeclarations", "function_declarations", "tools"))
"""Members in which definitions stand in definitions."""

MAX_DEPTH = 40
"""Levels; the body as a whole may have more, but a schema that deep is no schema."""

_BLANKS = re.compile(r"[ \t]+$", re.MULTILINE)
_EMPTY = re.compile(r"\n{3,}")
_WORDS = re.compile(r"[^a-z0-9]")


def compacted(source: str) -> str | None:
    """The JSON of a definition, shorter and equal; None if there is nothing to take off."""
    definition = json.loads(source)
    short = _definition(definition, MAX_DEPTH)
    if short == definition:
        return None
    text = json.dumps(short, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) < len(source) else None


def _definition(value: Json, depth: int) -> Json:
    if not isinstance(value, dict) or not depth:
        return value
    found: dict[str, Json] = {}
    for name, inner in value.items():
        if name in _ROOTS:
            found[name] = _schema(inner, str(value.get("name", "")), depth - 1)
        elif name in _HOLDERS:
            found[name] = _definition(inner, depth - 1)
        elif name in _LISTS and isinstance(inner, list):
            found[name] = [_definition(each, depth - 1) for each in inner]
        else:
            found[name] = tidied(inner) if name == "description" and isinstance(inner, str) else inner
    return found


def _schema(value: Json, called: str, depth: int) -> Json:
    """A schema, known by the name `called`."""
    if isinstance(value, list):
        return [_schema(each, called, depth - 1) for each in value] if depth else value
    if not isinstance(value, dict) or not depth:
        return value
    found: dict[str, Json] = {}
    for name, inner in value.items():
        if (name == "$schema" and isinstance(inner, str)) or (name == "title" and _repeats(inner, called)):
            continue
        if name in _MAPS and isinstance(inner, Mapping):
            found[name] = {key: _schema(each, key, depth - 1) for key, each in inner.items()}
        elif name in _SCHEMAS:
            found[name] = _schema(inner, "", depth - 1)
        else:
            found[name] = tidied(inner) if name == "description" and isinstance(inner, str) else inner
    return found


def _repeats(title: Json, called: str) -> bool:
    """Whether a title only says a name again, as generators make it: "File Path" for file_path, "readArguments" for read."""
    if not isinstance(title, str) or not called:
        return False
    said, name = _WORDS.sub("", title.lower()), _WORDS.sub("", called.lower())
    return said.isascii() and said != "" and said in (name, f"{name}arguments", f"{name}args", f"{name}input")


def tidied(description: str) -> str:
    """Its lines without the indentation they share, blanks at their ends, and more than one empty line in a row."""
    first, _, rest = description.partition("\n")
    if _is_docstring(first, rest):
        description = f"{first}\n{textwrap.dedent(rest)}"
    text = textwrap.dedent(_BLANKS.sub("", description))
    return _EMPTY.sub("\n\n", text).strip("\n")


def _is_docstring(first: str, rest: str) -> bool:
    """Whether the text is a docstring as it stands in the source: its last line is the indentation of the closing quotes.
    Where that line is gone, nobody can tell an indented body from a docstring's."""
    margin = rest.rpartition("\n")[2]
    return first.strip() != "" and margin.strip(" \t") == "" != margin and all(
        line.startswith(margin) for line in rest.split("\n") if line.strip()
    )
