from __future__ import annotations

import gzip

import pytest

from headroom.http.message import Fields, Response
from headroom.layers.wholeness import is_whole, may_be_whole
from headroom.stores.answers import Facts, Kept

STREAM = (b"content-type", b"text/event-stream; charset=utf-8")
JSON = (b"content-type", b"application/json")


@pytest.mark.parametrize(("status", "fields", "may"), [
    (200, [JSON], True), (201, [], True), (200, [STREAM], True), (202, [JSON], False), (204, [], False), (206, [JSON], False), (304, [], False),
    (400, [JSON], False), (429, [JSON], False), (529, [JSON], False), (200, [STREAM, (b"content-encoding", b"gzip")], False), (200, [JSON, (b"content-encoding", b"gzip")], True),
])
def test_by_its_head(status: int, fields: Fields, may: bool) -> None:
    assert may_be_whole(Response(status, fields)) == may


def kept(dialect: str, data: bytes, *fields: tuple[bytes, bytes]) -> Kept:
    return Kept(200, fields, tuple(data[i : i + 7] for i in range(0, len(data), 7)), 0.0, Facts(dialect=dialect))


@pytest.mark.parametrize(("dialect", "data", "whole"), [
    ("anthropic", b'event: message_start\ndata: {"type":"message_start"}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n', True),
    ("anthropic", b'data: {"type": "message_stop"}\r\n\r\n', True),
    ("anthropic", b'data: {"type":"content_block_delta","delta":{"text":"event: message_stop"}}\n\n', False),
    ("anthropic", b'event: error\ndata: {"type":"error"}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n', False),
    ("openai-chat", b'data: {"choices":[]}\n\ndata: [DONE]\n\n', True),
    ("openai-chat", b'data: {"choices":[]}\n\n', False),
    ("openai-chat", b'data: {"error":{"message":"x"}}\n\ndata: [DONE]\n\n', False),
    ("openai-responses", b'event: response.completed\ndata: {"type":"response.completed"}\n\n', True),
    ("openai-responses", b'event: response.failed\ndata: {"type":"response.failed"}\n\n', False),
    ("openai-responses", b'event: response.incomplete\ndata: {"type":"response.incomplete"}\n\n', False),
    ("gemini", b'data: {"candidates":[{"finishReason":"STOP"}]}\n\n', True),
    ("gemini", b'data: {"candidates":[{}]}\n\n', False),
    ("", b"data: [DONE]\n\n", False),
])
def test_streams(dialect: str, data: bytes, whole: bool) -> None:
    assert is_whole(kept(dialect, data, STREAM), 1000) == whole


@pytest.mark.parametrize(("dialect", "data", "whole"), [
    ("anthropic", b'{"type":"message","content":[{"type":"tool_use","input":{"status":"failed"}}]}', True),
    ("openai-chat", b'{"choices":[]}', True),
    ("openai-chat", b' {"error": {"message":"x"}}', False),
    ("gemini", b'[{"error": {"code":500}}]', False),
    ("openai-responses", b'{"status":"completed"}', True),
    ("openai-responses", b'{"status": "in_progress"}', False),
    ("openai-chat", b"", False),
])
def test_json(dialect: str, data: bytes, whole: bool) -> None:
    assert is_whole(kept(dialect, data, JSON), 1000) == whole
    assert is_whole(kept(dialect, gzip.compress(data), JSON, (b"content-encoding", b"gzip")), 1000) == whole


def test_what_cannot_be_decoded_is_not_kept() -> None:
    assert not is_whole(kept("anthropic", b"{}", (b"content-encoding", b"gzip")), 1000)
    assert not is_whole(kept("anthropic", gzip.compress(b"x" * 2000), (b"content-encoding", b"gzip")), 1000)
    assert not is_whole(kept("anthropic", b"{}", (b"content-encoding", b"unheard-of")), 1000)
