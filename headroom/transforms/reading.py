"""Whether a tool output shows what is in a file, so that an edit must later match it to the letter.

True when in doubt: a wrong yes costs a few tokens, a wrong no an edit that finds no match.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from headroom.conversation import Json, Part

MAX_COMMAND = 4000
"""Characters; a longer command line is a program of its own, and nobody knows what it prints."""

MAX_DEPTH = 4
"""Levels of a tool's input in which its command line is looked for."""

_HEAD = 4096

_NUMBERED = re.compile(r"^ *L?[0-9]+(?:\t|→| ?[|│])", re.MULTILINE)

_SHELL = re.compile(r"bash|shell|exec|terminal|command|\bcmd\b|\brun\b|run_in_", re.IGNORECASE)
"""Tools that run a command line."""

_NO_READ = re.compile(
    r"(?:.*(?:__|\.))?(?:ls|list_?(?:dir(?:ectory|ectories)?|files?)?|glob(?:_file_search)?|find_(?:files?|path)|tree"
    r"|(?:google_)?web_?(?:search|fetch)|run_tests?)",
    re.IGNORECASE,
)
"""Other tools known to print names, pages or results. What is not known may show a file."""

_NOTES = frozenset({"description", "explanation", "justification", "reason"})
"""Members of a tool's input that are words to the user."""

_STARTS = (
    r"(?:^|&&|\|\||[;&(\n{`'\"!]|\b(?:do|then|else)\s"
    r"|\b(?:sudo|doas|time|timeout|env|nice|nohup|command|exec|watch)\s(?:\s*\S+\s){0,3}?)"
)
"""What stands before a command."""

_WORD = r"\s*(?:\w+=\S*\s+|-\S+\s+)*(?:[^\s;|&()'\"]*[/\\])?"
_END = r"(?![\w.-])"

_SHOWERS = (
    r"(?:cat|bat|batcat|less|more|most|nl|tac|xxd|od|hd|hexdump|strings|jq|yq|xmllint|zcat|zless|bzcat|xzcat|type|dd|tee|view|vim?|ed"
    r"|Get-Content|gc|Select-String|sls|findstr|diff|comm|paste|join|ssh|(?:docker|podman|kubectl)\b[^|;&\n]{0,200}\sexec)"
)
"""Commands that show files wherever they stand in a pipeline, or run other commands elsewhere."""

_FILTERS = r"(?:head|tail|sed|g?awk|perl|grep|egrep|fgrep|zgrep|rg|ag|ack|sort|uniq|cut|tr|rev|fold|fmt|column|expand|pr)"
"""Commands that show files at the head of a pipeline, and filter further down."""

_GIT = r"git\b[^|;&\n]{0,200}\s(?:show|diff|blame|annotate|cat-file|grep|archive|stash|-p|--patch|-L\S*)"

_SHOWS = re.compile(
    rf"(?:{_STARTS}|\|&?){_WORD}{_SHOWERS}{_END}|{_STARTS}{_WORD}{_FILTERS}{_END}|\b{_GIT}{_END}"
    rf"|\b(?:xargs|parallel)\b|\s-exec(?:dir)?\s|\bjson\.tool\b|(?<!<)<\s*[\w./~$]"
    r"|\bopen\s*\(|\bread_?(?:text|file|lines)",
    re.IGNORECASE,
)


def is_file_read(part: Part) -> bool:
    """Whether the part may show lines of a file."""
    if _NUMBERED.search(part.text, 0, _HEAD):
        return True
    if _SHELL.search(part.tool):
        commands = list(_texts(part.call, MAX_DEPTH))
        return not commands or any(len(command) > MAX_COMMAND or _SHOWS.search(command) for command in commands)
    return not _NO_READ.fullmatch(part.tool)


def texts_of(part: Part) -> Iterator[str]:
    """The texts of the call that a part answers: a command line, a path, a pattern."""
    return _texts(part.call, MAX_DEPTH)


def _texts(value: Json, depth: int) -> Iterator[str]:
    """All texts in a tool call's input: where the command line stands differs by client."""
    if isinstance(value, str):
        yield value
    elif depth and isinstance(value, dict):
        for name, inner in value.items():
            if name not in _NOTES:
                yield from _texts(inner, depth - 1)
    elif depth and isinstance(value, list):
        texts = [item for item in value if isinstance(item, str)]
        yield " ".join(texts)  # an argument vector
        for inner in value:
            yield from _texts(inner, depth - 1)
