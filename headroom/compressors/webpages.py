"""Web pages as the text that their readers see, with headings, lists, tables, code and where links lead.

    <h2 id="x">Install</h2><ul><li>See <a href="/faq">the FAQ</a> first</li></ul>
    <table><tr><th>Name</th><th>Size</th></tr></table><script>…</script>

    ## Install
    - See the FAQ (/faq) first
    Name | Size

Scripts, styles, pictures' outlines, comments and menus are left out, as are a link's second mention and links within
the page. Code keeps its blanks. Only what is a page is taken for one: a template or a component is somebody's source.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape

from headroom.compressors.base import Compressed, Goal, TooCostly

MAX_CHARS = 16_000_000
"""Below a second of work; large bodies are shortened in a thread."""

PRELUDE = 4000
"""Characters in which a page begins, behind the headers of its response."""

SAMPLE = 9000
"""Characters that tell a piece of a page from a component."""

MIN_BLOCKS = 12
"""Ends of blocks in a sample of a page without its beginning."""

SHORT = 40
"""Characters of a tag that is likely to come again."""

THIN = 0.02
"""Share of a page below which its text is not the page: menus are shown then."""

_START = re.compile(r"^[ \t]*<(?:!doctype\s{1,9}html|html[\s>])", re.IGNORECASE | re.MULTILINE)
_PIECE = re.compile(r"\s{0,200}<(?:body|head|title|meta|link|div|p|table|h[1-6]|[uo]l|section|main|article|header|nav)[\s>]", re.IGNORECASE)
_BLOCK_END = re.compile(r"</(?:div|p|table|tr|td|li|[uo]l|h[1-6]|section|article|dd|dt|pre|nav|main)>", re.IGNORECASE)
_TEMPLATE = ("{%", "<?php", "<?=", "<%", "<!--#include")
_COMPONENT = re.compile(r"\{\{|className=|=\{|\sv-[a-z]{2,9}[=:]|\s[@:][a-z-]{2,20}=\"|\s\*ng|\bng-[a-z]{2,9}=|<template\b|^(?:import|export) |\.map\(|=> ", re.MULTILINE)
_SOURCE_ENDS = ("(", "`", "'", '"', "=", ",", "{", "\\")
"""What stands before a page that stands in somebody's source."""

_NAME = re.compile(r"/?[a-zA-Z][a-zA-Z0-9]*")
_HREF = re.compile(r"\shref\s{0,9}=\s{0,9}(?:\"([^\"]*)|'([^']*)|([^\s\"'>]+))", re.IGNORECASE)
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
"""In attributes a name without its semicolon stands for itself (HTML, 13.2.5.73): "&copy=2" is a parameter."""
_COMMENT_END = re.compile(r"--!?>")
_ALT = re.compile(r"\salt\s{0,9}=\s{0,9}(?:\"([^\"]*)|'([^']*))", re.IGNORECASE)

_HIDDEN = frozenset(("script", "style", "svg", "nav", "template", "noscript", "iframe", "math"))
_ENDS = frozenset(case for name in _HIDDEN for case in (f"/{name[:3]}", f"/{name[:3].upper()}"))
"""How the tag that ends one begins: a quick look at each tag."""

_MENUS = frozenset(("nav",))
_RAW = frozenset(("script", "style"))
"""What stands in them is no markup: without their end they reach to the end of the page."""

_LINES = frozenset(("tr", "table", "li", "ul", "ol", "dl", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6", "title", "hr", "caption", "summary", "option"))
"""They begin and end a line."""

_BREAKS = frozenset((
    "p", "div", "br", "section", "article", "main", "header", "footer", "aside", "blockquote", "body", "head", "html", "form", "fieldset", "legend",
    "figure", "figcaption", "details", "address", "thead", "tbody", "tfoot", "select", "dialog", "textarea", "button", "label",
))
"""They do too, but at the beginning of a cell."""

_RAISED: Mapping[str, str] = {"sup": "^", "sub": "_"}
"""10<sup>6</sup> must not become 106."""

_ACTIVE = frozenset((*_LINES, *_BREAKS, *_RAISED, "td", "th", "a", "pre", "img", *(f"/{name}" for name in (*_LINES, *_BREAKS, "td", "th", "a", "pre"))))
"""All others stand within a line and change nothing."""

_PREFIX: Mapping[str, str] = {**{f"h{level}": "#" * level + " " for level in range(1, 7)}, "dd": "  "}
_ANCHORS = frozenset(("¶", "§", "#", "🔗", ""))
"""Labels of links to where they stand."""


@dataclass(frozen=True, slots=True)
class WebPages:
    """HTML. Kept for certain: the words of the page, its headings, lists, tables, links and code; scripts, styles and markup go."""

    name: str = "html-text"
    lossy: bool = True

    def sniff(self, text: str, goal: Goal) -> float:
        if "<" not in text[:PRELUDE] or _begin(text) < 0:
            return 0.0
        return 0.95

    def compress(self, text: str, goal: Goal) -> Compressed | None:
        if len(text) > MAX_CHARS:
            raise TooCostly("too long a page")
        start = _begin(text)
        if start < 0:
            return None
        close = max(text.rfind("</html>"), text.rfind("</HTML>"))
        end = close + 7 if close > start else len(text)
        page = text[start:end]
        shown = _text(page, _HIDDEN)
        if len(shown) < THIN * len(page):
            shown = _text(page, _HIDDEN - _MENUS)
        made = "\n".join(filter(None, [text[:start].rstrip(), shown, text[end:].strip()]))
        if not made or len(made) >= len(text) or _begin(made) >= 0:
            return None
        return Compressed(made, "lossy", f"markup, scripts and styles: {len(text) - len(made)} of {len(text)} characters")

    def expand(self, short: str) -> str | None:
        return None


def _begin(text: str) -> int:
    """Where the page begins; -1 if the text is none."""
    low = text[:PRELUDE].lower()
    whole = "<html" in low or "<!doctype" in low
    found = _START.search(text, 0, PRELUDE) if whole else _PIECE.match(text) if low.lstrip()[:1] == "<" else None
    if not found:
        return -1
    before = text[: found.start()].rstrip()
    if "</" in before or before[-1:] in _SOURCE_ENDS or _COMPONENT.search(before):
        return -1
    head = text[:SAMPLE]
    if any(sign in head for sign in _TEMPLATE) or not (whole or (len(_BLOCK_END.findall(head)) >= MIN_BLOCKS and not _COMPONENT.search(head))):
        return -1
    return found.start()


def _text(page: str, hidden: frozenset[str]) -> str:
    """What the page shows. Cut at "<", so that each step is a tag and what follows it."""
    writer = _Writer()
    first, *pieces = page.replace("&nbsp;", "\xa0").split("<")
    writer.write(first)
    ends = _last_ends(pieces, hidden)
    until = ""
    names: dict[str, str] = {}
    for i, piece in enumerate(pieces):
        if until:
            after = _after(piece, until)
            if after is None:
                continue
            until = ""
            writer.write(after)
            continue
        head, closed, content = piece.partition(">")
        name = names.get(head)
        if name is None:
            found = _NAME.match(head)
            name = found[0].lower() if found else ""
            if len(head) < SHORT and '"' not in head:
                names[head] = name
            elif head.count('"') % 2:
                head, content = _whole(head, content)
        if not closed and name:
            until = '"' if head.count('"') % 2 else ">"
        if name in _ACTIVE or name in hidden:
            if name in hidden and (name in _RAW or i < ends.get(name, -1)) and head[-1:] != "/":
                until = "/" + name
                continue
            writer.tag(name, head)
        elif not name:
            if head.startswith("!--"):
                over, content = _uncommented(piece)
                until = "" if over else "-->"
            elif head[:1] not in ("!", "?", "/"):
                content = "<" + piece
        if content:
            writer.write(content)
    return writer.done()


def _uncommented(piece: str) -> tuple[str, str]:
    """The end of the comment that a piece begins, "" if it goes on, and what follows. "<!-->" is whole (HTML, 13.2.5.43)."""
    found = _COMMENT_END.search(piece, 1)
    return (found[0], piece[found.end() :]) if found else ("", "")


def _last_ends(pieces: list[str], hidden: frozenset[str]) -> dict[str, int]:
    """Where each hidden element ends for the last time: one that never ends is not hidden."""
    ends: dict[str, int] = {}
    for i, piece in enumerate(pieces):
        if piece[:4] in _ENDS and (name := piece[1:].partition(">")[0].rstrip().lower()) in hidden:
            ends[name] = i
    return ends


def _after(piece: str, until: str) -> str | None:
    """What follows the end that is waited for, if it is in the piece."""
    if until[0] == "/":
        return piece.partition(">")[2] if piece[: len(until)].lower() == until else None
    _, closed, after = piece.partition(until)
    if until == "-->" and "--!>" in piece:
        closed, after = _uncommented(f" {piece}")
    if until == '"':
        after = after.partition(">")[2]
    return after if closed else None


def _whole(head: str, content: str) -> tuple[str, str]:
    """A tag that goes on behind a ">" within quotes."""
    quoted, quote, after = content.partition('"')
    rest, closed, text = after.partition(">")
    return (f"{head}>{quoted}{quote}{rest}", text) if quote and closed and "\n\n" not in quoted else (head, content)


class _Writer:
    """The lines of a page as they come about."""

    __slots__ = ("_breaks", "_buffer", "_cells", "_depth", "_fresh", "_lines", "_link", "_pre", "_prefix", "_seen")

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._buffer: list[str] = []
        self._prefix = ""
        self._pre = self._breaks = self._fresh = False
        self._cells = self._depth = 0
        self._link = ("", 0)
        self._seen: set[str] = set()

    def write(self, text: str) -> None:
        if (self._breaks or self._fresh) and text and not text.isspace():
            if self._breaks and not self._pre:
                self._flush()
            self._fresh = False
        self._buffer.append(text)

    def tag(self, name: str, head: str) -> None:
        if self._pre:
            if name == "/pre":
                self._end_pre()
            elif name.lstrip("/") not in ("a", "img", *_RAISED) and self._buffer and not self._buffer[-1].endswith("\n"):
                self._buffer.append("\n")
            return
        bare = name[1:] if name[0] == "/" else name
        if bare in _BREAKS:
            self._breaks = not self._fresh
        elif bare in _LINES:
            self._flush()
            self._prefix = "" if name is not bare else self._prefix_of(name)
            self._depth = max(0, self._depth + (1 if name in ("ul", "ol") else -(name in ("/ul", "/ol"))))
            self._cells, self._fresh = 0, False
        elif name == "td" or name == "th":
            if self._cells:
                self._buffer.append(" | ")
            else:
                self._flush()
            self._cells += 1
            self._fresh, self._breaks = True, False
        elif bare == "td" or bare == "th":
            self._buffer.append(" ")
        elif bare == "a":
            self._anchor(name, head)
        elif name in _RAISED:
            if self._buffer and self._buffer[-1][-1:].isalnum():
                self._buffer.append(_RAISED[name])
        elif bare == "pre":
            self._flush()
            self._pre = name == bare
        elif name == "img" and (found := _ALT.search(head)):
            alt = (found[1] or found[2] or "").strip()
            self.write(f"[{alt}]" if alt else "")

    def done(self) -> str:
        if self._pre:
            self._end_pre()
        self._flush()
        return "\n".join(self._lines)

    def _prefix_of(self, name: str) -> str:
        return "  " * (self._depth - 1) + "- " if name == "li" else _PREFIX.get(name, "")

    def _anchor(self, name: str, head: str) -> None:
        """A link's target behind its label, once; a link without a label says nothing."""
        if name == "a":
            found = _HREF.search(head)
            self._link = (found[1] or found[2] or found[3] or "" if found else "", len(self._buffer))
            return
        (href, start), self._link = self._link, ("", 0)
        label = "".join(self._buffer[start:]).strip()
        if href[:1] == "#" and label in _ANCHORS:
            del self._buffer[start:]
        elif href and label and href[0] != "#" and href not in self._seen and not href.startswith(("javascript:", "data:")):
            self._seen.add(href)
            target = _REFERENCE.sub(lambda found: unescape(found[0]), href).strip()
            if target != unescape(label):
                self._buffer.append(f" ({target.replace('&', '&amp;')})")  # the whole line is unescaped in the end

    def _end_pre(self) -> None:
        code = unescape("".join(self._buffer)).replace("\xa0", " ").strip("\r\n").rstrip()
        if code:
            self._lines.append(code)
        self._buffer.clear()
        self._pre = self._breaks = False

    def _flush(self) -> None:
        """End a line; leading blanks that do not collapse are indentation."""
        line = "".join(self._buffer)
        self._buffer.clear()
        self._breaks = False
        self._link = (self._link[0], 0)
        if "&" in line:
            line = unescape(line)
        words = " ".join(line.split())
        if words.rstrip(" |"):
            line = line.lstrip(" \t\r\n")
            indent = len(line) - len(line.lstrip("\xa0")) if line[:1] == "\xa0" else 0
            self._lines.append(self._prefix + " " * indent + words)
            self._prefix = ""
