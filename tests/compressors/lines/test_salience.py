from __future__ import annotations

import pytest

from headroom.compressors.lines.salience import MAX_TERMS, SEVERE, pattern, terms, troubles


@pytest.mark.parametrize("line", [
    "ERROR: x", "java.io.IOException: y", "2 failed, 3 passed", "Permission denied", "panic: runtime", "Connection timed out",
    "segfault at 0", "DeprecationWarning", "No such file or directory", "npm ERR! missing script",
])
def test_trouble_is_seen(line: str) -> None:
    assert SEVERE.search(line)


SEVERE_WORDS = (
    "error", "failed", "failure", "failing", "fail", "exception", "traceback", "fatal", "panic", "critical", "severe", "emerg", "alert", "abort",
    "assert", "denied", "refused", "unreachable", "invalid", "illegal", "corrupt", "timed out", "time out", "timeout", "timedout", "crash", "killed",
    "segfault", "core dumped", "out of memory", "unable to", "cannot", "could not", "can't", "not found", "no such", "undefined", "unauthorised",
    "unauthorized", "forbidden", "warn", "warning", "deprecated", "conflict", "rejected", "violation", "missing",
)


@pytest.mark.parametrize("word", SEVERE_WORDS)
def test_words_of_trouble_are_found_as_plain_text_too(word: str) -> None:
    assert SEVERE.search(word)
    found = troubles(f"fine\n{word} x\nİ\nfine\na {word.upper()}")
    assert set(found) == {1, 4}
    assert found[1] == found[4]


def test_lines_that_use_the_same_words_have_the_same_number() -> None:
    found = troubles("error\nerror: missing\nmissing error\nok\nError 5 error")
    assert found[0] == found[4] != found[1] == found[2]


@pytest.mark.parametrize("line", ["GET /index 200", "Downloading h11 (37 kB)", "3 passed in 0.1s", "session opened for user mira"])
def test_ordinary_lines_are_not_trouble(line: str) -> None:
    assert not SEVERE.search(line)


@pytest.mark.parametrize(("query", "expected"), [
    ("Why does parse_header fail on line 41?", {"parse_header", "parse", "header", "fail", "line", "41"} - {"41"}),
    ("what is the", set()),
    ("look at src/app/RateLimiter.py", {"src/app/ratelimiter.py", "src", "app", "rate", "limiter"}),
    ("order 4f3c-77aa", {"order", "4f3c-77aa"}),
    ("Wie groß ist Köln", {"wie", "groß", "ist", "köln"}),
])
def test_the_telling_words_of_a_question(query: str, expected: set[str]) -> None:
    assert set(terms(query)) == expected


def test_terms_are_bounded_and_the_longest_come_first() -> None:
    found = terms(" ".join(f"word{i}" for i in range(1000)))
    assert len(found) == MAX_TERMS
    assert list(found) == sorted(found, key=lambda word: (-len(word), word))


def test_a_pattern_finds_words_from_their_start() -> None:
    wanted = pattern(("limit", "köln"))
    assert wanted is not None
    assert [m[0] for m in wanted.finditer("limits Limiter unlimited KÖLNER")] == ["limit", "Limit", "KÖLN"]
    assert pattern(()) is None
