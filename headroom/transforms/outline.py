"""Show source files as outlines: signatures and line ranges, which the model can read on by asking for a range.

Only where the operator asks for it, since an edit needs the exact text: a file that was edited, or of which more is read
after it was shown, stays whole.
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

LINES, CHARACTERS = 200, 8000
"""Below so many lines, or some 2000 tokens, a file is read whole: a second call would cost more than it saves."""

SHARE = 0.3
"""Share of its characters that an outline must save."""

_READ = re.compile(
    r"(?:.*(?:__|\.|_))?(?:read|view|open|cat|show)(?:_?(?:file|text_file|file_contents?|many_files))?|get_file_contents?"
    r"|str_replace_(?:based_edit_tool|editor)|text_editor(?:_\d+)?",
    re.IGNORECASE,
)
"""Tools that show a file. Some of them also edit, by another command."""

_EDIT = re.compile(r"edit|write|replace|patch|insert|create|update|delete|rename|move|undo", re.IGNORECASE)
_RANGE = re.compile(r"(?:.*_)?(?:offset|limit|start|end|line|lines|range|ranges|from|to|head|tail|view_range)(?:_.*)?", re.IGNORECASE)
"""Members of a tool's input that ask for a part of a file."""

_PATH = r"['\"]?([^\s'\"|;&<>*?$`()]+)['\"]?"
_CAT = re.compile(rf"\s*(?:cd\s+[^\s;&|]+\s*&&\s*)?cat\s+(?:-n\s+|-A\s+)?{_PATH}\s*")
_SHOW = re.compile(
    r"\s*(?:cd\s+[^\s;&|]+\s*&&\s*)?(?:cat|bat|batcat|nl|head|tail|sed\s+-n|git\s+show\s+[^\s:|;&]+(?=:))(?![\w-])[^|;&<>\n]*"
    r"(?:\|\s*(?:cat|nl|head|tail|sed\s+-n)\b[^|;&<>\n]*)*"
)
"""Command lines that show lines of files and nothing else: what other programs print of a source file are their findings."""

_WRITES = re.compile(
    r"\b(?:sed|perl)\s[^|;&\n]{0,200}?-\w*i|(?<![0-9&>])>{1,2}(?!\s*/dev/null)\s*['\"]?[\w./~$]|\b(?:tee|apply_patch|patch|mv|cp|rm)\s"
    r"|\bgit\s+(?:apply|checkout|restore|stash|reset)\b|\.write(?:_text|_bytes)?\(|\bwriteFile"
)
"""Command lines that may change a file they name."""

_WORD = re.compile(r"[^\s'\"|;&<>*?$`()=,:]+")


class Outline:
    """The transform. `whole_reads`: of files that are read as a whole; `code`: also of ranges and of what commands show of a file,
    if they are long. `methods` are tried in turn."""

    name = "outline"

    def __init__(self, methods: Sequence[Method], *, whole_reads: bool, code: bool) -> None:
        self._methods, self._whole_reads, self._code = tuple(methods), whole_reads, code

    def context(self, part: Part, past: Sequence[Sent], lossy: bool) -> str | None:
        path = self._path(part) if lossy else ""
        if not path:
            return ""
        return f"{self._is_wanted_whole(path, part, past)} {_question(past)}"

    def __call__(self, part: Part, past: Sequence[Sent], lossy: bool) -> Short | Skip:
        if part.error:
            return "error"
        if FORM.match(part.text) or is_reference(part.text):
            return "marked"
        path = self._path(part) if lossy else ""
        if not path or self._is_wanted_whole(path, part, past):
            return "no_kind"
        made = outline(part.text, suffix_of(path), _question(past), self._methods)
        if made is None or len(made.text) > (1 - SHARE) * len(part.text):
            return "no_gain"
        return Short(made.text, self.name, "lossy", made.omitted, made.lines)

    def _path(self, part: Part) -> str:
        """The source file that a part shows so much of that an outline may be made; else ""."""
        if not _is_long(part):
            return ""
        path, whole = _file_of(part)
        return path if suffix_of(path) and (self._code or (whole and self._whole_reads)) else ""

    def _is_wanted_whole(self, path: str, part: Part, past: Sequence[Sent]) -> bool:
        """Whether the file was edited before in this conversation, or its outline was not enough."""
        name = path.rpartition("/")[2]
        for sent in past:
            before = sent.part
            if before.role != "tool" or not any(name in text for text in texts_of(before)):
                continue
            if _is_edit(before, name) or (before.tool == part.tool and before.call == part.call):
                return True
            shown, whole = _file_of(before)
            if (whole or self._code) and _is_long(before) and _is_same(shown, path):
                return True
        return False


def _is_long(part: Part) -> bool:
    return len(part.text) >= CHARACTERS and part.text.count("\n") >= LINES


def _question(past: Sequence[Sent]) -> str:
    return past[-1].question if past else ""


def _file_of(part: Part) -> tuple[str, bool]:
    """The source file that a part shows, "" if it is not one alone; and whether all of it was asked for."""
    if isinstance(part.call, dict) and _READ.fullmatch(part.tool):
        if _EDIT.search(str(part.call.get("command", ""))):
            return "", False
        path = next((v for k, v in part.call.items() if isinstance(v, str) and ("path" in k or "file" in k or k == "uri")), "")
        return path, not any(_RANGE.fullmatch(name) and _says(value) for name, value in part.call.items())
    for text in texts_of(part):
        cat = _CAT.fullmatch(text)
        if cat:
            return cat[1], True
        named = {word for word in _WORD.findall(text) if suffix_of(word)} if _SHOW.fullmatch(text) else set()
        if named:
            return (named.pop(), False) if len(named) == 1 else ("", False)
    return "", False


def _says(value: Json) -> bool:
    return value not in (None, "", [], {}, 0)


def _is_edit(part: Part, name: str) -> bool:
    """Whether a call that names the file may have changed it."""
    if _READ.fullmatch(part.tool):
        return isinstance(part.call, dict) and _EDIT.search(str(part.call.get("command", ""))) is not None
    return _EDIT.search(part.tool) is not None or any(name in text and _WRITES.search(text) for text in texts_of(part))


def _is_same(path: str, other: str) -> bool:
    """Whether two paths may name one file: they are alike, or one is the end of the other."""
    short, long = sorted((path.removeprefix("./"), other.removeprefix("./")), key=len)
    return short != "" and (long == short or long.endswith(f"/{short}"))
