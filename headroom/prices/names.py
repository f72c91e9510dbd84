"""The names that clients, clouds and resellers give to one and the same model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

LONGEST = 300
"""Characters; the longest names there are, ARNs of inference profiles, have about 150."""

_DAY = r"20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_DASHED = r"20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"

_BRACKETS = re.compile(r"\[[^][]*\]$")
_VENDOR = re.compile(r"^(?:[a-z]{2,6}(?:-gov)?\.)?(?:anthropic|openai|google)\.")
_BEDROCK = re.compile(r"-v\d+(?::\d+)*(?::\d+k)?$")
_VERTEX = re.compile(r"@[\w-]+$")
_VERSION = re.compile(rf"-(?:{_DAY}|{_DASHED}|latest|00\d)$")

_STRIPS: tuple[Callable[[str], str], ...] = (
    lambda name: name.strip().lower(),
    lambda name: _BRACKETS.sub("", name),        # Claude Code's claude-…[1m]
    lambda name: name.rpartition("/")[2],        # models/…, anthropic/…, publishers/…/models/…, arn:…/…
    lambda name: _VENDOR.sub("", name),          # Bedrock's us.anthropic.…
    lambda name: _BEDROCK.sub("", name),         # Bedrock's …-v1:0
    lambda name: _VERTEX.sub("", name),          # Vertex AI's …@20260901
    lambda name: _VERSION.sub("", name),         # a snapshot is charged as the model it is of
    lambda name: name.replace(".", "-") if name.startswith("claude-") else name,  # OpenRouter's claude-opus-5.5
)
"""Each takes off what makes no other model of it, the outermost first. A word such as "mini", "pro" or ":free" stays."""


def forms(name: str) -> Iterator[str]:
    """The name, and what is left of it after each strip; the first, so the longest, that a table knows is the model."""
    yield name
    for strip in _STRIPS:
        shorter = strip(name)
        if shorter != name:
            name = shorter
            yield name
