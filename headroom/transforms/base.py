"""A transform decides about one part, given what stands before it.

The pipeline folds transforms over the conversation from its start, and hands each of them the part
and its past. There is no way to look ahead, so law 2, the past does not depend on the future,
holds by construction and not by care.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from headroom.conversation import Grade, Part, Skip


@dataclass(frozen=True, slots=True)
class Short:
    """A shorter text for a part. A lossy one carries no marker: the pipeline, which knows the key, writes it."""

    text: str
    by: str
    grade: Grade
    omitted: str = ""
    """Lossy only: what is not shown, by units and number: "812 of 1000 lines"."""
    lines: str = ""
    """Lossy only: "41-180" if what is not shown is one range of lines."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A part of the past."""

    part: Part
    """As the client gave it."""
    text: str = field(repr=False)
    """As it left, which is what the model sees: a short form, or the part's own text; "" if it may be gone by now."""
    question: str = field(default="", repr=False)
    """The user's last text up to and including this part."""


class Transform(Protocol):
    """Pure and stateless. `past` holds what stands before `part`, oldest first."""

    @property
    def name(self) -> str: ...

    def context(self, part: Part, past: Sequence[Sent], lossy: bool) -> str | None:
        """What the answer depends on besides the part and `lossy`: answers are remembered by it. None: on too much."""
        ...

    def __call__(self, part: Part, past: Sequence[Sent], lossy: bool) -> Short | Skip:
        """A shorter text, or why not. `lossy`: the model can get the original back, so a lossy form may be made."""
        ...
