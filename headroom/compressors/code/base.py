"""What every way to outline source code comes to: the bodies in it, as ranges of lines that may be left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Body:
    """Lines `start` to `end` (exclusive, from 0) of a function's body. Nested bodies lie inside it or are not given."""

    start: int
    end: int


class Method(Protocol):
    """A way to find bodies."""

    def __call__(self, lines: Sequence[str], suffix: str) -> Sequence[Body] | None:
        """The bodies in reading order, without overlaps; None if this way does not know the language or cannot read the text."""
        ...


WRAPPERS = 4
"""Functions within each other that may be opened: module, suite, group, test. A bound for the work, since each is read again."""


def opened(body: Body, total: int, inner: Callable[[], Sequence[Body]]) -> Sequence[Body]:
    """The bodies within one that is most of the file of `total` lines, if they are most of it in turn: else it is one gap.

    So are test suites and modules written that all stand in one function.
    """
    size = body.end - body.start
    if 2 * size <= total:
        return (body,)
    found = inner()
    return found if 2 * sum(one.end - one.start for one in found) > size else (body,)
