"""The wire formats we speak. A new one is a new module and a line in DIALECTS."""

from __future__ import annotations

from headroom.conversation import Json
from headroom.dialects.anthropic import Anthropic
from headroom.dialects.base import Dialect
from headroom.dialects.document import Document
from headroom.dialects.gemini import Gemini
from headroom.dialects.openai_chat import OpenAIChat
from headroom.dialects.openai_responses import OpenAIResponses

DIALECTS: tuple[Dialect, ...] = (Anthropic(), OpenAIChat(), OpenAIResponses(), Gemini())


def guess(document: Document) -> Dialect:
    """Whose a body is, by the members that only one API has; chat and Anthropic messages by how they carry tools and results."""
    if document.get("contents") is not None:
        name = "gemini"
    elif document.get("input") is not None:
        name = "openai-responses"
    else:
        name = "openai-chat" if any(map(_is_of_chat, (*document.elements("messages"), *document.elements("tools")))) else "anthropic"
    return next(d for d in DIALECTS if d.name == name)


def _is_of_chat(one: Json) -> bool:
    """Anthropic's roles are two, and its tools have no such members."""
    return isinstance(one, dict) and (one.get("role") in ("system", "developer", "tool", "function") or "function" in one or "tool_calls" in one)


def find(method: str, path: str) -> Dialect | None:
    """Who reads a request; None: nobody, it passes through."""
    return next((d for d in DIALECTS if d.speaks(method, path)), None)
