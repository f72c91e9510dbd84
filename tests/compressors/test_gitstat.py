"""Statistics of git lose their padding and come back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.gitstat import read_statistics, statistics

BLOCK = [
    " http/__init__.py     |  20 +++++++++---------",
    " http/long_client.py  |  19 ++++++++++++++-----",
    " README.md            |   1 +",
    " image.png            | Bin 0 -> 1234 bytes",
    " {old => new}/file.py |   0",
    " docs/a name.md       |  36 +++++++++---------------------------",
    " 6 files changed, 47 insertions(+), 48 deletions(-)",
]


def test_padding_and_sums_are_said_in_fewer_words() -> None:
    made = statistics(["", *BLOCK, ""], 1)
    assert made is not None
    assert made.end == 1 + len(BLOCK)
    assert made.form == [
        "http/__init__.py 20 +++++++++---------", "/long_client.py 19 ++++++++++++++-----", "README.md 1 +", "image.png Bin 0 -> 1234 bytes",
        "{old => new}/file.py 0", "docs/a name.md 36 +++++++++---------------------------", "+47 -48",
    ]
    assert read_statistics(["x", *made.form, "y"], 1) == (BLOCK, 1 + len(made.form))


@pytest.mark.parametrize("lines", [
    [], [" 1 file changed, 1 insertion(+)"], BLOCK[:3], [*BLOCK[:3], " 4 files changed, 2 insertions(+)"], [" a | 1 +", " 1 files changed, 1 insertions(+)"],
    [" a   | 1 +", " 1 file changed, 1 insertion(+)"], [" a | 0", " 1 file changed"], [" /a | 1 +", " 1 file changed, 1 insertion(+)"],
], ids=str)
def test_what_could_not_come_back_is_left_alone(lines: list[str]) -> None:
    assert statistics(lines, 0) is None


@pytest.mark.parametrize("form", [[], [""], ["+1 -2"], ["a 1 +"], ["a 1 +", ""], ["not a file", "+1"]], ids=str)
def test_what_is_no_form_is_refused(form: list[str]) -> None:
    with pytest.raises(ValueError, match="without a sum"):
        read_statistics(form, 0)


PATH = st.lists(st.sampled_from(["src", "a.py", "b c", "+1", "{x => y}", "é", "5"]), min_size=1, max_size=3).map("/".join)
FILES = st.lists(st.tuples(PATH, st.integers(1, 5000), st.sampled_from([" +", " ++--", " -", ""])), min_size=1, max_size=8)


@settings(deadline=None, max_examples=200)
@given(FILES, st.integers(0, 3), st.integers(0, 3))
def test_any_block_comes_back(files: list[tuple[str, int, str]], plus: int, minus: int) -> None:
    width, digits = max(len(path) for path, _, _ in files), max(len(str(count)) for _, count, _ in files)
    sums = (f", {plus} insertion{'s' * (plus != 1)}(+)" if plus else "") + (f", {minus} deletion{'s' * (minus != 1)}(-)" if minus else "")
    block = [*(f" {path:<{width}} | {count:>{digits}}{bar}" for path, count, bar in files), f" {len(files)} file{'s' * (len(files) != 1)} changed{sums}"]
    made = statistics(block, 0)
    if made is not None:
        assert read_statistics(made.form, 0) == (block, len(made.form))
    else:
        assert not sums
