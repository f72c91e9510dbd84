"""What holds the elements of a conversation together, so that none is taken away without those it belongs to.

Each dialect says of one element of its own (a message, an item, a content) who it is from, which tool calls it makes,
which it answers, and whether a provider's signature binds it to what stands before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from headroom.dialects.turns import Call

Side = Literal["system", "user", "assistant", "tool"]
"""Who an element is from. tool: it answers calls, whoever's role it has and whatever else is in it."""


@dataclass(frozen=True, slots=True)
class Ties:
    """Of one element."""

    side: Side = "user"
    calls: tuple[Call, ...] = ()
    """What the model called, once each."""
    made: tuple[str, ...] = ()
    """Every id by which an answer may name one of the calls."""
    answered: tuple[str, ...] = ()
    words: bool = False
    """It holds text of the user or of the model."""
    bound: bool = False
    """It holds reasoning that is signed or encrypted, and true only behind the elements it was made behind."""
    fixed: bool = False
    """It cannot be taken away: it stands for more than itself, or nobody here knows what it is."""


UNKNOWN = Ties(fixed=True)
