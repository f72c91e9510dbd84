from __future__ import annotations

from dataclasses import fields

import pytest

from headroom.options import load, spec_of, variable
from headroom.settings import Settings


def test_defaults_are_those_of_the_documentation() -> None:
    s = Settings()
    assert (s.host, s.port, s.limit_concurrency, s.max_connections, s.max_keepalive) == ("127.0.0.1", 8787, 1000, 500, 100)
    assert (s.request_timeout, s.connect_timeout, s.idle_timeout, s.retry_max_attempts) == (600, 10, 300, 3)
    assert (s.rpm, s.tpm, s.budget, s.budget_period) == (600, 0, None, "daily")
    assert (s.max_body, s.ccr_ttl, s.ccr_max_bytes) == (64 << 20, 7 * 86400, 512 << 20)


@pytest.mark.parametrize(("name", "text", "field", "value"), [
    ("ANTHROPIC_TARGET_API_URL", "http://a/x", "anthropic_api_url", "http://a/x"),
    ("OPENAI_TARGET_API_URL", "http://o", "openai_api_url", "http://o"),
    ("GEMINI_TARGET_API_URL", "http://g", "gemini_api_url", "http://g"),
    ("HEADROOM_NO_OPTIMIZE", "1", "no_optimize", True),
    ("HEADROOM_STATELESS", "true", "stateless", True),
    ("HEADROOM_MODE", "cache_mode", "mode", "cache"),
    ("HEADROOM_CCR_TTL", "2d", "ccr_ttl", 172800.0),
    ("HEADROOM_BUDGET", "2.50", "budget", 2.5),
    ("HEADROOM_BUDGET_PERIOD", "hourly", "budget_period", "hourly"),
    ("HEADROOM_NO_RATE_LIMIT", "1", "no_rate_limit", True),
    ("HEADROOM_ALLOWED_HOSTS", "a,b", "allowed_hosts", ("a", "b")),
    ("SSL_CERT_FILE", "/x.pem", "ca_bundle", "/x.pem"),
])
def test_the_environment_has_a_name_for_it(name: str, text: str, field: str, value: object) -> None:
    loaded = load(Settings, [], {name: text})
    assert getattr(loaded.settings, field) == value
    assert loaded.warnings == ()


def test_whatever_can_be_switched_off_can_be_in_the_environment_too() -> None:
    assert [f.name for f in fields(Settings) if f.name.startswith("no_") and variable(f) != f"HEADROOM_{f.name.upper()}"] == []


def test_no_two_options_share_a_name() -> None:
    names = [variable(f) for f in fields(Settings) if variable(f)]
    shorts = [spec_of(f).short for f in fields(Settings) if spec_of(f).short]
    assert len(set(names)) == len(names)
    assert len(set(shorts)) == len(shorts)


def test_every_option_says_what_it_does_in_a_sentence() -> None:
    for f in fields(Settings):
        assert spec_of(f).help.endswith("."), f.name
        assert "|" not in spec_of(f).help
