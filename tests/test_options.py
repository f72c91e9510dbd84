from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from headroom import options
from headroom.errors import SettingsError
from headroom.options import load, option


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    port: int = option(1, "A number, 100 % sure.", group="A", short="p", parse=options.between(0, 9))
    fast: bool = option(False, "A switch.", group="A")
    where: str = option("", "A place.", group="B", env="SOMEWHERE")
    hidden: str = option("", "A secret.", group="B", flag=False, secret=True)
    plain: float = option(0.5, "A share.", group="B", env="")


@pytest.mark.parametrize(("argv", "environ", "expected"), [
    ([], {}, Sample()),
    (["--port", "2"], {"HEADROOM_PORT": "3"}, Sample(port=2)),
    ([], {"HEADROOM_PORT": "3"}, Sample(port=3)),
    (["-p", "4", "--fast"], {}, Sample(port=4, fast=True)),
    ([], {"HEADROOM_FAST": "on", "SOMEWHERE": "there", "HEADROOM_HIDDEN": "x"}, Sample(fast=True, where="there", hidden="x")),
    ([], {"HEADROOM_FAST": "", "HEADROOM_PORT": ""}, Sample()),
    (["--plain", "0.25"], {"HEADROOM_PLAIN": "9"}, Sample(plain=0.25)),
])
def test_the_command_line_wins_over_the_environment_over_the_default(argv: list[str], environ: dict[str, str], expected: Sample) -> None:
    assert load(Sample, argv, environ).settings == expected


def test_sources_say_where_each_value_came_from() -> None:
    loaded = load(Sample, ["--fast"], {"HEADROOM_PORT": "2"})
    assert loaded.sources == {"port": "environment", "fast": "option", "where": "default", "hidden": "default", "plain": "default"}


@pytest.mark.parametrize(("environ", "words"), [
    ({"HEADROOM_PORT": "x"}, "HEADROOM_PORT='x': must be a whole number from 0 to 9"),
    ({"HEADROOM_PORT": "10"}, "must be a whole number"),
    ({"HEADROOM_FAST": "maybe"}, "HEADROOM_FAST='maybe': must be one of 1, true, yes, on, 0"),
])
def test_a_wrong_value_is_one_clear_line(environ: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=r"^HEADROOM") as caught:
        load(Sample, [], environ)
    assert words in caught.value.message
    assert "\n" not in caught.value.message


def test_a_wrong_option_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        load(Sample, ["--port", "x"], {})
    assert caught.value.code == 2
    assert capsys.readouterr().err == "headroom proxy: -p/--port: 'x': must be a whole number from 0 to 9; see headroom proxy --help\n"


def test_abbreviated_options_are_refused() -> None:
    with pytest.raises(SystemExit):
        load(Sample, ["--po", "1"], {})


def test_unknown_names_are_told_with_the_nearest_real_one() -> None:
    warnings = load(Sample, [], {"HEADROOM_PROT": "1", "HEADROOM_XYZZY": "", "PORT": "1"}).warnings
    assert warnings == ("HEADROOM_PROT is not a setting; did you mean HEADROOM_PORT?", "HEADROOM_XYZZY is not a setting")


def test_help_and_table_say_the_same_of_every_option() -> None:
    text = " ".join(options.parser(Sample, "x").format_help().split())
    rows = options.table(Sample)
    for words in ("A number, 100 % sure.", "A switch.", "A place.", "A share."):
        assert words in text
        assert words in rows
    assert "--hidden" not in text
    assert "`HEADROOM_HIDDEN`" in rows
    assert "HEADROOM_PLAIN" not in rows


@pytest.mark.parametrize(("parse", "text", "value"), [
    (options.size, "64MiB", 64 << 20), (options.size, "1.5k", 1536), (options.size, "12", 12), (options.size, "2 GB", 2 * 10**9),
    (options.seconds, "7d", 604800.0), (options.seconds, "5m", 300.0), (options.seconds, "0.5", 0.5),
    (options.names, " a, b ,,c", ("a", "b", "c")), (options.names, "", ()),
    (options.url, "http://h:1/p/", "http://h:1/p"),
    (options.boolean, "YES", True), (options.boolean, "0", False),
])
def test_kinds_of_values(parse: Callable[[str], Any], text: str, value: Any) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(("parse", "text"), [
    (options.size, "0"), (options.seconds, "0"), (options.seconds, "0.0s"), (options.size, "64 apples"), (options.size, "-1"), (options.size, ""), (options.seconds, "soon"),
    (options.url, "ftp://x"), (options.url, "https://"), (options.url, "http://user:pw@h"), (options.url, "http://h?x=1"),
])
def test_what_is_not_such_a_value(parse: Callable[[str], Any], text: str) -> None:
    with pytest.raises(ValueError):
        parse(text)


@pytest.mark.parametrize(("value", "shown"), [(64 << 20, "64 MiB"), (3, "3"), (1 << 30, "1 GiB"), (1536 << 10, "1536 KiB")])
def test_sizes_read_well(value: int, shown: str) -> None:
    assert options.show_size(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("", ""), ("sqlite:state.db", "sqlite:state.db"), ("redis://h:1/0", "redis://h:1/0"),
        ("redis://u:p@w@h:1/0?prefix=a", "redis://h:1/0"),
    ],
)
def test_urls_are_shown_without_credentials(value: str, shown: str) -> None:
    assert options.show_url(value) == shown


@pytest.mark.parametrize(("text", "shown"), [
    ("ftp://host", True), ("https://ann:secret@host", False), ("https://host/v1?key=secret", False), ("ann:secret@host", False), ("https:///", True),
])
def test_a_url_that_is_refused_is_not_repeated_where_it_may_hold_a_credential(text: str, shown: bool) -> None:
    @dataclass(frozen=True, slots=True, kw_only=True)
    class One:
        base: str = option("", "A URL.", group="A", parse=options.url)

    with pytest.raises(SettingsError) as caught:
        options.load(One, [], {"HEADROOM_BASE": text})
    assert (text in caught.value.message) is shown
    assert "HEADROOM_BASE=" in caught.value.message
