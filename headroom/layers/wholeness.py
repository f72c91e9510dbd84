"""Whether an answer came to its end and says no error: only such a one may be given again.

HTTP tells when a connection broke. It does not tell that a provider gave up in the middle of a stream that it then ended
properly, or that an answer with status 200 says that it failed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from headroom.http.coding import Undecodable, decode
from headroom.http.message import Response
from headroom.stores.answers import Kept

RESPONSES = "openai-responses"

ENDS: Mapping[str, re.Pattern[bytes]] = {
    "anthropic": re.compile(rb'^(?:event: ?message_stop\b|data: ?\{ ?"type": ?"message_stop")', re.MULTILINE),
    "openai-chat": re.compile(rb"^data: ?\[DONE\]", re.MULTILINE),
    RESPONSES: re.compile(rb'^(?:event: ?response\.completed\b|data: ?\{ ?"type": ?"response\.completed")', re.MULTILINE),
    "gemini": re.compile(rb'^data: ?\{.*"finishReason"', re.MULTILINE),
}
"""What stands in a stream that came to its end, by dialect; a line cannot begin so within a text."""

FAILED = re.compile(rb'^(?:event: ?(?:error|response\.failed)\b|data: ?\{ ?(?:"type": ?"error"|"error":))', re.MULTILINE)
"""What stands in a stream in which something went wrong."""

UNDONE = re.compile(rb'"status"\s*:\s*"(?:failed|queued|in_progress|cancelled|incomplete)"')
"""What an answer of the Responses API says that is a promise or a failure. Arguments of a call are a string there, in which
such words are escaped."""

FAULT = re.compile(rb'\s*\[?\s*\{\s*"error"\s*:\s*[{"]')


def may_be_whole(response: Response) -> bool:
    """By the head of an answer."""
    if not 200 <= response.status < 300 or response.status in (202, 204, 206):
        return False
    return not is_stream(response.get(b"content-type")) or (response.get(b"content-encoding") or b"identity") == b"identity"


def is_stream(content_type: bytes | None) -> bool:
    return (content_type or b"").lower().startswith(b"text/event-stream")


def is_whole(kept: Kept, limit: int) -> bool:
    """By all of an answer that HTTP says is complete. `limit`: bytes of it when decoded."""
    fields = dict(kept.fields)
    data = b"".join(kept.chunks)
    if is_stream(fields.get(b"content-type")):
        end = ENDS.get(kept.facts.dialect)
        return end is not None and end.search(data) is not None and FAILED.search(data) is None
    try:
        data = decode(data, fields.get(b"content-encoding", b"").decode("latin-1"), limit)
    except Undecodable:
        return False
    undone = kept.facts.dialect == RESPONSES and UNDONE.search(data) is not None
    return bool(data) and FAULT.match(data) is None and not undone
