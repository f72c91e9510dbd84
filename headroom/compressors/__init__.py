"""The kinds of text we can shorten. A new one is a new module and a line in COMPRESSORS."""

from __future__ import annotations

from headroom.compressors.base import Compressor

COMPRESSORS: tuple[Compressor, ...] = ()
"""On a draw the earlier one wins."""
