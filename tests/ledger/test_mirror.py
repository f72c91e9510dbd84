from __future__ import annotations

import pytest

from headroom.errors import StoreError
from headroom.ledger.mirror import Mirror
from headroom.ledger.queries import Window, by, persistent, total
from headroom.ledger.rollup import FIGURES, Row
from headroom.ledger.tables import fact

ALL = Window("all_time")


def row(n: int) -> Row:
    return (n,) * len(FIGURES)


def test_the_sum_of_all_nodes() -> None:
    mirror = Mirror()
    assert mirror.run(persistent)["requests"] == mirror.nodes() == 0
    for node, n in (("a", 1), ("b", 2)):
        mirror.put(node, "daily/86400", n, [("all", "", row(n)), ("model", "m", row(n)), ("model", node, row(n))])
        mirror.put(node, "lost/0", n, [])
    assert mirror.run(lambda db: total(db, ALL)) == row(3)
    assert dict(mirror.run(lambda db: by(db, ALL, "model"))) == {"m": row(3), "a": row(1), "b": row(2)}
    assert mirror.run(lambda db: fact(db, "lost")) == 3
    assert (mirror.nodes(), mirror.known("b")) == (2, {"daily/86400": 2, "lost/0": 2})
    mirror.close()


def test_a_part_is_replaced_whole_and_by_a_later_one_only() -> None:
    mirror = Mirror()
    mirror.put("a", "daily/0", 2, [("all", "", row(2)), ("model", "m", row(2))])
    mirror.put("a", "daily/0", 1, [("all", "", row(1))])
    assert mirror.run(lambda db: total(db, ALL)) == row(2)
    mirror.put("a", "daily/0", 3, [("all", "", row(3)), ("model", "n", row(3))])
    assert mirror.run(lambda db: by(db, ALL, "model")) == [("n", row(3))]
    mirror.close()


def test_old_hours_are_forgotten_and_days_are_not() -> None:
    mirror = Mirror()
    for part in ("hourly/3600", "hourly/7200", "daily/0"):
        mirror.put("a", part, 1, [("all", "", row(1))])
    mirror.forget_hours(7200)
    assert mirror.run(lambda db: db.execute("SELECT series, start FROM rollups ORDER BY 1, 2").fetchall()) == [("daily", 0), ("hourly", 7200)]
    assert mirror.known("a") == {"hourly/7200": 1, "daily/0": 1}
    mirror.close()


def test_closed_it_is_a_store_error() -> None:
    mirror = Mirror()
    mirror.close()
    with pytest.raises(StoreError):
        mirror.nodes()
