"""Web pages become the text their readers see; source that only looks like a page is left alone."""

from __future__ import annotations

from html import escape
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from headroom.compressors.base import Goal
from headroom.compressors.webpages import WebPages

PAGES = WebPages()
GOAL = Goal(tool="Bash", query="curl https://example.org")


def page(body: str) -> str:
    return f"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>A page</title>\n<style>p > a {{ x: y }}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"


def shown(text: str) -> str:
    made = PAGES.compress(text, GOAL)
    assert made is not None
    assert made.grade == "lossy"
    assert len(made.text) < len(text)
    return made.text


BODIES = {
    "headings": ("<h1 class='x'>One</h1><h3>Two <em>three</em></h3>", "# One\n### Two three"),
    "paragraphs": ("<p>a\n  b</p><p>c<br/>d</p><div>e<div>f</div></div>", "a b\nc\nd\ne\nf"),
    "lists": ("<ul><li>a</li><li><p>b</p><ol><li>c</ol></li></ul>d", "- a\n- b\n  - c\nd"),
    "definitions": ("<dl><dt>a</dt><dd>b</dd></dl>", "a\n  b"),
    "a table": (
        "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody>\n<tr>\n<td><p>1</p></td>\n<td></td>\n<td>x<br>y</td></tr></tbody></table>",
        "a | b\n1 | | x\ny",
    ),
    "links": (
        '<a href="/x?a=1&amp;b=2">a</a>, <a href="/x?a=1&amp;b=2">again</a>, <a href=\'#here\'>within</a>, <a href=https://e.org>https://e.org</a>, <a name="y">y</a>',
        "a (/x?a=1&b=2), again, within, https://e.org, y",
    ),
    "links with parameters": (
        '<a href="/x?a=1&amp;copy=2&amp;region=eu">a</a> <a href="/y?a=1&copy=2&sect=3">b</a> <a href="/z?q=%26amp&amp;amp;x&#39;">c</a>',
        "a (/x?a=1&copy=2&region=eu) b (/y?a=1&copy=2&sect=3) c (/z?q=%26amp&amp;x')",
    ),
    "anchors": ('<h2>Title<a class="headerlink" href="#title">¶</a></h2>', "## Title"),
    "entities": ("<p>a &lt;b&gt; &amp;amp; &eacute;&#39;</p>", "a <b> &amp; é'"),
    "indentation": ("a:<br>&nbsp;&nbsp;b&nbsp;c", "a:\n  b c"),
    "code": ("<p>x</p><pre><code>def <span>f</span>():\n    <a href='/g'>return</a> 1 &lt; 2\n\n</code></pre>y", "x\ndef f():\n    return 1 < 2\ny"),
    "pictures": ('<p>a <img src="x.png" alt="A cat"> <img src="y.png" alt=""></p>', "a [A cat]"),
    "scripts": ("a<script>if (1 < 2) { document.write('<p>no</p>') }</script>b", "ab"),
    "a script cut off": ("a<script>if (1 < 2) {", "a"),
    "comments": ("a<!-- <p>no</p> -->b<!-- -- > -->c", "abc"),
    "comments that end early": ("a<!-->b<!--->c<!-- x --!>d<!-- <p> --!>e<!---->f", "abcdef"),
    "powers": ("<p>10<sup>6</sup> H<sub>2</sub>O <sup>a</sup> x<sup>2</sup>", "10^6 H_2O a x^2"),
    "menus": ("<nav><ul><li>Home</li></ul></nav>a<svg><text>no</text></svg>b", "ab"),
    "a menu cut off": ("a<nav><a href='/b'>b</a>", "ab (/b)"),
    "signs in tags": ('<p title="a > b">c</p><a href="/x" title="<d>">e</a>', "c\ne (/x)"),
    "signs in text": ("<p>1 < 2 <3</p>", "1 < 2 <3"),
    "capitals": ("<P>a</P><SCRIPT>no</SCRIPT><UL><LI>b</UL>", "a\n- b"),
}


@pytest.mark.parametrize(("body", "expected"), BODIES.values(), ids=BODIES)
def test_what_is_shown_of(body: str, expected: str) -> None:
    text = page(body)
    assert shown(text) == f"A page\n{expected}"
    assert PAGES.sniff(text, GOAL) >= 0.5


def test_what_surrounds_a_page_stays() -> None:
    text = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + page("<p>x</p>") + "time: 0.1s\n"
    assert shown(text) == "HTTP/1.1 200 OK\r\nContent-Type: text/html\nA page\nx\ntime: 0.1s"


def test_a_page_of_xml_is_one() -> None:
    assert shown('<?xml version="1.0"?>\n<!-- x -->\n' + page("<p>x</p>")).endswith("A page\nx")


def test_a_page_of_menus_shows_them() -> None:
    assert "Home (/)" in shown(page("<nav>" + '<a href="/" class="a-long-name-of-a-class">Home</a>' * 30 + "</nav>"))


def test_a_piece_of_a_page_is_one() -> None:
    text = '<div class="row"><p class="x">a</p></div>' * 20
    assert shown(text) == "\n".join("a" * 20)


LEFT = {
    "a component": "import React from 'react'\nexport const A = () => (\n<html>" + "<div className='x'>{a}</div>" * 30,
    "a page in a string": 'PAGE = """\n<html>' + "<div><p>x</p></div>" * 30 + '"""\n',
    "a piece of one": "<div>" + '<p onClick={() => f(1)} className="x">{a}</p></div>' * 30,
    "Vue": "<template>\n" + '<div v-if="a"><p>x</p></div>' * 30 + "</template>",
    "Vue's body": "<div>" + '<p v-if="a" :key="b">{{ x }}</p></div>' * 30,
    "Django": page("{% block x %}<p>{{ y }}</p>{% endblock %}"),
    "PHP": page("<?php echo $x ?>"),
    "XML": '<?xml version="1.0"?>\n<feed>' + "<entry><title>x</title></entry>" * 30 + "</feed>",
    "a picture": '<svg xmlns="http://www.w3.org/2000/svg">' + "<path d='M1 2'/>" * 30 + "</svg>",
    "text about pages": "Write <p>x</p> and then\n<!DOCTYPE html>\n" + "<p>x</p>" * 30,
    "tests": "FAIL a.test.js\n  Expected: \"<div><p>x</p></div>\"\n" * 30,
    "generics": "<T>(x: T) => Map<string, T>;\n" * 40,
    "prose": "a < b and c > d\n" * 50,
    "nothing": "",
}


@pytest.mark.parametrize("text", LEFT.values(), ids=LEFT)
def test_what_is_left_alone(text: str) -> None:
    assert PAGES.sniff(text, GOAL) == 0
    assert PAGES.compress(text, GOAL) is None


class _Reader(HTMLParser):
    """The words of a page as the standard library reads it."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("b", "span", "code"):
            self.text.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self.handle_starttag(tag, [])


WORDS = st.text("ab<&é;\"' \n\u00a0", min_size=1, max_size=12).map(escape)
TREES = st.recursive(
    WORDS,
    lambda inner: st.builds(
        lambda name, parts: f"<{name}>{''.join(parts)}</{name}>", st.sampled_from(["p", "div", "b", "span", "code", "ul", "li", "table", "tr", "td", "h2", "pre", "section"]), st.lists(inner, max_size=4),
    ),
    max_leaves=20,
)


@settings(deadline=None, max_examples=250)
@example("<p><pre><pre></pre>a</pre>b</p>")
@given(TREES)
def test_all_words_survive_in_order(body: str) -> None:
    reader = _Reader()
    text = page(body)
    reader.feed(text.replace("<style>p > a { x: y }</style>", ""))
    made = PAGES.compress(text, GOAL)
    assert made is not None
    words = [word for word in made.text.split() if word not in ("|", "-", "##")]
    assert words == [word for word in "".join(reader.text).split() if word not in ("|", "-", "##")]


SOUP = st.lists(st.sampled_from([
    "<", ">", "</", "a", " ", "\n", "<p>", "</p>", "<script>", "</script>", "<!--", "-->", '"', "'", "<a href='x'>", "</a>", "<td>", "<tr>", "</tr>", "<pre>", "</pre>", "<nav>", "</nav>",
    "<li", "<br/>", "&lt;", "&#", "<!doctype html>", "<html", "</html>", "<ul>", "</ul>", "<img alt='q'>", "<style/>",
]), max_size=40).map("".join)


@settings(deadline=None, max_examples=300)
@given(SOUP)
def test_soup_is_eaten(body: str) -> None:
    made = PAGES.compress(page(body), GOAL)
    if made is not None:
        assert len(made.text) < len(page(body))
        assert PAGES.compress(made.text, GOAL) is None
        assert PAGES.compress(page(body), GOAL) == made


HOSTILE = {
    "openings": "<" * 500_000,
    "tags without end": "<a " * 200_000,
    "quotes": '<a "' * 100_000 + ">" * 100_000,
    "scripts": "<script>" * 100_000,
    "comments": "<!--" * 100_000,
    "menus": "<nav>" * 100_000 + "</nav>",
    "lists": "<ul><li>" * 50_000,
    "links": "<a href='x'>" * 100_000,
    "links without end": "<a href='" * 100_000,
    "code": "<pre>" + "a\n" * 300_000,
    "one line": "x" * 2_000_000,
    "entities": "&amp;" * 200_000,
    "half entities": "&" * 500_000,
    "blanks in a tag": "<a" + " " * 500_000 + "href=",
    "cells": "<td>" * 100_000,
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_hostile_pages_are_survived(body: str) -> None:
    PAGES.sniff(page(body), GOAL)
    PAGES.compress(page(body), GOAL)
    PAGES.compress(body, GOAL)
