"""A tool of ours in each API, which the client never sees: one file a dialect."""

from __future__ import annotations

from collections.abc import Mapping

from headroom.dialects.hidden.anthropic import Anthropic
from headroom.dialects.hidden.base import Hidden
from headroom.dialects.hidden.gemini import Gemini
from headroom.dialects.hidden.openai_chat import OpenAIChat
from headroom.dialects.hidden.openai_responses import OpenAIResponses

HIDDEN: Mapping[str, Hidden] = {hidden.name: hidden for hidden in (Anthropic(), OpenAIChat(), OpenAIResponses(), Gemini())}
"""By the dialect's name."""
