"""Each stretch gets the short form of its kind, and all of it comes back."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.base import Compressed, Goal
from headroom.compressors.json import JsonTables
from headroom.compressors.listings import Listings
from headroom.compressors.logs import LogTemplates
from headroom.compressors.mixed import Mixed
from headroom.compressors.reads import NumberedReads
from headroom.compressors.search import SearchResults
from headroom.tokens import estimate

INNER = (NumberedReads(), Listings(), SearchResults(), JsonTables(), LogTemplates())
MIXED = Mixed(INNER, estimate)
GOAL = Goal(tool="Bash")

DICE = random.Random(5)
LISTING = "total 96\n" + "\n".join(f"-rw-r--r-- 1 ann staff {DICE.randrange(9999)} Nov 21 02:19 file{i}.txt" for i in range(20))
LOG = "\n".join(f"2026-11-21 10:11:{i:02} INFO request {DICE.randrange(10**6)} took {DICE.randrange(99)} ms" for i in range(30))
MATCHES = "\n".join(f"/srv/app/src/main/settings.py:{i * 7}:    value_{i} = load({i})" for i in range(25))
READ = "\n".join(f"{i:>6}\tdef f{i}(): return {i}" for i in range(1, 30))
VALUE = [{"id": i, "name": f"item {i}", "state": "open", "url": f"http://localhost/items/{i}"} for i in range(25)]
DOCUMENT = json.dumps(VALUE, indent=2)
LINE = json.dumps(VALUE)
CODE = "\n".join(f"int f{i}(int x) {{\n    return x << {i};\n}}" for i in range(6))

CASES = {
    "no separators": f"{LISTING}\n{LOG}\n{MATCHES}\n",
    "headers": f"=== files ===\n{LISTING}\n=== log ===\n{LOG}\n=== code ===\n{CODE}\n",
    "prompts": f"$ ls -l\n{LISTING}\n$ grep -n value\n{MATCHES}\n$ cat -n a.py\n{READ}",
    "head and tail": f"==> a.log <==\n{LOG}\n\n==> b.py <==\n{MATCHES}",
    "a prompt before JSON": f"$ curl -s http://localhost/items\n{DOCUMENT}\n",
    "a warning before JSON": f"npm WARN deprecated x@1.0.0: use y\n{LINE}\n",
    "a status behind JSON": f"{DOCUMENT}\nHTTP 200\n",
    "a status on JSON's last line": f"{DOCUMENT}200",
    "a status on JSON's only line": f"{LINE} HTTP 200",
    "progress before JSON": f"  % Total    % Received\n100  1234  100  1234    0     0   999k      0\n{DOCUMENT}\n",
    "a fence": f"The answer is:\n\n```json\n{DOCUMENT}\n```\n\nThere is more on the next page.\n",
    "CRLF between": f"$ ls\r\n{LISTING}\n\r\n$ cat\r\n{LOG}\r\n",
    "marks in the text": f"x <<\n>>\n{LISTING}\n\n{LOG}\n>>",
    "a text that opens like a form": f"[tool.x]\n{LISTING}\n\n{LOG}\n",
    "more marks in the text": f"x <<\ny <<<\n{LISTING}\n\n{LOG}\n",
}


@pytest.mark.parametrize("text", CASES.values(), ids=CASES)
def test_every_mixture_comes_back(text: str) -> None:
    made = MIXED.compress(text, GOAL)
    assert made is not None
    assert made.grade == "exact"
    assert MIXED.expand(made.text) == text
    assert estimate(made.text) < 0.8 * estimate(text)
    assert MIXED.compress(made.text, GOAL) is None
    assert 0.2 <= MIXED.sniff(text, GOAL) < 0.8


def test_a_form_reads_like_this() -> None:
    made = MIXED.compress(f"$ curl\n{DOCUMENT}200\n", GOAL)
    inner = JsonTables().compress(DOCUMENT, GOAL)
    assert made is not None
    assert inner is not None
    assert made.text == f"[mixed output: a part between << and >> is a short form]\n$ curl\n<<\n{inner.text}\n>>200\n"


@pytest.mark.parametrize("text", [LISTING, LOG, MATCHES, READ, DOCUMENT, LINE, f"$ ls\n{LOG}", CODE, "", "x", "\n" * 900], ids=range(11))
def test_a_text_of_one_kind_is_for_its_specialist(text: str) -> None:
    made = MIXED.compress(text, GOAL)
    best = min((form.text for c in INNER if (form := c.compress(text, GOAL))), key=estimate, default=text)
    assert made is None or estimate(best) <= estimate(made.text)


@pytest.mark.parametrize("text", [LISTING, LOG, MATCHES, READ, DOCUMENT, LINE, "", "x"], ids=range(8))
def test_one_kind_is_not_claimed(text: str) -> None:
    assert MIXED.sniff(text * 3 if text[:1] not in "[{" else text, GOAL) == 0.0


def test_a_mixture_none_of_whose_parts_is_exact_is_equal() -> None:
    odd = DOCUMENT.replace('": ', '":   ')
    made = MIXED.compress(f"$ curl\n{odd}\nHTTP 200\n", GOAL)
    assert made is not None
    assert made.grade == "equal"
    back = MIXED.expand(made.text)
    assert back is not None
    assert back.startswith("$ curl\n[")
    assert back.endswith("]\nHTTP 200\n")
    assert json.loads(back[7:-9]) == VALUE


@pytest.mark.parametrize("short", [
    "", "x", "[mixed output: a part between << and >> is a short form]\n", "[mixed output: a part between << and >> is a short form]\n<<\nx\n>>",
    "[mixed output: a part between << and >> is a short form]\n<<\n[log]", "[mixed output: a part between << and >> is a short form]\n<<\n>>",
])
def test_a_damaged_form_is_not_ours(short: str) -> None:
    assert MIXED.expand(short) is None


class Liar:
    """A compressor whose inverse is wrong."""

    name = "liar"
    lossy = False

    def sniff(self, text: str, goal: Goal) -> float:
        return 1.0

    def compress(self, text: str, goal: Goal) -> Compressed | None:
        return Compressed("[lie]", "exact")

    def expand(self, short: str) -> str | None:
        return "truth" if short == "[lie]" else None


def test_a_part_whose_inverse_is_wrong_is_not_used() -> None:
    assert Mixed((Liar(),), estimate).compress(CASES["headers"], GOAL) is None


BRICKS = st.sampled_from([
    LISTING, LOG, MATCHES, READ, DOCUMENT, LINE, CODE, "", "$ make", "=== a ===", "HTTP 200", "<<", ">>", "<<<", ">>>", "⟦", "⟧", ">>x", "x <<", "{", "}", "[", "```", "é\r", "[mixed output]",
])


@settings(deadline=None, max_examples=80)
@given(st.lists(BRICKS, min_size=2, max_size=8).map("\n".join), st.sampled_from(["", "\n", "\n\n", "200"]))
def test_whatever_is_mixed_comes_back(text: str, end: str) -> None:
    made = MIXED.compress(text + end, GOAL)
    if made is None:
        return
    assert len(made.text) < len(text + end)
    assert made.grade == "exact"
    assert MIXED.expand(made.text) == text + end
    assert MIXED.compress(made.text, GOAL) is None
    assert MIXED.compress(text + end, GOAL) == made


HOSTILE = {
    "one long line": "x" * 300_000,
    "opening braces": "{\n" * 100_000,
    "opening quotes": '{"\n' * 100_000,
    "documents without end": '{\n"a": [\n' * 40_000,
    "closing brackets": "]\n" * 100_000,
    "short documents": '{\n"a": 1\n}\n' * 30_000,
    "separators": "=== a ===\n" * 30_000,
    "prompts": "$ a\nb\n" * 30_000,
    "prompts and hits": "$ ls\na.c:1:x\n" * 60_000,  # one stretch each: what is done for each must not look at the whole text
    "all lines differ": "".join(f"{chr(33 + i % 90)}{chr(33 + i // 90 % 90)}{chr(33 + i // 8100 % 90)}-{i}\n" for i in range(30_000)),
    "NULs": "\0" * 300_000,
    "wide": "𝒳 𝒴\n" * 60_000,
    "half surrogates": "\ud800\n" * 30_000,
    "blank lines": "\n \n" * 100_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_are_survived(text: str) -> None:
    MIXED.sniff(text, GOAL)
    made = MIXED.compress(text, GOAL)
    assert made is None or made.grade == "equal" or MIXED.expand(made.text) == text
