"""What a foreign server writes down of requests: without queries, in which Google's clients may send their key.

uvicorn's access log is on unless it is told otherwise, and has whole targets. Our own server writes none.
"""

from __future__ import annotations

import logging
import re

LOGGERS = ("uvicorn.access",)

QUERY = re.compile(r"^([^?\s/]*/[^?\s]*)\?\S*")
"""Of a path, or of a whole URL, which uvicorn writes down as a path that begins with `http%3A//`. Only the first slash is looked
for: to try each of them would take seconds in a path of 16 KB."""


def hide_queries() -> None:
    """From now on; to say it twice is to say it once."""
    for name in LOGGERS:
        logging.getLogger(name).addFilter(without_queries)


def without_queries(record: logging.LogRecord) -> bool:
    """A logging filter that lets everything through, targets as paths."""
    if isinstance(record.args, tuple):
        record.args = tuple(QUERY.sub(r"\1", value) if isinstance(value, str) else value for value in record.args)
    return True
