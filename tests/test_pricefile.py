"""Files: the override of --prices and the table that litellm ships."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from headroom.errors import SettingsError
from headroom.pricefile import LITELLM, Daily, Shipped, prices
from headroom.prices import load

ROW = {"mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06}


def put(path: Path, content: bytes | str) -> str:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_an_override_is_read(tmp_path: Path, mark: str) -> None:
    model = prices(put(tmp_path / "p.json", mark + '{"models": {"gpt-5": {"input": 7}}}'), {}).find("gpt-5")
    assert model is not None
    assert model.rates.input == 7


@pytest.mark.parametrize(("content", "message"), [
    (None, "No such file"), (b"\xff\xff", "codec"), ("{", "not JSON"), ("[]", "must be"), ('{"models": {"gpt-5": {"input": "x"}}}', "gpt-5: input must be"),
])
def test_a_wrong_file_is_named_with_what_is_wrong(tmp_path: Path, content: bytes | str | None, message: str) -> None:
    path = tmp_path / "p.json"
    if content is not None:
        put(path, content)
    with pytest.raises(SettingsError) as caught:
        prices(str(path), {})
    assert caught.value.message.startswith(f"--prices {path}: ")
    assert message in caught.value.message


def test_the_table_that_litellm_ships_is_read_when_it_is_needed(tmp_path: Path) -> None:
    path = tmp_path / LITELLM
    table = prices("", Shipped(path))
    known = table.find("gpt-5")
    assert known == load().find("gpt-5")
    put(path, json.dumps({"mistral-large": ROW, "sample_spec": "not a row", "free": {"mode": "chat"}}))  # until now nobody looked
    model = table.find("mistral-large")
    assert model is not None
    assert model.source == "litellm"
    assert set(Shipped(path)) == {"mistral-large"}
    assert len(Shipped(path)) == 1


@pytest.mark.parametrize("content", [None, b"\xff", "{", "[]", "[" * 100_000])
def test_a_shipped_table_that_cannot_be_read_is_none(tmp_path: Path, content: bytes | str | None) -> None:
    if content is not None:
        put(tmp_path / LITELLM, content)
    assert len(Shipped(tmp_path / LITELLM)) == len(Shipped(None)) == 0
    assert prices("", Shipped(tmp_path / LITELLM)).find("mistral-large") is None


def test_prices_change_with_the_day() -> None:
    days = [date(2026, 1, 1)]
    rows = [{"input": 1, "output": 1, "effective_from": "2026-01-01"}, {"input": 2, "output": 1, "effective_from": "2026-02-01"}]
    daily = Daily(load(json.dumps({"models": {"m": rows}})), lambda: days[-1])
    for day, rate in ((days[0], 1), (date(2026, 1, 31), 1), (date(2026, 2, 1), 2), (date(2026, 1, 31), 1)):
        days.append(day)
        model = daily().find("m")
        assert model is not None
        assert model.rates.input == rate
    assert daily() is daily()
