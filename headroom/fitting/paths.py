"""Which files a tool call names, and what it does to them: reads them, writes them, or neither.

Clients name the file in a member of the call, in a patch, or on a command line. What is not recognised is no file: a read
that is not known to be outdated stays as it is.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from headroom.conversation import Json, Part
from headroom.transforms.reading import MAX_COMMAND, is_excerpt, is_file_read, texts_of

_MEMBER = re.compile(r"(?:.*_)?(?:path|paths|file|files|filename|filepath|file_?path|relative_path|uri)", re.IGNORECASE)
_RANGE = re.compile(r"(?:.*_)?(?:offset|limit|lines?|range|start|end|from|to|pages?|pattern|query|regex|symbol)(?:_.*)?", re.IGNORECASE)
"""Members of a call that ask for a part of a file."""

_WRITER = re.compile(
    r"(?:.*(?:_|\.|\b))?(?:edit|multi_?edit|write|create|str_?replace|replace|insert|patch|apply_?patch|update|append|delete|rename|move|overwrite)"
    r"(?:_.*)?|(?:notebook|multi|search_?replace).*edit.*|str_replace_based_edit_tool",
    re.IGNORECASE,
)
"""Names of tools that change files."""

_LONGEST = 200
"""Characters of a name that is looked at: APIs take 64 or 128 for a tool's, and the time that these patterns take grows with
the square."""

_VIEWS = frozenset(("view", "read", "open", "show", "cat"))
"""Commands by which an editor's tool reads only."""

_PATCHED = re.compile(r"^\*\*\* (?:Add|Update|Delete) File: (.{1,400})$|^\*\*\* Move to: (.{1,400})$", re.MULTILINE)
_CAT = re.compile(r"(?:cd \S+ (?:&&|;) )?(?:cat|nl|bat)(?: -[a-zA-Z]+)* (?P<file>[^\s;|&<>]+)\s*")
_WRITTEN = re.compile(r"(?<![0-9&>=-])>{1,2}\s*([^\s;|&<>()]+)|\b(?:tee|rm|mv|truncate)(?: -\S+)* ([^\s;|&<>]+)")
_IN_PLACE = re.compile(r"\b(?:sed|perl)\s[^;|&\n]{0,400}?-[a-zA-Z]*i\b[^;|&\n]*?\s([^\s;|&<>]+)\s*(?:$|[;|&\n])")
_FILE = re.compile(r"[\w@~+-][\w./@~+-]*/[\w.@~+-]+|/[\w./@~+-]+|[\w@~+-]+\.\w{1,8}")


@dataclass(frozen=True, slots=True)
class Touch:
    """What a tool's output has to do with files."""

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    whole: bool = False
    """It asked for all there is in them."""


NOTHING = Touch()


def paths_of(call: Json) -> tuple[str, ...]:
    """The files that a call names outright."""
    return tuple(dict.fromkeys((*_members(call), *_patched(call)))) if isinstance(call, (dict, str)) else ()


def touch(part: Part) -> Touch:
    """What the call did, as far as its name and input say; nothing where it failed."""
    if part.role != "tool" or part.error:
        return NOTHING
    if patched := tuple(dict.fromkeys(_patched(part.call))):
        return Touch(writes=patched)
    named = tuple(_members(part.call))
    if named:
        views = isinstance(part.call, dict) and str(part.call.get("command")) in _VIEWS
        if _named(_WRITER, part.tool) and not views:
            return Touch(writes=named)
        return Touch(named, whole=not _ranged(part.call)) if is_file_read(part) and not is_excerpt(part) else NOTHING
    return _command(part)


def _command(part: Part) -> Touch:
    commands = [text for text in texts_of(part) if len(text) <= MAX_COMMAND]
    if writes := tuple(path for text in commands for path in _written(text)):
        return Touch(writes=writes)
    if not is_file_read(part) or is_excerpt(part):
        return NOTHING
    for text in commands:
        if whole := _CAT.fullmatch(text):
            return Touch((whole["file"],), whole=True)
    return Touch(tuple(dict.fromkeys(path for text in commands for path in _operands(text))))


def _written(command: str) -> Iterator[str]:
    found = (*(path or other for path, other in _WRITTEN.findall(command)), *_IN_PLACE.findall(command))
    yield from (path for path in dict.fromkeys(found) if not path.startswith("/dev/"))


def _operands(command: str) -> Iterator[str]:
    try:
        words = shlex.split(command)
    except ValueError:
        return
    for word in words[1:]:
        if _FILE.fullmatch(word):
            yield word


def _members(call: Json) -> Iterator[str]:
    if isinstance(call, dict):
        for name, value in call.items():
            if _named(_MEMBER, name):
                yield from (each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str) and each)


def _patched(call: Json) -> Iterator[str]:
    texts = [call] if isinstance(call, str) else list(texts_of(Part("tool", "", (), call=call)))
    for text in texts:
        if "*** " in text:
            yield from (found[1] or found[2] for found in _PATCHED.finditer(text))


def _ranged(call: Json) -> bool:
    return isinstance(call, dict) and any(value not in (None, "", 0, False) and (len(name) > _LONGEST or _named(_RANGE, name)) for name, value in call.items())


def _named(pattern: re.Pattern[str], name: str) -> bool:
    return len(name) <= _LONGEST and pattern.fullmatch(name) is not None
