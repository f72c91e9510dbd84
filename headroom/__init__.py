"""Headroom shortens what LLM agents read, before it is paid for, and can give every original back.

The library is one pure function, `compress`; the proxy does the same to live traffic.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

__version__ = "0.1.0"

from headroom import dialects
from headroom.conversation import Report
from headroom.dialects.document import Document, Unreadable
from headroom.pipeline import standard
from headroom.settings import Settings

__all__ = ["Compressed", "Settings", "__version__", "compress"]


@dataclass(frozen=True, slots=True)
class Compressed:
    """What `compress` gives back."""

    body: Any
    """In the form that came: a list of messages, a dict, text or bytes."""
    report: Report
    """Tokens before and after by the bundled estimator, every edit, and why everything else was left alone."""


def compress(body: Any, *, model: str = "", lossy: bool = False) -> Compressed:
    """Shorten the tool outputs in a request. Pure: the argument is not changed.

    `body` is a request of any of the four APIs, as a dict, JSON text or bytes, or a list of chat or Anthropic
    messages. `model` names the model where the body does not. `lossy` allows views whose marker names the key under
    which `report.originals` has the whole text; hand it to the model when it asks. Raises ValueError if it is not JSON.
    """
    if isinstance(body, list):
        done = compress({"model": model, "messages": body}, lossy=lossy)
        return Compressed(done.body["messages"], done.report)
    if isinstance(body, dict):
        done = compress(json.dumps({"model": model, **body}, ensure_ascii=True).encode(), lossy=lossy)
        result = json.loads(done.body)
        return Compressed({name: result[name] for name in body}, done.report)
    if isinstance(body, str):
        done = compress(body.encode("utf-8"), lossy=lossy)
        return Compressed(done.body.decode("utf-8"), done.report)
    if not isinstance(body, (bytes, bytearray, memoryview)):
        raise TypeError(f"a request is a dict, a list of messages, JSON text or bytes, not {type(body).__name__}")
    try:
        document = Document.parse(bytes(body))
    except Unreadable as error:
        raise ValueError(f"not a request: {error.reason}") from None
    pipeline = standard()
    conversation = dialects.guess(document).read(document, f"/v1beta/models/{model or 'unknown'}:generateContent")
    outcome = pipeline(conversation, pipeline.chain(conversation), {}, 0, lossy=lossy)
    return Compressed(document.splice(outcome.edits), outcome.report)
