"""What kind of output a text is, as a short name: the tool that printed it and the shape of its first characters, hashed.

The same command on other data has the same signature, so what is learned of one output holds for the next. It tells
nothing of the content; names of JSON members go into the hash only. Who guesses a tool and all its names can check the
guess: signatures of several machines can be added up, so there is no secret in them.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter

SIGNATURE = re.compile(r"(?:json|lines|text)-[0-9a-f]{16}")

HEAD = 1024
"""Characters looked at, so that the work does not grow with the text; some 15 lines, or the first records of a list."""

MAX_NAMES = 8
"""Names of JSON members that count: the first ones tell kinds apart, later ones are more often optional."""

MAX_LINES = 6
"""Lines whose shapes are compared."""

LINE = 40
"""Characters of a line looked at: enough for a path and what follows it."""

SHAPE = 3
"""Signs of a line's shape that count: where a line has a form it begins with it (a time, a place, a number). With more of
them files of several languages, printed with line numbers, were a kind each, and none was seen often enough to learn of."""

COMMON = 3
"""A shape is the text's own if one line in so many has it."""

JSON = re.compile(r'[ \t\r\n]*(?:\{[ \t\r\n]*(?:"|\})|\[[ \t\r\n]*(?:[\[{"\]]|-?[0-9][0-9.]*[ \t\r\n]*[,\]]))')
"""How JSON opens; "[12:00:01] text" does not."""

NAME = re.compile(r'"([^"\\\n]{1,64})"[ \t]*:')
DIGITS = re.compile(r"[0-9]+")
WORD = re.compile("[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_./\x80-\U0010ffff-]*")
"""A word, a name or a path. All that is not ASCII counts as letters: which characters are letters depends on the version
of Unicode, and so on that of Python."""

WORDS = re.compile(r"a(?:[ \t]+a)+")
BLANKS = re.compile(r"[ \t]+")


def signature(tool: str, text: str) -> str:
    """For example "json-0123456789abcdef"."""
    head = text[:HEAD]
    match = JSON.match(head)
    if match is not None:
        kind, shape = "json", [match[0].strip()[0], *_names(head)]
    else:
        kind, shape = _lines(head, cut=len(text) > HEAD)
    told = "\0".join((tool, kind, *shape)).encode("utf-8", "surrogatepass")
    return f"{kind}-{hashlib.blake2b(told, digest_size=8, person=b'headroom').hexdigest()}"


def _names(head: str) -> list[str]:
    """Of members, in order, until one comes again: then the second record of a list has begun. Digits do not count, so
    that objects by id are all alike."""
    names: dict[str, None] = {}
    for match in NAME.finditer(head):
        name = DIGITS.sub("0", match[1])
        if name in names or len(names) == MAX_NAMES:
            break
        names[name] = None
    return list(names)


def _lines(head: str, *, cut: bool) -> tuple[str, list[str]]:
    """The shape that most lines have; where they are all different, text, of which only the tool is known."""
    lines = head.split("\n", 2 * MAX_LINES)  # as many again may be blank
    if len(lines) > 2 * MAX_LINES or (cut and len(lines) > 1):
        lines.pop()  # several lines, or perhaps half of one
    starts = [line[:LINE] for line in lines if line and not line.isspace()][:MAX_LINES]
    if not starts:
        return "text", []
    shapes = [shape[:SHAPE] for shape in _shape("\n".join(starts)).split("\n")]
    (shape, times), *_ = Counter(shapes).most_common(1)
    if times > 1 and times * COMMON >= len(starts):
        return "lines", [shape]
    return "text", []


def _shape(text: str) -> str:
    """Signs stay; numbers, words, several words in a row, and blanks become one sign each."""
    return BLANKS.sub(" ", WORDS.sub("a", WORD.sub("a", DIGITS.sub("0", text))))
