"""The wire formats we speak. A new one is a new module and a line in DIALECTS."""

from __future__ import annotations

from headroom.dialects.anthropic import Anthropic
from headroom.dialects.base import Dialect
from headroom.dialects.gemini import Gemini
from headroom.dialects.openai_chat import OpenAIChat
from headroom.dialects.openai_responses import OpenAIResponses

DIALECTS: tuple[Dialect, ...] = (Anthropic(), OpenAIChat(), OpenAIResponses(), Gemini())


def find(method: str, path: str) -> Dialect | None:
    """Who reads a request; None: nobody, it passes through."""
    return next((d for d in DIALECTS if d.speaks(method, path)), None)
