"""The laws every compressor keeps, whatever it is given."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors import COMPRESSORS
from headroom.compressors.base import FORM, Compressed, Compressor, Goal, TooCostly

GOAL = Goal()

# Bricks of the texts our compressors know, so that what is built of them is nearly theirs.
WORDS = st.sampled_from(["src", "a.py", "main", "é", "12", "0.5", "x-1", "[", "]", "##", "= ", "--", "", " ", "\t", "\r", "×2", "A", "~", '"', "{}"])
PATHS = st.lists(st.sampled_from(["src", "lib", "a.py", "b.py", "c d", "README", ".x", ""]), min_size=1, max_size=4).map("/".join)
NUMBERED = st.builds("{:>6}\t{}".format, st.integers(1, 30), WORDS)
MATCHES = st.builds("/srv/app/{}{}{}{}{}".format, PATHS, st.sampled_from(":-"), st.integers(0, 99), st.sampled_from(":-"), WORDS)
ENTRIES = st.builds(
    "{} {:>3} ann staff {:>6} {} {}".format,
    st.sampled_from(["-rw-r--r--", "drwxr-xr-x", "lrwxrwxrwx"]), st.integers(1, 20), st.integers(0, 9999),
    st.sampled_from(["Nov 21 02:19", "Apr  2  2025"]), st.lists(WORDS, min_size=1, max_size=3).map("".join),
)
RECORDS = st.builds(
    "2026-11-21 10:11:{:02} {} request {} took {} ms".format, st.integers(0, 59), st.sampled_from(["INFO", "WARN"]), st.integers(0, 9999), st.integers(0, 500),
)
ROWS = st.builds("{},{},{}".format, st.integers(0, 99), WORDS, WORDS)
KINDS = (NUMBERED, MATCHES, ENTRIES, RECORDS, ROWS, PATHS.map("/srv/app/{}".format), st.lists(WORDS, max_size=5).map(" ".join))

MIXED = st.lists(st.one_of(*KINDS), min_size=6, max_size=30)
RUNS = st.builds(lambda lines, first: [f"{number:>6}\t{line}" for number, line in enumerate(lines, first)], st.lists(WORDS, min_size=10, max_size=25), st.integers(0, 200))
OBJECTS = st.lists(st.fixed_dictionaries({"id": st.integers(), "name": WORDS, "at": PATHS}, optional={"note": st.none() | st.floats(allow_nan=False)}), min_size=3, max_size=9)
DOCUMENTS = st.builds(
    lambda value, indent: json.dumps(value, indent=indent, ensure_ascii=False).split("\n"),
    st.one_of(OBJECTS, OBJECTS.map(lambda rows: {str(i): row for i, row in enumerate(rows)})), st.sampled_from([None, 2, 4]),
)
TEXTS = st.builds(
    lambda lines, end: "\n".join(lines) + end,
    st.one_of(MIXED, RUNS, DOCUMENTS, *(st.lists(kind, min_size=6, max_size=30) for kind in KINDS)), st.sampled_from(["", "\n", "\n\n"]),
)

def compressed(compressor: Compressor, text: str) -> Compressed | None:
    try:
        return compressor.compress(text, GOAL)
    except TooCostly:
        return None


def visible(text: str) -> object:
    """What an equal form must keep: the value of JSON, the words of anything else."""
    try:
        return json.loads(text, parse_float=str, parse_int=str, object_pairs_hook=list)
    except ValueError:
        return [line.split() for line in text.splitlines() if line.strip()]


def forms(text: str) -> Iterator[tuple[Compressor, Compressed]]:
    """Of one text by all compressors: to think of a text takes longer than to compress it."""
    for compressor in COMPRESSORS:
        made = compressed(compressor, text)
        if made is not None:
            yield compressor, made


@settings(deadline=None, max_examples=300)
@given(TEXTS)
def test_what_was_shortened_can_be_read_back(text: str) -> None:
    for compressor, made in forms(text):
        back = compressor.expand(made.text)
        if compressor.lossy:
            assert made.grade == "lossy", compressor.name
            assert 0 < len(made.omitted) <= 200, compressor.name
            assert not set(made.omitted) & set("]\n"), compressor.name
            assert back is None, compressor.name
            continue
        assert len(made.text) <= len(text), compressor.name
        assert not made.omitted, compressor.name
        assert FORM.match(made.text) or made.grade == "equal", compressor.name
        if made.grade == "exact":
            assert back == text, compressor.name
        else:
            assert made.grade == "equal", compressor.name
            assert back is not None, compressor.name
            assert visible(back) == visible(text), compressor.name


@settings(deadline=None, max_examples=250)
@given(TEXTS)
def test_once_is_enough(text: str) -> None:
    for compressor, made in forms(text):
        again = compressed(compressor, made.text)
        assert again is None or again.text == made.text, compressor.name
        assert compressed(compressor, text) == made, compressor.name


@settings(deadline=None, max_examples=200)
@given(TEXTS)
def test_sniffing_is_a_share_and_expanding_a_foreign_text_does_no_harm(text: str) -> None:
    for compressor in COMPRESSORS:
        assert 0.0 <= compressor.sniff(text, GOAL) <= 1.0, compressor.name
        assert compressor.sniff(text, GOAL) == compressor.sniff(text, GOAL), compressor.name
        compressor.expand(text)


@settings(deadline=None, max_examples=200)
@given(TEXTS, st.data())
def test_a_damaged_form_is_refused_or_read_but_never_an_error(text: str, data: st.DataObject) -> None:
    for compressor, made in forms(text):
        lines = made.text.split("\n")
        at = data.draw(st.integers(0, len(lines) - 1))
        compressor.expand("\n".join(lines[:at] + lines[at + 1 :]))
        compressor.expand(made.text[: data.draw(st.integers(0, len(made.text)))])


@settings(deadline=None, max_examples=200)
@given(TEXTS)
def test_no_identifier_is_altered(text: str) -> None:
    """Below its first line, which explains it, a form holds no number or identifier that is not in the text. Numbers of
    lines and counts, which a view adds, have fewer digits than what is looked for."""
    for compressor, made in forms(text):
        _, _, body = made.text.partition("\n")
        assert all(word in text for word in re.findall(r"\b(?=[a-zA-Z_]*[0-9])\w{4,}\b", body)), compressor.name


ADVERSARIAL = {
    "one long line": "x" * 300_000,
    "one long line of digits": "1" * 300_000,
    "blanks": " " * 300_000,
    "slashes": "/" * 300_000,
    "colons": ":" * 300_000,
    "dashes and digits": "-1" * 150_000,
    "tabs": "\t" * 300_000,
    "opening brackets": "[" * 300_000,
    "opening braces": "{" * 300_000,
    "quotes": '"' * 300_000,
    "commas": "," * 300_000,
    "short lines": "a\n" * 100_000,
    "empty lines": "\n" * 100_000,
    "numbers": "".join(f"{i}\t\n" for i in range(50_000)),
    "every other number": "".join(f"{i * 2}\t\n" for i in range(50_000)),
    "the same number": "1\ta\n" * 50_000,
    "deep paths": "\n".join("a/" * (i % 400) + "b" for i in range(800)),
    "deeper and deeper": "\n".join("/a" * i for i in range(500)),
    "matches of many files": "".join(f"/a/{i}.c:1:x\n" for i in range(20_000)),
    "context without end": "a.c:1:x\n" * 5 + "".join(f"a.c-{i}-" for i in range(50_000)),
    "modes": "-rw-r--r-- 1 a a 1 Nov 21 02:19 a\n" * 5_000,
    "modes of many widths": "".join(f"-rw-r--r-- {'1' * (i % 50)}1 a a 1 Nov 21 02:19 a\n" for i in range(5_000)),
}


@pytest.mark.parametrize("compressor", COMPRESSORS, ids=lambda c: c.name)
@pytest.mark.parametrize("text", ADVERSARIAL.values(), ids=ADVERSARIAL)
def test_hostile_texts_are_survived(compressor: Compressor, text: str) -> None:
    compressor.sniff(text, GOAL)
    made = compressed(compressor, text)
    assert made is None or compressor.lossy or compressor.expand(made.text) is not None
