from __future__ import annotations

import logging

import pytest

from headroom.http.accesslog import LOGGERS, hide_queries, without_queries


@pytest.mark.parametrize(("argument", "shown"), [
    ("/v1beta/models/m:generateContent?key=secret&alt=sse", "/v1beta/models/m:generateContent"),
    ("http%3A//proxy/v1beta/models/m:generateContent?key=secret", "http%3A//proxy/v1beta/models/m:generateContent"),
    ("/v1/messages", "/v1/messages"),
    ("/?", "/"),
    pytest.param("/" * 100_000, "/" * 100_000, id="slashes"),
    ("127.0.0.1:4711", "127.0.0.1:4711"),
    ("what? no target", "what? no target"),
    (200, 200),
])
def test_targets_are_written_as_paths(argument: object, shown: object) -> None:
    record = logging.LogRecord("uvicorn.access", logging.INFO, __file__, 1, "%s|%s", ("POST", argument), None)
    assert without_queries(record)
    assert record.getMessage() == f"POST|{shown}"


def test_a_record_without_arguments_passes() -> None:
    record = logging.LogRecord("uvicorn.access", logging.INFO, __file__, 1, "100 %?key=x", None, None)
    assert without_queries(record)
    assert record.getMessage() == "100 %?key=x"


def test_it_is_hung_in_once() -> None:
    try:
        hide_queries()
        hide_queries()
        for name in LOGGERS:
            assert logging.getLogger(name).filters == [without_queries]
    finally:
        for name in LOGGERS:
            logging.getLogger(name).removeFilter(without_queries)
