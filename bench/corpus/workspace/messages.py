"""Reads CPython's NEWS on stdin and writes its entries as commit messages, each ended by a NUL byte."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

SUBJECT_WIDTH = 68


def entries(news: str) -> Iterator[str]:
    for raw in re.split(r"^- ", news, flags=re.M)[1:]:
        text = re.sub(r"^(?:gh-issue|gh|bpo)-\d+: ", "", " ".join(raw.split("\n\n")[0].split()))
        text = re.sub(r":\w+:`[!~]?([^`]*)`", r"`\1`", text)
        if len(text) > 30:
            yield text


def message(text: str) -> str:
    subject, _, rest = text.partition(". ")
    if len(subject) > SUBJECT_WIDTH:
        cut = subject.rfind(" ", 0, SUBJECT_WIDTH)
        subject, rest = subject[:cut] + "…", text
    return f"{subject.rstrip('.')}\n\n{rest}".strip() + "\n"


if __name__ == "__main__":
    for entry in entries(sys.stdin.read()):
        sys.stdout.write(message(entry) + "\0")
