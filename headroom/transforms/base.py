"""A transform decides about one part, given what stands before it.

The pipeline folds transforms over the conversation from its start, and hands each of them the part
and its past. There is no way to look ahead, so law 2, the past does not depend on the future,
holds by construction and not by care.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from headroom.conversation import Grade, Part, Skip


@dataclass(frozen=True, slots=True)
class Short:
    """A shorter text for a part."""

    text: str
    by: str
    grade: Grade


class Transform(Protocol):
    """Pure and stateless. `past` holds the client's own parts before `part`, oldest first."""

    @property
    def name(self) -> str: ...

    @property
    def local(self) -> bool:
        """True if the answer depends on `part` alone, so that it may be remembered by content."""
        ...

    def __call__(self, part: Part, past: Sequence[Part]) -> Short | Skip:
        """A shorter text, or why not."""
        ...
