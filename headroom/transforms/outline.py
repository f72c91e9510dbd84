"""Show source files as outlines: signatures and line ranges, which the model can read on by asking for a range.

Only where the operator asks for it, since an edit needs the exact text: a file that was edited, or is read as a whole a second
time, stays whole, and so does every range that is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from headroom.compressors.base import FORM
from headroom.compressors.code.base import Method
from headroom.compressors.code.outline import outline, suffix_of
from headroom.conversation import Json, Part, Skip
from headroom.transforms.base import Sent, Short
from headroom.transforms.reading import texts_of
from headroom.transforms.references import is_reference

LINES = 200
"""Below so many lines a file is read whole."""

SHARE = 0.3
"""Share of its characters that an outline must save."""

_READ = re.compile(r"(?:.*(?:__|\.|_))?(?:read|view|open|cat|show)(?:_?(?:file|text_file|file_contents?|many_files))?|get_file_contents?|str_replace_based_edit_tool|text_editor", re.IGNORECASE)
_EDIT = re.compile(r"edit|write|replace|patch|insert|create|update|delete|rename|move", re.IGNORECASE)
_RANGE = re.compile(r"(?:.*_)?(?:offset|limit|start|end|line|lines|range|ranges|from|to|head|tail|view_range)(?:_.*)?", re.IGNORECASE)
"""Members of a tool's input that ask for a part of a file."""

_CAT = re.compile(r"\s*(?:cd\s+[^\s;&|]+\s*&&\s*)?cat\s+(?:-n\s+|-A\s+)?['\"]?([^\s'\"|;&<>*?$`()]+)['\"]?\s*")
_PATH = re.compile(r"[^\s'\"|;&<>*?$`()=,:]+")


class Outline:
    """The transform. `whole_reads`: of files that are read as a whole; `code`: also of ranges and of what commands print, if they are
    long. `methods` are tried in turn."""

    name = "outline"

    def __init__(self, methods: Sequence[Method], *, whole_reads: bool, code: bool) -> None:
        self._methods, self._whole_reads, self._code = tuple(methods), whole_reads, code

    def context(self, part: Part, past: Sequence[Sent], lossy: bool) -> str | None:
        return None

    def __call__(self, part: Part, past: Sequence[Sent], lossy: bool) -> Short | Skip:
        if part.error:
            return "error"
        if not lossy or part.text.count("\n") < LINES:
            return "no_kind"
        if FORM.match(part.text) or is_reference(part.text):
            return "marked"
        path, whole = _file_of(part)
        suffix = suffix_of(path)
        if not suffix or not ((whole and self._whole_reads) or self._code) or _is_wanted_whole(path, part, past):
            return "no_kind"
        made = outline(part.text, suffix, past[-1].question if past else "", self._methods)
        if made is None or len(made.text) > (1 - SHARE) * len(part.text):
            return "no_gain"
        return Short(made.text, self.name, "lossy", made.omitted, made.lines)


def _file_of(part: Part) -> tuple[str, bool]:
    """The source file that a part shows, "" if it is not one alone; and whether all of it was asked for."""
    if isinstance(part.call, dict) and _READ.fullmatch(part.tool) and not _EDIT.search(str(part.call.get("command", ""))):
        path = next((v for k, v in part.call.items() if isinstance(v, str) and ("path" in k or "file" in k or k == "uri")), "")
        return path, not any(_RANGE.fullmatch(name) and _says(value) for name, value in part.call.items())
    for text in texts_of(part):
        cat = _CAT.fullmatch(text)
        if cat:
            return cat[1], True
    named = {word for text in texts_of(part) for word in _PATH.findall(text) if suffix_of(word)}
    return (named.pop(), False) if len(named) == 1 else ("", False)


def _says(value: Json) -> bool:
    return value not in (None, "", [], {}, 0)


def _is_wanted_whole(path: str, part: Part, past: Sequence[Sent]) -> bool:
    """Whether the file was edited before in this conversation, or its outline was not enough."""
    name = path.rpartition("/")[2]
    for sent in past:
        before = sent.part
        if before.role != "tool" or not any(name in text for text in texts_of(before)):
            continue
        if _EDIT.search(before.tool) and not _READ.fullmatch(before.tool):
            return True
        if before.tool == part.tool and before.call == part.call:
            return True
    return False
