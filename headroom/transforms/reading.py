"""Whether a tool output shows what is in a file, so that an edit must later match it to the letter.

True when in doubt: a wrong yes costs a few tokens, a wrong no an edit that finds no match. Logs are no such files:
nobody edits them. An excerpt, which is what a search or a diff prints, is not the file either: its lines must stay
exact, but some may be left out.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from headroom.conversation import Json, Part

MAX_COMMAND = 4000
"""Characters; a longer command line is a program of its own, and nobody knows what it prints."""

MAX_DEPTH = 4
"""Levels of a tool's input in which its command line is looked for."""

_HEAD = 4096
"""Characters in which a file that is shown with numbers shows the first of them, behind a header."""

_NUMBERED = re.compile(r"^ *L?[0-9]+(?:\t|→| ?[|│])", re.MULTILINE)

_SHELL = re.compile(
    r"bash|shell|exec|terminal|command|\bcmd\b|\brun\b|run_in_|python|jupyter|(?:\b|_)repl\b|interpreter|process", re.IGNORECASE
)
"""Tools that run a command line or a program."""

_NO_READ = re.compile(
    r"(?:.*(?:__|\.))?(?:ls|list_?(?:dir(?:ectory|ectories)?|files?)?|glob(?:_file_search)?|find_(?:files?|path)|tree"
    r"|(?:google_)?web_?(?:search|fetch)|run_tests?)",
    re.IGNORECASE,
)
"""Other tools known to print names, pages or results."""

_FILE_WORDS = frozenset((
    "read", "open", "view", "cat", "show", "display", "print", "load", "file", "files", "source", "code", "content", "contents",
    "text", "document", "documents", "doc", "docs", "resource", "resources", "buffer", "blob", "raw", "snippet", "notebook", "cell",
    "edit", "editor", "replace", "write", "patch", "diff", "git", "blame", "line", "lines", "range", "symbol", "symbols",
    "definition", "reference", "references", "body", "selection", "workspace", "script", "page", "function", "class", "method",
    "outline", "grep", "search",
))
"""Words in the names of tools that may show a file; other names (query, issues, snapshot …) do not suggest it."""

_FILE_MEMBERS = re.compile(
    r"(?:.*_|.*[a-z](?=[A-Z]))?(?i:paths?|files?|file_?names?|file_?paths?|uris?|documents?)"
)
"""Members of a tool's input that name a file, in snake_case or camelCase."""

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")

_LOG = re.compile(r"\S*\.(?:log(?:\.\d+|\.gz)*|out|err)|/var/log/\S+")
"""A log's path."""

_PLAIN = frozenset(("cat", "tac", "less", "more", "zcat", "zless", "head", "tail", "sort", "uniq", "cut", "wc"))
_SCRIPTED = frozenset(("grep", "egrep", "fgrep", "zgrep", "rg", "sed", "awk", "gawk", "tr"))
"""Commands whose operands are files; of the latter the first one is a pattern or a script."""

_STEPS = re.compile(r"&&|\|\||[|;\n]")
_NUMBER = re.compile(r"[+\d]\d*")

_SEARCH = re.compile(r"(?:.*(?:__|\.|_))?(?:grep|ripgrep|rg|search(?:_files?|_code|_content)?|codebase_search|file_search|grep_search|searchText)", re.IGNORECASE)
"""Tools that search in files."""

_WIDE = re.compile(r"\s-[a-zA-Z]*[ABC]\s*\d{2,}|--(?:after|before|)-?context[= ]\d{2,}")
"""So much context around hits is a way to read the file."""

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
    r"(?:\w{0,4}cat|bat|less|more|most|nl|tac|xxd|od|hd|hexdump|strings|base64|iconv|[jyxt]q|tomlq|dasel|gron|xmllint|mlr|csvlook|zless|type"
    r"|dd|tee|view|vim?|ed|ex|Get-Content|gc|Select-String|sls|findstr|\w{0,5}diff|difft|delta|comm|paste|join|ssh"
    r"|prettier|gofmt|rustfmt|clang-format|pygmentize|highlight|glow|(?:g?unzip|gzip)\s+-\w*[cp]\w*|(?:bsd)?tar\s+\S*O\w*|gpg|sops|ansible-vault|crontab"
    r"|(?:docker|podman|kubectl)\b[^|;&\n]{0,200}\sexec|(?:svn|hg|jj|p4)\s[^|;&\n]{0,200}\b(?:diff|show|print|annotate|blame))"
)
"""Commands that show files wherever they stand in a pipeline, or run other commands elsewhere."""

_GREPS = r"(?:grep|egrep|fgrep|zgrep|ugrep|rg|ag|ack)"
_CUTS = r"(?:g?head|g?tail|g?sed|[gmn]?awk|perl|shuf|sort|uniq|cut|tr|rev|fold|fmt|column|expand|pr)"
_FILTERS = rf"(?:{_GREPS}|{_CUTS})"
_GIT_DIFFS = r"(?:show|diff|grep|stash|-p|--patch)"
_GIT = rf"git\b[^|;&\n]{{0,200}}\s(?:{_GIT_DIFFS}|blame|annotate|cat-file|archive|-L\S*)"
_GIT_WHOLE = r"git\b[^|;&\n]{0,200}\s(?:blame|annotate|cat-file|archive|-L\S*|show\s[^|;&\n]*[^\s:]+:[^\s:]+)"

_ELSEWHERE = (
    r"\b(?:xargs|parallel)\b|\s-exec(?:dir)?\s|\bjson\.tool\b|(?<!<)<\s*[\w./~$]|\bopen\s*\(|\bread_?(?:all_?)?(?:text|file|lines|bytes)"
    r"|\bFile\.read|\bfile_get_contents|file:///|\s-?cat\s+[^\s|&;]"  # cat, handed to another command, as in "docker run x cat y"
)


def _pattern(filters: str, git: str) -> re.Pattern[str]:
    """Commands that show files: some anywhere, filters at the head of a pipeline, where they are not filters."""
    return re.compile(
        rf"(?:{_STARTS}|\|&?){_WORD}{_SHOWERS}{_END}|{_STARTS}{_WORD}{filters}{_END}|\b{git}{_END}|{_ELSEWHERE}", re.IGNORECASE
    )


_SHOWS = _pattern(_FILTERS, _GIT)
_SHOWS_WHOLE = _pattern(_CUTS, _GIT_WHOLE)


_RETRIEVES = re.compile(r"headroom_(?:retrieve|compress)$")
"""Our own tools, under whatever prefix a client puts before the tools of an MCP server."""
_SHELL_RETRIEVES = re.compile(r"\bheadroom\s+retrieve\b")


def is_retrieved(part: Part) -> bool:
    """Whether the part is an original that was asked for: to shorten it again would send the model round in circles."""
    if _RETRIEVES.search(part.tool):
        return True
    return _SHELL.search(part.tool) is not None and any(map(_SHELL_RETRIEVES.search, texts_of(part)))


def is_file_read(part: Part) -> bool:
    """Whether the part may show lines of a file."""
    if _NUMBERED.search(part.text, 0, _HEAD):
        return True
    if _SHELL.search(part.tool):
        commands = list(_texts(part.call, MAX_DEPTH))
        return not commands or any(len(c) > MAX_COMMAND or (_SHOWS.search(c) and not _shows_logs_alone(c)) for c in commands)
    if _NO_READ.fullmatch(part.tool):
        return False
    words = {word.lower() for word in _WORDS.findall(part.tool)}
    return not words or not words.isdisjoint(_FILE_WORDS) or _names_a_file(part.call)


def is_excerpt(part: Part) -> bool:
    """Whether what the part shows of files was picked by a search or a diff."""
    if _NUMBERED.search(part.text, 0, _HEAD):
        return False
    if _SHELL.search(part.tool):
        commands = list(_texts(part.call, MAX_DEPTH))
        return bool(commands) and not any(
            len(command) > MAX_COMMAND or _SHOWS_WHOLE.search(command) or _WIDE.search(command) for command in commands
        )
    return _SEARCH.fullmatch(part.tool) is not None


def _shows_logs_alone(command: str) -> bool:
    """Whether each step of a command line is one of a few well-known commands, and all files it names are logs."""
    logs = 0
    for step in _STEPS.split(command):
        try:
            name, *words = [word for word in shlex.split(step) if word != "2>&1"] or [""]
        except ValueError:
            return False
        operands = [word for word in words if not word.startswith("-") and not _NUMBER.fullmatch(word)][name in _SCRIPTED :]
        if name not in _PLAIN | _SCRIPTED | {"cd", "", "echo"} or any(sign in step for sign in "<>$`("):
            return False
        if name not in ("cd", "echo"):
            if not all(map(_LOG.fullmatch, operands)):
                return False
            logs += len(operands)
    return logs > 0


def _names_a_file(call: Json, depth: int = MAX_DEPTH) -> bool:
    """Whether a tool's input has a member, at whatever level, that names a file, but a log."""
    if isinstance(call, list):
        return depth > 0 and any(_names_a_file(value, depth - 1) for value in call)
    if not isinstance(call, dict) or not depth:
        return False
    for name, value in call.items():
        texts = value if isinstance(value, list) else [value]
        named = _FILE_MEMBERS.fullmatch(name) is not None
        if any(isinstance(text, str) and (text.startswith("file:") or (named and not _LOG.fullmatch(text))) for text in texts):
            return True
    return any(_names_a_file(value, depth - 1) for value in call.values())


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
