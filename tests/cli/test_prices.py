"""`headroom prices` and what `headroom proxy` says of them at its start."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from headroom.cli import dispatch, proxy
from headroom.cli import prices as command
from headroom.prices import load
from headroom.settings import Settings

OVERRIDE = '{"models": {"claude-opus-5": {"input": 4}, "in-house": {"input": 1, "output": 2, "tier": {"from": 9000, "input": 2, "output": 3}}}}'


def said(*argv: str, code: int = 0, **environ: str) -> str:
    out = io.StringIO()
    assert dispatch(["prices", *argv], environ, out) == code
    return out.getvalue()


@pytest.fixture
def override(tmp_path: Path) -> str:
    path = tmp_path / "prices.json"
    path.write_text(OVERRIDE, encoding="utf-8")
    return str(path)


def test_the_list_has_every_model_and_the_date(override: str) -> None:
    text = said()
    assert text.startswith(f"USD per million tokens, as of {load().as_of}\n")
    assert all(f"\n{model.name} " in text for model in load().models())
    for more in (said("--prices", override), said(HEADROOM_PRICES=override)):
        assert "in-house" in more
        assert "above 9000" in more
        assert f"{override} over the bundled ones" in more


def test_one_model_by_any_name(override: str) -> None:
    text = said("us.anthropic.claude-haiku-4-5-20251001-v1:0")
    assert "found as     claude-haiku-4-5\n" in text
    assert "source       https://" in text
    assert "claude-haiku-4-5" in said("--json", "claude-haiku-4-5")
    assert "unknown" in said("no-such-model", code=1)
    assert json.loads(said("--json", "no-such-model", code=1))["models"] == {}


def test_what_json_prints_can_be_given_back(tmp_path: Path) -> None:
    text = said("--json")
    assert load(text).models() == load().models()
    path = tmp_path / "again.json"
    path.write_text(text, encoding="utf-8")
    assert said("--json", "--prices", str(path)) == text


def test_an_old_table_is_said_to_be_old(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    class Later(date):
        @classmethod
        def today(cls) -> Later:
            return cls.fromordinal((date.fromisoformat(load().as_of) + timedelta(days=91)).toordinal())

    monkeypatch.setattr(command, "date", Later)
    assert "\nwarning: the price table is of " in said()
    assert "91 days old" in json.loads(said("--json"))["stale"]


@pytest.mark.parametrize("name", ["prices", "proxy"])
def test_a_wrong_override_exits_with_2(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "prices.json"
    path.write_text('{"models": {"gpt-5": {"input": "free"}}}', encoding="utf-8")
    assert dispatch([name, "--prices", str(path)], {"HOME": str(tmp_path)}, io.StringIO()) == 2
    assert f"--prices {path}: gpt-5: input must be a number" in capsys.readouterr().err


def test_the_banner_tells_of_an_override_only() -> None:
    plain = Settings()
    assert "prices" not in proxy.banner(plain, "memory:", 1)
    assert "  prices       p.json over the bundled ones\n" in proxy.banner(replace(plain, prices="p.json"), "memory:", 1)
