"""Headroom shortens what LLM agents read, before it is paid for, and can give every original back."""

from __future__ import annotations

__version__ = "0.1.0"
