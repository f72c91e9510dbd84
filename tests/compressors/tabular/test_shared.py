"""What a column shares is said once, and only if that is shorter."""

from __future__ import annotations

import pytest

from headroom.compressors.tabular.cells import MISSING
from headroom.compressors.tabular.columns import Column
from headroom.compressors.tabular.shared import Shared, derived_of, shared_of
from headroom.conversation import Json

LONG = [f"src/components/{name}/index.tsx" for name in ("alpha", "bravo")]


@pytest.mark.parametrize(("values", "cells", "sign"), [
    ([1, 1, 1], ["1", "1", "1"], "=1"),
    ([1, 1.0, True], ["1", "1.0", "true"], ""),
    (["a/b/c", "a/b/d"], ["c", "d"], "(a/b/~)"),
    (["abcde", "abcdf"], ["abcde", "abcdf"], ""),
    (["src/x", MISSING, "src/"], ["x", "", '""'], "(src/~)"),
    (["src/x", None], ["src/x", "null"], ""),
    (["x", "x", MISSING], ["x", "x", ""], ""),
    (["7 ms", "12 ms"], ["7", "12"], "(~~ ms)"),
    (["1.7.0", "1.8.0"], ["1.7.0", "1.8.0"], ""),
    (["07Z", "12Z"], ["07", "12"], "(~~Z)"),
    (["abc", "dbc"], ["abc", "dbc"], ""),
    (["a/x/b", "a/y/b", MISSING], ["a/x", "a/y", ""], "(~~/b)"),
    (["a.py", ".py"], ["a", '""'], "(~~.py)"),
    (["src/lib", "src/lib.lib"], ["lib", "lib.lib"], "(src/~)"),
    ([[{"a": 1, "b": "x"}], []], ['[[1,"x"]]', "[]"], "[{a,b}]"),
    ([[{"a": 1}], [{"b": 1}]], ['[{"a":1}]', '[{"b":1}]'], ""),
    ([[{"a": 1}], [[1]]], ['[{"a":1}]', "[[1]]"], ""),
    ([[{"a": 1}], None], ["[[1]]", "null"], "[{a}]"),
])
def test_what_a_column_shares(values: list[Json], cells: list[str], sign: str) -> None:
    assert shared_of(values) == Shared(cells, sign)


def test_long_cells_of_a_few_kinds_get_codes() -> None:
    found = shared_of([LONG[i % 2] for i in range(20)])
    assert found == Shared(["alpha", "bravo"] * 10, "(src/components/~~/index.tsx)")
    owners = [{"login": "ada", "site": "x"}, {"login": "bob"}]
    lists: list[Json] = [[owners[i % 2]] * (1 + i % 2) for i in range(20)]
    coded = shared_of(lists)
    assert coded.cells == ["A", "B"] * 10
    assert coded.codes == {"A": '[{"login":"ada","site":"x"}]', "B": '[{"login":"bob"},{"login":"bob"}]'}


def test_codes_leave_gaps_alone() -> None:
    coded = shared_of([MISSING if i % 3 == 2 else f"{'the-first' if i % 3 else 'the-other'}/of/two-long-values" + "!?"[i % 3] for i in range(30)])
    assert coded.cells[:3] == ["A", "B", ""]


def test_messages_get_templates() -> None:
    found = shared_of([f"the nightly job {i} is done in {i * 3} milliseconds" if i % 3 else "nothing to do, as it seems" for i in range(30)])
    assert found.cells[:3] == ["A", "B 1 3", "B 2 6"]
    assert (found.codes, found.gap) == ({"A": '"nothing to do, as it seems"', "B": "the nightly job {} is done in {} milliseconds"}, "{}")


def column(name: str, *values: Json) -> Column:
    return Column((name,), values)


def test_derived_columns() -> None:
    columns = [
        column("id", 7, 8), column("url", "/x/7", "/x/8"), column("same", "/x/7", "/x/8"), column("other", "/x/7", "/x/9"),
        column("fixed", "/x/7", "/x/7"), column("mixed", "/x/7", None), column("name", "ab", "cd"),
        column("file", "get/ab/-/ab-7.tgz", "get/cd/-/cd-8.tgz"), column("braces", "{ab}7", "{cd}8"),
    ]
    found = derived_of(columns)
    assert {name: str(rule) for (name,), rule in found.items()} == {
        "url": "(/x/~id)", "same": "(/x/~id)", "file": "(get/~name~/-/~name~-~id~.tgz)", "braces": "({~name~}~id)",
    }
