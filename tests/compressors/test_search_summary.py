"""A search result may be cut, but no file of it is lost, nor what was asked for, nor the count of what is not shown."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom.compressors.base import Goal, TooCostly
from headroom.compressors.lines import view
from headroom.compressors.lines.folds import lines_named
from headroom.compressors.search_summary import MAX_CHARS, MOST, SHARE, SearchSummary

SUMMARY = SearchSummary()
GOAL = Goal(tool="Grep")


def code(i: int) -> str:
    return f"        value = queue.get(block=True, timeout={i % 7}) or fallback(None)"


def numbered(files: int, each: int) -> list[str]:
    return [f"src/pkg{f % 3}/part{f}.py:{i * 7 + 3}:{code(i)}" for f in range(files) for i in range(each)]


def headed(files: int, each: int) -> list[str]:
    return "\n\n".join("\n".join([f"src/pkg/part{f}.py", *(f"{i * 7 + 3}:{code(i)}" for i in range(each))]) for f in range(files)).split("\n")


def context(files: int, each: int) -> list[str]:
    rows: list[str] = []
    for f in range(files):
        for i in range(each):
            at = i * 9 + 5
            rows += [f"src/a-1-b/part{f}.py{sign}{at + step}{sign}{code(step)}" for step, sign in ((-2, "-"), (-1, "-"), (0, ":"), (1, "-"), (2, "-"))]
            rows.append("--")
    return rows[:-1]


def sole(hits: int) -> list[str]:
    return [f"{i * 7 + 3}:{code(i)}" for i in range(hits)]


CASES = {
    "numbered": numbered(8, 40),
    "absolute": [f"/srv/app/{line}" for line in numbered(8, 40)],
    "windows": ["C:\\srv\\" + line for line in numbered(8, 40)],
    "columns": [re.sub(r":(\d+):", r":\1:9:", line) for line in numbered(8, 40)],
    "no numbers": [re.sub(r":\d+:", ":", line) for line in numbered(8, 40)],
    "one file": numbered(1, 400),
    "headings": headed(8, 40),
    "one file, no name": sole(400),
    "one file, no name, context": [line for i in range(200) for line in (f"{i * 5 + 1}-before", f"{i * 5 + 2}:{code(i)}", "--")],
    "context": context(8, 40),
    "a header, a warning, an end that is cut": ["Found 320 matches", *numbered(8, 40), "grep: src/x: Permission denied", "src/pkg0/par"],
    "CRLF": [f"{line}\r" for line in numbered(8, 40)],
}


def shown(lines: list[str], query: str = "") -> set[int]:
    """Indexes of the lines that a summary shows."""
    made = SUMMARY.compress("\n".join(lines), Goal(query=query))
    assert made is not None
    assert made.grade == "lossy"
    found = view.numbered(made.text, lines)
    assert found is not None
    return set(found)


@pytest.mark.parametrize("lines", CASES.values(), ids=CASES)
def test_a_third_is_shown_and_every_file(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert SUMMARY.sniff(text, GOAL) >= 0.5
    made = SUMMARY.compress(text, GOAL)
    assert made is not None
    assert len(made.text) < 0.5 * len(text)
    names = set(re.findall(r"part\d+\.py", text))
    assert set(re.findall(r"part\d+\.py", made.text)) == names
    assert SUMMARY.compress(made.text, GOAL) is None


def test_a_summary_reads_like_this() -> None:
    made = SUMMARY.compress("\n".join([*numbered(1, 300), "src/b.py:1:import queue"]), GOAL)
    assert made is not None
    rows = made.text.split("\n")
    assert rows[:6] == [*numbered(1, 4), "… 5-10 (6 hits)", numbered(1, 11)[-1]]
    assert rows[-1] == "src/b.py:1:import queue"
    assert made.omitted.endswith("of 301 lines (… names them)")


def test_definitions_come_before_other_hits() -> None:
    lines = numbered(4, 60)
    definitions = {
        13: "def queue_of(name):", 47: "export const queue = () => {", 85: "pub(crate) fn queue() -> Queue {", 133: "class Queue(Generic[T]):",
        150: "    async def get(self):", 171: "func (s *Server) queue() {", 190: "#define QUEUE 1", 201: "export default interface Queue {",
        222: "QUEUE_SIZE: int = 3", 233: "struct queue *queue_new(void);",
    }
    for at, definition in definitions.items():
        lines[at] = f"src/pkg{at // 60}/part{at // 60}.py:{at}:{definition}"
    assert set(definitions) <= shown(lines)


def test_what_the_question_names_is_shown_unless_it_is_the_rule() -> None:
    lines = numbered(4, 60)
    lines[77] = "src/pkg1/part1.py:900:    self.refill_tokens(limit)"
    assert 77 in shown(lines, "where does refill_tokens come from?")
    assert len(shown(lines, "what is the value of the queue?")) < 100


def test_trouble_is_shown_where_it_is_rare() -> None:
    lines = numbered(4, 60)
    lines[77] = "src/pkg1/part1.py:900:    # deprecated: queue"
    assert 77 in shown(lines)


def test_a_hit_is_shown_with_its_context() -> None:
    lines = context(4, 50)
    found = shown(lines)
    for i in found:
        if re.match(r"src/a-1-b/part\d+\.py:", lines[i]):
            assert {i - 2, i - 1, i + 1, i + 2} <= found


def test_a_gap_names_its_file_if_that_is_not_the_one_above() -> None:
    lines = numbered(2, 100)
    mixed = [line for pair in zip(lines[:100], lines[100:], strict=True) for line in pair]
    made = SUMMARY.compress("\n".join(mixed), GOAL)
    assert made is not None
    assert re.search(r"\(\d+ hits in 2 files\)", made.text)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        numbered(3, 50),
        [f"12:{i // 60 % 60:02}:{i % 60:02}: worker {i % 7} handled request {i}" for i in range(400)],
        [f"2026-11-21T10:{i // 60 % 60:02}:{i % 60:02}.123Z INFO handled {i}" for i in range(400)],
        [f"src/a{i % 9}.c:{i}:7: error: expected ';' before 'x'" for i in range(400)],
        [f"src/a{i % 9}.py:{i}: error: Incompatible types [assignment]" for i in range(400)],
        [f"src/a{i % 9}.py:{i}:4: E501 Line too long" for i in range(400)],
        [f"tests/test_a{i % 9}.py::test_{i} PASSED" for i in range(400)],
        [line for i in range(200) for line in (f'  File "/srv/app/a{i}.py", line {i}, in f', f"    g({i})")],
        [f"src/pkg/part{i}.py:{i}" for i in range(400)],  # grep -c
        [f"src/pkg/part{i}.py" for i in range(400)],  # grep -l
        [f"{i}:{code(i)}" for i in range(400)],
        [f"app.name{i}: value" for i in range(400)],
        [f"{i:>6}\t{code(i)}" for i in range(400)],
    ],
    ids=["nothing", "few", "times", "stamps", "gcc", "mypy", "ruff", "pytest", "traceback", "counts", "names", "numbers", "settings", "read"],
)
def test_other_texts_are_left_alone(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert SUMMARY.compress(text, GOAL) is None
    if len(lines) != 150:
        assert SUMMARY.sniff(text, GOAL) == 0.0


def test_too_long_a_result_is_too_costly() -> None:
    with pytest.raises(TooCostly):
        SUMMARY.compress("x" * (MAX_CHARS + 1), GOAL)


PATHS = st.sampled_from(["/a/b/c.py", "/a/b/d-3-e.py", "/a/x", "f.py", "./g/h.rs", "2-x.c", "C:\\a\\b.c", "src/deep/er/i.ts"])
TEXTS = st.sampled_from(["", "x = 1", "def f(x):", "    return x # é", "error", "const y = 2", "-3-", "needle", "some other words of it", "= :"])
HIT = st.builds("{}:{}:{}".format, PATHS, st.integers(0, 99), TEXTS)
STRETCHES = st.builds(lambda path, rows: [f"{path}:{n}:{text}" for n, text in rows], PATHS, st.lists(st.tuples(st.integers(0, 999), TEXTS), min_size=20, max_size=90))
LINES = st.one_of(HIT, st.builds("{}-{}-{}".format, PATHS, st.integers(0, 99), TEXTS), st.just("--"), TEXTS)
RESULTS = st.builds(
    lambda stretches, odd, end: [*(line for part in stretches for line in part), *odd, *end],
    st.lists(st.one_of(STRETCHES, st.lists(HIT, min_size=20, max_size=60)), min_size=4, max_size=8), st.lists(LINES, max_size=20), st.sampled_from([[], [""]]),
)
FILE = re.compile(r"(.{2,}?):\d+:")


@settings(deadline=None, max_examples=80)
@given(RESULTS, st.sampled_from(["", "where is the needle", "f.py and words"]))
def test_no_file_is_lost_what_is_shown_is_verbatim_and_counts_are_right(lines: list[str], query: str) -> None:
    text = "\n".join(lines)
    made = SUMMARY.compress(text, Goal(query=query))
    if made is None:
        return
    found = view.numbered(made.text, lines)
    assert found is not None
    files = {i: match[1] for i, line in enumerate(lines) if (match := FILE.match(line))}
    assert {files[i] for i in found if i in files} == set(files.values())
    assert lines_named(text, query) <= set(found)
    assert sum(i in files for i in found) <= min(MOST, SHARE * len(files)) + len(set(files.values())) + len(lines_named(text, query)) + _bridged(lines, found)
    for first, last, count in re.findall(r"^… (\d+)(?:-(\d+))? \((\d+) hits?\b", made.text, re.MULTILINE):
        assert int(count) == sum(i in files for i in range(int(first) - 1, int(last or first)))
    assert len(files) == sum(i in files for i in found) + sum(int(n) for n in re.findall(r"^… [\d-]+ \((\d+) hits?\b", made.text, re.MULTILINE))
    assert SUMMARY.compress(text, Goal(query=query)) == made
    again = SUMMARY.compress(made.text, Goal(query=query))
    assert again is None or again.text == made.text


def _bridged(lines: list[str], found: dict[int, str]) -> int:
    """Short lines, which may stand in the place of a gap."""
    return sum(len(lines[i]) <= 40 for i in found)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 3_000_000, ":" * 300_000, "-1" * 150_000, "a\n" * 200_000, "\n" * 200_000, "\0" * 300_000,
        "".join(f"/a/{i}.c:1:x\n" for i in range(20_000)),
        "a.c:1:x\n" * 200 + "".join(f"a.c-{i}-" for i in range(50_000)),
        "".join(f"/a.c:{i}:{' ' * 90}\r\n" for i in range(2_000)),
        "1:a\n" * 100_000,
        "/a/b.c\n1:x\n" * 50_000,
        "a/😀.c:1:" + "x" * 2_000_000 + "\n" + "a/😀.c:2:😀\n" * 1_000,
    ],
    ids=["line", "colons", "dashes", "short", "empty", "nul", "files", "context", "blanks", "numbers", "headings", "wide"],
)
def test_hostile_texts_are_survived(text: str) -> None:
    SUMMARY.sniff(text, GOAL)
    made = SUMMARY.compress(text, GOAL)
    assert made is None or len(made.text) < len(text)
