"""The same bytes leave on every Python, under every hash seed, and whatever the language of the machine."""

from __future__ import annotations

import os
import sys

import pytest

from tests.laws import digests, pythons, whole

SEEDS = 2
PURE = ["-m", "tests.laws.digests", str(SEEDS)]
OTHERS = {
    version: program for version, program in pythons.found(os.environ).items()
    if program != sys.executable
}


@pytest.fixture(scope="module")
def expected() -> str:
    return "".join(f"{told} {digest}\n" for told, digest in digests.digests(SEEDS))


def test_hash_seed_language_and_time_zone_change_no_byte(expected: str) -> None:
    elsewhere = {"PYTHONHASHSEED": "4242", "LC_ALL": "C", "PYTHONUTF8": "0", "TZ": "Asia/Tokyo"}
    assert pythons.printed(sys.executable, PURE, elsewhere) == expected


@pytest.mark.parametrize("version", sorted(OTHERS) or [pytest.param("none", marks=pytest.mark.skip(reason="this machine has no other Python from 3.10 on: nothing was compared"))])
def test_another_python_sends_the_same_bytes(version: str, expected: str) -> None:
    assert pythons.printed(OTHERS[version], PURE, {}) == expected


def test_hash_seed_changes_no_byte_of_whole_sessions() -> None:
    """By the set order of this process, which pytest was started with, and another."""
    expected = "".join(f"{told} {digest}\n" for told, digest in whole.digests(1))
    assert pythons.printed(sys.executable, ["-m", "tests.laws.whole", "1"], {"PYTHONHASHSEED": "99"}) == expected
