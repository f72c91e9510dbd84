"""Variables are written once and shorter, and each line can be put together again."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.base import Goal, TooCostly
from headroom.compressors.environment import MAX_CHARS, Environment

ENVIRONMENT = Environment()
GOAL = Goal(tool="Bash")

SERVICES = [
    line
    for name, host, port in (("AUTH", "10.96.1.7", 443), ("CART_DB", "10.96.31.8", 5432), ("SHOP", "10.96.9.99", 80), ("WEB", "10.96.7.12", 8080))
    for line in (f"{name}_SERVICE_HOST={host}", f"{name}_SERVICE_PORT={port}", f"{name}_PORT=tcp://{host}:{port}", f"{name}_PORT_{port}_TCP_ADDR={host}")
]
HOME = [
    "HOME=/home/ann", "VIRTUAL_ENV=/home/ann/projects/shop/.venv", "PWD=/home/ann/projects/shop", "SHELL=/bin/bash", "LANG=C.UTF-8", "TERM=xterm",
    "PATH=/home/ann/projects/shop/.venv/bin:/home/ann/.local/bin:/usr/bin", "PYTHONPATH=/home/ann/projects/shop/src:/home/ann/projects/shopping",
    "NODE_PATH=/home/ann/projects/shop/node_modules", "OLDPWD=/home/ann/projects/shop/tests",
]


def declared(lines: list[str], before: str = "declare -x ", quote: str = '"', sign: str = "=") -> list[str]:
    """The same variables, as a shell prints them."""
    return [f"{before}{name}{sign}{quote}{value}{quote}" for name, _, value in (line.partition("=") for line in lines)]


CASES = {
    "services": SERVICES,
    "folders": HOME,
    "declare": declared(HOME),
    "export": declared(HOME, "export ", ""),
    "export with quotes": declared(HOME, "export ", "'"),
    "fish": declared(HOME, "set -gx ", "", " "),
    "some in quotes": [*declared(HOME, "export ", ""), "export PS1='> '"],
    "no value": [*declared(SERVICES), "declare -x OLDPWD"],
    "services declared": declared(SERVICES),
    "twice": [*HOME, *declared(HOME)],
    "values that change": [*HOME, *SERVICES, *(f"{line}x" for line in HOME), *SERVICES],
    "dollars": declared([*HOME, "PS1=$HOME \\$ "]),
    "a function": [*declared([*HOME, *SERVICES]), "BASH_FUNC_f%%=() {  echo 1", "}"],
    "CRLF": declared([f"{line}\r" for line in HOME], quote=""),
    "our signs": [*declared(SERVICES), "*1 A b", "= x", "## y", "[environment]"],
}


@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
@pytest.mark.parametrize("lines", CASES.values(), ids=CASES)
def test_every_kind_comes_back(lines: list[str], end: str) -> None:
    text = "\n".join(lines) + end
    made = ENVIRONMENT.compress(text, GOAL)
    assert made is not None
    assert made.grade == "exact"
    assert len(made.text) < len(text)
    assert ENVIRONMENT.expand(made.text) == text
    assert ENVIRONMENT.compress(made.text, GOAL) is None
    assert ENVIRONMENT.sniff(text, GOAL) >= 0.5


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (SERVICES, [
            '[environment; "*1 A b" is the lines of *1 with A for $0, b for $1]',
            "*1: $0_SERVICE_HOST=$1 $0_SERVICE_PORT=$2 $0_PORT=tcp://$1:$2 $0_PORT_$2_TCP_ADDR=$1",
            "*1 AUTH 10.96.1.7 443", "*1 CART_DB 10.96.31.8 5432", "*1 SHOP 10.96.9.99 80", "*1 WEB 10.96.7.12 8080",
        ]),
        (HOME, [
            "[environment; $NAME is the value of NAME]", "HOME=/home/ann", "VIRTUAL_ENV=$PWD/.venv", *HOME[2:6], "PATH=$PWD/.venv/bin:/home/ann/.local/bin:/usr/bin",
            "PYTHONPATH=$PWD/src:/home/ann/projects/shopping", "NODE_PATH=$PWD/node_modules", "OLDPWD=$PWD/tests",
        ]),
        ([*declared(HOME[3:]), "declare -x X", *declared(HOME[3:6])], [
            '[environment; NAME alone is as above; "= " before other lines]', '## declare -x NAME="value"', *HOME[3:], "= declare -x X", "SHELL", "LANG", "TERM",
        ]),
    ],
    ids=["services", "folders", "declare"],
)
def test_a_form_reads_like_this(lines: list[str], expected: list[str]) -> None:
    made = ENVIRONMENT.compress("\n".join(lines), GOAL)
    assert made is not None
    assert made.text.split("\n") == expected


@pytest.mark.parametrize(
    "text",
    ["", "x = 1\ny=2\n" * 20, "def f(a=1):\n    b=2\n" * 20, "?a=1&b=2\n" * 20, "\n".join(HOME[:5]), "Words of prose.\n" * 20, "2026-11-21 INFO a=1\n" * 20],
    ids=["nothing", "settings", "source", "queries", "few", "prose", "log"],
)
def test_other_texts_are_left_alone(text: str) -> None:
    assert ENVIRONMENT.compress(text, GOAL) is None
    if "HOME" not in text:
        assert ENVIRONMENT.sniff(text, GOAL) == 0.0


@pytest.mark.parametrize("short", ["", "A=1", "[environment]\nA", "[environment]\n*1 A b", "[environment]\n*1: $0_A=$3\n*1 A b", "[environment]\n*1: x\n*1 A b"])
def test_a_damaged_form_is_not_ours(short: str) -> None:
    assert ENVIRONMENT.expand(short) is None


def test_too_many_variables_are_too_costly() -> None:
    with pytest.raises(TooCostly):
        ENVIRONMENT.compress("A=1\n" * MAX_CHARS, GOAL)


NAMES = st.lists(st.sampled_from(["A", "B", "PORT", "HOST", "80", "TCP", "HOME"]), min_size=1, max_size=4).map("_".join).filter(lambda name: not name[0].isdigit())
VALUES = st.one_of(
    st.sampled_from(["", "80", "10.0.0.1", "tcp://10.0.0.1:80", "/home/ann/some/where", "/home/ann/some/where/else:/home/ann/some", "$HOME", "$1", "x y", "*1", "é", "80\r", "value"]),
    st.text('ab/."$ \'=\r', max_size=8),
)
LINES = st.one_of(
    st.builds("{}{}={}".format, st.sampled_from(["", "export ", "declare -x "]), NAMES, VALUES),
    st.builds('{}{}="{}"'.format, st.sampled_from(["export ", "declare -x "]), NAMES, VALUES),
    st.builds("set -gx {} {}".format, NAMES, VALUES),
    st.sampled_from(["declare -x A", "*1 A b", "= x", "## NAME", "", "[environment]", "*1: $0"]),
)
BLOCKS = st.builds(
    lambda stems, suffixes, values: [f"{stem}{suffix}={value}" for stem, row in zip(stems, values, strict=False) for suffix, value in zip(suffixes, row, strict=False)],
    st.lists(NAMES, min_size=3, max_size=6, unique=True), st.lists(st.sampled_from(["_HOST", "_PORT", "_PORT_80", "_80_TCP", "_X"]), min_size=2, max_size=4),
    st.lists(st.lists(st.sampled_from(["80", "81", "10.0.0.1", "tcp://10.0.0.1:80", "http", "a/b"]), min_size=4, max_size=4), min_size=6, max_size=6),
)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.one_of(BLOCKS, LINES.map(lambda line: [line])), min_size=8, max_size=24), st.sampled_from(["", "\n"]))
def test_whatever_is_declared_comes_back(parts: list[list[str]], end: str) -> None:
    text = "\n".join(line for part in parts for line in part) + end
    made = ENVIRONMENT.compress(text, GOAL)
    if made is not None:
        assert ENVIRONMENT.expand(made.text) == text
        assert ENVIRONMENT.compress(text, GOAL) == made


def test_what_shells_print_comes_back() -> None:
    for command in ("export -p", "set", "env"):
        variables = dict(line.split("=", 1) for line in [*HOME, *SERVICES, "BOTH=it's \"1\"", "LINES_OF=a\nb"])
        text = subprocess.run(["/bin/sh", "-c", command], env=variables, capture_output=True, text=True, check=True).stdout
        made = ENVIRONMENT.compress(text, GOAL)
        assert made is not None or command != "export -p"
        assert made is None or ENVIRONMENT.expand(made.text) == text
