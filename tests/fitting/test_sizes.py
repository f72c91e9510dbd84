from __future__ import annotations

import json

import pytest

from headroom.conversation import Json
from headroom.dialects.document import Document
from headroom.fitting.sizes import FRAME, PICTURE, sizes


@pytest.mark.parametrize(("element", "tokens"), [
    ({"role": "user", "content": "one two"}, 2),
    ({"role": "user", "content": [{"type": "text", "text": "one two", "cache_control": {"type": "ephemeral"}}]}, 2),
    ({"content": [{"type": "tool_use", "id": "x y z", "name": "Read", "input": {"path": "a b", "n": 3}}]}, 3),
    ({"content": [{"type": "tool_result", "tool_use_id": "x y", "content": [{"type": "text", "text": "a b c"}]}]}, 3),
    ({"content": [{"type": "image", "source": {"type": "base64", "data": "x" * 9000}}]}, PICTURE),
    ({"content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64," + "x" * 9000}}]}, PICTURE),
    ({"parts": [{"inlineData": {"mimeType": "image/png", "data": "x" * 9000}}]}, PICTURE),
    ({"content": [{"type": "thinking", "thinking": "so be it", "signature": "s" * 60}]}, 13),
    ({"content": [{"type": "redacted_thinking", "data": "s" * 60}]}, 10),
    ({"type": "reasoning", "summary": [], "encrypted_content": "s" * 60}, 10),
    ("one two", 2),
    (None, 0),
])
def test_what_an_element_weighs(element: Json, tokens: int) -> None:
    document = Document.parse(json.dumps({"messages": [element]}).encode())
    assert sizes(document, "messages", words, words) == [FRAME + tokens]


def words(text: str) -> int:
    return len(text.split())
