"""What is a word, a form of one, and a text made of them."""

from __future__ import annotations

import pytest

from headroom.compressors.language.wording import is_prose, is_term, split, stem, terms

ENGLISH = (
    "The office keeps a record of every visit, and it is sent to the owner at the end of the year. If a visit was not announced, "
    "the owner may ask for the reason. There is no fee for the answer, but it can take some weeks until it has been written. "
) * 3
FORMS = [("dams", "dam"), ("raised", "rais"), ("raise", "rais"), ("cities", "city"), ("city", "city"), ("running", "runn"), ("is", "is"), ("übergänge", "übergän"), ("перезапустить", "перезапус"), ("été", "été")]


@pytest.mark.parametrize(("word", "expected"), FORMS)
def test_forms_of_a_word_have_one_stem(word: str, expected: str) -> None:
    assert stem(word) == expected


def test_words_are_found_in_all_scripts() -> None:
    assert split("The Dam's 2nd wall: été, дома!") == ["the", "dam", "s", "2nd", "wall", "été", "дома"]
    assert split("यह पहला है।") == ["यह", "पहला", "है"]
    assert terms("数据库") == ["数据", "据库"]
    assert terms("the") == ()


@pytest.mark.parametrize(("text", "term", "expected"), [
    ("the dams", "dam", True), ("the damned", "dam", False), ("adam", "dam", False), ("two cities", "city", True), ("用数据库", "数据", True),
    ("от сервиса", "серви", True), ("после перезапуска", "перезапус", True), ("на сервере", "серви", False),
])
def test_a_term_is_found_at_the_start_of_its_words(text: str, term: str, expected: bool) -> None:
    at = text.find(term[:-1] if term.endswith("y") else term)
    assert (at >= 0 and is_term(text, at, term)) is expected


NOT_PROSE = {
    "code": "def f(self, value):\n    # The value is. It has been. So it is. And so on. \n    return value\n" * 20,
    "a log": "2026-01-02 10:11:12 INFO The service has been started. It is up.\n" * 20,
    "JSON": '{"note": "It is the end. There is no more. So it is.", "id": 1}\n' * 20,
    "tests": "test_it_is_the_end (tests.a.B) ... ok\n" * 30,
    "a table": "NAME        READY   STATUS    AGE\nweb-1       1/1     Running   3d\n" * 20,
    "a numbered read": "".join(f"{i:>6}\t{ENGLISH[:60]}. It is.\n" for i in range(30)),
    "paths": "/usr/share/doc/a.b. c\n" * 40,
    "nothing": "",
    "stops": ". " * 900,
}


@pytest.mark.parametrize("text", NOT_PROSE.values(), ids=NOT_PROSE)
def test_what_is_no_prose(text: str) -> None:
    assert not is_prose(text)


@pytest.mark.parametrize("text", [
    ENGLISH,
    "La commune est dans le nord du pays. Elle a été fondée par un comte. Le pont qui la relie à la ville est fermé pour l'hiver. Il ne sera pas ouvert. " * 4,
    "Der Ort ist nicht mit dem Zug zu erreichen. Die Brücke wird für den Winter geschlossen. Es ist eine Frage von Tagen. Das ist so. " * 4,
    "服务启动之前，请先确认数据库已经可以访问。如果日志里出现错误，请联系管理员。" * 10,
])
def test_what_is_prose(text: str) -> None:
    assert is_prose(text)


@pytest.mark.parametrize("text", [
    '"""A module.\n\nIt says in whole sentences what it is for, and that at some length. It is the one that is asked. So be it.\n"""\n\n' + "def f(a):\n    return a\n\n" * 20,
    "# This is the configuration of the server. It is read when the server starts.\n# See the manual for what each of the options does, and why.\nport = 80\n" * 9,
    "/*\n * This file is part of the library. It is distributed in the hope that it will be useful.\n * See the licence for what that means to you, and to others.\n */\nint f(void);\n" * 6,
    "// The function that follows is what the others call. It is not to be called by you.\nexport const f = (a) => a;\n" * 9,
], ids=["docstring", "configuration", "C", "JavaScript"])
def test_code_that_opens_with_sentences_is_no_prose(text: str) -> None:
    assert not is_prose(text)
