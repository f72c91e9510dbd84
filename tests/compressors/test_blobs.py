"""Blobs are named by kind, size and hash, and everything around them stays as it is."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.base import Goal
from headroom.compressors.blobs import Blobs

BLOBS = Blobs()
GOAL = Goal(tool="Bash")
SIGN = re.compile(r"…\[([\d,]+) characters of ([\w /+.-]+), sha256 ([0-9a-f]{8})\]…")


def noise(size: int, seed: int = 0) -> bytes:
    return b"".join(hashlib.sha256(f"{seed}/{i}".encode()).digest() for i in range(size // 32 + 1))[:size]


def wrapped(text: str, width: int, indent: str = "") -> str:
    return "\n".join(indent + text[i : i + width] for i in range(0, len(text), width)) + "\n"


B64 = base64.b64encode(noise(3001)).decode()
URL64 = base64.urlsafe_b64encode(noise(3000)).decode()
HEX = noise(900).hex()
CODE = "".join(f"function f{i}(e,t){{return e.x{i}(t)||g({i},t);}}" for i in range(300))
SVG = "data:image/svg+xml," + "%3Cpath%20d='M1%202'/%3E".replace("'", "%27") * 40
PEM = "-----BEGIN CERTIFICATE-----\n" + wrapped(B64, 64) + "-----END CERTIFICATE-----\n"
KEY = f"ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB{B64} me@host\n"
WORDS = "some_snake_case_words/and/a/path/of/no/end" * 20

FOUND = {
    "a data URI": (f'<img src="data:image/png;base64,{B64}" alt="x">\n', "base64"),
    "base64 of a URL": (f"id: {URL64}\n", "base64"),
    "wrapped": (f"$ base64 x\n{wrapped(B64, 76)}$ \n", "base64"),
    "wrapped and indented": (f"data:\n  x: |\n{wrapped(B64, 76, '    ')}  y: 1\n", "base64"),
    "wrapped with CRLF": (wrapped(B64, 76).replace("\n", "\r\n"), "base64"),
    "wrapped in JSON": ('{"png": "' + wrapped(B64, 76).replace("\n", "\\n") + '"}', "base64"),
    "slashes escaped": ('{"png": "' + B64.replace("/", "\\/") + '"}', "base64"),
    "hex": (f"payload={HEX}&x=1\n", "hex"),
    "xxd -p": (wrapped(HEX, 60), "hex"),
    "an SVG": (f"a {{ background: url({SVG}); }}\n", "image/svg+xml"),
    "a source map": ('{"version":3,"sources":["a.js"],"mappings":"' + "AAAA;AACA,CAAC" * 99 + '"}', "source map"),
    "a certificate": (f"# CA\n{PEM}", "CERTIFICATE in 63 lines"),
    "a certificate in JSON": ('{"cert": "' + PEM.replace("\n", "\\n") + '"}', "CERTIFICATE in 63 lines"),
    "a message": (f"-----BEGIN PGP MESSAGE-----\nComment: {'words ' * 60}\n\n{wrapped(B64, 64)}=aB3d\n-----END PGP MESSAGE-----\n", "PGP MESSAGE in 64 lines"),
    "minified code": (f"/*! x */\n{CODE}\n//# end\n", "minified code"),
}


@pytest.mark.parametrize(("text", "kind"), FOUND.values(), ids=FOUND)
def test_blobs_are_named(text: str, kind: str) -> None:
    made = BLOBS.compress(text, GOAL)
    assert made is not None
    assert made.grade == "lossy"
    signs = SIGN.findall(made.text)
    assert [sign[1] for sign in signs] == [kind]
    before, after = made.text.split("…[")[0], made.text.split("]…")[1]
    assert text.startswith(before)
    assert text.endswith(after)
    assert len(before) + len(after) + int(signs[0][0].replace(",", "")) == len(text)
    assert len(made.text) < 0.4 * len(text)
    assert BLOBS.compress(made.text, GOAL) is None
    assert "]" not in made.omitted


KEPT = {
    "a numbered certificate": "".join(f"{i:>6}\t{line}\n" for i, line in enumerate(PEM.split("\n"), 1)),
    "a public key": KEY,
    "a signed URL": f"https://x.example.org/a?sig={B64}\n",
    "words": WORDS,
    "a rule": "-" * 5000 + "\n" + "=" * 5000,
    "zeros": "0" * 5000 + "\n" + "A" * 5000,
    "hashes": "\n".join(noise(32, i).hex() for i in range(200)),
    "identifiers": "\n".join("a_very_long_name_of_a_function_that_is_exactly_as_long_as_all" for _ in range(50)),
    "a mangled name": "_ZN4core3fmt9Formatter12pad_integral" * 40,
    "prose on one line": "Some words of prose, and a few more of them. " * 300,
    "JSON on one line": '{"a": 1}' + ',{"key":"value","other":{"x":1}}' * 400,
    "numbers on one line": ",".join(map(str, range(4000))),
    "Chinese on one line": "说（明）；" * 3000,
    "nothing": "",
}


@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT)
def test_what_is_left_alone(text: str) -> None:
    assert BLOBS.compress(text, GOAL) is None


@pytest.mark.parametrize(("text", "sure"), [
    (wrapped(B64, 76), True), (f"x: {B64}", True), (CODE, True), ("def f():\n    return 1\n" * 200, False), ("word " * 5000, False), (f"{'text here ' * 3000}{HEX}", False),
], ids=["wrapped", "a run", "minified", "source", "prose", "a small one"])
def test_sniffing(text: str, sure: bool) -> None:
    assert (BLOBS.sniff(text, GOAL) >= 0.5) == sure


@pytest.mark.parametrize("query", ["Is the certificate of the server still valid?", "cat /etc/ssl/ca.pem", "compare both KEYS"])
def test_keys_that_are_asked_for_stay_whole(query: str) -> None:
    assert BLOBS.compress(PEM, Goal(query=query)) is None
    made = BLOBS.compress(f"{B64}\n{PEM}", Goal(query=query))
    assert made is not None
    assert made.text.endswith(PEM)


def test_equal_blobs_get_equal_names() -> None:
    made = BLOBS.compress(f"a {B64} b {B64} c {URL64}", GOAL)
    assert made is not None
    first, second, other = SIGN.findall(made.text)
    assert first == second != other
    assert first[2] == hashlib.sha256(B64.encode()).hexdigest()[:8]


def test_code_around_what_was_asked_for_is_shown() -> None:
    code = CODE[:8000] + "function useTheSecretToken(x){return x;}" + CODE[8000:]
    made = BLOBS.compress(code, Goal(query="where is useTheSecretToken?"))
    assert made is not None
    assert "function useTheSecretToken(x){return x;}" in made.text
    assert made.text.startswith(code[:300])
    assert made.text.endswith(code[-300:])
    assert len(made.text) < 1200


def test_a_picture_in_minified_code_goes_with_it() -> None:
    made = BLOBS.compress(CODE + B64 + CODE, GOAL)
    assert made is not None
    assert [sign[1] for sign in SIGN.findall(made.text)] == ["minified code"]


PIECES = st.sampled_from([
    B64, B64[:300], HEX, CODE, SVG, wrapped(B64, 76), wrapped(B64, 64), PEM, KEY, "\n", "a word", '"', " ", "é", "\r\n", "\\n", "\\", "=", "data:", "data:,", '"mappings":"', "https://",
    WORDS, "x" * 99, "…[1 characters of hex, sha256 00000000]…",
])


@settings(deadline=None, max_examples=300)
@given(st.lists(PIECES, max_size=8).map("".join))
def test_all_outside_of_blobs_stands_as_it_was(text: str) -> None:
    made = BLOBS.compress(text, GOAL)
    if made is None:
        return
    assert len(made.text) < len(text)
    at = 0
    hidden = 0
    for piece in re.split("(" + SIGN.pattern.replace("(", "(?:") + ")", made.text):
        if SIGN.fullmatch(piece) and piece not in text:
            hidden += int(piece[2:].split(" ")[0].replace(",", ""))
        else:
            at = text.index(piece, at) + len(piece)
    assert hidden == int(made.omitted.split(" ")[0])
    again = BLOBS.compress(made.text, GOAL)
    assert again is None
    assert BLOBS.compress(text, GOAL) == made


HOSTILE = {
    "one run": B64 * 500,
    "short runs": (B64[:99] + " ") * 20_000,
    "runs too short by one": (B64[:199] + " ") * 10_000,
    "escapes": "\\n" * 500_000,
    "backslashes": "\\" * 1_000_000,
    "wide lines of many widths": "".join(B64[: 56 + i % 200] + "\n" for i in range(10_000)),
    "data URIs": "data:," * 100_000,
    "data URIs without end": "data:a/b," + "x" * 1_000_000,
    "source maps": '"mappings":"' * 50_000,
    "long lines of code": (CODE + "\n") * 100,
    "long lines with runs": (CODE[:4900] + B64[:250] + " " + CODE[:4900] + "\n") * 100,
    "one long line": "(" * 2_000_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_are_survived(text: str) -> None:
    BLOBS.sniff(text, GOAL)
    BLOBS.compress(text, GOAL)
